"""Payloads as they must be: what we send has to pass here."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from chargecloud_ocpp.codes import ErrorCode
from chargecloud_ocpp.messages import ACTIONS
from chargecloud_ocpp.messages.faults import (
    Fault,
    at,
    unknown_member,
    wrong_count,
    wrong_type,
    wrong_value,
)
from chargecloud_ocpp.messages.fields import (
    Choice,
    Field,
    Flag,
    Fraction,
    Instant,
    Kind,
    ListOf,
    Structure,
    Text,
    Whole,
)
from chargecloud_ocpp.messages.reading import read

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
)


def check(action: str, is_answer: bool, payload: object, strict: bool = True) -> Sequence[Fault]:
    """
    What is wrong with the payload of a message, a request or the answer to it.

    @param payload: plain JSON: numbers are C{int}, C{float} or C{Decimal}, instants are text.
    @param strict: as for what we send; else only what L{read} could make nothing of.
    """
    if not strict:
        return read(action, is_answer, payload).faults
    row = ACTIONS.get(action)
    if row is None:
        return [Fault("", ErrorCode.NOT_IMPLEMENTED, "is of no action that there is")]
    if not isinstance(payload, Mapping):
        return [Fault("", ErrorCode.FORMATION_VIOLATION, "is not an object")]
    return list(_members(row.fields(is_answer), payload, ""))


def is_instant(value: str) -> bool:
    """Whether a text is an instant of RFC 3339 (without leap seconds)."""
    if _RFC3339.fullmatch(value) is None:
        return False
    try:
        # to the second is enough: what stands behind it has been looked at
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return True


def _members(fields: Sequence[Field], payload: Mapping[str, Any], path: str) -> Iterator[Fault]:
    known = {field.name for field in fields}
    for name in payload:
        if name not in known:
            yield unknown_member(at(path, name))
    for field in fields:
        if field.name in payload:
            yield from _value(field.kind, payload[field.name], at(path, field.name))
        elif field.is_required:
            yield wrong_count(at(path, field.name), "is missing")


def _value(kind: Kind, value: Any, path: str) -> Iterator[Fault]:
    match kind:
        case Structure(_, fields):
            if isinstance(value, Mapping):
                yield from _members(fields, value, path)
            else:
                yield wrong_type(path, "an object")
        case ListOf(each, least):
            if not isinstance(value, list | tuple):
                yield wrong_type(path, "a list")
                return
            if len(value) < least:
                yield wrong_count(path, f"has fewer than {least}")
            for index, one in enumerate(value):
                yield from _value(each, one, at(path, index))
        case Whole():
            if isinstance(value, bool) or not isinstance(value, int):
                yield wrong_type(path, "a whole number")
        case Fraction():
            if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
                yield wrong_type(path, "a number")
            elif not _has_one_place(value):
                yield wrong_value(path, "has more than one place behind the point")
        case Flag():
            if not isinstance(value, bool):
                yield wrong_type(path, "true or false")
        case Text() | Choice() | Instant():
            if isinstance(value, str):
                yield from _text(kind, value, path)
            else:
                yield wrong_type(path, "a text")


def _text(kind: Text | Choice | Instant, value: str, path: str) -> Iterator[Fault]:
    match kind:
        case Text(longest):
            if longest is not None and len(value) > longest:
                yield wrong_value(path, f"has more than {longest} characters")
        case Choice(name, values):
            if value not in values:
                yield wrong_value(path, f"is no {name}")
        case Instant():
            if not is_instant(value):
                yield wrong_value(path, "is no instant of RFC 3339")


def _has_one_place(value: float | Decimal) -> bool:
    # as it is written: 0.3 is not a whole number of binary tenths
    written = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not written.is_finite():
        return False
    exponent = written.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -1
