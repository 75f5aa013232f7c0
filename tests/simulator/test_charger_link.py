from datetime import timedelta
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.test.iosim import FakeTransport, IOPump, connect

from chargecloud.calendar import Anchor, Calendar
from chargecloud.dialects.native.keys import next_key
from chargecloud.domain.charger import ChargerTime, LockOut, PortState, Secret
from chargecloud.domain.commands import (
    ChangeCharge,
    ComeBack,
    LockOutCharger,
    NewKey,
    Query,
    Question,
    SetParameters,
    StartCharge,
    StopCharge,
    UpdateCards,
)
from chargecloud.domain.events import (
    CardPresented,
    ChargeEnded,
    ChargeStarted,
    OfflineStart,
    Outcome,
    ParametersTold,
    PortsReported,
    StopReason,
)
from chargecloud.domain.parameters import Parameter
from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.link import Link, LinkProtocol
from chargecloud.simulator.provisioning import facts_of
from tests.harness import clock_at
from tests.simulator.charger_parts import NOW, ORDER, Stand, bike, new_stand
from tests.simulator.small_platform import KEY, CloudEnd

SPEED = 60


@define
class Wire:
    """A charger and the small platform, joined without a network, on a fast calendar."""

    clock: Clock
    link: Link
    stand: Stand
    cloud: CloudEnd = field(init=False)
    client: LinkProtocol = field(init=False)
    pump: IOPump = field(init=False)

    def join(self, cloud: CloudEnd | None = None) -> CloudEnd:
        """Connect, and say all that is to be said at once."""
        self.cloud = cloud or CloudEnd()
        self.client = self.link.buildProtocol(None)
        self.pump = connect(
            self.cloud,
            FakeTransport(self.cloud, isServer=True),
            self.client,
            FakeTransport(self.client, isServer=False),
        )
        self.pump.flush()
        return self.cloud

    def cut(self) -> None:
        """The network goes."""
        self.client.transport.abortConnection()
        self.pump.flush()

    def after(self, real_s: float) -> None:
        """Let real time pass, carrying bytes as they come."""
        until_s = self.clock.seconds() + real_s
        while (left_s := until_s - self.clock.seconds()) > 1e-6:
            calls = self.clock.getDelayedCalls()
            next_s = min((call.getTime() - self.clock.seconds() for call in calls), default=left_s)
            self.clock.advance(max(0.0, min(left_s, next_s)))
            self.pump.flush()
        self.stand.now = NOW + timedelta(seconds=(until_s - NOW.timestamp()) * SPEED)

    def start(self, port: int = 1, order_id: int = ORDER, **limits: int) -> int:
        """Plug a bike in, and have an order started."""
        self.stand.charger.plug(port, bike(), self.link.calendar.now())
        valid_until_s = int(self.link.calendar.now().timestamp()) + 900
        command = StartCharge(order_id, port, valid_until_s, **limits)  # type: ignore[arg-type]
        number = self.cloud.command(command)
        self.pump.flush()
        return number


def new_wire() -> Wire:
    """A charger that has not connected yet."""
    clock = clock_at(NOW)
    stand = new_stand()
    calendar = Calendar(clock.seconds, Anchor(clock.seconds(), NOW, SPEED))
    facts = facts_of("SIM-0001", 4)
    stand.charger.keys = Keyring("SIM-0001", KEY.hex())
    link = Link(stand.charger, facts, calendar, clock, lambda: 0.0)
    return Wire(clock, link, stand)


def test_a_charger_logs_in_and_reports_all_its_ports() -> None:
    """It proves itself, tells its facts, and says how its ports are."""
    cloud = new_wire().join()
    (login,) = cloud.logins
    assert (login.identity, login.login.port_count) == ("SIM-0001", 4)
    (report,) = cloud.facts(PortsReported)
    assert [reading.port for reading in report.readings] == [1, 2, 3, 4]
    assert {reading.state for reading in report.readings} == {PortState.IDLE}


def test_an_order_is_answered_recorded_and_reported() -> None:
    """In this order, as soon as it comes."""
    wire = new_wire()
    cloud = wire.join()
    number = wire.start(limit_energy_mwh=50_000)
    wire.after(0.1)
    assert cloud.answers[number].accepted
    assert cloud.facts(ChargeStarted)[0].order_id == ORDER
    assert cloud.told[-1].readings[0].state is PortState.CHARGING  # type: ignore[union-attr]
    assert wire.stand.charger.memory.records == {}


def test_ports_that_charge_are_reported_each_minute_of_the_calendar() -> None:
    """All of them in one report, and those that do not charge not again."""
    wire = new_wire()
    cloud = wire.join()
    wire.start(1)
    wire.start(3, ORDER + 1)
    wire.after(0.5)
    cloud.told.clear()
    wire.after(10)
    reports = cloud.facts(PortsReported)
    assert len(reports) == 10
    assert all([reading.port for reading in report.readings] == [1, 3] for report in reports)
    uptimes = [report.at.uptime_s for report in reports]
    assert uptimes[-1] - uptimes[0] == 9 * 60
    meters = [report.readings[0].meter_mwh for report in reports]
    assert meters == sorted(set(meters))


def test_an_end_is_told_when_it_happens() -> None:
    """The timer waits for it, and the record has the exact figures."""
    wire = new_wire()
    cloud = wire.join()
    wire.start(limit_duration_s=90)
    wire.after(1.4)
    assert cloud.facts(ChargeEnded) == []
    wire.after(0.15)
    (ended,) = cloud.facts(ChargeEnded)
    assert (ended.duration_s, ended.reason) == (90, StopReason.LIMIT_TIME)
    assert cloud.told[-1].readings[0].state is PortState.PLUGGED  # type: ignore[union-attr]


def test_a_stop_ends_the_charge_at_once() -> None:
    """The answer, and then the record."""
    wire = new_wire()
    cloud = wire.join()
    wire.start()
    number = cloud.command(StopCharge(ORDER, 1))
    wire.after(0.1)
    assert cloud.answers[number].accepted
    assert cloud.facts(ChargeEnded)[0].reason is StopReason.REMOTE


def test_a_plug_that_is_pulled_is_told_at_once() -> None:
    """What people do at the socket does not wait for the next report; the charge ends when
    its grace is over, two seconds of this fast calendar later."""
    wire = new_wire()
    cloud = wire.join()
    wire.start()
    wire.after(3.3)
    wire.stand.charger.unplug(1, wire.link.calendar.now())
    wire.after(0.05)
    (reading,) = cloud.told[-1].readings  # type: ignore[union-attr]
    assert (reading.state, reading.order_id) == (PortState.IDLE, ORDER)
    assert cloud.facts(ChargeEnded) == []
    wire.after(2)
    assert cloud.facts(ChargeEnded)[0].reason is StopReason.UNPLUGGED


def test_a_card_is_asked_about_and_answered() -> None:
    """By its number, which counts the cards since the charger's start."""
    wire = new_wire()
    cloud = wire.join()
    for uid in ("CARD1", "CARD2"):
        wire.stand.charger.present_card(2, uid, wire.link.calendar.now())
        wire.after(0.1)
    asked = cloud.facts(CardPresented)
    assert [(card.number, card.port, card.card_uid) for card in asked] == [
        (1, 2, "CARD1"),
        (2, 2, "CARD2"),
    ]
    assert wire.stand.charger.memory.cards == ["CARD1", "CARD2"]
    cloud.card_code = "blocked-card"
    wire.stand.charger.present_card(2, "CARD1", wire.link.calendar.now())
    wire.after(0.1)
    assert wire.stand.charger.memory.cards == ["CARD2"]


def test_a_charge_that_began_offline_gets_its_order() -> None:
    """It is told with its card; from then on it is reported and stopped by its order."""
    wire = new_wire()
    wire.join(CloudEnd(is_deaf=True))
    wire.stand.charger.memory.cards.append("CARD")
    wire.stand.charger.plug(1, bike(), wire.link.calendar.now())
    wire.stand.charger.present_card(1, "CARD", wire.link.calendar.now())
    wire.cut()
    cloud = wire.join(CloudEnd(offline_order_id=ORDER))
    wire.after(0.1)
    (started,) = cloud.facts(ChargeStarted)
    assert (started.order_id, started.offline) == (None, OfflineStart(1, "CARD"))
    cloud.told.clear()
    wire.after(2)
    assert {report.readings[0].order_id for report in cloud.facts(PortsReported)} == {ORDER}
    number = cloud.command(StopCharge(ORDER, 1))
    wire.after(0.1)
    assert cloud.answers[number].accepted
    (ended,) = cloud.facts(ChargeEnded)
    assert (ended.order_id, ended.offline) == (ORDER, None)


def test_a_charge_that_began_and_ended_offline_is_told_by_its_number() -> None:
    """Start and end carry the same one, and both are kept."""
    wire = new_wire()
    wire.stand.charger.memory.cards.append("CARD")
    wire.stand.charger.plug(1, bike(), wire.stand.now)
    for minutes in (0, 60):
        now = wire.stand.after(60 * minutes)
        wire.stand.charger.present_card(1, "CARD", now)
    wire.clock.advance(60)
    cloud = wire.join()
    (started,), (ended,) = cloud.facts(ChargeStarted), cloud.facts(ChargeEnded)
    assert started.offline == ended.offline == OfflineStart(1, "CARD")
    assert (ended.order_id, ended.duration_s) == (None, 3_600)
    assert wire.stand.charger.memory.records == {}


def test_a_connection_that_is_lost_leaves_the_charger_alone() -> None:
    """Until it is welcomed again, it decides about cards by itself."""
    wire = new_wire()
    wire.join()
    assert wire.stand.charger.is_online
    wire.cut()
    assert not wire.stand.charger.is_online
    wire.join(CloudEnd(is_deaf=True))
    assert not wire.stand.charger.is_online


@pytest.mark.parametrize("resumes", [True, False])
def test_a_cut_of_the_power_is_told_when_it_is_back(resumes: bool) -> None:
    """In a new start: a charge goes on, or has ended when the power went."""
    wire = new_wire()
    wire.stand.charger.resumes = resumes
    wire.join()
    wire.start()
    wire.after(10)
    wire.stand.charger.cut_power(wire.link.calendar.now())
    wire.link.cut()
    wire.pump.flush()
    assert wire.link.current is None
    assert wire.clock.getDelayedCalls() == []
    wire.after(5)
    wire.stand.charger.power_up(wire.link.calendar.now())
    cloud = wire.join()
    (login,) = cloud.logins
    assert (login.login.boot, login.login.uptime_s) == (2, 0)
    wire.after(0.1)
    ends = [(end.reason, end.at, end.duration_s) for end in cloud.facts(ChargeEnded)]
    assert ends == ([] if resumes else [(StopReason.POWER_CUT, ChargerTime(1, 600), 600)])
    assert (wire.stand.charger.port(1).charge is not None) is resumes


def test_a_cloud_without_time_is_asked_again_when_it_said() -> None:
    """Between its hint and twice of that, where a hint of more than ten minutes is not
    believed; the time after that has nothing to do with the hint."""
    wire = new_wire()
    for jitter, hint_s, wait_s in ((0.0, 40, 40), (0.5, 40, 60), (0.0, 100_000, 600)):
        wire.link.jitter = lambda jitter=jitter: jitter  # type: ignore[misc]
        wire.join(CloudEnd(postpone_s=hint_s))
        assert wire.link.current is None
        assert wire.link._delay_s(1) == wait_s
        assert wire.link._delay_s(1) < 40


def test_an_idle_charger_beats() -> None:
    """One heartbeat in the time that the cloud has named, which promises the next, and nothing
    else."""
    wire = new_wire()
    cloud = wire.join()
    before = cloud.bytes_heard
    wire.after(29.9)
    assert cloud.bytes_heard == before
    wire.after(0.2)
    a_heartbeat_with_a_promise = 13
    assert cloud.bytes_heard == before + a_heartbeat_with_a_promise


def test_records_wait_for_their_acknowledgement() -> None:
    """A record that is not kept is sent again, the same in all its fields."""
    wire = new_wire()
    cloud = wire.join()
    cloud.outcome = Outcome.LATER
    wire.start(limit_duration_s=60)
    wire.after(10)
    assert len(wire.stand.charger.memory.records) == 2
    assert cloud.records == [1, 2]
    wire.after(25)
    assert cloud.records == [1, 2, 1, 2]
    records = [event for event in cloud.told if not isinstance(event, PortsReported)]
    assert records[:2] == records[2:]
    cloud.outcome = Outcome.KEPT
    wire.after(31)
    assert wire.stand.charger.memory.records == {}
    heard = len(cloud.records)
    wire.after(100)
    assert len(cloud.records) == heard


def test_records_are_sent_again_after_a_reconnect() -> None:
    """A charge that ended without a network is told of as it was."""
    wire = new_wire()
    first = wire.join()
    first.outcome = Outcome.LATER
    wire.start(limit_duration_s=120)
    wire.cut()
    wire.after(60)
    second = wire.join()
    (started,) = second.facts(ChargeStarted)
    (ended,) = second.facts(ChargeEnded)
    assert first.facts(ChargeStarted) == [started]
    assert ended.duration_s == 120
    assert ended.at.uptime_s - started.at.uptime_s == 120
    assert wire.stand.charger.memory.records == {}


def test_many_records_are_sent_in_portions() -> None:
    """The next are sent when those before are acknowledged."""
    wire = new_wire()
    now = wire.stand.now
    wire.stand.charger.plug(1, bike(), now)
    for number in range(20):
        wire.stand.start(order_id=ORDER + number)
        wire.stand.charger.obey(StopCharge(ORDER + number, 1), now)
    cloud = wire.join(CloudEnd(outcome=Outcome.LATER))
    assert cloud.records == list(range(1, 17))
    wire.cut()
    cloud = wire.join()
    assert cloud.records == list(range(1, 41))
    assert wire.stand.charger.memory.records == {}


def test_a_silent_cloud_is_given_up() -> None:
    """What it said last is asked about again after ten seconds; when three of that were not
    answered, the charger hangs up: within 90 s of the last answer, while it charges."""
    wire = new_wire()
    wire.join()
    wire.start()
    wire.after(200)
    assert wire.link.current is wire.client
    wire.cloud.is_deaf = True
    wire.after(91)
    assert wire.link.current is None
    assert wire.clock.getDelayedCalls() == []


def test_a_cloud_that_does_not_welcome_is_given_up() -> None:
    """Within a quarter of a minute."""
    wire = new_wire()
    wire.join(CloudEnd(is_deaf=True))
    wire.after(14.9)
    assert wire.link.current is not None
    wire.after(0.2)
    assert wire.link.current is None


def test_garbage_ends_the_connection() -> None:
    """What is no frame of the protocol is not answered."""
    wire = new_wire()
    cloud = wire.join()
    assert cloud.transport is not None
    cloud.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    wire.pump.flush()
    assert wire.link.current is None
    assert wire.clock.getDelayedCalls() == []


def test_each_connection_has_its_number() -> None:
    """No key is ever used twice."""
    wire = new_wire()
    lines = [wire.link.buildProtocol(None).session.line for _ in range(3)]  # type: ignore[attr-defined]
    assert [(line.boot, line.connection) for line in lines] == [(1, 1), (1, 2), (1, 3)]


def test_a_charger_that_is_turned_away_comes_back_less_and_less() -> None:
    """The wait grows from attempt to attempt although each connection is made, and starts
    anew once the charger was welcomed."""
    from twisted.internet.endpoints import clientFromString

    reactor = MemoryReactorClock()
    reactor.rightNow = NOW.timestamp()
    stand = new_stand()
    calendar = Calendar(reactor.seconds, Anchor(reactor.seconds(), NOW, SPEED))
    stand.charger.keys = Keyring("SIM-0001", KEY.hex())
    link = Link(stand.charger, facts_of("SIM-1", 4), calendar, reactor, lambda: 0)
    service = link.service(clientFromString(reactor, "tcp:127.0.0.1:9010"))

    def meet(cloud: CloudEnd) -> IOPump:
        client = reactor.tcpClients[-1][2].buildProtocol(None)
        pump: IOPump = connect(
            cloud, FakeTransport(cloud, True), client, FakeTransport(client, False)
        )
        pump.flush()
        return pump

    def wait() -> float:
        tries, waited_s = len(reactor.tcpClients), 0.0
        while len(reactor.tcpClients) == tries:
            reactor.advance(0.1)
            waited_s += 0.1
        return waited_s

    service.startService()
    waits = []
    for _ in range(12):
        meet(CloudEnd(knows=False))
        waits.append(wait())
    assert waits == sorted(waits)
    assert waits[0] < 2
    assert 29 < waits[-1] < 31
    pump = meet(CloudEnd())
    pump.client.transport.abortConnection()
    pump.flush()
    assert wait() < 2
    pump = meet(CloudEnd())
    stopped = service.stopService()
    pump.flush()
    assert stopped.called
    assert reactor.getDelayedCalls() == []


# ------------------------------------------------------------------- what else it is told


def last_answer(cloud: CloudEnd) -> Any:
    """What the newest command was answered with."""
    return cloud.answers[max(cloud.answers)]


def test_a_new_key_is_used_from_the_next_connection_on() -> None:
    """And becomes its key when the cloud has opened a connection with it; it is kept over a cut
    of the power."""
    wire = new_wire()
    cloud = wire.join()
    keys = wire.stand.charger.keys
    assert keys is not None
    cloud.command(NewKey(2, bytes(16)))
    wire.pump.flush()
    assert last_answer(cloud).accepted
    made = next_key(KEY, 2, bytes(16), "SIM-0001")
    assert keys.next_key == made.hex()
    assert keys.generation == 1
    wire.cut()
    wire.join(CloudEnd(secret=Secret(made, 2)))
    assert wire.link.current is not None
    assert keys == Keyring("SIM-0001", made.hex(), 2)
    # told again, of a generation that is not the next
    wire.cloud.command(NewKey(2, bytes(16)))
    wire.pump.flush()
    assert not last_answer(wire.cloud).accepted


def test_a_cloud_that_has_not_kept_the_key_is_met_with_the_one_before() -> None:
    """Once; neither side is locked out."""
    wire = new_wire()
    wire.join()
    keys = wire.stand.charger.keys
    assert keys is not None
    keys.make(2, bytes(16))
    wire.cut()
    wire.join(CloudEnd(knows=False))
    assert wire.link.current is None
    wire.join()
    assert wire.link.current is not None
    assert keys.next_key is not None


def test_a_charger_that_is_sent_away_answers_and_comes_back_later() -> None:
    """Between the time that it was told and twice of that."""
    wire = new_wire()
    cloud = wire.join()
    cloud.command(ComeBack(40))
    wire.pump.flush()
    assert last_answer(cloud).accepted
    assert wire.link.current is None
    wire.link.jitter = lambda: 0.5
    assert wire.link._delay_s(1) == 60


def test_a_lock_out_by_fire_is_lifted_with_the_right_only() -> None:
    """It ends what charges, refuses what would, and outlives a cut of the power."""
    wire = new_wire()
    cloud = wire.join()
    wire.start()
    cloud.command(LockOutCharger(LockOut.FIRE))
    wire.pump.flush()
    assert cloud.facts(ChargeEnded)[-1].reason is StopReason.SAFETY
    wire.stand.charger.cut_power(wire.link.calendar.now())
    wire.cut()
    wire.after(1)
    wire.stand.charger.power_up(wire.link.calendar.now())
    cloud = wire.join()
    wire.start(port=2, order_id=ORDER + 1)
    assert last_answer(cloud).code == "locked-out"
    for lifts, code in ((False, "locked-out"), (True, "ok")):
        cloud.command(LockOutCharger(LockOut.NONE, lifts_fire=lifts))
        wire.pump.flush()
        assert last_answer(cloud).code == code
    assert wire.stand.charger.memory.lock_outs == {}


def test_it_tells_what_it_is_asked() -> None:
    """All its ports and itself, and what is set."""
    wire = new_wire()
    cloud = wire.join()
    cloud.command(SetParameters({Parameter.REPORT_S: 120}))
    cloud.command(Query(Question.PARAMETERS))
    cloud.command(Query(Question.PORTS))
    cloud.command(Query(Question.FIRMWARE))
    wire.pump.flush()
    wire.after(0.1)
    told = {type(event) for event in cloud.told}
    assert ParametersTold({Parameter.REPORT_S: 120}) in cloud.told
    assert PortsReported in told
    assert [answer.code for answer in cloud.answers.values()] == ["ok"] * 3 + ["unknown-command"]


def test_a_running_order_takes_other_limits() -> None:
    """Which end it at their second."""
    wire = new_wire()
    cloud = wire.join()
    wire.start(limit_duration_s=3_600)
    cloud.command(ChangeCharge(ORDER, 1, limit_duration_s=600))
    wire.pump.flush()
    wire.after(11)
    assert cloud.facts(ChargeEnded)[-1].duration_s == 600
    cloud.command(ChangeCharge(ORDER, 1, limit_duration_s=900))
    wire.pump.flush()
    assert last_answer(cloud).code == "refused"


def test_a_list_of_cards_is_kept_by_its_version() -> None:
    """A difference to another version is not taken; a card on the list charges offline, and one
    that was taken off it does not."""
    wire = new_wire()
    cloud = wire.join()
    charger = wire.stand.charger
    for command, code in (
        (UpdateCards(0, 1, ("04A1", "04B2")), "ok"),
        (UpdateCards(2, 3, ("04C3",)), "other-version"),
        (UpdateCards(1, 2, (), ("04B2",)), "ok"),
        (UpdateCards(2, 3, tuple(f"{number:04}" for number in range(200))), "no-room"),
    ):
        cloud.command(command)
        wire.pump.flush()
        assert last_answer(cloud).code == code
    assert (charger.memory.listed, charger.memory.list_version) == (["04A1"], 2)
    wire.cut()
    charger.plug(1, bike(), wire.link.calendar.now())
    charger.present_card(1, "04B2", wire.link.calendar.now())
    assert charger.port(1).charge is None
    charger.present_card(1, "04A1", wire.link.calendar.now())
    assert charger.port(1).charge is not None
    # it tells which list it has when it is back
    wire.join()
    assert wire.cloud.logins[-1].login.card_list == 2
