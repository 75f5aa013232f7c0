"""The terms of a split rule: JSON that a person wrote, checked, and made into a rule.

C{electricity}, C{service} and C{occupancy} each list shares::

    {"party_id": "…", "basis_points": 500}                       5 percent
    {"party_id": "…", "fixed_fen": 10}                           for each order
    {"party_id": "…", "tiers": [{"up_to_fen": 100, "basis_points": 1000}, {"basis_points": 2000}]}
    {"party_id": "…", "rest": true}                              what the others leave
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from chargecloud.domain.errors import Invalid
from chargecloud.domain.split import WHOLE, FeeKind, Rule, Share, Tier
from chargecloud.money.terms import MAX_PRICE, Faults, place
from chargecloud.routes import read_id

#: shares of a fee, and tiers of a share: more than anybody has been seen to agree on
MOST_SHARES = 20
MOST_TIERS = 20
MOST_FEN = 100_000_000
#: of what a channel brings it takes less than a tenth, or somebody has slipped
MOST_CHANNEL_FEE = 1_000

_SHARES = ("basis_points", "fixed_fen", "tiers", "rest")
_FEES = tuple(fee.value for fee in FeeKind)


@frozen
class Reimbursement:
    """
    Electricity that a party pays for by a site's master meter, and is given back.

    @ivar party_id: who has paid for it, and C{payer_id} gives it back.
    @ivar price: in 1e-5 yuan for a kWh.
    """

    party_id: int
    payer_id: int
    price: int


def check(terms: Mapping[str, Any], site_id: int | None) -> Mapping[str, Any]:
    """
    The terms with their defaults.

    @param site_id: the site that the rule is for; C{None}: for all.
    @raise Invalid: naming all that is wrong with them.
    """
    faults = Faults()
    given = faults.members(
        "",
        terms,
        ("electricity", "service"),
        ("occupancy", "least_fen", "channel_fees", "reimbursement"),
    )
    least_fen = given.get("least_fen", 0)
    faults.whole_number("/least_fen", least_fen, 0, MOST_FEN)
    for fee in _FEES:
        if fee in given:
            _check_shares(faults, f"/{fee}", given[fee], needs_rest=least_fen != 0)
    _check_channel_fees(faults, given.get("channel_fees", {}))
    if "reimbursement" in given:
        _check_reimbursement(faults, given["reimbursement"], site_id)
    if faults.found:
        errors = [
            {"pointer": f"/terms{each['where']}", "detail": each["what"]} for each in faults.found
        ]
        raise Invalid(f"the terms have {len(errors)} faults", errors=errors)
    return {"least_fen": 0, "channel_fees": {}, **given}


def _check_shares(faults: Faults, where: str, shares: object, *, needs_rest: bool) -> None:
    if not isinstance(shares, list) or not 0 < len(shares) <= MOST_SHARES:
        faults.add(where, f"must be a list of 1 to {MOST_SHARES} shares")
        return
    kinds: list[str] = []
    parties: set[int] = set()
    for index, share in enumerate(shares):
        here = place(where, index)
        given = faults.members(here, share, ("party_id",), _SHARES)
        kind = [each for each in _SHARES if each in given]
        if len(kind) != 1:
            faults.add(here, f"must have one of {', '.join(_SHARES)}")
            continue
        kinds += kind
        party_id = _party_id(faults, place(here, "party_id"), given.get("party_id"))
        if party_id in parties:
            faults.add(place(here, "party_id"), "has a share of this fee already")
        elif party_id is not None:
            parties.add(party_id)
        _check_share(faults, place(here, kind[0]), kind[0], given[kind[0]])
    if kinds.count("rest") > 1:
        faults.add(where, "can have one share of the rest")
    if len(kinds) < len(shares):
        return
    points = sum(map(_least_points, shares))
    if points > WHOLE:
        faults.add(where, f"takes more than {WHOLE} basis_points of each order")
    elif "rest" in kinds:
        return
    elif needs_rest:
        faults.add(where, "needs a share of the rest: orders below least_fen go to it")
    elif set(kinds) != {"basis_points"} or points != WHOLE:
        faults.add(where, f"needs a share of the rest, or basis_points that sum to {WHOLE}")


def _least_points(share: Mapping[str, Any]) -> int:
    """What a share takes of an order of whatever amount, in basis points; of what is no share
    nothing, as that is told already."""
    tiers = share.get("tiers")
    parts = tiers if isinstance(tiers, list) else [share]
    points = [each.get("basis_points") for each in parts if isinstance(each, Mapping)]
    return min((each for each in points if isinstance(each, int)), default=0)


def _check_share(faults: Faults, where: str, kind: str, value: object) -> None:
    if kind == "basis_points":
        faults.whole_number(where, value, 0, WHOLE)
    elif kind == "fixed_fen":
        faults.whole_number(where, value, 0, MOST_FEN)
    elif kind == "rest":
        if value is not True:
            faults.add(where, "must be true")
    elif not isinstance(value, list) or not 0 < len(value) <= MOST_TIERS:
        faults.add(where, f"must be a list of 1 to {MOST_TIERS} tiers")
    else:
        _check_tiers(faults, where, value)


def _check_tiers(faults: Faults, where: str, tiers: list[object]) -> None:
    before = 0
    for index, tier in enumerate(tiers):
        here = place(where, index)
        is_last = index == len(tiers) - 1
        needed = ("basis_points",) if is_last else ("basis_points", "up_to_fen")
        given = faults.members(here, tier, needed)
        faults.whole_number(place(here, "basis_points"), given.get("basis_points"), 0, WHOLE)
        if not is_last:
            end = given.get("up_to_fen")
            faults.whole_number(place(here, "up_to_fen"), end, before + 1, MOST_FEN)
            before = end if isinstance(end, int) else before


def _check_channel_fees(faults: Faults, fees: object) -> None:
    if not isinstance(fees, Mapping):
        faults.add("/channel_fees", "must be an object")
        return
    for name, points in fees.items():
        faults.whole_number(place("/channel_fees", name), points, 0, MOST_CHANNEL_FEE)


def _check_reimbursement(faults: Faults, value: object, site_id: int | None) -> None:
    where = "/reimbursement"
    given = faults.members(where, value, ("party_id", "payer_id", "price"))
    party_id, payer_id = (
        _party_id(faults, place(where, name), given.get(name)) for name in ("party_id", "payer_id")
    )
    faults.whole_number(place(where, "price"), given.get("price"), 1, MAX_PRICE)
    if party_id is not None and party_id == payer_id:
        faults.add(where, "must be from one party to another")
    if site_id is None:
        faults.add(where, "is for the rule of one site, as meters are")


def _party_id(faults: Faults, where: str, value: object) -> int | None:
    """The id that is meant: "01" is the party that "1" is."""
    try:
        return read_id(value)
    except ValueError:
        faults.add(where, "must be the id of a party")
        return None


def parties_of(terms: Mapping[str, Any]) -> set[int]:
    """Who is in some terms that were checked."""
    found = {int(each["party_id"]) for fee in _FEES for each in terms.get(fee, ())}
    if reimbursement := reimbursement_of(terms):
        found |= {reimbursement.party_id, reimbursement.payer_id}
    return found


def rule_of(terms: Mapping[str, Any]) -> Rule:
    """The rule that some terms make that were checked."""
    electricity, service, occupancy = (
        tuple(_share(each) for each in terms.get(fee, ())) for fee in _FEES
    )
    return Rule(electricity, service, occupancy, terms["least_fen"], dict(terms["channel_fees"]))


def _share(given: Mapping[str, Any]) -> Share:
    tiers = tuple(
        Tier(each.get("up_to_fen"), each["basis_points"]) for each in given.get("tiers", ())
    )
    return Share(int(given["party_id"]), given.get("basis_points"), given.get("fixed_fen"), tiers)


def reimbursement_of(terms: Mapping[str, Any]) -> Reimbursement | None:
    """Who is given electricity back, if anybody is."""
    given = terms.get("reimbursement")
    if given is None:
        return None
    return Reimbursement(int(given["party_id"]), int(given["payer_id"]), given["price"])
