"""Single values as chargers write them: numbers as text, text as numbers, times without zones."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from chargecloud_ocpp.messages.fields import (
    Choice,
    Flag,
    Fraction,
    Instant,
    Kind,
    Text,
    Whole,
)

#: instead of a value
UNREADABLE: Final = object()

#: what a database can hold
MOST_WHOLE = 2**63 - 1
_DIGITS = 18

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,12}))?"
    r"\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_FLAGS = {"true": True, "false": False, "1": True, "0": False}


def read_plain(kind: Kind, given: Any) -> tuple[Any, bool]:
    """
    A value that is neither a structure nor a list, and whether it was written as it should be;
    L{UNREADABLE} if it is none.
    """
    match kind:
        case Text() | Choice():
            return _text(given)
        case Whole():
            return _whole(given)
        case Fraction():
            number = _number(given)
            return number, not isinstance(given, str)
        case Instant():
            return _instant(given)
        case Flag():
            if isinstance(given, bool):
                return given, True
            return _FLAGS.get(str(given).strip().lower(), UNREADABLE), False
    return UNREADABLE, False


def _text(given: Any) -> tuple[Any, bool]:
    if isinstance(given, str):
        return given, True
    if isinstance(given, bool):
        return ("true" if given else "false"), False
    if isinstance(given, int | float | Decimal):
        return str(given), False
    return UNREADABLE, False


def _number(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal | str):
        return UNREADABLE
    try:
        # underscores are Python's, and nobody's on the wire
        number = Decimal(str(given).strip().replace("_", "?"))
    except InvalidOperation:
        return UNREADABLE
    # how great it is comes before all reckoning: 1e999999 has a million digits
    if not number.is_finite() or number.adjusted() > _DIGITS:
        return UNREADABLE
    return number


def _whole(given: Any) -> tuple[Any, bool]:
    if isinstance(given, int) and not isinstance(given, bool):
        return (given, True) if abs(given) <= MOST_WHOLE else (UNREADABLE, False)
    number = _number(given)
    if number is UNREADABLE:
        return UNREADABLE, False
    whole = int(number.to_integral_value())
    return (whole, False) if abs(whole) <= MOST_WHOLE else (UNREADABLE, False)


def _instant(given: Any) -> tuple[Any, bool]:
    found = _TIME.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None:
        return UNREADABLE, False
    day, time, part, zone = found.groups()
    offset = zone if zone and zone[0] in "+-" else "+00:00"
    second = time if len(time) > len("hh:mm") else f"{time}:00"
    written = f"{day}T{second}.{(part or '0')[:6].ljust(6, '0')}{offset}"
    try:
        return datetime.fromisoformat(written).astimezone(UTC), bool(zone)
    except (ValueError, OverflowError):
        return UNREADABLE, False
