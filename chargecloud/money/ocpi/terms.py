"""Whether the JSON of a tariff is one of OCPI 2.2.1, with every fault and its place."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from chargecloud.money.ocpi.model import DAYS, Dimension, Reservation, Restrictions, number
from chargecloud.money.terms import Faults, place

MOST_ELEMENTS, MOST_COMPONENTS = 200, 4
#: far above any price, so that a slip of units is found
MOST_PRICE = 100_000
#: of any other number: energy in kWh, current in A, power in kW
MOST_NUMBER = 1_000_000
#: ten years, in s
MOST_SECONDS = 315_360_000
#: OCPI 2.2.1 section 16.4: numbers have four decimals
DECIMALS = 4

_TYPES = ("AD_HOC_PAYMENT", "PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN", "REGULAR")
_REQUIRED = ("country_code", "party_id", "id", "currency", "elements", "last_updated")
_OPTIONAL = (
    "type",
    "tariff_alt_text",
    "tariff_alt_url",
    "min_price",
    "max_price",
    "start_date_time",
    "end_date_time",
    "energy_mix",
)
_TIME = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]")
_WORDS = {
    "country_code": re.compile("[A-Za-z]{2}"),
    "party_id": re.compile("[A-Za-z0-9]{1,3}"),
    "id": re.compile("[ -~]{1,36}"),
    "currency": re.compile("[A-Z]{3}"),
}
_RANGES = ("kwh", "current", "power", "duration")
_RESTRICTIONS = (
    "start_time",
    "end_time",
    "start_date",
    "end_date",
    *[f"{side}_{name}" for name in _RANGES for side in ("min", "max")],
    "day_of_week",
    "reservation",
)


def check(terms: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    The tariff without members that are C{null}, which say nothing in OCPI.

    @raise TariffError: naming every fault with its place.
    """
    faults = Faults()
    tariff = _without_null(terms)
    given = faults.members("", tariff, _REQUIRED, _OPTIONAL)
    for name, form in _WORDS.items():
        value = given.get(name, "")
        if name in given and not (isinstance(value, str) and form.fullmatch(value)):
            faults.add(place("", name), f"must match {form.pattern}")
    for name in ("last_updated", "start_date_time", "end_date_time"):
        if name in given:
            _read(faults, place("", name), given[name], datetime.fromisoformat, "a time")
    if "type" in given and given["type"] not in _TYPES:
        faults.add("/type", f"must be one of {', '.join(_TYPES)}")
    for name in ("min_price", "max_price"):
        if name in given:
            _check_price(faults, place("", name), given[name])
    if "elements" in given:
        _check_elements(faults, given["elements"])
    faults.refuse()
    return dict(tariff)


def _without_null(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_null(each) for each in value]
    return value


def _check_price(faults: Faults, where: str, value: object) -> None:
    price = faults.members(where, value, ("excl_vat",), ("incl_vat",))
    for name, each in price.items():
        _check_number(faults, place(where, name), each, MOST_PRICE)


def _check_elements(faults: Faults, elements: object) -> None:
    if not isinstance(elements, list) or not 1 <= len(elements) <= MOST_ELEMENTS:
        faults.add("/elements", f"must be a list of 1 to {MOST_ELEMENTS} elements")
        return
    sound = []
    for index, element in enumerate(elements):
        where = place("/elements", index)
        inner = Faults()
        given = inner.members(where, element, ("price_components",), ("restrictions",))
        restrictions = given.get("restrictions", {})
        if "restrictions" in given:
            _check_restrictions(inner, f"{where}/restrictions", restrictions)
        if "price_components" in given:
            _check_components(inner, where, given["price_components"], restrictions)
        if inner.found:
            faults.take(inner)
        else:
            names = [each["type"] for each in given["price_components"]]
            sound.append((index, names, Restrictions.of(restrictions)))
    _check_reach(faults, sound)


def _check_components(faults: Faults, where: str, components: object, restrictions: object) -> None:
    where = f"{where}/price_components"
    if not isinstance(components, list) or not 1 <= len(components) <= MOST_COMPONENTS:
        faults.add(where, f"must be a list of 1 to {MOST_COMPONENTS} components")
        return
    reserved = isinstance(restrictions, Mapping) and "reservation" in restrictions
    allowed = ("FLAT", "TIME") if reserved else tuple(each.value for each in Dimension)
    seen: set[str] = set()
    for index, component in enumerate(components):
        here = place(where, index)
        given = faults.members(here, component, ("type", "price", "step_size"), ("vat",))
        kind = given.get("type")
        if "type" in given:
            if not isinstance(kind, str) or kind not in allowed:
                faults.add(f"{here}/type", f"must be one of {', '.join(allowed)}")
            elif kind in seen:
                faults.add(here, f"is never reached: the element has a {kind} before")
            else:
                seen.add(kind)
        for name, most in (("price", MOST_PRICE), ("vat", 100)):
            if name in given:
                _check_number(faults, place(here, name), given[name], most)
        if "step_size" in given:
            least = 0 if kind == "FLAT" else 1
            faults.whole_number(f"{here}/step_size", given["step_size"], least, MOST_SECONDS)


def _check_restrictions(faults: Faults, where: str, value: object) -> None:
    given = faults.members(where, value, (), _RESTRICTIONS)
    before = len(faults.found)
    for name in ("start_time", "end_time"):
        each = given.get(name, "00:00")
        if not isinstance(each, str) or not _TIME.fullmatch(each):
            faults.add(place(where, name), "must be a time of day from 00:00 to 23:59")
    for name in ("start_date", "end_date"):
        if name in given:
            _read(faults, place(where, name), given[name], date.fromisoformat, "a date")
    for name in _RANGES:
        for side in ("min", "max"):
            here, key = place(where, f"{side}_{name}"), f"{side}_{name}"
            if key in given and name == "duration":
                faults.whole_number(here, given[key], 0, MOST_SECONDS)
            elif key in given:
                _check_number(faults, here, given[key], MOST_NUMBER)
    if "day_of_week" in given:
        days = given["day_of_week"]
        if not isinstance(days, list) or not all(day in DAYS for day in days):
            faults.add(f"{where}/day_of_week", f"must be a list of {', '.join(DAYS)}")
    if "reservation" in given:
        names = [each.value for each in Reservation]
        if given["reservation"] not in names:
            faults.add(f"{where}/reservation", f"must be one of {', '.join(names)}")
    if len(faults.found) > before:
        return
    read = Restrictions.of(given)
    for name, within in zip(
        _RANGES, (read.energy, read.current, read.power, read.duration), strict=True
    ):
        if within.empty:
            faults.add(f"{where}/max_{name}", f"must be more than min_{name}: it never holds")
    if read.first_day and read.last_day and read.first_day >= read.last_day:
        faults.add(f"{where}/end_date", "must be after start_date: it never holds")


def _check_reach(faults: Faults, elements: list[tuple[int, list[str], Restrictions]]) -> None:
    """Of each dimension the first element that holds is the one: what others before it hold
    for all the time is never reached."""
    for position, (index, names, restrictions) in enumerate(elements):
        for component, name in enumerate(names):
            week = 0
            for _, others, other in elements[:position]:
                if name in others and restrictions.imply_but_for_the_week(other):
                    week |= other.week
            if restrictions.week & ~week == 0:
                what = f"is never reached: elements before it have {name} whenever it holds"
                faults.add(f"/elements/{index}/price_components/{component}", what)


def _check_number(faults: Faults, where: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        faults.add(where, f"must be a number from 0 to {most}")
    elif (number(value) * 10**DECIMALS).denominator != 1:
        faults.add(where, f"must have {DECIMALS} decimals at the most")


def _read(
    faults: Faults, where: str, value: object, read: Callable[[str], object], what: str
) -> None:
    try:
        read(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        faults.add(where, f"must be {what}")
