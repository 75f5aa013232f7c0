"""The document of the messages, made from the tables: C{python -m chargecloud_ocpp.document}."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from chargecloud_ocpp.cases import CASES
from chargecloud_ocpp.facts import HAZARDS, PORT_STATES, STOP_REASONS
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
log.  Whatever comes is answered with something valid, and no message ends a connection.

* A charge point is registered with its identity as ``GET /ocpp/<identity>`` has it,
  percent-decoded; who is not registered hears 404.
* ``POST /chargers`` makes an ``AuthorizationKey`` (20 bytes), or takes one of 16 to 20; the
  password of HTTP Basic is its bytes, or their hexadecimal digits.  One that was registered with
  ``"key": "none"`` comes without.  Security profile 1 is a ``tcp:`` listener, 2 an ``ssl:`` one, 3
  one with a table ``[listen.chargers.tls]``: then the common name of the certificate is the
  identity, and no password is asked.
* A listener with ``strict = true`` refuses who offers no subprotocol, or asks for no upgrade.
* An order's ``idTag`` is ``C0`` and its id in 16 hexadecimal digits; its ``transactionId`` is its
  id modulo 2147483647, plus 1.  The end of a transaction whose number is 0, -1 or unknown is known
  by its ``idTag``, if that names one order of this charge point that can have ended then, at that
  register, and has no end; else it is answered, kept for a person, and ends nothing.
* ``StopTransaction`` is answered when it is written down, ``StartTransaction`` too, unless that
  cannot be done now: then it has its number, so that it can be stopped, and is written down later.
  A start that no order will pay for is ``Invalid``, and stopped.
* A card at the charge point is asked about by ``Authorize``; the charge is the charge point's to
  begin, and its order is made when ``StartTransaction`` tells of it.
* A register that begins below nine tenths of where its charge began counts that charge alone.
* A clock that is more than five minutes off, or was never set, dates nothing.
* Limits of energy and time are kept by the platform, which stops a charge a moment before it comes
  to them; OCPP 1.6 has words for neither.
* What a charge point is set to after each start: ``ConnectionTimeOut``, ``MeterValuesSampledData``,
  ``MeterValueSampleInterval``.

``POST /api/v1/chargers/{id}/ocpp/{Action}`` with ``{"payload": {...}}`` has a charge point carry
out any of the central system's operations below, checked by its table before it is sent; ``GET
/api/v1/chargers/{id}/ocpp`` shows what it was told to keep by them: reservations, the local list,
charging profiles, configuration, certificates.

Where ``[ocpp.authority]`` is configured (``docs/security.rst``), ``SignCertificate`` is granted to
a charge point that asks for its own identity as CN and the configured O, for a key of RSA (2048 to
4096 bits) or of P-256, P-384 or P-521, by a signature of that key over SHA-256 or better, and for
no use but clientAuth.  ``Accepted`` is answered when the certificate is kept; ``CertificateSigned``
follows with it and those between it and the root.  One that was not answered is sent again ten
seconds after each login, one that was refused as well, up to three times, until it has ended or
another one is asked for.  ``certificates`` shows what is ``installed`` and what is ``offered``,
with its ``outcome``.
"""


def lines() -> Iterator[str]:
    """The document."""
    yield _OPENING
    for profile, table in PROFILES.items():
        yield f"{profile}\n{'-' * len(profile)}\n"
        for action in table:
            yield from _entry(action)
    yield from _meanings("States of ports", PORT_STATES)
    yield from _meanings("Reasons for an end", STOP_REASONS)
    yield from _meanings("Hazards", HAZARDS)
    yield from _cases()
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


def _meanings(title: str, meanings: Mapping[str, Enum]) -> Iterator[str]:
    yield f"{title}\n{'-' * len(title)}\n"
    for name, meaning in meanings.items():
        yield f"* ``{name}``: {meaning.value}"
    yield ""


def _cases() -> Iterator[str]:
    """The test cases, and what runs them."""
    title = "Test cases of the Open Charge Alliance"
    yield f"{title}\n{'-' * len(title)}\n"
    yield "Those for central systems, of the document of 2026-02, and the test that runs each.\n"
    yield ".. list-table::\n   :header-rows: 1\n"
    yield "   * - Case\n     - Title\n     - Test"
    for case in CASES:
        module, function = case.test
        yield f"   * - TC_{case.number}\n     - {case.title}\n     - ``{module}::{function}``"
    yield ""


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
