"""The life of an order, with all that goes wrong on the way."""

from collections.abc import Callable

import pytest

from chargecloud.conformance.bench import ORDER, Bench
from chargecloud.domain.commands import WAITS_FOR_PLUG, StartCharge, StopCharge, VendorCall
from chargecloud.domain.errors import ChargerOffline, Refusal
from chargecloud.domain.events import (
    CardAsked,
    CardPresented,
    ChargeEnded,
    ChargeStarted,
    Outcome,
    PortsReported,
    StopReason,
)
from chargecloud.interfaces import Answered, Claimed, Proven

NewBench = Callable[..., Bench]
#: a charger says again what was not acknowledged within this
SAID_AGAIN_S = 150
#: longer than any dialect waits for an answer
SILENCE_S = 240
HOUR_S = 3_600


def charging(bench: Bench) -> Bench:
    """Somebody charges."""
    bench.connect().plug()
    answer = bench.start()
    assert answer.accepted, answer
    return bench.carry()


def test_a_charger_logs_in(new_bench: NewBench) -> None:
    """It claims and proves itself, or needs not claim; and then it is known once."""
    bench = new_bench().connect()
    assert bench.session.is_welcome
    assert len(bench.of(Proven)) == 1
    assert {each.identity for each in bench.of(Claimed)} <= {bench.charger.identity}


def test_a_stranger_is_let_in_by_nobody(new_bench: NewBench) -> None:
    """Whom the platform does not know proves nothing, and can be told nothing."""
    bench = new_bench(is_known=False).connect()
    assert bench.of(Claimed), "a charger that needs no welcome cannot be kept out"
    assert not bench.of(Proven)
    with pytest.raises(ChargerOffline):
        bench.command(StartCharge(ORDER, 1, int(bench.clock.seconds()) + 60))


def test_a_charger_that_is_put_off_is_not_let_in(new_bench: NewBench) -> None:
    """Too many log in at once: it is told so as far as there are words for it, and nothing that
    it says meanwhile is taken for a login."""
    bench = new_bench(retry_s=60).connect()
    if not bench.of(Claimed):
        pytest.skip("a charger of this dialect needs no welcome")
    bench.pass_time(30)
    assert not bench.of(Proven)


def test_a_charger_may_be_sent_away(new_bench: NewBench) -> None:
    """It is on another connection now: its connection is to be closed, or it alone is spoken to
    no more; somebody who was never there changes nothing."""
    bench = charging(new_bench())
    bench.conversation.dismiss("never there")
    if bench.conversation.dismiss(bench.charger.identity) is False:
        return
    bench.carry()
    with pytest.raises(ChargerOffline):
        bench.command(StopCharge(ORDER, 1))


def test_an_order_lives_from_its_start_to_its_end(new_bench: NewBench) -> None:
    """Started, read, stopped, ended: by its id, at its port, once each."""
    bench = charging(new_bench())
    bench.pass_time(HOUR_S, 15)
    assert bench.stop().accepted
    bench.pass_time(SAID_AGAIN_S, 5)
    (started,) = bench.facts(ChargeStarted)
    (ended,) = bench.facts(ChargeEnded)
    assert (started.order_id, started.port) == (ended.order_id, ended.port) == (ORDER, 1)
    assert ended.reason in (StopReason.REMOTE, StopReason.OPERATOR, StopReason.USER)
    assert None not in (ended.end_meter_mwh, ended.start_meter_mwh)
    drawn_mwh = ended.end_meter_mwh - ended.start_meter_mwh
    assert drawn_mwh > 0
    if bench.dialect.counts_anew:
        assert ended.start_meter_mwh == 0
    readings = [
        reading
        for report in bench.facts(PortsReported)
        for reading in report.readings
        if reading.port == 1 and reading.order_id == ORDER
    ]
    assert readings, "nothing was told of the port while it charged"
    meters = [each.meter_mwh for each in readings if each.meter_mwh is not None]
    assert meters == sorted(meters), "a register goes back"
    assert all(each.power_dw is None or each.power_dw >= 0 for each in readings)


def test_the_register_tells_what_was_drawn(new_bench: NewBench) -> None:
    """Within the finest unit that the protocol has, a hundredth of a kWh at the most."""
    bench = charging(new_bench())
    port = bench.charger.port(1)
    began_mwh = port.meter_mwh
    bench.pass_time(HOUR_S, 15)
    bench.stop()
    drawn_mwh = port.meter_mwh - began_mwh
    bench.pass_time(SAID_AGAIN_S, 5)
    (ended,) = bench.facts(ChargeEnded)
    told_mwh = ended.end_meter_mwh - ended.start_meter_mwh
    assert 0 <= drawn_mwh - told_mwh <= 10_000


def test_a_start_without_a_plug_is_refused(new_bench: NewBench) -> None:
    """Or accepted for when somebody plugs in, and taken back if nobody does; no start is told."""
    bench = new_bench().connect()
    answer = bench.start()
    assert answer.code != "ok"
    if answer.accepted:
        assert answer.code == WAITS_FOR_PLUG
        assert bench.stop().accepted
        bench.plug().pass_time(SILENCE_S)
    assert bench.facts(ChargeStarted) == []


def test_a_start_that_waits_for_a_plug_begins_with_it(new_bench: NewBench) -> None:
    """Once."""
    bench = new_bench().connect()
    if not bench.start().accepted:
        pytest.skip("a charger of this dialect wants the plug first")
    bench.pass_time(20).plug().pass_time(40)
    assert [each.order_id for each in bench.facts(ChargeStarted)] == [ORDER]


def test_a_start_at_a_port_that_there_is_none_of_is_refused(new_bench: NewBench) -> None:
    """By the charger or by the dialect, and with a reason."""
    bench = new_bench().connect().plug()
    try:
        answer = bench.start(port=9)
    except Refusal:
        return
    assert not answer.accepted


def test_a_start_that_comes_twice_starts_once(new_bench: NewBench) -> None:
    """The platform asks again when it has lost the answer."""
    bench = charging(new_bench())
    assert bench.start().accepted
    bench.pass_time(60, 5)
    bench.stop()
    bench.pass_time(SAID_AGAIN_S, 5)
    assert len({(each.order_id, each.port) for each in bench.facts(ChargeStarted)}) == 1
    assert len(bench.facts(ChargeEnded)) == 1


def test_another_orders_stop_ends_nothing(new_bench: NewBench) -> None:
    """It may be late, and about the charge before."""
    bench = charging(new_bench())
    bench.stop(ORDER + 7)
    bench.pass_time(30)
    assert bench.facts(ChargeEnded) == []


def test_limits_end_a_charge_at_the_charger(new_bench: NewBench) -> None:
    """Time, without the platform."""
    bench = new_bench()
    if not bench.dialect.knows_limits:
        pytest.skip("the platform ends charges of this dialect at their limits")
    bench.connect().plug()
    assert bench.start(limit_duration_s=1_200).accepted
    bench.pass_time(2_000, 10)
    (ended,) = bench.facts(ChargeEnded)
    assert ended.reason is StopReason.LIMIT_TIME
    assert abs(ended.duration_s - 1_200) <= 60


def test_energy_ends_a_charge_at_the_charger(new_bench: NewBench) -> None:
    """Never beyond what was paid for."""
    bench = new_bench()
    if not bench.dialect.knows_limits:
        pytest.skip("the platform ends charges of this dialect at their limits")
    bench.connect().plug()
    assert bench.start(limit_energy_mwh=100_000).accepted
    bench.pass_time(2 * HOUR_S, 15)
    (ended,) = bench.facts(ChargeEnded)
    assert ended.reason is StopReason.LIMIT_ENERGY
    assert ended.end_meter_mwh - ended.start_meter_mwh <= 100_000


def test_a_start_is_no_limit_if_it_names_none(new_bench: NewBench) -> None:
    """It goes on until the battery is full, or somebody stops it."""
    bench = charging(new_bench())
    bench.pass_time(HOUR_S, 30)
    assert bench.facts(ChargeEnded) == []


def test_an_end_is_kept_until_it_is_acknowledged(new_bench: NewBench) -> None:
    """What could not be kept now is not answered: the charger says it again, as the same one."""
    bench = charging(new_bench(outcome=Outcome.LATER))
    bench.pass_time(60, 5)
    bench.stop()
    bench.pass_time(2 * SAID_AGAIN_S, 5)
    ends = bench.facts(ChargeEnded)
    assert len(ends) > 1, "an end that was not acknowledged was not told again"
    assert len({(each.order_id, each.port, each.end_meter_mwh) for each in ends}) == 1
    bench.outcome = Outcome.KEPT
    bench.pass_time(SAID_AGAIN_S, 5)
    kept = len(bench.facts(ChargeEnded))
    bench.pass_time(2 * SAID_AGAIN_S, 5)
    assert len(bench.facts(ChargeEnded)) == kept, "an end that was acknowledged is told again"


def test_a_lost_acknowledgement_is_made_good(new_bench: NewBench) -> None:
    """The network takes it; on the next connection the same end comes once more."""
    bench = charging(new_bench())
    bench.pass_time(600, 10)
    bench.loses_answers = True
    # at the charger itself: the platform's stop would be lost as well
    bench.charger.end(bench.charger.port(1), StopReason.USER)
    bench.pass_time(30)
    before = bench.facts(ChargeEnded)
    assert before, "an end was not told, or only to whoever answers"
    bench.loses_answers = False
    bench.reboot()
    bench.pass_time(SAID_AGAIN_S, 5)
    ends = bench.facts(ChargeEnded)
    assert len(ends) > len(before), "an end whose acknowledgement was lost was not told again"
    assert len({(each.order_id, each.port, each.end_meter_mwh) for each in ends}) == 1
    assert not bench.charger.memory.records


def test_an_end_that_nobody_wants_is_forgotten(new_bench: NewBench) -> None:
    """Refused is final: a charger must not fill its memory with it."""
    bench = charging(new_bench(outcome=Outcome.REFUSED))
    bench.pass_time(60, 5)
    bench.stop()
    bench.pass_time(2 * SAID_AGAIN_S, 5)
    assert len(bench.facts(ChargeEnded)) == 1


def test_a_charge_goes_on_over_a_lost_connection(new_bench: NewBench) -> None:
    """And is told with its order when the charger is there again."""
    bench = charging(new_bench())
    bench.hang_up()
    bench.clock.advance(600)
    bench.connect()
    bench.pass_time(600, 10)
    told = [
        reading.order_id
        for report in bench.facts(PortsReported)
        for reading in report.readings
        if reading.port == 1 and reading.order_id is not None
    ]
    assert set(told) == {ORDER}
    assert bench.facts(ChargeEnded) == []


def test_a_command_that_it_has_no_words_for_is_refused(new_bench: NewBench) -> None:
    """At once, and the connection goes on."""
    bench = new_bench().connect().plug()
    with pytest.raises(Refusal):
        bench.command(VendorCall(bench.dialect.name, "no such command"))
    assert bench.start().accepted


def test_a_command_before_the_login_is_refused(new_bench: NewBench) -> None:
    """Nobody is there yet."""
    bench = new_bench()
    bench.conversation = bench.dialect.conversation(lambda *_frame: None, bench.clock.seconds)
    with pytest.raises(Refusal):
        bench.start()


def test_a_charger_that_does_not_answer_ends_nothing_else(new_bench: NewBench) -> None:
    """The dialect gives a command up by itself or leaves that to the platform; it does not spin,
    and a later command has its own answer."""
    bench = charging(new_bench())
    bench.is_deaf = True
    lost = bench.command(StopCharge(ORDER, 1))
    for _ in range(SILENCE_S):
        bench.pass_time(1)
        due_s = bench.conversation.due_s
        assert due_s is None or due_s > bench.clock.seconds(), "a deadline stands still"
    answers = [each for each in bench.of(Answered) if each.number == lost]
    assert len(answers) <= 1
    assert not any(each.answer.accepted for each in answers), "nobody has accepted it"
    bench.is_deaf = False
    bench.hang_up()
    assert bench.connect().stop().accepted
    bench.pass_time(SAID_AGAIN_S, 5)
    assert len({each.order_id for each in bench.facts(ChargeEnded)}) == 1


def test_a_card_is_asked_about(new_bench: NewBench) -> None:
    """With its number as it was held there, and a number of the question's own; or only whether
    it may charge, by a charger that begins the charge by itself."""
    bench = new_bench().connect().plug()
    bench.charger.present_card(1, "00000000DD058D7A", bench.calendar.now())
    bench.pass_time(30)
    if asked := bench.facts(CardAsked):
        assert {each.card_uid for each in asked} == {"00000000DD058D7A"}
        return
    cards = bench.facts(CardPresented)
    if not cards:
        pytest.skip("the simulated charger has no card reader in this dialect")
    assert {(each.card_uid, each.port) for each in cards} == {("00000000DD058D7A", 1)}
    assert len({each.number for each in cards}) == 1


def test_the_port_tells_when_it_is_free(new_bench: NewBench) -> None:
    """A plug that is pulled is told: by it the saving is measured, and the next one finds a
    free port."""
    bench = new_bench().connect().plug()
    bench.pass_time(5)
    bench.charger.unplug(1, bench.calendar.now())
    bench.pass_time(5)
    states = [
        reading.state.value
        for report in bench.facts(PortsReported)
        for reading in report.readings
        if reading.port == 1
    ]
    assert states[-1] == "idle"
    assert "plugged" in states
