"""What the tables of messages are made of: kinds of values, fields, actions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum

from attrs import frozen


@frozen
class Text:
    """
    A string.

    @ivar longest: characters; C{None} where the specification has no limit.
    """

    longest: int | None = None


@frozen
class Whole:
    """An integer."""


@frozen
class Fraction:
    """A number with one place behind the point."""


@frozen
class Instant:
    """A time: RFC 3339, with its zone."""


@frozen
class Flag:
    """True or false."""


@frozen
class Choice:
    """
    One of the values of an enumeration.

    @ivar name: the specification's name of it.
    """

    name: str
    values: tuple[str, ...]


@frozen
class Structure:
    """
    An object of its own fields.

    @ivar name: the specification's name of it.
    """

    name: str
    fields: "tuple[Field, ...]"


@frozen
class ListOf:
    """
    An array.

    @ivar least: how many it has at least.
    """

    each: "Kind"
    least: int = 0


Kind = Text | Whole | Fraction | Instant | Flag | Choice | Structure | ListOf


@frozen
class Field:
    """
    A row of a message.

    @ivar meaning: a few words, with the unit; empty where the name says it.
    """

    name: str
    kind: Kind
    is_required: bool
    meaning: str = ""


def must(name: str, kind: Kind, meaning: str = "") -> Field:
    """A field that is always there."""
    return Field(name, kind, True, meaning)


def may(name: str, kind: Kind, meaning: str = "") -> Field:
    """A field that can be left out."""
    return Field(name, kind, False, meaning)


class Sender(Enum):
    """Who begins."""

    CHARGE_POINT = "charge point"
    CENTRAL_SYSTEM = "central system"
    EITHER = "either"


@frozen
class Action:
    """
    A row of a table.

    @ivar section: of the operation in OCPP 1.6 edition 2; its types are in section 7 by name.
    """

    name: str
    sender: Sender
    section: str
    request: tuple[Field, ...] = ()
    answer: tuple[Field, ...] = ()

    def fields(self, is_answer: bool) -> tuple[Field, ...]:
        """Those of one of its two messages."""
        return self.answer if is_answer else self.request


Table = Sequence[Action]


def status(name: str, *values: str) -> tuple[Field, ...]:
    """The answer that most actions have: nothing but whether it is done."""
    return (must("status", Choice(name, values)),)


def moment(at: datetime) -> str:
    """An instant as it is written: UTC, with milliseconds only where there are some."""
    precision = "milliseconds" if at.microsecond // 1000 else "seconds"
    written = at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision)
    return f"{written}Z"
