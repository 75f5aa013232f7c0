"""Payloads as chargers send them: what can be understood is, and the rest is told of.

One fault loses one value.  What was left over is for the conversation to judge: a message that
lacks something which is required is not L{Read.is_whole}.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from chargecloud_ocpp.codes import ErrorCode
from chargecloud_ocpp.messages import ACTIONS
from chargecloud_ocpp.messages.faults import (
    MOST_FAULTS,
    Fault,
    at,
    unknown_member,
    wrong_count,
    wrong_type,
    wrong_value,
)
from chargecloud_ocpp.messages.fields import Choice, Field, Kind, ListOf, Structure, Text
from chargecloud_ocpp.messages.lenient import UNREADABLE, read_plain

#: entries of a list that are looked at; a message cannot hold many more
MOST_ENTRIES = 2000


@frozen
class Read:
    """
    What was understood.

    @ivar values: by name.  Texts, choices: C{str} (an unknown choice too; over-long ones in
        full); whole numbers: C{int} within 64 bits; fractions: C{Decimal}; instants:
        C{datetime} in UTC; flags: C{bool}; structures: C{dict}; lists: C{list}.  What is not
        there or could not be read has no entry.
    @ivar faults: for the log, the first L{MOST_FAULTS} of them.
    @ivar error: of the first thing that is required and is missing or unreadable; C{None} if
        there is everything.
    """

    values: Mapping[str, Any]
    faults: Sequence[Fault]
    error: ErrorCode | None

    @property
    def is_whole(self) -> bool:
        """Whether everything that is required was understood."""
        return self.error is None


def read(action: str, is_answer: bool, payload: object) -> Read:
    """Read the payload of a message, a request or the answer to it, as far as it goes."""
    row = ACTIONS.get(action)
    if row is None:
        fault = Fault("", ErrorCode.NOT_IMPLEMENTED, "is of no action that there is")
        return Read({}, (fault,), fault.code)
    if not isinstance(payload, Mapping):
        fault = Fault("", ErrorCode.FORMATION_VIOLATION, "is not an object")
        return Read({}, (fault,), fault.code)
    reading = _Reading()
    values, error = reading.members(row.fields(is_answer), payload, "")
    return Read(values, tuple(reading.faults), error)


class _Reading:
    """One payload on its way."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def members(
        self, fields: Sequence[Field], payload: Mapping[str, Any], path: str
    ) -> tuple[dict[str, Any], ErrorCode | None]:
        """The values of an object, and the error of the first required one that it lacks."""
        known = {field.name for field in fields}
        for name in payload:
            if name not in known:
                self._tell(unknown_member(at(path, name)))
        values: dict[str, Any] = {}
        error: ErrorCode | None = None
        for field in fields:
            given = payload.get(field.name)
            here = at(path, field.name)
            # null is what some libraries write for what is not there
            if given is None:
                if field.is_required:
                    self._tell(wrong_count(here, "is missing"))
                    error = error or ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION
                continue
            value, lacks = self.value(field.kind, given, here)
            if value is not UNREADABLE:
                values[field.name] = value
            if field.is_required:
                error = error or lacks
        return values, error

    def value(self, kind: Kind, given: Any, path: str) -> tuple[Any, ErrorCode | None]:
        """A value, and what is lacking in it."""
        match kind:
            case Structure(_, fields):
                if not isinstance(given, Mapping):
                    return self._unreadable(path, "an object")
                return self.members(fields, given, path)
            case ListOf(each, least):
                return self._entries(each, least, given, path)
        value, is_as_written = read_plain(kind, given)
        if value is UNREADABLE:
            return self._unreadable(path, _WANTED.get(type(kind).__name__, "a text"))
        if not is_as_written:
            self._tell(wrong_type(path, "written as it should be"))
        elif isinstance(kind, Choice) and value not in kind.values:
            self._tell(wrong_value(path, f"is no {kind.name}"))
        elif isinstance(kind, Text) and kind.longest is not None and len(value) > kind.longest:
            self._tell(wrong_value(path, f"has more than {kind.longest} characters"))
        return value, None

    def _entries(
        self, each: Kind, least: int, given: Any, path: str
    ) -> tuple[Any, ErrorCode | None]:
        if isinstance(given, Mapping) and isinstance(each, Structure):
            # a list of one without its brackets
            self._tell(wrong_type(path, "a list"))
            given = [given]
        if not isinstance(given, list | tuple):
            return self._unreadable(path, "a list")
        if len(given) < least:
            # nothing to say is still something understood: meter values without any
            self._tell(wrong_count(path, f"has fewer than {least}"))
        entries = []
        for index, one in enumerate(given[:MOST_ENTRIES]):
            value, lacks = self.value(each, one, at(path, index))
            # an entry that lacks something is left out, and the others are not
            if value is not UNREADABLE and lacks is None:
                entries.append(value)
        return entries, None

    def _unreadable(self, path: str, wanted: str) -> tuple[Any, ErrorCode]:
        fault = wrong_type(path, wanted)
        self._tell(fault)
        return UNREADABLE, fault.code

    def _tell(self, fault: Fault) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)


_WANTED = {
    "Whole": "a whole number",
    "Fraction": "a number",
    "Flag": "true or false",
    "Instant": "an instant",
}
