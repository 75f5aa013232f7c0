"""Messages of OCPP-J, as they should be and as they come."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.errors import Overloaded
from chargecloud_ocpp.calls import (
    CALL,
    ERROR,
    LONGEST_ID_TAKEN,
    RESULT,
    Call,
    Error,
    Result,
    Unreadable,
    parse,
    write,
)
from chargecloud_ocpp.codes import ErrorCode
from chargecloud_ocpp.outstanding import MOST_WAITING, Outstanding

UUID = "5e5b9c1a-5b0e-4a53-8c1d-0c0e4f0a6d11"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[2,"1","Heartbeat",{}]', Call("1", "Heartbeat", {})),
        ('[3,"1",{"status":"Accepted"}]', Result("1", {"status": "Accepted"})),
        ('[4,"1","NotSupported","电",{"a":1}]', Error("1", "NotSupported", "电", {"a": 1})),
    ],
)
def test_a_message_is_read_and_written_the_same(text: str, message: Any) -> None:
    """Without a byte too many."""
    assert parse(text) == message
    assert write(message) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f' [2, "{{{UUID}}}", "Heartbeat"]\r\n', Call(f"{{{UUID}}}", "Heartbeat", {})),
        ('[2,17,"Heartbeat",null]', Call(17, "Heartbeat", {})),
        ('["2","1","Heartbeat",[]]', Call("1", "Heartbeat", {})),
        ('[2,"1","Heartbeat",{},5]', Call("1", "Heartbeat", {})),
        ('[2,"1","Reset",{"type":"Hard","type":"Soft"}]', Call("1", "Reset", {"type": "Soft"})),
        ('[3,"1"]', Result("1", {})),
        ('[3,"1",null]', Result("1", {})),
        ('[4,"1"]', Error("1", "GenericError")),
        ('[4,"1","FormatViolation",null,"x"]', Error("1", "FormatViolation")),
    ],
)
def test_a_message_that_is_not_to_the_letter_is_understood(text: str, message: Any) -> None:
    """As far as nothing has to be guessed."""
    assert parse(text) == message


@pytest.mark.parametrize(
    ("text", "type_", "id_"),
    [
        ('[2,"1","StartTransaction",{"transactionId":,"idTag":"a"}]', CALL, "1"),
        ('[,2,"1","Heartbeat",{}]', CALL, "1"),
        ('[2,,"1","Heartbeat",{}]', CALL, "1"),
        ('[2,"1","MeterValues",{"connectorId":1,"mete', CALL, "1"),
        ('[3,"77",{"status":"Acc', RESULT, "77"),
        ('[2,17,"Heartbeat",{', CALL, 17),
        ('[4,"1","Gener', ERROR, "1"),
        ('[2,"1","Heartbeat",{"a":NaN}]', CALL, "1"),
        ('[2,"1","Heartbeat",{"a":1e999}]', CALL, "1"),
        ('[2,"1","Heartbeat",{"a":%s}]' % ("9" * 5000), CALL, "1"),
        ('[2,"1","Heartbeat",{"a":"\\ud800"}]', CALL, "1"),
        ('[2,"1","Heartbeat",%s' % ("[" * 60_000), CALL, "1"),
        (f'[2,"1","Heartbeat",{{"a":{"[" * 40}1{"]" * 40}}}]', CALL, "1"),
        ('[2,"1","Heartbeat","x"]', CALL, "1"),
        ('[2,"1","Heartbeat",[1]]', CALL, "1"),
        ('[2,"1",5,{}]', CALL, "1"),
        ('[2,"1"]', CALL, "1"),
        ('[3,"1","x"]', RESULT, "1"),
        ('[2,null,"Heartbeat",{}]', CALL, None),
        ('[2,true,"Heartbeat",{}]', CALL, None),
        ('[2,["1"],"Heartbeat",{}]', CALL, None),
        ('[2,"%s","Heartbeat",{}]' % ("x" * 129), CALL, None),
        ("[2]", CALL, None),
        ('[5,"1","Heartbeat",{}]', None, None),
        ('[[2],"1","Heartbeat",{}]', None, None),
        ('[true,"1","Heartbeat",{}]', None, None),
        ("[]", None, None),
        ('{"a":1}', None, None),
        ("", None, None),
        ("Hello", None, None),
        ("\ufeff[2]", None, None),
        ('"' * 60_000, None, None),
        ('["' + '\\"' * 30_000 + "[" * 40, None, None),
    ],
)
def test_what_is_no_message_says_whose_it_was(text: str, type_: Any, id_: Any) -> None:
    """So that a call can be answered, as its sender repeats it else for ever."""
    found = parse(text)
    assert isinstance(found, Unreadable)
    assert (found.type, found.id) == (type_, id_)
    assert found.code is ErrorCode.FORMATION_VIOLATION
    assert len(found.reason) < 200


def test_brackets_in_texts_are_no_depth() -> None:
    """Signed meter values are full of them."""
    payload = {"data": '[{"\\' * 100}
    assert parse(write(Call("1", "DataTransfer", payload))) == Call("1", "DataTransfer", payload)


@given(st.text())
def test_any_text_is_something(text: str) -> None:
    """And raises nothing."""
    assert isinstance(parse(text), Call | Result | Error | Unreadable)


@given(st.integers(0, 90), st.text(max_size=3))
def test_a_message_that_was_broken_is_something(at: int, put: str) -> None:
    """Wherever, and by whatever."""
    text = '[2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Faulted"}]'
    assert isinstance(parse(text[:at] + put + text[at + 1 :]), Call | Result | Error | Unreadable)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=10,
)


@given(st.text(min_size=1, max_size=LONGEST_ID_TAKEN), st.text(), st.dictionaries(st.text(), JSON))
def test_what_is_written_is_read(id_: str, action: str, payload: dict[str, Any]) -> None:
    """Any payload that JSON has; infinity is not among them."""
    call = Call(id_, action, payload)
    try:
        text = write(call)
    except ValueError:
        assert "Infinity" in json.dumps(payload)
        return
    assert parse(text) == call


def test_what_json_does_not_have_is_not_written() -> None:
    """Nor is an id that is too long."""
    with pytest.raises(ValueError, match="JSON"):
        write(Result("1", {"a": float("nan")}))
    with pytest.raises(ValueError, match="id"):
        write(Result("x" * 129, {}))
    assert len(write(Error("1", "GenericError", "x" * 999))) < 300


class Clock:
    """Seconds that go forward when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_call_is_outstanding_and_the_others_wait() -> None:
    """In their order, and each answer finds its ticket."""
    queue = Outstanding(Clock())
    assert queue.next() is None
    queue.ask("Reset", {"type": "Soft"}, "a")
    queue.ask("ClearCache", {}, "b")
    first = queue.next()
    assert first == Call("1", "Reset", {"type": "Soft"})
    assert queue.next() is None
    assert queue.answered(Result("2", {})) is None
    asked = queue.answered(Error("1", "NotSupported"))
    assert asked is not None
    assert (asked.ticket, asked.call) == ("a", first)
    second = queue.next()
    assert second is not None
    # those who count answer with a number
    assert queue.answered(Result(2, {})) is not None
    assert queue.answered(Result("2", {})) is None
    assert len(queue) == 0
    assert queue.due_s is None


def test_an_answer_that_comes_too_late_is_nobodys() -> None:
    """The next call is on its way by then, and is not taken for it."""
    clock = Clock()
    queue = Outstanding(clock, answer_within_s=30)
    queue.ask("Reset", {}, "a", good_for_s=100)
    queue.ask("ClearCache", {}, "b", good_for_s=100)
    queue.next()
    assert queue.due_s == 30
    clock.now = 29.9
    assert queue.expire() == []
    clock.now = 30
    assert [asked.ticket for asked in queue.expire()] == ["a"]
    call = queue.next()
    assert call is not None
    assert call.action == "ClearCache"
    assert queue.due_s == 60
    assert queue.answered(Result("1", {})) is None
    assert queue.answered(Unreadable("cut off", id="2", type=RESULT)) is not None


def test_a_call_that_waited_too_long_is_not_sent() -> None:
    """Nobody wants a charge to begin five minutes later."""
    clock = Clock()
    queue = Outstanding(clock)
    queue.ask("RemoteStartTransaction", {"idTag": "a"}, "a", good_for_s=10)
    queue.ask("ClearCache", {}, "b", good_for_s=20)
    assert queue.due_s == 10
    clock.now = 10
    call = queue.next()
    assert call is not None
    assert call.action == "ClearCache"
    assert [asked.ticket for asked in queue.expire()] == ["a"]


def test_so_many_may_wait() -> None:
    """Beside the one that is sent."""
    queue = Outstanding(Clock())
    queue.ask("ClearCache", {}, 0)
    queue.next()
    for number in range(MOST_WAITING):
        queue.ask("ClearCache", {}, number + 1)
    with pytest.raises(Overloaded):
        queue.ask("ClearCache", {}, MOST_WAITING + 1)
    assert len(queue) == MOST_WAITING + 1
