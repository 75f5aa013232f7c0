"""The tables of messages say what the schemas of the Open Charge Alliance say."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud_ocpp.codes import ErrorCode
from chargecloud_ocpp.messages import ACTIONS, PROFILES, why_not
from chargecloud_ocpp.messages.checking import check
from chargecloud_ocpp.messages.fields import (
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
    moment,
)
from ocpp_schemas import FOLDER, MESSAGES, file_name, passes, schema

NOW = "2026-11-27T18:30:33Z"
#: what may stand in any place, and rarely fits
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**6),
    st.sampled_from([0.1, 0.3, 16.05, 1.5]),
    st.sampled_from(["", "Accepted", "x" * 21, "x" * 60, "2026-02-30T00:00:00Z", "2026-11-27"]),
    st.sampled_from(["2026-11-27T24:00:00Z", "2026-11-27T18:30:33", NOW.lower(), "0000-01-01"]),
    st.just([]),
    st.just({}),
)


def as_schema(fields: tuple[Field, ...]) -> dict[str, Any]:
    """Some fields as a schema says them."""
    said: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: kind_as_schema(field.kind) for field in fields},
        "additionalProperties": False,
    }
    required = {field.name for field in fields if field.is_required}
    return {**said, "required": required} if required else said


def kind_as_schema(kind: Kind) -> dict[str, Any]:
    """A kind as a schema says it."""
    match kind:
        case Text(longest):
            return {"type": "string"} | ({} if longest is None else {"maxLength": longest})
        case Choice(_, values):
            return {"type": "string", "enum": set(values)}
        case Instant():
            return {"type": "string", "format": "date-time"}
        case Whole():
            return {"type": "integer"}
        case Fraction():
            return {"type": "number"}
        case Flag():
            return {"type": "boolean"}
        case ListOf(each, least):
            items = {"type": "array", "items": kind_as_schema(each)}
            return items | ({"minItems": least} if least else {})
        case Structure(_, fields):
            return as_schema(fields)


def essence(node: Any) -> dict[str, Any]:
    """What is said in a schema, without what says nothing."""
    known = {"type", "maxLength", "minItems", "additionalProperties"}
    said = {name: value for name, value in node.items() if name in known}
    if node["type"] != "object":
        said.pop("additionalProperties", None)
    for name in ("enum", "required"):
        if name in node:
            said[name] = set(node[name])
    if node.get("format") == "date-time":
        said["format"] = "date-time"
    if "items" in node:
        said["items"] = essence(node["items"])
    if node["type"] == "object":
        members = node.get("properties", {})
        said["properties"] = {name: essence(each) for name, each in members.items()}
    if not said.get("required", True):
        said.pop("required")
    return said


def test_there_is_every_action_and_no_other() -> None:
    """Each schema has its row, in one profile."""
    assert {each.name for each in FOLDER.iterdir() if each.name.endswith(".json")} == {
        file_name(*message) for message in MESSAGES
    }
    assert sum(map(len, PROFILES.values())) == len(ACTIONS) == 39


@pytest.mark.parametrize(("action", "is_answer"), MESSAGES)
def test_a_table_says_what_the_schema_says(action: str, is_answer: bool) -> None:
    """Members, types, lengths, enumerations, what is required, to any depth."""
    assert as_schema(ACTIONS[action].fields(is_answer)) == essence(schema(action, is_answer))


def payloads(fields: tuple[Field, ...], other: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Payloads of some fields; C{other}: whether odd ones are among them."""
    must = {each.name: values(each.kind, other) for each in fields if each.is_required}
    may = {each.name: values(each.kind, other) for each in fields if not each.is_required}
    if not other:
        return st.fixed_dictionaries(must, optional=may)
    anything = st.fixed_dictionaries({}, optional={**must, **may, "unheardOf": ODD})
    return st.one_of(st.fixed_dictionaries(must, optional=may), anything)


def values(kind: Kind, other: bool) -> st.SearchStrategy[Any]:
    """Values of a kind, odd ones now and then."""
    found = fitting(kind, other)
    return st.one_of(found, found, found, ODD) if other else found


def fitting(kind: Kind, other: bool) -> st.SearchStrategy[Any]:
    """Values that fit, but for what is within them."""
    match kind:
        case Text(longest):
            top = 12 if longest is None else longest
            long = [top, top + 1] if other else [top]
            return st.one_of(
                st.text(max_size=min(top, 12)), *[st.just("x" * each) for each in long]
            )
        case Choice(_, values_):
            return st.sampled_from(values_)
        case Instant():
            moments = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1))
            return moments.map(lambda at: moment(at.replace(tzinfo=UTC)))
        case Whole():
            return st.integers(-(2**31), 2**31)
        case Fraction():
            return st.one_of(st.integers(0, 100), st.integers(0, 1000).map(lambda n: n / 10))
        case Flag():
            return st.booleans()
        case ListOf(each, least):
            return st.lists(values(each, other), min_size=0 if other else least, max_size=2)
        case Structure(_, fields):
            return payloads(fields, other)


def generated(other: bool) -> st.SearchStrategy[tuple[str, bool, Any]]:
    """A message with its payload."""
    return st.sampled_from(MESSAGES).flatmap(
        lambda message: st.tuples(
            st.just(message[0]),
            st.just(message[1]),
            payloads(ACTIONS[message[0]].fields(message[1]), other),
        )
    )


@given(generated(other=False))
def test_what_fits_passes_both(message: tuple[str, bool, Any]) -> None:
    """Our strict check, and the schema."""
    action, is_answer, payload = message
    assert check(action, is_answer, payload) == []
    assert passes(action, is_answer, payload)


@given(generated(other=True))
def test_ours_passes_what_theirs_passes(message: tuple[str, bool, Any]) -> None:
    """And nothing else."""
    action, is_answer, payload = message
    assert (check(action, is_answer, payload) == []) is passes(action, is_answer, payload)


FAULTS: list[tuple[str, Any, str, ErrorCode]] = [
    ("Nonsense", {}, "", ErrorCode.NOT_IMPLEMENTED),
    ("Heartbeat", [], "", ErrorCode.FORMATION_VIOLATION),
    ("Heartbeat", {"x/y~": 1}, "/x~1y~0", ErrorCode.FORMATION_VIOLATION),
    ("Authorize", {}, "/idTag", ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION),
    ("Authorize", {"idTag": 5}, "/idTag", ErrorCode.TYPE_CONSTRAINT_VIOLATION),
    ("Authorize", {"idTag": "x" * 21}, "/idTag", ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
    ("Reset", {"type": "hard"}, "/type", ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
    (
        "MeterValues",
        {"connectorId": 1, "meterValue": []},
        "/meterValue",
        ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
    ),
    (
        "MeterValues",
        {"connectorId": 1, "meterValue": [{"timestamp": NOW, "sampledValue": [{"value": 1}]}]},
        "/meterValue/0/sampledValue/0/value",
        ErrorCode.TYPE_CONSTRAINT_VIOLATION,
    ),
    (
        "ReserveNow",
        {"connectorId": 1, "expiryDate": "now", "idTag": "a", "reservationId": True},
        "/expiryDate",
        ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    ),
]


@pytest.mark.parametrize(("action", "payload", "path", "code"), FAULTS)
def test_a_fault_has_its_place_and_its_code(
    action: str, payload: Any, path: str, code: ErrorCode
) -> None:
    """And no value, which may be a secret."""
    first = check(action, False, payload)[0]
    assert (first.path, first.code) == (path, code)


def test_an_instant_is_written_as_short_as_it_can_be() -> None:
    """UTC, whatever zone it was in."""
    written: Callable[[str], str] = lambda text: moment(datetime.fromisoformat(text))  # noqa: E731
    assert written("2026-11-27T18:30:33+08:00") == "2026-11-27T10:30:33Z"
    assert written("2026-11-27T18:30:33.120500+00:00") == "2026-11-27T18:30:33.120Z"


def test_each_side_has_its_own_actions() -> None:
    """What the other side asks for is known, and not supported."""
    assert why_not("Authorize", Sender.CHARGE_POINT) is None
    assert why_not("DataTransfer", Sender.CHARGE_POINT) is None
    assert why_not("DataTransfer", Sender.CENTRAL_SYSTEM) is None
    assert why_not("Reset", Sender.CHARGE_POINT) is ErrorCode.NOT_SUPPORTED
    assert why_not("Nonsense", Sender.CHARGE_POINT) is ErrorCode.NOT_IMPLEMENTED
