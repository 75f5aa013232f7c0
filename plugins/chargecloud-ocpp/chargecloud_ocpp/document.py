"""The document of the messages, made from the tables: C{python -m chargecloud_ocpp.document}."""

import sys
from collections.abc import Iterator, Sequence

from chargecloud_ocpp.messages import PROFILES
from chargecloud_ocpp.messages.fields import (
    Action,
    Choice,
    Field,
    Flag,
    Fraction,
    Instant,
    Kind,
    ListOf,
    Sender,
    Structure,
    Text,
    Whole,
)

_OPENING = """\
OCPP 1.6J
=========

Charge points that dial ``ws(s)://host/path/<identity>`` and speak ``ocpp1.6``. This page is made
from the tables of ``chargecloud_ocpp/messages``, which are what is spoken; a test holds them
against the schemas of the Open Charge Alliance.

Fields in brackets may be left out. What we send keeps to the tables to the letter. What comes is
read as far as it goes: numbers as text, text as numbers, times without a zone (UTC), texts that
are too long, values that no enumeration has, members that no message has; each is told of in the
log.
"""


def lines() -> Iterator[str]:
    """The document."""
    yield _OPENING
    for profile, table in PROFILES.items():
        yield f"{profile}\n{'-' * len(profile)}\n"
        for action in table:
            yield from _entry(action)
    yield "Structures\n----------\n"
    seen: dict[Structure, None] = {}
    choices: dict[Choice, None] = {}
    for table in PROFILES.values():
        for action in table:
            for kind in _kinds((*action.request, *action.answer)):
                if isinstance(kind, Structure):
                    seen.setdefault(kind)
                elif isinstance(kind, Choice):
                    choices.setdefault(kind)
    for structure in seen:
        yield f"``{structure.name}``"
        yield f"   {_fields(structure.fields)}\n"
    yield "Enumerations\n------------\n"
    for choice in choices:
        yield f"``{choice.name}``"
        yield f"   {', '.join(choice.values)}\n"


def _entry(action: Action) -> Iterator[str]:
    either = action.sender is Sender.EITHER
    begins = "either side" if either else f"the {action.sender.value}"
    yield f"``{action.name}``"
    yield f"   from {begins}; {_source(action.section)}"
    yield f"\n   request: {_fields(action.request)}"
    yield f"\n   answer: {_fields(action.answer)}\n"


def _source(section: str) -> str:
    return f"section {section}" if section[0].isdigit() else section


def _fields(fields: Sequence[Field]) -> str:
    return ", ".join(map(_field, fields)) or "nothing"


def _field(field: Field) -> str:
    meaning = f" ({field.meaning})" if field.meaning else ""
    text = f"``{field.name}`` {_kind(field.kind)}{meaning}"
    return text if field.is_required else f"[{text}]"


def _kind(kind: Kind) -> str:
    match kind:
        case Text(longest):
            return "text" if longest is None else f"text {longest}"
        case Whole():
            return "whole"
        case Fraction():
            return "decimal"
        case Instant():
            return "instant"
        case Flag():
            return "flag"
        case Choice(name, _) | Structure(name, _):
            return name
        case ListOf(each, least):
            return f"list of {_kind(each)}" + (f", at least {least}" if least else "")


def _kinds(fields: Sequence[Field]) -> Iterator[Kind]:
    """All that are within some fields."""
    for field in fields:
        kind = field.kind.each if isinstance(field.kind, ListOf) else field.kind
        yield kind
        if isinstance(kind, Structure):
            yield from _kinds(kind.fields)


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()))
