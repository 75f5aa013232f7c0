"""A charger's connection over a transport: deadlines, limits, wishes, farewells."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError

from chargecloud.dialects.native.frames import SHORT_BODY
from chargecloud.dialects.native.received import HeartbeatAnswered, Kept, Ordered, Refused
from chargecloud.domain.charger import ChargerTime, Secret
from chargecloud.domain.commands import Answer, SetTime, StopCharge, VendorCall
from chargecloud.domain.errors import ChargerOffline, CommandTimedOut, Overloaded, Refusal
from chargecloud.domain.events import (
    ChargeStarted,
    Outcome,
    PortReading,
    PortsReported,
    VendorEvent,
)
from chargecloud.gateway.protocol import MOST_COMMANDS, MOST_IN_FLIGHT
from tests.gateway.gate import Charger, Gate, Line, Office, logged_failures
from tests.gateway.line_dialect import PREAMBLE
from tests.harness import failure_of, result_of

STOP = StopCharge(order_id=1, port=1)
PING = VendorCall("lines", "ping")
REPORT = PortsReported(ChargerTime(1, 100), (PortReading(port=1, meter_mwh=5),))
LATEST = 1_000.0


def started(number: int) -> ChargeStarted:
    """A fact that is told apart by its order."""
    return ChargeStarted(number, 1, 5, ChargerTime(1, 100))


class Faulty(Office):
    """An office with a bug."""

    def receive(self, *given: object) -> None:
        """Does not come back."""
        raise ZeroDivisionError


def command(gate: Gate, identity: str, order: Any = STOP, deadline_s: float = 15.0) -> Any:
    """Send a command to a charger that is online."""
    return gate.routing.send(gate.office.ids[identity], order, deadline_s)


def ends(box: str, *numbers: int) -> bytes:
    """Lines that tell facts."""
    return b"".join(f"end {box} {number}\n".encode() for number in numbers)


# -------------------------------------------------------------------------------- login deadline


def test_a_connection_that_says_nothing_is_closed_at_the_login_deadline() -> None:
    """Not before, and not later."""
    gate = Gate(login_s=15.0)
    line = gate.open()
    gate.clock.advance(14.9)
    assert not line.is_closing
    gate.clock.advance(0.2)
    assert line.is_closing


def test_a_charger_that_only_claims_is_closed_at_the_login_deadline() -> None:
    """HELLO is no proof: anybody can say a name."""
    gate = Gate(login_s=15.0)
    charger = gate.charger()
    charger.wire.hello(uptime_s=1)
    charger.line.say(charger.wire.data_to_send())
    gate.clock.advance(15.1)
    assert charger.line.is_closing
    assert gate.office.asked == [("credentials", "EB-1")]


def test_bytes_do_not_prolong_the_login_deadline() -> None:
    """Who drips a HELLO byte by byte has as long as everybody else."""
    gate = Gate(login_s=15.0)
    charger = gate.charger()
    charger.wire.hello(uptime_s=1)
    hello = charger.wire.data_to_send()
    for second in range(14):
        charger.line.say(hello[second : second + 1])
        gate.clock.advance(1.0)
    assert not charger.line.is_closing
    gate.clock.advance(1.1)
    assert charger.line.is_closing


def test_a_login_that_takes_too_long_here_ends_as_well() -> None:
    """The deadline holds while the database thinks, and its late answer does nothing."""
    gate = Gate(login_s=15.0)
    gate.office.late = {"logged_in"}
    charger = gate.charger().log_in()
    gate.clock.advance(15.1)
    assert charger.line.is_closing
    gate.office.answer()
    assert not gate.is_online("EB-1")
    assert gate.clock.getDelayedCalls() != []
    charger.line.drop()
    assert gate.clock.getDelayedCalls() == []


# -------------------------------------------------------------------------------------- liveness


def test_a_charger_that_breaks_its_promise_is_given_up() -> None:
    """Silence of 60 s and half of that, counted from the last frame."""
    gate = Gate(heartbeat_s=60)
    charger = gate.charger().log_in()
    gate.clock.advance(89.9)
    assert not charger.line.is_closing
    gate.clock.advance(0.2)
    assert charger.line.is_closing
    assert not gate.is_online("EB-1")


@pytest.mark.parametrize("kind", ["heartbeat", "report", "fact", "answer"])
def test_each_frame_prolongs(kind: str) -> None:
    """Whatever a charger says is a sign of life, for another 90 s."""
    gate = Gate()
    charger = gate.charger().log_in()
    for _ in range(5):
        gate.clock.advance(80)
        match kind:
            case "heartbeat":
                charger.wire.heartbeat()
            case "report":
                charger.wire.report(REPORT)
            case "fact":
                charger.wire.started(1, started(1))
            case "answer":
                charger.wire.answer(1, Answer(True))
        charger.pump()
    gate.clock.advance(89.9)
    assert not charger.line.is_closing
    gate.clock.advance(0.2)
    assert charger.line.is_closing


def test_bytes_without_a_frame_do_not_prolong() -> None:
    """Nobody keeps a charger online by dripping half a frame."""
    gate = Gate()
    charger = gate.charger().log_in()
    charger.wire.report(REPORT)
    report = charger.wire.data_to_send()
    for place in range(9):
        charger.line.say(report[place : place + 1])
        gate.clock.advance(9.9)
    assert not charger.line.is_closing
    gate.clock.advance(1)
    assert charger.line.is_closing


def test_a_heartbeat_is_answered_without_asking_anybody() -> None:
    """It needs no service, not even one that works."""
    gate = Gate()
    charger = gate.charger().log_in()
    gate.office.broken = RuntimeError("the database is away")
    asked = list(gate.office.asked)
    charger.beat()
    assert charger.heard[-1] == HeartbeatAnswered()
    assert gate.office.asked == asked
    assert gate.office.facts == []


# -------------------------------------------------------------------------------------- farewell


def test_a_close_is_polite_at_first_and_then_is_not() -> None:
    """What was written is given its time to be taken, and no longer."""
    gate = Gate(farewell_s=5.0)
    charger = gate.charger().log_in()
    gate.gateway.close_all()
    assert charger.line.is_closing
    gate.clock.advance(4.9)
    assert not charger.line.is_aborted
    gate.clock.advance(0.2)
    assert charger.line.is_aborted
    charger.line.drop()
    assert gate.gateway.connections == 0


def test_a_connection_that_goes_in_time_leaves_nothing_behind() -> None:
    """No farewell, no deadline is under way for it."""
    gate = Gate()
    charger = gate.charger().log_in()
    gate.gateway.close_all()
    charger.line.drop()
    assert gate.clock.getDelayedCalls() == []
    gate.clock.advance(LATEST)
    assert not charger.line.is_aborted


def test_a_peer_that_does_not_read_is_not_read_and_then_closed() -> None:
    """The transport says that its buffer is full, again with each write: the slowest peer
    pays, when its time is over."""
    gate = Gate(farewell_s=5)
    charger = gate.charger().log_in()
    transport = charger.line.transport
    producer: Any = transport.producer
    producer.pauseProducing()
    gate.clock.advance(3)
    producer.pauseProducing()
    assert transport.producerState == "paused"
    assert not charger.line.is_closing
    gate.clock.advance(2.1)
    assert charger.line.is_closing
    assert not gate.is_online("EB-1")
    gate.clock.advance(5.1)
    assert charger.line.is_aborted


def test_a_peer_that_reads_in_time_is_read_on() -> None:
    """Many answers at once are more than its network takes in a moment."""
    gate = Gate(farewell_s=5)
    charger = gate.charger().log_in()
    for _ in range(3):
        charger.line.protocol.pauseProducing()
        gate.clock.advance(4.9)
        charger.line.protocol.resumeProducing()
    gate.clock.advance(30)
    assert charger.line.transport.producerState == "producing"
    assert charger.beat().heard[-1] == HeartbeatAnswered()
    assert len(gate.clock.getDelayedCalls()) == 1


def test_a_closing_connection_does_nothing_more() -> None:
    """Bytes that still come in, as they do under TLS, are not even read."""
    gate = Gate()
    charger = gate.charger().log_in()
    charger.wire.started(1, started(1))
    gate.gateway.close_all()
    assert charger.line.say(charger.wire.data_to_send()) == b""
    assert charger.line.say(b"garbage") == b""
    assert gate.office.facts == []
    assert not gate.gateway.faults


# ------------------------------------------------------------------------------------------ bytes


@given(st.binary(min_size=1, max_size=300), st.data())
def test_any_bytes_after_the_login_close_that_connection_only(
    noise: bytes, data: st.DataObject
) -> None:
    """As soon as they would make a frame; the neighbour does not notice."""
    gate = Gate()
    charger, neighbour = gate.charger("EB-1").log_in(), gate.charger("EB-2").log_in()
    place = data.draw(st.integers(0, len(noise)))
    with logged_failures(forgotten=False) as failures:
        for piece in (noise[:place], noise[place:], bytes(2 + SHORT_BODY)):
            charger.line.say(piece)
    assert charger.line.is_closing
    assert gate.gateway.faults.total() == 1
    assert failures == []
    neighbour.beat()
    assert neighbour.heard[-1] == HeartbeatAnswered()
    assert gate.is_online("EB-2")


@given(st.binary(min_size=1, max_size=600))
def test_any_bytes_before_the_login_admit_nobody(noise: bytes) -> None:
    """They are refused, or wait for the login deadline."""
    gate = Gate()
    line = gate.open()
    with logged_failures(forgotten=False) as failures:
        line.say(noise)
        gate.clock.advance(15.1)
    assert line.is_closing
    assert failures == []
    assert len(gate.presence) == 0


def test_a_bad_tag_closes_at_once_even_behind_good_frames() -> None:
    """What came well in the same read is kept and answered; then it is over."""
    gate = Gate()
    charger = gate.charger().log_in()
    charger.wire.started(1, started(1))
    good = charger.wire.data_to_send()
    charger.wire.started(2, started(2))
    bad = bytearray(charger.wire.data_to_send())
    bad[-1] ^= 1
    down = charger.line.say(good + bytes(bad))
    assert charger.line.is_closing
    assert gate.gateway.faults == {"bad-tag": 1}
    assert [event for _, event in gate.office.facts] == [started(1)]
    assert charger.wire.receive(down) == [Kept(1, Outcome.KEPT)]


@given(st.data())
def test_a_recorded_session_logs_nobody_in(data: st.DataObject) -> None:
    """Replayed in whatever pieces, it proves nothing, and disturbs nobody."""
    gate = Gate()
    charger = gate.charger().log_in()
    charger.wire.started(1, started(1))
    charger.beat()
    admitted, facts = list(gate.office.asked), list(gate.office.facts)
    recorded = charger.said
    cuts = sorted(data.draw(st.lists(st.integers(1, len(recorded) - 1), max_size=5)))
    line = gate.open()
    for start, end in zip([0, *cuts], [*cuts, len(recorded)], strict=True):
        if start < end:
            line.say(recorded[start:end])
    assert line.is_closing
    assert gate.gateway.faults == {"bad-tag": 1}
    assert gate.office.asked == [*admitted, ("credentials", "EB-1")]
    assert gate.office.facts == facts
    assert not charger.line.is_closing
    assert gate.is_online("EB-1")


def test_a_wrong_key_never_logs_in() -> None:
    """Whoever has a key, but not this charger's, gets a welcome that he cannot open."""
    gate = Gate()
    thief = gate.charger("EB-1", Secret(bytes(16), 1))
    thief.wire.hello(uptime_s=1)
    thief.line.say(thief.wire.data_to_send())
    thief.line.say(bytes((0xC2, 20)) + bytes(20))
    assert thief.line.is_closing
    assert not gate.is_online("EB-1")


# --------------------------------------------------------------------------------- admission


def test_a_stranger_hears_the_refusal_before_the_close() -> None:
    """Its technician can read the reason from the charger."""
    gate = Gate()
    gate.office.strangers = {"EB-1"}
    charger = gate.charger().hello()
    assert charger.heard == [Refused(code=1)]
    assert charger.line.is_closing
    assert gate.gateway.faults == {"not-admitted": 1}


def test_a_barred_charger_is_closed_after_its_proof() -> None:
    """It is registered, and may not connect."""
    gate = Gate()
    gate.office.barred = {"EB-1"}
    charger = gate.charger().log_in()
    assert charger.line.is_closing
    assert gate.gateway.faults == {"not-admitted": 1}
    assert len(gate.presence) == 0


@pytest.mark.parametrize("when", ["credentials", "logged_in"])
def test_a_failing_lookup_closes_the_connection_and_tells_nothing(when: str) -> None:
    """Our own trouble is logged once here, and is no business of the charger's."""
    gate = Gate()
    gate.office.late = {when}
    charger = gate.charger()
    charger.wire.hello(uptime_s=1)
    with logged_failures() as failures:
        if when == "credentials":
            gate.office.broken = RuntimeError("secret: the password of the database")
        else:
            welcome = charger.line.say(charger.wire.data_to_send())
            charger.wire.receive(welcome)
            gate.office.broken = RuntimeError("secret: the password of the database")
        down = charger.line.say(charger.wire.data_to_send())
    assert charger.line.is_closing
    assert down == b""
    assert [each["log_failure"].type for each in failures] == [RuntimeError]
    assert len(gate.presence) == 0
    assert not gate.gateway.faults


@pytest.mark.parametrize("when", ["credentials", "logged_in"])
def test_a_lookup_that_ends_after_the_connection_does_no_harm(when: str) -> None:
    """The charger has gone meanwhile: nobody is welcomed, present or blamed."""
    gate = Gate()
    gate.office.late = {when}
    charger = gate.charger().hello()
    charger.line.drop()
    with logged_failures() as failures:
        gate.office.answer_all()
    assert failures == []
    assert charger.line.take() == b""
    assert len(gate.presence) == 0
    assert gate.gateway.connections == 0
    assert gate.clock.getDelayedCalls() == []


def test_a_lookup_that_fails_after_the_connection_is_still_logged() -> None:
    """It is our trouble, whether the charger waits or not."""
    gate = Gate()
    gate.office.late = {"logged_in"}
    charger = gate.charger().log_in()
    charger.line.drop()
    with logged_failures() as failures:
        gate.office.answer_with(RuntimeError("the database went away"))
    assert len(failures) == 1


def test_facts_told_before_the_admission_are_delivered_after_it_in_order() -> None:
    """A charger that comes back sends its kept records at once."""
    gate = Gate()
    gate.office.late = {"logged_in"}
    charger = gate.charger().log_in()
    for record in range(1, 6):
        charger.wire.started(record, started(record))
    charger.beat()
    assert charger.heard[-1] == HeartbeatAnswered()
    assert gate.office.facts == []
    gate.office.answer()
    charger.pump()
    assert [event for _, event in gate.office.facts] == [started(n) for n in range(1, 6)]
    assert charger.heard[-5:] == [Kept(n, Outcome.KEPT) for n in range(1, 6)]


# -------------------------------------------------------------------------------- several chargers


def test_a_host_brings_its_boxes_on_one_connection() -> None:
    """Each is present by itself; they go together."""
    gate = Gate()
    host = gate.host("A", "B", "C")
    assert len(gate.presence) == 3
    assert gate.gateway.connections == 1
    assert host.say(b"beat B\n" + ends("C", 7)) == b"alive B\nkept C 7\n"
    host.drop()
    assert len(gate.presence) == 0


def test_a_dialect_is_called_when_something_of_its_own_is_due() -> None:
    """At the time that it gave, not before; the last one that it gave counts."""
    gate = Gate()
    host = gate.host("A")
    host.say(b"remind 9\n")
    host.say(b"remind 5\n")
    gate.clock.advance(4.9)
    assert host.take() == b""
    gate.clock.advance(0.1)
    assert host.take() == b"now\n"
    host.say(b"remind 5\n")
    host.drop()
    assert not gate.clock.getDelayedCalls()


def test_a_command_goes_to_its_box_and_the_answer_comes_from_it() -> None:
    """The same number of another box is another command."""
    gate = Gate()
    host = gate.host("A", "B")
    to_a, to_b = command(gate, "A", PING), command(gate, "B", PING)
    assert host.take() == b"do A 1 ping\ndo B 1 ping\n"
    host.say(b"ok B 1\n")
    assert result_of(to_b) == Answer(True)
    assert not to_a.called
    host.say(b"ok A 1\n")
    assert result_of(to_a) == Answer(True)


def test_a_box_that_comes_back_elsewhere_takes_its_old_host_down() -> None:
    """The host's other boxes come back by themselves; the moved one stays where it is."""
    gate = Gate()
    old, new = gate.host("A", "B"), gate.host("B")
    assert old.is_closing
    assert not gate.is_online("A")
    old.drop()
    assert gate.is_online("B")
    assert not new.is_closing


# -------------------------------------------------------------------------------------- commands


def test_a_command_is_answered() -> None:
    """The answer comes to the one who asked."""
    gate = Gate()
    charger = gate.charger().log_in()
    answered = command(gate, "EB-1")
    charger.pump()
    assert charger.heard[-1] == Ordered(1, STOP)
    charger.wire.answer(1, Answer(False, "busy"))
    charger.pump()
    assert result_of(answered) == Answer(False, "busy")
    assert len(gate.clock.getDelayedCalls()) == 1


def test_answers_may_come_in_any_order() -> None:
    """Each is matched by its number."""
    gate = Gate()
    charger = gate.charger().log_in()
    asked = [command(gate, "EB-1") for _ in range(3)]
    for number, code in ((3, "busy"), (1, "ok"), (2, "fault")):
        charger.wire.answer(number, Answer(code == "ok", code))
    charger.pump()
    assert [result_of(each).code for each in asked] == ["ok", "fault", "busy"]


def test_a_silent_charger_ends_a_command_at_its_deadline() -> None:
    """And an answer that comes later is for nobody."""
    gate = Gate()
    charger = gate.charger().log_in()
    answered = command(gate, "EB-1", deadline_s=7.0)
    gate.clock.advance(6.9)
    assert not answered.called
    gate.clock.advance(0.2)
    assert "7 s" in failure_of(answered, CommandTimedOut).detail
    with logged_failures() as failures:
        charger.wire.answer(1, Answer(True))
        charger.beat()
    assert failures == []
    assert not charger.line.is_closing


def test_an_answer_to_nothing_is_passed_over() -> None:
    """A number that was never given belongs to nobody."""
    gate = Gate()
    charger = gate.charger().log_in()
    charger.wire.answer(99, Answer(True))
    charger.beat()
    assert charger.heard[-1] == HeartbeatAnswered()


@pytest.mark.parametrize("how", ["dropped", "silent", "displaced", "stopped"])
def test_a_lost_connection_ends_its_commands_at_once(how: str) -> None:
    """However it was lost; and nobody finds it any more."""
    gate = Gate()
    charger = gate.charger().log_in()
    answered = command(gate, "EB-1", deadline_s=LATEST)
    match how:
        case "dropped":
            charger.line.drop()
        case "silent":
            gate.clock.advance(90)
        case "displaced":
            gate.charger().log_in()
        case "stopped":
            gate.gateway.close_all()
    failure_of(answered, ChargerOffline)


def test_one_who_asks_again_when_the_connection_is_lost_is_told_so_again() -> None:
    """Even the very connection that goes says no, instead of taking a command in."""
    gate = Gate()
    charger = gate.charger().log_in()
    link = charger.line.protocol
    again: list[Any] = []
    command(gate, "EB-1").addErrback(lambda _: again.append(link.send("EB-1", STOP, 15.0)))
    charger.line.drop()
    failure_of(again[0], ChargerOffline)
    assert gate.clock.getDelayedCalls() == []


def test_too_many_commands_are_not_taken() -> None:
    """The next one is refused, until one of them is answered."""
    gate = Gate()
    charger = gate.charger().log_in()
    asked = [command(gate, "EB-1") for _ in range(MOST_COMMANDS)]
    failure_of(command(gate, "EB-1"), Overloaded)
    charger.wire.answer(1, Answer(True))
    charger.pump()
    assert result_of(asked[0]) == Answer(True)
    assert not command(gate, "EB-1").called


def test_all_of_a_hosts_boxes_can_be_stopped_at_once() -> None:
    """What waits for one of them takes no place of another's."""
    gate = Gate()
    boxes = [f"B{number}" for number in range(MOST_COMMANDS + 2)]
    host = gate.host(*boxes)
    waiting = [command(gate, box, PING) for box in boxes]
    waiting += [command(gate, "B0", PING) for _ in range(MOST_COMMANDS - 1)]
    assert not any(each.called for each in waiting)
    failure_of(command(gate, "B0", PING), Overloaded)
    host.drop()
    for each in waiting:
        failure_of(each, ChargerOffline)


def test_a_command_given_up_by_the_asker_leaves_its_place() -> None:
    """Commands that were cancelled do not fill the connection up for ever."""
    gate = Gate()
    gate.charger().log_in()
    for _ in range(MOST_COMMANDS + 1):
        answered = command(gate, "EB-1")
        answered.cancel()
        failure_of(answered, CancelledError)
    assert not command(gate, "EB-1").called


def test_a_command_of_another_vendor_is_refused() -> None:
    """Nothing is sent, and nothing waits."""
    gate = Gate()
    charger = gate.charger().log_in()
    failure_of(command(gate, "EB-1", PING), Refusal)
    assert charger.line.take() == b""
    assert len(gate.clock.getDelayedCalls()) == 1


def test_a_charger_that_asks_for_the_time_is_told() -> None:
    """By the calendar, as a command that it answers."""
    gate = Gate()
    charger = gate.charger().log_in()
    charger.wire.ask_time()
    charger.pump()
    assert charger.heard[-1] == Ordered(1, SetTime(int(gate.clock.seconds())))
    assert gate.office.facts == []


def test_a_charger_that_asks_for_the_time_in_a_loop_is_not_told_in_a_loop() -> None:
    """What it does not answer fills its own commands, and is no fault of ours."""
    gate = Gate()
    charger = gate.charger().log_in()
    with logged_failures() as failures:
        for _ in range(3 * MOST_COMMANDS):
            charger.wire.ask_time()
        charger.pump()
        gate.clock.advance(16)
    assert len([each for each in charger.heard if isinstance(each, Ordered)]) == MOST_COMMANDS
    assert failures == []


# --------------------------------------------------------------------------------- back-pressure


def test_with_too_many_undecided_facts_we_stop_reading() -> None:
    """The charger's own queue holds what is left, until some are decided."""
    gate = Gate()
    gate.office.late = {"receive"}
    host = gate.host("A")
    host.say(ends("A", *range(MOST_IN_FLIGHT - 1)))
    assert host.transport.producerState == "producing"
    host.say(ends("A", 98, 99))
    assert host.transport.producerState == "paused"
    gate.office.answer()
    assert host.transport.producerState == "paused"
    gate.office.answer()
    assert host.transport.producerState == "producing"
    gate.office.answer_all()
    assert host.take().count(b"kept A") == MOST_IN_FLIGHT + 1


def test_readings_do_not_count_as_undecided() -> None:
    """Nobody waits for them."""
    gate = Gate()
    charger = gate.charger().log_in()
    for _ in range(3 * MOST_IN_FLIGHT):
        charger.wire.report(REPORT)
    charger.pump()
    assert len(gate.office.facts) == 3 * MOST_IN_FLIGHT
    assert charger.line.transport.producerState == "producing"


def test_facts_that_are_never_decided_end_the_connection() -> None:
    """There is no wait without an end: it comes back, and tells them again."""
    gate = Gate()
    gate.office.late = {"receive"}
    host = gate.host("A")
    host.say(ends("A", *range(MOST_IN_FLIGHT)))
    gate.clock.advance(gate.gateway.limits.silence_s + 0.1)
    assert host.is_closing
    with logged_failures() as failures:
        gate.office.answer_all()
    assert failures == []
    assert host.take() == b""


def test_a_fact_that_cannot_be_kept_is_kept_when_it_is_told_again() -> None:
    """No acknowledgement is the sign to send it again, on the same connection or another."""
    gate = Gate()
    charger = gate.charger().log_in()
    gate.office.broken = RuntimeError("the database is away")
    with logged_failures() as failures:
        charger.wire.started(1, started(1))
        charger.pump()
    assert len(failures) == 1
    assert not any(isinstance(each, Kept) for each in charger.heard)
    assert not charger.line.is_closing
    gate.office.broken = None
    charger.wire.started(1, started(1))
    charger.pump()
    assert charger.heard[-1] == Kept(1, Outcome.KEPT)


def test_a_decision_that_comes_after_the_connection_is_for_nobody() -> None:
    """It was kept; the charger tells it again, and is told then."""
    gate = Gate()
    gate.office.late = {"receive"}
    host = gate.host("A")
    host.say(ends("A", 1))
    host.drop()
    with logged_failures() as failures:
        gate.office.answer_all()
    assert failures == []
    assert host.take() == b""


def test_our_own_fault_costs_one_connection() -> None:
    """A bug in a room above is logged, and its charger comes back; others go on."""
    gate = Gate()
    charger, neighbour = gate.charger("EB-1").log_in(), gate.charger("EB-2").log_in()

    gate.gateway.events = Faulty()
    charger.wire.report(REPORT)
    with logged_failures() as failures:
        charger.pump()
    assert [each["log_failure"].type for each in failures] == [ZeroDivisionError]
    assert charger.line.is_closing
    neighbour.beat()
    assert neighbour.heard[-1] == HeartbeatAnswered()


def test_vendor_facts_pass_as_they_are() -> None:
    """The gateway knows nothing of what they mean."""
    gate = Gate()
    gate.host("A").say(ends("A", 7))
    assert [event for _, event in gate.office.facts] == [
        VendorEvent("lines", "end", {"number": "7"})
    ]


def test_a_line_that_is_no_dialects_is_closed_in_silence() -> None:
    """A scanner learns nothing from the chargers' port."""
    gate = Gate()
    line: Line = gate.open()
    assert line.say(b"GET / HTTP/1.1\r\n\r\n") == b""
    assert line.is_closing
    assert gate.gateway.faults == {"bad-frame": 1}


def test_two_dialects_share_a_port() -> None:
    """Each connection is told apart by itself, however slowly it begins."""
    gate = Gate()
    host = gate.open()
    for place in range(len(PREAMBLE)):
        host.say(PREAMBLE[place : place + 1])
    charger: Charger = gate.charger("EB-1").log_in()
    assert host.say(b"login A\nbeat A\n") == b"alive A\n"
    assert charger.beat().heard[-1] == HeartbeatAnswered()
