"""The terms of a composed tariff, checked with every fault and its place."""

from collections.abc import Mapping
from typing import Any

from chargecloud.domain.units import DAY
from chargecloud.money.by_calendar import MEMBERS, canonical, check_calendar
from chargecloud.money.terms import MAX_PRICE, Faults, place

MOST_FEN = 100_000
MOST_TIERS, MOST_DISCOUNTS = 8, 8
#: above any charger, in W
MOST_POWER_W = 1_000_000
MOST_NAME_LENGTH = 32
_WHOLE = 100

_PARTS = ("time", "start_fee", "occupancy", "discounts", "least_fen", "most_fen", "rounding")
#: each line is rounded half up to the fen; lines for time in several tiers are rounded together
ROUNDING = "line"
_FEES = ("electricity", "service")
_TIME = {
    "price_fen": (0, MOST_FEN),
    "block_s": (1, DAY),
    "step_s": (1, DAY),
    "least_s": (0, DAY),
    "electricity": (0, MAX_PRICE),
    "dwell_s": (0, DAY),
}
_OCCUPANCY = {
    "grace_s": (0, DAY),
    "price_fen": (0, MOST_FEN),
    "block_s": (1, DAY),
    "step_s": (1, DAY),
    "most_fen": (1, MOST_FEN),
}


def check(terms: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    The terms in their canonical form.

    @raise TariffError: naming every fault with its place.
    """
    faults = Faults()
    given = faults.members("", terms, (), (*MEMBERS, *_PARTS))
    has_calendar = any(name in given for name in MEMBERS)
    if has_calendar:
        for name in MEMBERS:
            if name not in given:
                faults.add(place("", name), "is missing")
        check_calendar(faults, given)
    elif "time" not in given:
        faults.add("", "must price energy (rates, days, calendar), or time, or both")
    if "time" in given:
        _check_time(faults, given["time"], has_calendar=has_calendar)
    if "start_fee" in given:
        _check_start_fee(faults, given["start_fee"], has_time="time" in given)
    if "occupancy" in given:
        here = faults.members(
            "/occupancy", given["occupancy"], ("price_fen", "block_s"), tuple(_OCCUPANCY)
        )
        _check_numbers(faults, "/occupancy", here, _OCCUPANCY)
    if "discounts" in given:
        _check_discounts(faults, given["discounts"])
    if given.get("rounding", ROUNDING) != ROUNDING:
        faults.add("/rounding", f"must be {ROUNDING}")
    for name in ("least_fen", "most_fen"):
        if name in given:
            faults.whole_number(place("", name), given[name], 1, MOST_FEN)
    if not faults.found and _covers(given) and given["time"].get("least_s"):
        faults.add("/time/least_s", "must not be given: the start fee covers the first seconds")
    if not faults.found and given.get("least_fen", 0) > given.get("most_fen", MOST_FEN):
        faults.add("/most_fen", "must not be below least_fen")
    faults.refuse()
    return _canonical(given, has_calendar=has_calendar)


def _covers(given: Mapping[str, Any]) -> bool:
    return bool(given.get("start_fee", {}).get("covers_s"))


def _canonical(given: Mapping[str, Any], *, has_calendar: bool) -> Mapping[str, Any]:
    made: dict[str, Any] = canonical(given) if has_calendar else {}
    made["rounding"] = ROUNDING
    if "time" in given:
        time = {"step_s": 1, "least_s": 0, **given["time"]}
        if "tiers" in time:
            time |= {
                "tiers": [dict(tier) for tier in time["tiers"]],
                "dwell_s": time.get("dwell_s", 0),
                "falls": time.get("falls", False),
            }
        made["time"] = time
    if "occupancy" in given:
        made["occupancy"] = {"grace_s": 0, "step_s": 1, **given["occupancy"]}
    if "start_fee" in given:
        made["start_fee"] = {"covers_s": 0, **given["start_fee"]}
    if "discounts" in given:
        made["discounts"] = [{**each, "of": list(each["of"])} for each in given["discounts"]]
    return made | {name: given[name] for name in ("least_fen", "most_fen") if name in given}


def _check_time(faults: Faults, value: object, *, has_calendar: bool) -> None:
    required = ["price_fen", "block_s"]
    if not has_calendar:
        # without a price a kWh, notice 537/2024 still wants electricity to be told apart
        required.append("electricity")
    given = faults.members("/time", value, required, (*_TIME, "tiers", "falls"))
    _check_numbers(faults, "/time", given, _TIME)
    if has_calendar and "electricity" in given:
        faults.add("/time/electricity", "must not be given: the rates have electricity's price")
    if "falls" in given and not isinstance(given["falls"], bool):
        faults.add("/time/falls", "must be true or false")
    if "tiers" in given:
        _check_tiers(faults, given["tiers"], given.get("block_s"))
        return
    for name in ("dwell_s", "falls"):
        if name in given:
            faults.add(place("/time", name), "says nothing without tiers")


def _check_tiers(faults: Faults, tiers: object, block_s: object) -> None:
    where = "/time/tiers"
    if not isinstance(tiers, list) or not 2 <= len(tiers) <= MOST_TIERS:
        faults.add(where, f"must be a list of 2 to {MOST_TIERS} tiers")
        return
    below = 0
    for index, tier in enumerate(tiers):
        here, is_last = place(where, index), index == len(tiers) - 1
        given = faults.members(here, tier, ("percent",), ("up_to_w",))
        if "percent" in given:
            faults.whole_number(f"{here}/percent", given["percent"], 1, _WHOLE)
            if (
                isinstance(given["percent"], int)
                and isinstance(block_s, int)
                and block_s * given["percent"] % _WHOLE
            ):
                faults.add(f"{here}/percent", "must leave whole seconds of the block")
        power_w = given.get("up_to_w")
        if power_w is None and not is_last:
            faults.add(here, "has no up_to_w: no tier behind it is ever reached")
        elif power_w is not None and is_last:
            faults.add(f"{here}/up_to_w", "must not be given: powers above it have no tier")
        elif power_w is not None:
            faults.whole_number(f"{here}/up_to_w", power_w, 1, MOST_POWER_W)
            if isinstance(power_w, int):
                if power_w <= below:
                    faults.add(here, f"is never reached: the tier before goes up to {below} W")
                below = power_w


def _check_start_fee(faults: Faults, value: object, *, has_time: bool) -> None:
    given = faults.members("/start_fee", value, ("fen",), ("covers_s",))
    limits = {"fen": (0, MOST_FEN), "covers_s": (0, DAY)}
    _check_numbers(faults, "/start_fee", given, limits)
    if "covers_s" in given and not has_time:
        faults.add("/start_fee/covers_s", "covers time, which has no price")


def _check_discounts(faults: Faults, discounts: object) -> None:
    if not isinstance(discounts, list) or not 1 <= len(discounts) <= MOST_DISCOUNTS:
        faults.add("/discounts", f"must be a list of 1 to {MOST_DISCOUNTS} discounts")
        return
    taken = dict.fromkeys(_FEES, 0)
    for index, each in enumerate(discounts):
        here = place("/discounts", index)
        given = faults.members(here, each, ("name", "percent", "of"))
        name, of = given.get("name", "-"), given.get("of", ["service"])
        if not isinstance(name, str) or not 1 <= len(name) <= MOST_NAME_LENGTH:
            faults.add(f"{here}/name", f"must have 1 to {MOST_NAME_LENGTH} characters")
        if "percent" in given:
            faults.whole_number(f"{here}/percent", given["percent"], 1, _WHOLE)
        if not isinstance(of, list) or not of or not all(fee in _FEES for fee in of):
            faults.add(f"{here}/of", f"must list what it is taken off: {', '.join(_FEES)}")
        elif len(set(of)) < len(of):
            faults.add(f"{here}/of", "names a fee twice")
        elif isinstance(given.get("percent"), int):
            for fee in of:
                taken[fee] += given["percent"]
    for fee, percent in taken.items():
        if percent > _WHOLE:
            faults.add("/discounts", f"take {percent} % off {fee}")


def _check_numbers(
    faults: Faults, where: str, given: Mapping[str, Any], limits: Mapping[str, tuple[int, int]]
) -> None:
    for name, bounds in limits.items():
        if name in given:
            faults.whole_number(place(where, name), given[name], *bounds)
