"""Which nodes live, found out by watching their leases."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.storage.roster import UNSEEN_S, Node, Roster, read_nodes
from chargecloud.storage.slots import LEASE_S, RENEW_S, lease_slot, release_slot
from tests.harness import clock_at, open_store

#: a lease's own time says nothing: clocks of nodes need not agree
NEVER = 0


def lease(slot: int, until_ms: int = NEVER, roles: str = "gateway", holder: str = "h:1") -> Node:
    """A lease as it is written down."""
    return Node(slot, holder, until_ms, frozenset(roles.split()), is_draining=False)


@pytest.mark.sqlite
def test_a_node_that_renews_lives_whatever_its_clock_says() -> None:
    """Its lease ran out long ago by our clock, or runs for years."""
    roster = Roster(0)
    for look in range(100):
        found = [lease(1, look), lease(2, 10**15 + look)]
        roster.look(found, look * RENEW_S)
        assert roster.live == {0, 1, 2}


@pytest.mark.sqlite
def test_a_node_that_renews_no_more_is_gone_after_a_lease() -> None:
    """Not a moment before; and it lives again as soon as it renews."""
    roster = Roster(0)
    looks = int(LEASE_S / RENEW_S)
    for look in range(looks):
        roster.look([lease(1)], 1000 + look * RENEW_S)
        assert roster.live == {0, 1}
    roster.look([lease(1)], 1000 + LEASE_S)
    assert roster.live == {0}
    roster.look([lease(1, 1)], 1000 + LEASE_S + RENEW_S)
    assert roster.live == {0, 1}


@pytest.mark.sqlite
def test_another_process_in_a_slot_lives() -> None:
    """Even if its lease happens to run as long as that of the one before."""
    roster = Roster(0)
    roster.look([lease(1)], 0)
    for look in range(1, 6):
        roster.look([lease(1)], look * RENEW_S)
    roster.look([lease(1, holder="h:2")], LEASE_S)
    assert roster.live == {0, 1}


@pytest.mark.sqlite
def test_a_time_in_which_nothing_could_be_read_says_nothing() -> None:
    """The database was away: nobody could renew; the time begins anew when it is back."""
    roster = Roster(0)
    roster.look([lease(1)], 0)
    for look in range(1, 100):
        roster.blind(look * RENEW_S)
        assert roster.live == {0, 1}
    back_s = 99 * RENEW_S
    roster.look([lease(1)], back_s + RENEW_S)
    assert roster.live == {0, 1}
    for look in range(2, 7):
        roster.look([lease(1)], back_s + look * RENEW_S)
    assert roster.live == {0}


@pytest.mark.sqlite
def test_a_node_that_was_held_up_itself_says_nothing_of_others() -> None:
    """A machine that slept wakes all its processes; the first to look finds the others'
    leases as they were."""
    roster = Roster(0)
    roster.look([lease(1)], 0)
    roster.look([lease(1)], 3600)
    assert roster.live == {0, 1}
    roster.look([lease(1, 1)], 3600 + RENEW_S)
    assert roster.live == {0, 1}


@pytest.mark.sqlite
def test_this_node_always_lives() -> None:
    """Looked for or not, and whatever is found; but it has no role that it does not tell."""
    roster = Roster(4)
    assert roster.live == {4}
    roster.look([lease(1)], 0)
    assert roster.live == {1, 4}
    assert roster.doing("gateway") == [1]


@pytest.mark.sqlite
def test_those_that_do_something_are_told_in_order() -> None:
    """Only the living, by their slots."""
    roster = Roster(0)
    found = [lease(7, roles="worker web"), lease(2, roles="worker"), lease(5)]
    roster.look(found, 0)
    assert roster.doing("worker") == [2, 7]
    assert roster.doing("web") == [7]
    assert roster.doing("moon") == []


@given(
    st.lists(
        st.tuples(st.floats(0.1, 3 * LEASE_S), st.booleans(), st.booleans()),
        min_size=1,
        max_size=60,
    )
)
@pytest.mark.sqlite
def test_nobody_is_found_dead_who_could_not_be_seen_for_a_lease(
    steps: list[tuple[float, bool, bool]],
) -> None:
    """Whatever the gaps between looks, and whichever of them fail: gone is who has not renewed
    in a lease's length of time that was looked through."""
    roster = Roster(0)
    roster.look([lease(1)], 0)
    now_s, renewals, watched_s = 0.0, 0, 0.0
    for after_s, can_see, renews in steps:
        now_s += after_s
        if not can_see:
            roster.blind(now_s)
            watched_s = 0.0
            continue
        renewals += renews
        roster.look([lease(1, renewals)], now_s)
        if renews or after_s > 2 * UNSEEN_S:
            watched_s = 0.0
        else:
            watched_s += after_s
        assert 1 in roster.live or watched_s >= LEASE_S * (1 - 1e-9)


def test_a_slot_that_was_given_back_is_nobodys(tmp_path: Path) -> None:
    """It is not waited for: who gave it back is gone at the next look."""
    store = open_store(tmp_path, clock_at())
    with store.engine.begin() as connection:
        for holder in ("one:1", "two:1"):
            lease_slot(connection, holder, 1000, roles="gateway web")
        both = read_nodes(connection)
        assert [(each.slot, each.holder) for each in both] == [(0, "one:1"), (1, "two:1")]
        assert both[0].roles == {"gateway", "web"}
        release_slot(connection, 0, "one:1", 1001)
        left = read_nodes(connection)
    roster = Roster(1)
    roster.look(both, 0)
    assert roster.live == {0, 1}
    roster.look(left, RENEW_S)
    assert roster.live == {1}
    store.engine.dispose()
