"""The database is away: what chargers tell waits on the disk, and counts once when it is back."""

from pathlib import Path

import pytest
from attrs import define, evolve
from sqlalchemy import delete
from sqlalchemy.exc import OperationalError

from chargecloud.charging import backlog
from chargecloud.charging.hazards import REPEATED_WITHIN
from chargecloud.charging.settings import ChargingSettings
from chargecloud.charging.spooled import Spooled
from chargecloud.dialects.native.received import Kept
from chargecloud.domain.charger import PortState
from chargecloud.domain.commands import StartCharge
from chargecloud.domain.events import (
    ChargeEnded,
    ChargeStarted,
    HazardTold,
    OfflineStart,
    Outcome,
    StopReason,
)
from chargecloud.domain.hazards import Hazard, SafetyAction
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import chargers, deliveries, event_log, hazards, unmatched
from chargecloud.storage.spool import frame_of, read_frames
from tests.harness import Notebook, result_of, rows_of
from tests.outage import GONE, Outage
from tests.world import Box, World, native_plugins

#: what is in the way is put into its engine
pytestmark = pytest.mark.sqlite

UID = "04A1B2C3D4"


@define
class Street:
    """A platform with a box, a customer with a card, and somebody who hears of alarms."""

    world: World
    database: Outage
    box: Box
    customer: str
    night_shift: Notebook
    charging: ChargingSettings | None = None

    @classmethod
    def open(cls, folder: Path, charging: ChargingSettings | None = None) -> "Street":
        """As it is before there is any trouble."""
        night_shift = Notebook()
        plugins = native_plugins(alarm_sinks={"notebook": night_shift})
        world = World(folder, plugins=plugins, charging=charging)
        customer = world.customer(1000)
        world.make("/cards", {"uid": UID, "customer_id": customer, "status": "active"})
        box = world.box().connect()
        return cls(world, Outage(world.store.engine), box, customer, night_shift, charging)

    def begin(self) -> int:
        """The customer has a charge begun; its order."""
        order = self.world.order(self.box, self.customer, prepaid_fen=300)
        self.box.begin()
        return int(order["id"])

    def draw(self) -> None:
        """Ten minutes with a reading in each, which come to 60 Wh."""
        self.world.pass_time(600, lambda: self.box.report(6_000))

    def end(self, record: int, order_id: int, duration_s: int = 600) -> None:
        """Its box tells that a charge has ended."""
        self.box.end(record, order_id, 5_000_000, duration_s)

    def restart(self) -> None:
        """The process is killed, and started anew."""
        self.world.killed()
        self.world.store.engine.dispose()
        self.world = World(
            self.world.folder,
            self.world.clock,
            plugins=native_plugins(alarm_sinks={"notebook": self.night_shift}),
            charging=self.charging,
        )
        self.database = Outage(self.world.store.engine)
        self.box.world = self.world

    def come_back(self) -> None:
        """The database is there again; it is found within 15 seconds."""
        self.database.is_away = False
        self.world.clock.advance(15)

    def order(self, order_id: int) -> tuple[str, int | None, int | None]:
        """State, energy in mWh and amount in fen of an order."""
        order = self.world.get(f"/orders/{order_id}")
        return order["state"], order["energy_mwh"], order["amount_fen"]

    @property
    def kept(self) -> list[int]:
        """Records that the box may forget."""
        return [each.record for each in self.box.kept() if each.outcome is Outcome.KEPT]

    @property
    def rules(self) -> list[str]:
        """Of the alarms that somebody has heard of."""
        self.world.clock.advance(0)
        return [alarm.rule for alarm in self.night_shift.alarms]

    @property
    def waiting(self) -> int:
        """Records that wait in the spool."""
        return len(self.world.platform.backlog)

    def must_agree(self) -> None:
        """The books, and nothing is left for a person or in the spool."""
        store = self.world.store
        assert result_of(store.read(lambda connection: list(ledger_faults(connection)))) == []
        assert self.world.get("/orders/disputes")["items"] == []
        assert self.world.get("/orders/unmatched")["items"] == []
        assert (self.waiting, (self.world.folder / "spool").stat().st_size) == (0, 0)


@pytest.fixture
def street(tmp_path: Path) -> Street:
    """A street."""
    return Street.open(tmp_path)


# ------------------------------------------------------------------------ ends and starts


def test_an_end_is_acknowledged_and_settled_when_the_database_is_back(street: Street) -> None:
    """A minute without it: what the platform lacks is told, and people hear of it."""
    order_id = street.begin()
    street.draw()
    street.database.is_away = True
    street.end(2, order_id)
    assert street.kept == [1, 2]
    failed = street.database.failed
    street.end(2, order_id)
    assert (street.kept, street.database.failed) == ([1, 2, 2], failed)
    street.world.pass_time(60, street.box.heartbeat)
    limited = street.world.http("GET", "/readyz")[1]["limited"]
    assert limited == ["records that wait in the spool for the database: 2"]
    assert street.rules == ["database-away"]
    street.come_back()
    assert street.order(order_id) == ("settled", 60_000, 6)
    assert street.world.http("GET", "/readyz")[1]["limited"] == []
    assert street.rules == ["database-away"] * 2
    street.must_agree()


def test_nothing_begins_without_a_database(street: Street) -> None:
    """An app is told why, and a card that it is not now; nothing of it is left."""
    body = {"charger_id": str(street.box.id), "port": 1, "customer_id": street.customer}
    street.database.is_away = True
    status, problem = street.world.http("POST", "/orders", body, key="mine")
    assert (status, problem["type"]) == (503, "/problems/overloaded")
    assert problem["detail"] == f"no charge can begin: the database is away: {GONE}"
    status, problem = street.world.http("GET", "/orders")
    assert (status, problem["detail"]) == (503, "the database is away")
    answer = street.box.card(1, UID)
    assert answer is not None
    assert answer.code == "not-now"
    assert not street.box.orders(StartCharge)
    street.come_back()
    assert street.world.get("/orders")["items"] == []
    assert street.world.http("POST", "/orders", body, key="mine")[0] == 201


def test_a_start_that_waits_is_not_given_up(street: Street) -> None:
    """The time to confirm it is over while the database is away, or just when it is back."""
    order = street.world.order(street.box, street.customer, prepaid_fen=300)
    street.database.is_away = True
    street.box.begin()
    assert street.kept == [1]
    street.draw()
    street.end(2, int(order["id"]))
    assert street.kept == [1, 2]
    street.come_back()
    assert street.order(int(order["id"])) == ("settled", 60_000, 6)
    assert not street.box.stops()
    street.must_agree()


def test_nothing_is_decided_in_front_of_what_waits(street: Street) -> None:
    """The database is back, and the spool is not applied yet: another start at the charger has to
    come later, and what comes of its charge goes behind."""
    order_id = street.begin()
    street.draw()
    street.database.is_away = True
    street.end(2, order_id)
    street.database.is_away = False
    body = {"charger_id": str(street.box.id), "port": 1}
    status, problem = street.world.http("POST", "/orders", body)
    assert (status, problem["type"]) == (503, "/problems/overloaded")
    street.end(3, order_id)
    assert (street.kept, street.waiting) == ([1, 2, 3], 2)
    street.world.clock.advance(1)
    assert street.world.http("POST", "/orders", body)[0] == 201
    assert street.order(order_id) == ("settled", 60_000, 6)
    assert street.waiting == 0


def test_a_session_that_is_newer_takes_nothing_from_what_waits(street: Street) -> None:
    """The box has come back first, and has forgotten what was acknowledged."""
    order_id = street.begin()
    street.draw()
    street.database.is_away = True
    street.end(2, order_id)
    street.box.drop()
    street.database.is_away = False
    street.box.connect()
    assert street.world.platform.gateway.presence.find(street.box.id) is not None
    street.world.clock.advance(1)
    assert street.order(order_id) == ("settled", 60_000, 6)
    street.must_agree()


def test_a_commit_that_was_made_and_not_answered(street: Street) -> None:
    """Its record waits, and changes nothing any more."""
    order_id = street.begin()
    street.draw()
    street.database.commits_lost = 1
    street.end(2, order_id)
    assert street.kept == [1, 2]
    street.come_back()
    assert street.order(order_id) == ("settled", 60_000, 6)
    street.must_agree()


def offline(street: Street) -> tuple[ChargeStarted, ChargeEnded]:
    """What a box has to tell of a charge that it began by itself."""
    start, by = street.box.now, OfflineStart(7, UID)
    street.world.clock.advance(600)
    started = ChargeStarted(None, 1, 5_000_000, start, by)
    return started, ChargeEnded(
        None, 1, 5_000_000, 5_060_000, 600, StopReason.USER, street.box.now, by
    )


def test_a_charge_that_a_box_began_by_itself(street: Street) -> None:
    """Its start stays there, as it has no order whose number could be told; its end is all that
    there is to pay."""
    street.world.pass_time(60, street.box.heartbeat)
    started, ended = offline(street)
    street.box.connect()
    street.database.is_away = True
    street.box.record(1, started)
    street.box.record(2, ended)
    assert street.kept == [2]
    street.come_back()
    (order,) = street.world.get("/orders")["items"]
    assert street.order(int(order["id"])) == ("settled", 60_000, 6)
    street.box.record(1, started)
    assert street.box.kept()[-1] == Kept(1, Outcome.KEPT, order_id=int(order["id"]))
    street.must_agree()


def test_a_record_of_no_order_is_kept_for_a_person(street: Street) -> None:
    """As without the spool: acknowledged, and guessed onto none."""
    street.database.is_away = True
    street.end(1, 4711)
    assert street.kept == [1]
    street.come_back()
    assert [row["order_id"] for row in rows_of(street.world.store, unmatched)] == [4711]


def test_what_waits_is_not_taken_for_forgotten(street: Street) -> None:
    """Its port has told for an hour that nothing charges there; the record says how it ended."""
    order_id = street.begin()
    street.draw()
    street.database.is_away = True
    street.end(2, order_id)

    def idle() -> None:
        street.box.report(state=PortState.IDLE, power_dw=0)

    street.world.pass_time(3600, idle)
    street.come_back()
    assert street.order(order_id) == ("settled", 60_000, 6)
    assert street.world.get(f"/orders/{order_id}")["stop_reason"] == "full"
    street.must_agree()


# ------------------------------------------------------------------------------- restarts


def test_the_service_stops_without_a_database(street: Street) -> None:
    """What waits is waited for no longer, and is there at the next start."""
    order_id = street.begin()
    street.draw()
    street.database.is_away = True
    street.end(2, order_id)
    platform = street.world.platform
    assert not platform.catching_up.idle().called
    assert platform.book.turns.idle().called
    result_of(platform.catching_up.stopService())
    street.restart()
    assert street.order(order_id) == ("settled", 60_000, 6)
    street.must_agree()


def test_what_waits_is_applied_before_chargers_come(street: Street) -> None:
    """The process is killed while the database is away."""
    order_id = street.begin()
    street.draw()
    street.database.is_away = True
    street.end(2, order_id)
    street.restart()
    assert street.order(order_id) == ("settled", 60_000, 6)
    street.must_agree()


def test_a_damaged_tail_is_set_aside(street: Street) -> None:
    """A write was torn when the process was killed: the others are applied, and people are told."""
    order_id = street.begin()
    street.draw()
    street.database.is_away = True
    street.end(2, order_id)
    with (street.world.folder / "spool").open("ab") as spool:
        spool.write(frame_of(b"torn")[:-1])
    street.restart()
    assert street.order(order_id) == ("settled", 60_000, 6)
    assert street.rules == ["database-away", "spool-damaged"]
    (aside,) = street.world.folder.glob("spool.damaged-*")
    assert aside.read_bytes() == frame_of(b"torn")[:-1]
    street.must_agree()
    street.restart()
    assert street.rules == ["database-away", "spool-damaged"]


def test_a_record_that_nobody_can_read_is_set_aside(street: Street) -> None:
    """A newer version has written it."""
    (street.world.folder / "spool").write_bytes(frame_of(b'{"kind": "paused"}'))
    street.restart()
    (aside,) = street.world.folder.glob("spool.refused-*")
    assert aside.read_bytes() == frame_of(b'{"kind": "paused"}')
    assert street.world.platform.backlog.refused == 1


def test_a_record_that_cannot_be_applied_keeps_no_other(street: Street) -> None:
    """Its charger's row is gone: it is tried five times, set aside, and people are told."""
    order_id = street.begin()
    street.draw()
    other = street.world.box(identity="EB-0002").connect()
    street.database.is_away = True
    other.end(1, 4711, 1, 1)
    street.end(2, order_id)
    street.database.is_away = False
    _lose_charger(street.world, other.id)
    for _ in range(10):
        street.world.clock.advance(1)
    assert street.order(order_id) == ("settled", 60_000, 6)
    assert street.rules == ["database-away", "record-not-applied", "database-away"]
    (aside,) = street.world.folder.glob("spool.refused-*")
    street.must_agree()
    spooled = Spooled.of_bytes(read_frames(aside.read_bytes()).records[0])
    assert (spooled.charger_id, spooled.event.order_id) == (other.id, 4711)


def _lose_charger(world: World, charger_id: int) -> None:
    gone = delete(chargers).where(chargers.c.id == charger_id)
    result_of(world.store.writer.transact(lambda connection: connection.execute(gone)))


# --------------------------------------------------------------------------------- limits


def test_a_box_that_tells_too_much_keeps_the_rest(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is acknowledged when there is room again."""
    monkeypatch.setattr(backlog, "MOST_OF_A_CHARGER", 2)
    street.database.is_away = True
    for record in (1, 2, 3):
        street.end(record, 4710 + record)
    assert street.kept == [1, 2]
    street.come_back()
    street.end(3, 4713)
    assert street.kept == [1, 2, 3]
    assert [row["order_id"] for row in rows_of(street.world.store, unmatched)] == [4711, 4712, 4713]


def test_a_full_spool_leaves_records_with_their_boxes(street: Street) -> None:
    """Nothing is acknowledged that is not on a disk."""
    order_id = street.begin()
    street.draw()
    street.world.platform.backlog.spool.most_bytes = 100
    street.database.is_away = True
    street.end(2, order_id)
    assert (street.kept, street.waiting) == ([1], 0)
    street.come_back()
    street.end(2, order_id)
    assert street.kept == [1, 2]
    assert street.order(order_id) == ("settled", 60_000, 6)
    street.must_agree()


def test_readings_wait_in_memory(street: Street) -> None:
    """Hours of them, so many and no more; the curve has what is left of them."""
    order_id = street.begin()
    street.draw()
    street.database.is_away = True
    failed = street.database.failed
    street.world.pass_time(3600, lambda: street.box.report(6_000))
    assert street.database.failed - failed <= 120
    track = street.world.platform.book.tracked(order_id)
    assert track is not None
    assert 50 <= len(track.samples) <= 70
    street.database.is_away = False
    street.end(2, order_id, 4200)
    assert street.order(order_id)[:2] == ("settled", 420_000)
    assert len(street.world.get(f"/orders/{order_id}/curve")["items"]) >= 60


def test_who_went_meanwhile_is_written_down_later(street: Street) -> None:
    """That a charger went is in its row, unless it is back, and in the event log in any case."""
    other = street.world.box(identity="EB-0002").connect()
    street.database.is_away = True
    for box in (street.box, other):
        box.drop()
    assert _gone(street) == []
    street.database.is_away = False
    street.box.connect()
    street.world.platform.watching.write_late()
    assert _gone(street) == [street.box.id, other.id]
    rows = {row["id"]: row["connected"] for row in rows_of(street.world.store, chargers)}
    assert rows == {street.box.id: True, other.id: False}
    street.world.platform.watching.write_late()
    assert len(_gone(street)) == 2


def _gone(street: Street) -> list[int]:
    street.database.is_away, was_away = False, street.database.is_away
    rows = rows_of(street.world.store, event_log)
    street.database.is_away = was_away
    return sorted(row["charger_id"] for row in rows if row["kind"] == "charger.gone")


# -------------------------------------------------------------------------------- dangers


def test_people_hear_of_a_danger_at_once_and_once(street: Street) -> None:
    """Its box tells it again and again, as it is not written down; then it is, without another
    call at night."""
    street.begin()
    street.database.is_away = True
    hot = HazardTold(Hazard.SMOKE, SafetyAction.NONE, street.box.now, None)
    for _ in range(3):
        street.box.hazard(2, hot)
    assert street.rules == ["smoke"]
    assert street.box.stops()
    assert street.kept == [1]
    street.come_back()
    street.box.hazard(2, hot)
    assert street.kept == [1, 2]
    assert street.rules == ["smoke"]
    assert len(rows_of(street.world.store, hazards)) == 1
    assert rows_of(street.world.store, deliveries) == []


def test_a_danger_without_a_time_is_told_once_and_anew_when_it_was_over(street: Street) -> None:
    """A charger without a clock that repeats itself wakes nobody twice; and what comes back, or
    comes hours later, is another danger."""
    gateway = street.world.platform.gateway
    present = gateway.presence.find(street.box.id)
    assert present is not None
    smoke = HazardTold(Hazard.SMOKE, SafetyAction.NONE, None)

    def tell(event: HazardTold) -> None:
        kept = gateway.events.receive(present.admission, event, street.world.calendar.now())
        assert kept is not None
        kept.addErrback(lambda lost: lost.trap(OperationalError))
        street.world.clock.advance(30)

    street.database.is_away = True
    for _ in range(30):
        tell(smoke)
    assert street.rules == ["smoke"]
    tell(evolve(smoke, is_over=True))
    tell(smoke)
    tell(smoke)
    assert street.rules == ["smoke"] * 3
    street.world.clock.advance(REPEATED_WITHIN.total_seconds())
    tell(smoke)
    assert street.rules == ["smoke"] * 4
    street.database.is_away = False
    tell(smoke)
    assert street.rules == ["smoke"] * 4
    assert [row["hazard"] for row in rows_of(street.world.store, hazards)] == ["smoke"]


def test_a_charge_without_an_order_is_stopped_when_it_has_one(street: Street) -> None:
    """No stop can name what was begun offline and is not written down: its charger has no answer,
    tells of the charge and of the danger again, and then it is stopped."""
    begun, _ = offline(street)
    street.box.connect()
    street.database.is_away = True
    smoke = HazardTold(Hazard.SMOKE, SafetyAction.NONE, street.box.now, None)
    street.box.record(1, begun)
    street.box.hazard(2, smoke)
    assert street.rules == ["smoke"]
    assert (street.kept, street.box.stops()) == ([], [])
    street.come_back()
    street.box.record(1, begun)
    street.box.hazard(2, smoke)
    assert street.kept == [1, 2]
    assert len(street.box.stops()) == 1
    assert street.rules == ["smoke"]
