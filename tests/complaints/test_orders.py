"""What users of other platforms complain of, about charges and bills: each is a test here."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.charging.ending import when
from chargecloud.dialects.native.received import Kept
from chargecloud.domain.charger import Admission, ChargerTime, PortState, WallTime
from chargecloud.domain.commands import StartCharge
from chargecloud.domain.events import (
    ChargeEnded,
    ChargeStarted,
    OfflineStart,
    Outcome,
    PortReading,
    StopReason,
)
from chargecloud.domain.plausible import FIRST_READING, Known, believed_start, judge, most_mwh
from chargecloud.domain.tariff import Mark
from chargecloud.money.time_of_use import TimeOfUse
from chargecloud.storage.audit import ledger_faults
from tests.harness import NOW, result_of
from tests.world import Box, World

#: what a register of some years shows
ODOMETER_MWH = 910_031_000
HOUR_S = 3600


def charge(world: World, *, told_start_mwh: int | None = None) -> tuple[Box, int]:
    """A charge that has begun, with what its charger told as its first register."""
    box, customer = world.box().connect(), world.customer(1000)
    order_id = int(world.order(box, customer, prepaid_fen=500)["id"])
    box.accept(box.orders(StartCharge)[-1])
    start = box.meter_mwh if told_start_mwh is None else told_start_mwh
    box.record(1, ChargeStarted(order_id, 1, start, box.now))
    return box, order_id


def ended(box: Box, order_id: int, start: int, end: int, duration_s: int) -> ChargeEnded:
    """An end record."""
    return ChargeEnded(order_id, 1, start, end, duration_s, StopReason.FULL, box.now)


def sound(world: World) -> None:
    """The books agree with each other."""
    assert result_of(world.store.read(lambda connection: list(ledger_faults(connection)))) == []


def test_a_start_register_of_zero_bills_no_odometer(tmp_path: Path) -> None:
    """Complaint 1: the start told 0, the next reading the register: a whole meter's life was
    billed for a minute."""
    world = World(tmp_path)
    box, order_id = charge(world, told_start_mwh=0)
    box.meter_mwh = ODOMETER_MWH
    world.pass_time(HOUR_S, lambda: box.report(1_000))
    box.record(2, ended(box, order_id, 0, box.meter_mwh, HOUR_S))

    after = world.get(f"/orders/{order_id}")
    assert after["state"] == "settled"
    assert after["energy_mwh"] == box.meter_mwh - ODOMETER_MWH - 1_000
    assert after["basis"] == "first-reading"
    sound(world)


def test_a_start_register_of_zero_without_readings_is_held(tmp_path: Path) -> None:
    """Complaint 1, without a reading between: nothing tells what was drawn, so a person
    decides, and the evidence is there."""
    world = World(tmp_path)
    box, order_id = charge(world, told_start_mwh=0)
    world.pass_time(HOUR_S, box.heartbeat)
    box.record(2, ended(box, order_id, 0, ODOMETER_MWH, HOUR_S))

    held = world.get(f"/orders/{order_id}")
    assert (held["state"], held["failure"]) == ("held", "more-than-rated-power")
    assert held["amount_fen"] is None
    assert held["evidence"]["record"]["end_meter_mwh"] == ODOMETER_MWH
    sound(world)


@given(
    told=st.sampled_from([0, None]),
    odometer_mwh=st.integers(2_000_000, 10**13),
    drawn_mwh=st.integers(0, 1_500_000),
    readings=st.integers(0, 5),
)
def test_absence_is_never_a_register(
    tmp_path_factory: pytest.TempPathFactory,
    told: int | None,
    odometer_mwh: int,
    drawn_mwh: int,
    readings: int,
) -> None:
    """Complaint 2: a start without a register, and the session is the lifetime reading: at any
    odometer, no more is ever billed than was drawn."""
    started_at, rated_w, duration_s = NOW, 800, 2 * HOUR_S
    marks: tuple[Mark, ...] = ()
    basis = None
    for number in range(readings):
        at = datetime.fromtimestamp(started_at.timestamp() + 60 * (number + 1), UTC)
        mark = Mark(at, odometer_mwh + drawn_mwh * number // 6)
        if not marks:
            found = believed_start(told, None, mark.meter_mwh, most_mwh(rated_w, 60))
            start, basis = found or (mark.meter_mwh, FIRST_READING)
            marks = (Mark(started_at, start),)
        marks = (marks[0], mark)
    end = ChargeEnded(
        1, 1, told, odometer_mwh + drawn_mwh, duration_s, StopReason.FULL, ChargerTime(1, 1)
    )
    known = Known(
        told_start_mwh=told,
        start_known=True,
        marks=marks,
        basis=basis,
        rated_w=rated_w,
        age_s=duration_s,
        own_s=duration_s,
    )
    figures = judge(end, known)
    if figures.doubt is None:
        assert figures.start_mwh is not None
        assert figures.end_mwh is not None
        assert figures.end_mwh - figures.start_mwh <= drawn_mwh


def test_readings_without_energy_leave_the_total_alone(tmp_path: Path) -> None:
    """Complaint 3: a report that did not say the energy set the running total to zero."""
    world = World(tmp_path)
    box, order_id = charge(world)
    world.pass_time(600, lambda: box.report(2_000))
    before = world.get(f"/orders/{order_id}")["energy_mwh"]
    assert before > 0
    box.tell(PortReading(1, PortState.CHARGING, 2_000))
    assert world.get(f"/orders/{order_id}")["energy_mwh"] == before
    world.pass_time(60, lambda: box.report(2_000))
    assert world.get(f"/orders/{order_id}")["energy_mwh"] == before + 2_000


def test_two_values_of_one_quantity_say_nothing(tmp_path: Path) -> None:
    """Complaint 4: the same quantity twice in one report, and the last one, of another kind,
    froze the register."""
    world = World(tmp_path)
    box, order_id = charge(world)
    world.pass_time(600, lambda: box.report(2_000))
    before = world.get(f"/orders/{order_id}")["energy_mwh"]
    world.clock.advance(30)
    true, other = box.meter_mwh + 1_000, box.meter_mwh + 3_000
    box.tell(
        PortReading(1, PortState.CHARGING, 2_000, true),
        PortReading(1, PortState.CHARGING, 2_000, other),
    )
    assert world.get(f"/orders/{order_id}")["energy_mwh"] == before
    world.pass_time(60, lambda: box.report(2_000))
    assert world.get(f"/orders/{order_id}")["energy_mwh"] == before + 2_000


def test_later_ends_are_disputes_and_change_nothing(tmp_path: Path) -> None:
    """Complaint 5: several ends with different readings were accepted for one charge."""
    world = World(tmp_path)
    box, order_id = charge(world)
    start = box.meter_mwh
    world.pass_time(HOUR_S, lambda: box.report(2_000))
    box.record(2, ended(box, order_id, start, box.meter_mwh, HOUR_S))
    settled = world.get(f"/orders/{order_id}")
    assert settled["state"] == "settled"

    box.record(3, ended(box, order_id, start, box.meter_mwh + 50_000, HOUR_S))
    box.record(4, ended(box, order_id, start, box.meter_mwh + 70_000, HOUR_S))
    assert world.get(f"/orders/{order_id}") == settled
    disputes = world.get("/orders/disputes")["items"]
    assert [each["order_id"] for each in disputes] == [str(order_id)] * 2
    assert {each["kept"]["end_meter_mwh"] for each in disputes} == {box.meter_mwh}
    assert {each["record"]["end_meter_mwh"] for each in disputes} == {
        box.meter_mwh + 50_000,
        box.meter_mwh + 70_000,
    }
    # all of them were acknowledged: the charger sends none of them for ever
    assert [each.record for each in box.kept()] == [1, 2, 3, 4]
    sound(world)


def test_a_port_has_one_order(tmp_path: Path) -> None:
    """Complaint 6: repeated and parallel starts at one port were all accepted."""
    world = World(tmp_path)
    box, order_id = charge(world)
    status, problem = world.http("POST", "/orders", {"charger_id": str(box.id), "port": 1})
    assert (status, problem["type"]) == (409, "/problems/port-busy")
    box.record(2, ChargeStarted(order_id, 1, box.meter_mwh, box.now))
    assert len(world.get("/orders")["items"]) == 1
    assert world.get("/orders/unmatched")["items"] == []


def test_an_end_with_a_made_up_number_ends_nothing(tmp_path: Path) -> None:
    """Complaint 7: an end with a random transaction number ended the newest session."""
    world = World(tmp_path)
    box, order_id = charge(world)
    box.record(2, ended(box, 4711, box.meter_mwh, box.meter_mwh + 100_000, 600))
    assert world.get(f"/orders/{order_id}")["state"] == "charging"
    (record,) = world.get("/orders/unmatched")["items"]
    assert record["record"]["end_meter_mwh"] == box.meter_mwh + 100_000


def test_anothers_order_is_not_ended(tmp_path: Path) -> None:
    """Complaint 7: whoever names an order must be the charger that it runs at."""
    world = World(tmp_path)
    _, order_id = charge(world)
    other = world.box(identity="EB-0002").connect()
    other.record(1, ended(other, order_id, 5_000_000, 5_100_000, 600))
    assert world.get(f"/orders/{order_id}")["state"] == "charging"


def test_what_matches_nothing_is_acknowledged_and_listed_once(tmp_path: Path) -> None:
    """Complaint 8: an unknown transaction was answered with an error, so the charger sent it
    again for ever."""
    world = World(tmp_path)
    box = world.box().connect()
    record = ended(box, 4711, 5_000_000, 5_100_000, 600)
    for _ in range(3):
        box.record(7, record)
    assert [(each.record, each.outcome) for each in box.kept()] == [(7, Outcome.KEPT)] * 3
    assert len(world.get("/orders/unmatched")["items"]) == 1


def test_a_charge_begun_offline_has_one_order_from_start_to_end(tmp_path: Path) -> None:
    """Complaint 9: after an offline start the end named transaction -1, and matched nothing."""
    world = World(tmp_path)
    customer = world.customer(1000)
    world.make("/cards", {"uid": "04A1B2C3", "customer_id": customer})
    box = world.box()
    start = box.meter_mwh
    world.pass_time(2 * HOUR_S)
    box.connect()
    begun_at = ChargerTime(box.boot, box.uptime_s - HOUR_S)
    offline = OfflineStart(41, "04A1B2C3")
    box.record(41, ChargeStarted(None, 1, start, begun_at, offline))
    (order,) = world.get("/orders")["items"]
    assert (order["state"], order["origin"]) == ("charging", "offline")
    assert order["customer_id"] == customer
    assert box.kept()[-1] == Kept(41, Outcome.KEPT, int(order["id"]))

    box.meter_mwh += 200_000
    # our acknowledgement was lost: it still knows its own number only
    end = ChargeEnded(None, 1, start, box.meter_mwh, HOUR_S, StopReason.UNPLUGGED, box.now, offline)
    box.record(42, end)
    (settled,) = world.get("/orders")["items"]
    assert (settled["id"], settled["state"]) == (order["id"], "settled")
    assert settled["energy_mwh"] == 200_000
    sound(world)


def test_an_end_that_is_told_twice_across_a_restart_counts_once(tmp_path: Path) -> None:
    """Complaint 10: after each restart of the charger its end came twice."""
    world = World(tmp_path)
    box, order_id = charge(world)
    start = box.meter_mwh
    world.pass_time(HOUR_S, lambda: box.report(2_000))
    record = ended(box, order_id, start, box.meter_mwh, HOUR_S)
    box.record(2, record)
    before = world.get(f"/orders/{order_id}")
    box.drop()
    box.power_up()
    box.record(2, record)
    assert world.get(f"/orders/{order_id}") == before
    assert world.get("/orders/disputes")["items"] == []
    # the same record, told anew by the charger's new start
    box.record(3, ended(box, order_id, start, box.meter_mwh, HOUR_S))
    assert world.get("/orders/disputes")["items"] == []
    sound(world)


def test_a_bill_needs_no_readings_in_between(tmp_path: Path) -> None:
    """Complaint 11: the charger's queue was full, readings were lost, and with them energy."""
    world = World(tmp_path)
    box, order_id = charge(world)
    start = box.meter_mwh
    box.drop()
    world.pass_time(5 * HOUR_S)
    box.connect()
    box.meter_mwh += 900_000
    box.record(2, ended(box, order_id, start, box.meter_mwh, 5 * HOUR_S))
    after = world.get(f"/orders/{order_id}")
    assert (after["state"], after["energy_mwh"]) == ("settled", 900_000)


def test_no_order_runs_for_ever(tmp_path: Path) -> None:
    """Complaint 12: a hundred and twenty charges that never ended, and no way to end them."""
    world = World(tmp_path)
    box, order_id = charge(world)
    world.pass_time(HOUR_S, lambda: box.report(2_000))
    last = world.get(f"/orders/{order_id}")["energy_mwh"]
    # it has forgotten the charge: the port is idle, and no record comes
    world.pass_time(900, lambda: box.report(0, power_dw=0, state=PortState.IDLE))
    closed = world.get(f"/orders/{order_id}")
    assert (closed["state"], closed["stop_reason"]) == ("settled", "watchdog")
    assert (closed["energy_mwh"], closed["basis"]) == (last, "last-reading")
    happened = world.get(f"/orders/{order_id}/events")["items"]
    assert "forgotten-by-its-charger" in [each["why"] for each in happened]
    assert world.make("/orders", {"charger_id": str(box.id), "port": 1})["state"] == "starting"
    sound(world)


def test_a_charger_that_stays_away_leaves_no_order_open(tmp_path: Path) -> None:
    """Complaint 12: nor when the charger never comes back."""
    world = World(tmp_path)
    box, order_id = charge(world)
    world.pass_time(HOUR_S, lambda: box.report(2_000))
    box.drop()
    world.pass_time(120)
    assert world.get(f"/orders/{order_id}")["state"] == "suspended"
    world.pass_time(25 * HOUR_S)
    closed = world.get(f"/orders/{order_id}")
    assert (closed["state"], closed["stop_reason"]) == ("settled", "watchdog")
    sound(world)


@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Shanghai", "Pacific/Chatham"]),
    day=st.dates(datetime(2026, 1, 1).date(), datetime(2027, 12, 31).date()),
)
def test_a_zone_begins_at_its_own_midnight_on_every_day(zone: str, day: Any) -> None:
    """Complaint 30: a price began an hour early when the clocks changed, and midnight's was
    shown late."""
    terms = TimeOfUse().check(
        {
            "rates": {
                "night": {"electricity": 10_000, "service": 0},
                "day": {"electricity": 20_000, "service": 0},
            },
            "day": [{"from": "00:00", "rate": "night"}, {"from": "06:00", "rate": "day"}],
        }
    )
    site = ZoneInfo(zone)
    midnight = datetime(day.year, day.month, day.day, tzinfo=site).astimezone(UTC)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=site).astimezone(UTC)
    before = datetime.fromtimestamp(midnight.timestamp() - 1, UTC)
    found = TimeOfUse().boundaries(terms, site, before, noon)
    assert [each.astimezone(site).strftime("%H:%M") for each in found] == ["00:00", "06:00"]
    assert found[0] == midnight


def admission() -> Admission:
    """A charger at a site in Shanghai that was started an hour ago."""
    booted_at = datetime.fromtimestamp(NOW.timestamp() - HOUR_S, UTC)
    return Admission(1, 1, 1, 7, booted_at, {6: NOW}, time_zone="Asia/Shanghai")


def test_a_clock_without_a_zone_is_the_sites(tmp_path: Path) -> None:
    """Complaint 31: local times without a zone were taken for UTC."""
    told = admission().instant(WallTime(datetime(2026, 11, 23, 9, 0)))
    assert told == NOW


@pytest.mark.parametrize("year", [1970, 2000, 2019])
def test_a_clock_that_was_never_set_tells_no_time(year: int) -> None:
    """Complaint 31: readings of 1970 after each start-up."""
    assert admission().instant(WallTime(datetime(year, 1, 1, tzinfo=UTC))) is None


def test_a_clock_that_runs_ahead_is_not_followed() -> None:
    """Complaint 31: no charge ends in the future."""
    ahead = WallTime(datetime(2027, 1, 1, tzinfo=UTC))
    assert when(admission(), ahead, NOW) == NOW
    assert when(admission(), None, NOW) == NOW


def test_both_times_of_every_fact_are_kept(tmp_path: Path) -> None:
    """Complaint 31: what the charger told stays beside what we made of it."""
    world = World(tmp_path)
    box, order_id = charge(world)
    start = box.meter_mwh
    world.pass_time(600, lambda: box.report(2_000))
    at = box.now
    world.pass_time(600, box.heartbeat)
    box.record(2, ChargeEnded(order_id, 1, start, box.meter_mwh, 600, StopReason.FULL, at))
    (happened,) = [
        each
        for each in world.get(f"/orders/{order_id}/events")["items"]
        if each["kind"] == "order.ended"
    ]
    told, ours = (datetime.fromisoformat(happened[name]) for name in ("told_at", "at"))
    assert (ours - told).total_seconds() == pytest.approx(600, abs=2)
