"""The platform's commands at a charge point: what is said, and what is made of the answer."""

from typing import Any

import pytest
from twisted.internet.task import Clock

from chargecloud.domain.charger import LockOut
from chargecloud.domain.commands import (
    Answer,
    ChangeCharge,
    Locate,
    LockOutCharger,
    Query,
    Question,
    Reboot,
    SetParameters,
    StartCharge,
    StopCharge,
    UpdateCards,
    VendorCall,
)
from chargecloud.domain.errors import Conflict, Invalid, NotSupported, Overloaded
from chargecloud.domain.events import ParametersTold, StopReason
from chargecloud.domain.order_value import OrderState
from chargecloud.domain.parameters import Parameter
from chargecloud.interfaces import Answered, OrderThere, Told
from chargecloud_ocpp.asking import START_GOOD_FOR_S
from chargecloud_ocpp.calls import Call, Error, Message, Result, write
from chargecloud_ocpp.clock import CloudTime
from chargecloud_ocpp.messages import ACTIONS
from chargecloud_ocpp.messages.fields import Sender
from chargecloud_ocpp.numbers import order_tag, read_order_tag, transaction_id
from chargecloud_ocpp.orders import ACCEPTED, OPERATIONS
from chargecloud_ocpp.outstanding import ANSWER_WITHIN_S, MOST_WAITING
from chargecloud_ocpp.point import Point
from chargecloud_ocpp.talk import Talk
from ocpp_schemas import passes

ORDER = 2**60 + 12_345
START = StartCharge(ORDER, 1, 0)


class Bench:
    """A charge point that was let in, and what is said to it."""

    def __init__(self, *orders: OrderThere) -> None:
        self.clock = Clock()
        self.said: list[Message] = []
        point = Point("CP", self.said.append, self.clock.seconds)
        point.transactions.know(orders)
        self.talk = Talk(point, 60)

    def calls(self) -> list[Call]:
        """What is called now, each checked by its schema."""
        self.talk.asking.say_next()
        found = [each for each in self.said if isinstance(each, Call)]
        self.said.clear()
        assert all(passes(each.action, False, each.payload) for each in found)
        return found

    def command(self, command: Any) -> Call | None:
        """Send a command; the call that it makes."""
        self.talk.command(1, command)
        return next(iter(self.calls()), None)

    def hear(self, message: Message) -> Any:
        """Say something as the charge point."""
        return self.talk.hear(write(message))

    def ask(self, command: Any, **payload: Any) -> Answer:
        """Send a command and answer its call; what the platform hears."""
        call = self.command(command)
        assert call is not None
        (answered,) = [
            each for each in self.hear(Result(call.id, payload)) if isinstance(each, Answered)
        ]
        return answered.answer


def there(state: OrderState = OrderState.CHARGING) -> OrderThere:
    """An order that the platform knows of."""
    return OrderThere(ORDER, 1, state, 1_000)


# ---------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("order_id", [1, 35, 36, ORDER, 2**63 - 1])
def test_an_order_is_known_by_its_tag(order_id: int) -> None:
    """Exactly, in either case, within 20 characters."""
    tag = order_tag(order_id)
    assert len(tag) == 18
    assert read_order_tag(tag) == read_order_tag(f" {tag.lower()}") == order_id


@pytest.mark.parametrize(
    "tag", ["", "04A1B2C3", "C0", "C0" + "F" * 16, "C0" + "0" * 16, "C0" + "Z" * 16]
)
def test_a_card_is_no_order(tag: str) -> None:
    """Nor is what no id could make."""
    found = read_order_tag(tag)
    assert found is None or order_tag(found) == tag


@pytest.mark.parametrize("order_id", [1, 2**31 - 1, 2**31, ORDER, 2**63 - 1])
def test_a_transactions_number_has_31_bits(order_id: int) -> None:
    """And is never 0, which is no transaction to many."""
    assert 1 <= transaction_id(order_id) < 2**31


# --------------------------------------------------------------------------------- what is called


@pytest.mark.parametrize(
    ("command", "action", "payload"),
    [
        (START, "RemoteStartTransaction", {"connectorId": 1, "idTag": order_tag(ORDER)}),
        (StopCharge(ORDER, 1), "RemoteStopTransaction", {"transactionId": transaction_id(ORDER)}),
        (Reboot(), "Reset", {"type": "Soft"}),
        (Reboot(when_idle=False), "Reset", {"type": "Hard"}),
        (
            LockOutCharger(LockOut.OPERATOR, 2),
            "ChangeAvailability",
            {"connectorId": 2, "type": "Inoperative"},
        ),
        (
            LockOutCharger(LockOut.NONE),
            "ChangeAvailability",
            {"connectorId": 0, "type": "Operative"},
        ),
        (
            SetParameters({Parameter.REPORT_S: 30}),
            "ChangeConfiguration",
            {"key": "MeterValueSampleInterval", "value": "30"},
        ),
        (
            SetParameters({Parameter.OFFLINE_CARDS: 0}),
            "ChangeConfiguration",
            {"key": "LocalAuthorizeOffline", "value": "false"},
        ),
        (
            UpdateCards(3, 4, ("A",), ("B",)),
            "SendLocalList",
            {
                "listVersion": 4,
                "updateType": "Differential",
                "localAuthorizationList": [
                    {"idTag": "A", "idTagInfo": {"status": "Accepted"}},
                    {"idTag": "B"},
                ],
            },
        ),
        (
            Query(Question.FIRMWARE),
            "TriggerMessage",
            {"requestedMessage": "FirmwareStatusNotification"},
        ),
        (VendorCall("ocpp", "UnlockConnector", {"connectorId": 1}), "UnlockConnector", None),
        (VendorCall("ocpp", "ClearCache", {}), "ClearCache", {}),
    ],
)
def test_a_command_is_a_call(command: Any, action: str, payload: Any) -> None:
    """As the specification has it."""
    call = Bench().command(command)
    assert call is not None
    assert call.action == action
    assert payload is None or call.payload == payload


def test_every_operation_can_be_reached() -> None:
    """All that a central system may begin, of all profiles."""
    missing = {
        name
        for name, row in ACTIONS.items()
        if row.sender is not Sender.CHARGE_POINT and name not in OPERATIONS
    }
    assert missing == set()
    assert len(OPERATIONS) == 26


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (Locate(5), NotSupported),
        (StartCharge(ORDER, 0, 0), Invalid),
        (VendorCall("ocpp", "Nonsense", {}), NotSupported),
        (VendorCall("ocpp", "Heartbeat", {}), NotSupported),
        (VendorCall("dny", "Reset", {"type": "Soft"}), NotSupported),
        (VendorCall("ocpp", "Reset", {"type": "Soon"}), Invalid),
        (VendorCall("ocpp", "Reset", {}), Invalid),
        (SetParameters({Parameter.VOLUME_PERCENT: 3}), NotSupported),
        (UpdateCards(0, 1, ("x" * 21,)), Invalid),
        (ChangeCharge(ORDER, 1, limit_energy_mwh=1), Conflict),
    ],
)
def test_what_cannot_be_said_is_refused(command: Any, why: type[Exception]) -> None:
    """At once, and nothing is called."""
    bench = Bench()
    with pytest.raises(why):
        bench.command(command)
    assert bench.calls() == []


def test_a_queue_has_an_end() -> None:
    """What comes beyond is refused."""
    bench = Bench()
    for _ in range(MOST_WAITING):
        bench.talk.command(1, Reboot())
    with pytest.raises(Overloaded):
        bench.talk.command(1, Reboot())


# ------------------------------------------------------------------------------ what is answered


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *[(each, "ok") for each in sorted(ACCEPTED)],
        ("Rejected", "refused"),
        ("NotSupported", "unknown-command"),
        ("Faulted", "fault"),
        ("Occupied", "busy"),
        ("Whatever", "refused"),
    ],
)
def test_a_status_is_an_answer(status: str, code: str) -> None:
    """Yes, or why not."""
    answer = Bench().ask(VendorCall("ocpp", "ClearCache", {}), status=status)
    assert (answer.accepted, answer.code) == (code == "ok", code)
    assert answer.fields == {"status": status}


@pytest.mark.parametrize(
    ("code", "told"), [("NotImplemented", "unknown-command"), ("InternalError", "refused")]
)
def test_an_error_is_a_no(code: str, told: str) -> None:
    """With what the charge point calls it."""
    bench = Bench()
    call = bench.command(Reboot())
    assert call is not None
    (answered,) = bench.hear(Error(call.id, code, "busy"))
    assert answered.answer == Answer(False, told, {"error": code, "description": "busy"})


def test_calls_that_belong_together_have_one_answer() -> None:
    """The first no ends them."""
    bench = Bench()
    call = bench.command(Query(Question.PORTS))
    assert call is not None
    assert not [
        each
        for each in bench.hear(Result(call.id, {"status": "Accepted"}))
        if isinstance(each, Answered)
    ]
    (second,) = bench.calls()
    assert second.payload == {"requestedMessage": "MeterValues"}
    (answered,) = bench.hear(Result(second.id, {"status": "NotImplemented"}))
    assert answered.answer.code == "unknown-command"


def test_one_call_is_on_its_way_at_a_time() -> None:
    """The next one is sent when it was answered, or nobody will."""
    bench = Bench()
    bench.talk.command(1, Reboot())
    bench.talk.command(2, Reboot())
    assert len(bench.calls()) == 1
    assert bench.calls() == []
    bench.clock.advance(ANSWER_WITHIN_S)
    bench.talk.asking.look_after()
    assert len(bench.calls()) == 1


def test_a_start_that_waited_for_too_long_is_not_sent() -> None:
    """The platform has given its order up."""
    bench = Bench()
    bench.talk.command(1, Reboot())
    bench.talk.command(2, START)
    assert len(bench.calls()) == 1
    bench.clock.advance(START_GOOD_FOR_S)
    bench.talk.asking.look_after()
    bench.hear(Result("1", {"status": "Accepted"}))
    assert bench.calls() == []


def test_what_is_done_already_is_a_yes() -> None:
    """A start that charges, a stop of what has ended, a start that is refused as it runs."""
    assert Bench(there()).command(START) is None
    over = Bench(there())
    ended = {"transactionId": transaction_id(ORDER), "meterStop": 2, "timestamp": "2026-11-23"}
    over.hear(Call("9", "StopTransaction", ended))
    assert over.command(StopCharge(ORDER, 1)) is None
    bench = Bench()
    call = bench.command(START)
    assert call is not None
    begun = {
        "connectorId": 1,
        "idTag": order_tag(ORDER),
        "meterStart": 1,
        "timestamp": "2026-11-23",
    }
    bench.hear(Call("9", "StartTransaction", begun))
    (answered,) = bench.hear(Result(call.id, {"status": "Rejected"}))
    assert answered.answer == Answer(True)


def test_what_charges_keeps_it_from_starting_anew() -> None:
    """Where it is to wait until nothing does."""
    with pytest.raises(Conflict):
        Bench(there()).command(Reboot(when_idle=True))


def test_a_fire_ends_what_charges_first() -> None:
    """Being taken out of service would wait for it."""
    bench = Bench(there())
    first = bench.command(LockOutCharger(LockOut.FIRE))
    assert first is not None
    assert first.action == "RemoteStopTransaction"
    bench.hear(Result(first.id, {"status": "Accepted"}))
    assert [each.action for each in bench.calls()] == ["ChangeAvailability"]


def test_a_lock_out_for_a_fire_is_lifted_by_who_may() -> None:
    """OCPP has one word for every reason: which it was is known here."""
    bench = Bench()
    bench.ask(LockOutCharger(LockOut.FIRE, 1), status="Accepted")
    with pytest.raises(Conflict):
        bench.command(LockOutCharger(LockOut.NONE, 1))
    assert bench.ask(LockOutCharger(LockOut.NONE, 1, lifts_fire=True), status="Accepted").accepted
    assert bench.ask(LockOutCharger(LockOut.NONE, 1), status="Accepted").accepted


def test_what_is_set_is_told() -> None:
    """In the platform's units, where it has a name for it."""
    bench = Bench()
    call = bench.command(Query(Question.PARAMETERS))
    assert call is not None
    keys = [
        {"key": "MeterValueSampleInterval", "readonly": False, "value": "30"},
        {"key": "LocalAuthorizeOffline", "readonly": False, "value": "True"},
        {"key": "ClockAlignedDataInterval", "readonly": False, "value": "0"},
        {"key": "Other", "readonly": False},
    ]
    heard = bench.hear(Result(call.id, {"configurationKey": keys}))
    told = [each.event for each in heard if isinstance(each, Told)]
    assert told == [ParametersTold({Parameter.REPORT_S: 30, Parameter.OFFLINE_CARDS: 1})]


# ----------------------------------------------------------------------------------------- limits


def test_a_time_is_kept_on_this_side() -> None:
    """And the end is told to have been for it; said again if nobody obeys."""
    bench = Bench()
    bench.command(StartCharge(ORDER, 1, 0, limit_duration_s=600))
    bench.hear(Result("1", {"status": "Accepted"}))
    begun = {"connectorId": 1, "idTag": order_tag(ORDER), "meterStart": 1}
    bench.hear(Call("9", "StartTransaction", begun))
    bench.clock.advance(599)
    bench.talk.asking.look_after()
    assert bench.calls() == []
    assert bench.talk.asking.due_s == 600
    for _ in range(2):
        bench.clock.advance(61)
        bench.talk.asking.look_after()
        (call,) = bench.calls()
        assert call.action == "RemoteStopTransaction"
        bench.hear(Result(call.id, {"status": "Rejected"}))
    ended = {"transactionId": transaction_id(ORDER), "meterStop": 2, "reason": "Remote"}
    (told,) = bench.hear(Call("10", "StopTransaction", ended))
    assert told.event.reason is StopReason.LIMIT_TIME
    bench.talk.asking.look_after()
    assert bench.talk.asking.due_s is None


def test_another_limit_counts_from_then_on() -> None:
    """What is not named stays as it was."""
    bench = Bench(there())
    assert bench.command(ChangeCharge(ORDER, 1, limit_energy_mwh=1_000)) is None
    sample = {"value": "0.002", "unit": "kWh"}
    value = {"timestamp": "2026-11-23T01:00:00Z", "sampledValue": [sample]}
    bench.hear(Call("9", "MeterValues", {"connectorId": 1, "meterValue": [value]}))
    bench.talk.asking.look_after()
    assert [each.action for each in bench.calls()] == ["RemoteStopTransaction"]


def test_what_it_began_with_must_be_known_to_look_ahead() -> None:
    """A register without its beginning says nothing of what was drawn."""
    bench = Bench()
    bench.command(StartCharge(ORDER, 1, 0, limit_energy_mwh=1_000))
    bench.hear(Result("1", {"status": "Accepted"}))
    bench.hear(Call("9", "StartTransaction", {"connectorId": 1, "idTag": order_tag(ORDER)}))
    value = {"timestamp": "2026-11-23T01:00:00Z", "sampledValue": [{"value": "5000"}]}
    bench.hear(Call("10", "MeterValues", {"connectorId": 1, "meterValue": [value]}))
    bench.talk.asking.look_after()
    assert bench.calls() == []


@pytest.mark.parametrize(("told_s", "rate"), [(1_006, 1.0), (1_004, 1.0), (1_300, 60.0)])
def test_a_calendar_that_goes_faster_is_noticed(told_s: int, rate: float) -> None:
    """And one that only tells whole seconds is none."""
    time = CloudTime()
    time.told(1_000, 0.0)
    time.told(told_s, 5.0)
    assert time.rate == rate
    assert time.now(6.0).timestamp() == told_s + rate
