"""Orders of which nobody tells: suspended, taken up again, and closed by a stated rule."""

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from chargecloud.charging.settings import ChargingSettings
from chargecloud.domain.charger import PortState
from chargecloud.domain.commands import StopCharge
from chargecloud.domain.events import ChargeEnded, ChargeStarted, StopReason
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import event_log
from tests.harness import Notebook, result_of, rows_of
from tests.outage import Outage
from tests.web.resources.asking import Asking
from tests.world import Box, World, native_plugins

HOUR_S = 3600
SETTINGS = ChargingSettings()


def charging(world: World, prepaid_fen: int = 500) -> tuple[Box, int]:
    """A charge that has drawn for ten minutes."""
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=prepaid_fen)
    box.begin()
    world.pass_time(600, lambda: box.report(3_000))
    return box, int(order["id"])


def state(world: World, order_id: int) -> str:
    """The order's."""
    found: str = world.get(f"/orders/{order_id}")["state"]
    return found


def told(world: World, order_id: int, kind: str) -> list[dict[str, Any]]:
    """The entries of one kind that the log has of an order."""
    return [
        row["body"]
        for row in rows_of(world.store, event_log)
        if row["order_id"] == order_id and row["kind"] == kind
    ]


def sound(world: World) -> None:
    """The books agree with each other."""
    assert result_of(world.store.read(lambda connection: list(ledger_faults(connection)))) == []


def test_a_short_loss_of_the_link_changes_nothing(tmp_path: Path) -> None:
    """Mobile networks drop connections all day."""
    world = World(tmp_path)
    box, order_id = charging(world)
    box.drop()
    world.pass_time(SETTINGS.suspend_after_s - 10)
    box.connect()
    box.report(1_000, order_id=order_id)
    assert state(world, order_id) == "charging"
    assert told(world, order_id, "order.suspended") == []


def test_a_charge_goes_on_through_a_lost_link(tmp_path: Path) -> None:
    """It is suspended while nobody knows, and the charger's own seconds are billed."""
    world = World(tmp_path)
    box, order_id = charging(world)
    box.drop()
    world.pass_time(HOUR_S)
    assert state(world, order_id) == "suspended"
    box.connect()
    box.report(200_000, order_id=order_id)
    assert state(world, order_id) == "charging"
    (suspended,) = told(world, order_id, "order.suspended")
    (resumed,) = told(world, order_id, "order.resumed")
    assert (suspended["why"], resumed["why"]) == ("link-lost", "link-back")
    assert resumed["suspended_s"] == pytest.approx(HOUR_S, abs=1)

    box.end(2, order_id, 5_000_000, 600 + HOUR_S)
    settled = world.get(f"/orders/{order_id}")
    assert (settled["state"], settled["charged_s"]) == ("settled", 600 + HOUR_S)
    sound(world)


def test_a_power_cut_is_not_billed_when_the_charge_goes_on(tmp_path: Path) -> None:
    """The charger starts anew, tells of the charge again, and counts only what it charged."""
    world = World(tmp_path)
    box, order_id = charging(world)
    before_mwh = world.get(f"/orders/{order_id}")["energy_mwh"]
    box.drop()
    world.pass_time(2 * HOUR_S)
    box.power_up()
    world.pass_time(60, lambda: box.report(3_000, order_id=order_id))
    assert state(world, order_id) == "charging"
    assert told(world, order_id, "order.resumed")[0]["why"] == "power-back"
    box.end(2, order_id, 5_000_000, 660)
    settled = world.get(f"/orders/{order_id}")
    assert settled["charged_s"] == 660
    assert settled["energy_mwh"] == before_mwh + 3_000
    sound(world)


def test_a_power_cut_ends_what_the_charger_does_not_resume(tmp_path: Path) -> None:
    """Its record is of the start before, and is dated by that."""
    world = World(tmp_path)
    box, order_id = charging(world)
    cut_at, energy_mwh = box.now, box.meter_mwh - 5_000_000
    cut_s = world.clock.seconds()
    box.drop()
    world.pass_time(2 * HOUR_S)
    box.power_up()
    box.record(
        2,
        ChargeEnded(order_id, 1, 5_000_000, box.meter_mwh, 600, StopReason.POWER_CUT, cut_at),
    )
    settled = world.get(f"/orders/{order_id}")
    assert (settled["state"], settled["stop_reason"]) == ("settled", "power_cut")
    assert settled["energy_mwh"] == energy_mwh
    (ended,) = told(world, order_id, "order.ended")
    assert ended["told_ms"] / 1000 == pytest.approx(cut_s, abs=2)
    sound(world)


def test_an_order_without_any_reading_costs_nothing(tmp_path: Path) -> None:
    """A charger that told of a start without a register, and then nothing."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order_id = int(world.order(box, customer, prepaid_fen=500)["id"])
    box.record(1, ChargeStarted(order_id, 1, 0, box.now))
    box.drop()
    world.pass_time(SETTINGS.lost_after_s + 60)
    closed = world.get(f"/orders/{order_id}")
    assert (closed["state"], closed["failure"]) == ("cancelled", "no-reading")
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 1000
    sound(world)


def test_what_a_closed_charger_tells_later_is_a_dispute(tmp_path: Path) -> None:
    """The rule was right with what was known; a person decides with what is known now."""
    world = World(tmp_path)
    box, order_id = charging(world)
    box.drop()
    world.pass_time(SETTINGS.lost_after_s + 60)
    closed = world.get(f"/orders/{order_id}")
    assert closed["stop_reason"] == "watchdog"
    box.connect()
    box.meter_mwh += 400_000
    box.end(2, order_id, 5_000_000, 3 * HOUR_S)
    assert world.get(f"/orders/{order_id}") == closed
    (dispute,) = world.get("/orders/disputes")["items"]
    assert dispute["record"]["end_meter_mwh"] == box.meter_mwh
    sound(world)


def test_a_charge_that_is_too_long_is_stopped(tmp_path: Path) -> None:
    """Nobody charges for half a day; the charger is asked, and the reason is the watchdog."""
    world = World(tmp_path)
    box, order_id = charging(world)
    world.pass_time(SETTINGS.longest_charge_s, lambda: box.report(1_000))
    assert box.stops()
    box.accept(box.stops()[-1])
    box.end(2, order_id, 5_000_000, SETTINGS.longest_charge_s, StopReason.REMOTE)
    settled = world.get(f"/orders/{order_id}")
    assert (settled["state"], settled["stop_reason"]) == ("settled", "watchdog")


def test_a_charge_that_does_not_stop_is_told_of_and_closed(tmp_path: Path) -> None:
    """A welded relay is for a person: the alarm goes out, and the order does not wait."""
    sink = Notebook()
    plugins = evolve(native_plugins(), alarm_sinks={sink.name: sink})
    world = World(tmp_path, plugins=plugins)
    box, order_id = charging(world)
    world.pass_time(SETTINGS.longest_charge_s + HOUR_S + 120, lambda: box.report(1_000))
    assert state(world, order_id) == "settled"
    assert [(alarm.rule, alarm.order_id) for alarm in sink.alarms] == [("does-not-stop", order_id)]


@pytest.mark.sqlite
def test_people_hear_once_of_a_charge_that_does_not_stop(tmp_path: Path) -> None:
    """Also while it cannot be closed, for the database is away: at once, and not each round."""
    sink = Notebook()
    world = World(tmp_path, plugins=evolve(native_plugins(), alarm_sinks={sink.name: sink}))
    box, order_id = charging(world)
    Asking(world).begin("POST", f"/orders/{order_id}/stop")
    box.pump().accept(box.stops()[-1])
    database = Outage(world.store.engine, is_away=True)
    world.pass_time(HOUR_S + 600, lambda: box.report(1_000))
    assert [alarm.rule for alarm in sink.alarms] == ["does-not-stop"]
    database.is_away = False
    world.pass_time(60, lambda: box.report(1_000))
    assert state(world, order_id) == "settled"
    assert [alarm.rule for alarm in sink.alarms] == ["does-not-stop"]


def test_a_stop_of_a_user_that_is_not_done_is_told_of_as_well(tmp_path: Path) -> None:
    """The charger says that it stops, and goes on: it is asked again at each reading, and
    an hour later people are told."""
    sink = Notebook()
    world = World(tmp_path, plugins=evolve(native_plugins(), alarm_sinks={sink.name: sink}))
    box, order_id = charging(world)
    Asking(world).begin("POST", f"/orders/{order_id}/stop")
    box.pump().accept(box.stops()[-1])
    world.pass_time(HOUR_S - 120, lambda: box.report(1_000))
    assert len(box.stops()) > 50
    assert sink.alarms == []
    world.pass_time(240, lambda: box.report(1_000))
    (alarm,) = sink.alarms
    assert (alarm.rule, alarm.evidence) == ("does-not-stop", {"asked_for": "user"})
    assert state(world, order_id) == "settled"


def test_an_end_that_says_the_same_as_the_last_reading_is_no_dispute(tmp_path: Path) -> None:
    """The order was closed without its charger, by the very figures that it tells late."""
    world = World(tmp_path)
    box, order_id = charging(world)
    box.drop()
    world.pass_time(SETTINGS.lost_after_s + 60)
    assert state(world, order_id) == "settled"
    box.connect()
    box.end(2, order_id, 5_000_000, 600, StopReason.POWER_CUT)
    assert box.kept()[-1].record == 2
    assert world.get("/orders/disputes")["items"] == []


def test_a_charge_that_was_closed_without_its_charger_is_stopped_when_it_tells_of_it(
    tmp_path: Path,
) -> None:
    """Its start is told again: nobody pays for what goes on there now."""
    world = World(tmp_path)
    box, order_id = charging(world)
    box.drop()
    world.pass_time(SETTINGS.lost_after_s + 60)
    box.connect()
    box.say_started(1, order_id)
    assert [stop.command for stop in box.stops()] == [StopCharge(order_id, 1)]
    assert state(world, order_id) == "settled"


def test_money_is_held_no_longer_than_it_may(tmp_path: Path) -> None:
    """Whatever becomes of the order: a person who does not decide costs the customer nothing."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order_id = int(world.order(box, customer, prepaid_fen=500)["id"])
    box.begin()
    # more than the box can give: nobody is charged for it without a person
    box.meter_mwh += 100_000_000
    world.pass_time(HOUR_S, box.heartbeat)
    box.end(2, order_id, 5_000_000, 600)
    assert state(world, order_id) == "held"
    assert world.get(f"/wallets/{customer}")["held_fen"] == 500
    world.pass_time(SETTINGS.hold_deadline_s + 600)
    assert state(world, order_id) == "held"
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (1000, 0)
    assert told(world, order_id, "order.hold_released")[0]["released_fen"] == 500
    sound(world)


def test_an_order_that_nothing_can_be_decided_about_keeps_no_others_money(tmp_path: Path) -> None:
    """What its charger told last waits for the database; the other's has nothing to do with it."""
    world = World(tmp_path, charging=ChargingSettings(hold_deadline_s=HOUR_S))
    site, customer = world.site(), world.customer(5000)
    boxes = [world.box(site, f"EB-{number}").connect() for number in range(3)]
    made = [world.order(box, customer, prepaid_fen=500)["id"] for box in boxes]
    for box in boxes:
        box.begin()
    world.platform.book.turns.shut = {boxes[0].id, boxes[1].id}

    def live() -> None:
        for box in boxes:
            box.heartbeat()

    world.pass_time(HOUR_S + 600, live)
    held = [world.get(f"/orders/{order_id}")["held_fen"] for order_id in made]
    assert held == [500, 500, 0]


def test_a_port_that_tells_of_another_order_is_stopped(tmp_path: Path) -> None:
    """A start that was given up reached it after all, and its stop was lost."""
    world = World(tmp_path)
    box = world.box().connect()
    order_id = int(world.order(box)["id"])
    world.pass_time(SETTINGS.confirm_deadline_s + 1, box.heartbeat)
    assert state(world, order_id) == "failed"
    box.report(1_000, order_id=order_id)
    assert [each.command.order_id for each in box.stops()][-1] == order_id  # type: ignore[union-attr]
    box.report(0, state=PortState.IDLE)
