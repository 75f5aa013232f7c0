"""Revenue split: parts sum to the base whatever the shares are, and go back whole."""

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chargecloud.domain.split import (
    CHANNEL,
    WHOLE,
    Amounts,
    Inapplicable,
    Parts,
    Rule,
    Share,
    Tier,
    difference,
)

PLATFORM, OPERATOR, OWNER, AGENT = 1, 2, 3, 4
fen = st.integers(0, 50_000)
amounts = st.tuples(fen, fen, fen)


@st.composite
def percents(draw: st.DrawFn) -> tuple[Share, ...]:
    """Shares in percent that make the whole."""
    cuts = sorted(draw(st.lists(st.integers(0, WHOLE), min_size=1, max_size=4)))
    edges = [0, *cuts, WHOLE]
    return tuple(
        Share(party, basis_points=high - low)
        for party, (low, high) in enumerate(itertools.pairwise(edges), 1)
    )


@st.composite
def mixed(draw: st.DrawFn) -> tuple[Share, ...]:
    """Shares of all kinds, and somebody who gets the rest."""
    ends = sorted(draw(st.sets(st.integers(1, 40_000), max_size=3)))
    points = st.integers(0, 3_000)
    tiers = tuple(Tier(end, draw(points)) for end in [*ends, None])
    return (
        Share(PLATFORM, basis_points=draw(points)),
        Share(OPERATOR),
        Share(OWNER, fixed_fen=draw(st.integers(0, 300))),
        Share(AGENT, tiers=tiers),
    )


shares = st.one_of(percents(), mixed())
fees = st.dictionaries(st.sampled_from(["wallet", "sandbox"]), st.integers(0, 300))
rules = st.builds(Rule, shares, shares, st.just(()) | shares, st.integers(0, 200), fees)


def _sums(parts: Parts) -> Amounts:
    electricity, service, occupancy = (sum(each[of] for each in parts.values()) for of in range(3))
    return electricity, service, occupancy


def _split(rule: Rule, paid: Amounts, through: str = "wallet") -> dict[int, Amounts]:
    try:
        return rule.split(paid, through)
    except Inapplicable:
        assume(False)
        raise


@given(rules, amounts, st.sampled_from(["wallet", "sandbox"]))
def test_parts_sum_to_what_was_paid(rule: Rule, paid: Amounts, through: str) -> None:
    """With what the channel took, fee by fee; nobody has less than nothing."""
    parts = _split(rule, paid, through)
    assert _sums(parts) == paid
    assert all(each >= 0 for part in parts.values() for each in part)


@given(mixed(), st.sampled_from([PLATFORM, OPERATOR]), st.integers(0, 3_000), amounts)
def test_a_party_with_two_shares_gets_both(
    shares: tuple[Share, ...], party: int, points: int, paid: Amounts
) -> None:
    """Nothing is lost between them, also if one of them is the rest."""
    twice = (*shares, Share(party, basis_points=points))
    assert _sums(_split(Rule(twice, twice), paid)) == paid


@given(rules, amounts, st.randoms())
def test_the_order_of_shares_changes_nothing(rule: Rule, paid: Amounts, random: object) -> None:
    """Those of equal remainders have their order from their ids."""
    backwards = Rule(
        rule.electricity[::-1],
        rule.service[::-1],
        rule.occupancy[::-1],
        rule.least_fen,
        rule.channel_fees,
    )
    assert _split(rule, paid) == backwards.split(paid)


@given(rules, amounts, amounts)
def test_what_is_called_back_is_what_was_given(rule: Rule, paid: Amounts, left: Amounts) -> None:
    """By one way or in steps; when all has gone back, all is called back."""
    first, then = _split(rule, paid), _split(rule, left)
    back = difference(first, {})
    assert {party: tuple(-each for each in part) for party, part in back.items()} == first
    step, last = difference(first, then), difference(then, {})
    for party in first.keys() | then.keys():
        parts = zip(step.get(party, (0, 0, 0)), last.get(party, (0, 0, 0)), strict=True)
        was = first.get(party, (0, 0, 0))
        assert tuple(a + b for a, b in parts) == tuple(-each for each in was)
    assert rule.split((0, 0, 0)) == {}


@given(percents(), st.integers(1, 50_000))
def test_no_part_is_a_fen_away(shares: tuple[Share, ...], base_fen: int) -> None:
    """Of what it would be exactly."""
    parts = Rule(shares, shares).split((base_fen, 0, 0))
    for each in shares:
        exact = base_fen * (each.basis_points or 0) / WHOLE
        assert abs(parts.get(each.party_id, (0, 0, 0))[0] - exact) < 1


def test_four_levels() -> None:
    """The channel first, then everybody by fee; occupancy goes as service does."""
    rule = Rule(
        electricity=(Share(OWNER),),
        service=(
            Share(PLATFORM, basis_points=500),
            Share(OPERATOR),
            Share(OWNER, fixed_fen=10),
            Share(AGENT, tiers=(Tier(100, 1_000), Tier(None, 2_000))),
        ),
        channel_fees={"sandbox": 60},
    )
    parts = rule.split((600, 400, 0), "sandbox")
    # 6 fen of 1000 are the channel's: 3.6 and 2.4, so 4 and 2
    assert parts[CHANNEL] == (4, 2, 0)
    # 398: 19.9, 10, 10 + 59.6, and the rest, 298.5
    assert parts[OWNER] == (596, 10, 0)
    assert (parts[PLATFORM][1], parts[AGENT][1], parts[OPERATOR][1]) == (20, 70, 298)
    assert rule.split((0, 0, 398))[OWNER] == (0, 0, 10)


def test_what_cannot_be_shared() -> None:
    """More than there is, and less than all of it with nobody who gets the rest."""
    rich = Rule((Share(OWNER, fixed_fen=50), Share(OPERATOR)), (Share(OPERATOR),))
    with pytest.raises(Inapplicable, match="shares-exceed-base"):
        rich.split((49, 0, 0))
    assert rich.split((50, 0, 0)) == {OWNER: (50, 0, 0)}
    short = Rule((), (Share(OPERATOR, basis_points=9_999),))
    with pytest.raises(Inapplicable, match="shares-leave-a-rest"):
        short.split((0, 1, 0))
    with pytest.raises(Inapplicable, match="shares-leave-a-rest"):
        short.split((1, 0, 0))


def test_what_is_little_is_left_whole() -> None:
    """An order of which less than the least is left after the channel is not worth a split."""
    rule = Rule(
        (Share(OPERATOR), Share(OWNER, basis_points=5_000)),
        (Share(OPERATOR), Share(AGENT, fixed_fen=90)),
        least_fen=100,
    )
    assert rule.split((50, 49, 0)) == {OPERATOR: (50, 49, 0)}
    assert rule.split((10, 90, 0)) == {OPERATOR: (5, 0, 0), OWNER: (5, 0, 0), AGENT: (0, 90, 0)}
