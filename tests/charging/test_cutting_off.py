"""The platform's side of the cut-off: for chargers that do not end a charge by themselves."""

from pathlib import Path
from typing import Any

from chargecloud.domain.charger import PortState
from chargecloud.domain.commands import StartCharge
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import PortReading, PortsReported, StopReason
from tests.world import Box, World

HOUR_S = 3600
RULES = CutOff()


def begun(world: World, **more: Any) -> tuple[Box, int, str]:
    """A charge that has begun and drawn nothing yet."""
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=500, **more)
    box.begin()
    return box, int(order["id"]), customer


def draw(world: World, box: Box, seconds: int, watts: int, **more: Any) -> None:
    """Draw so much power for so long, told once a minute; until the platform asks for a stop."""

    def minute() -> None:
        if box.stops():
            box.heartbeat()
        else:
            box.report(watts * 1000 * 60 // HOUR_S, power_dw=watts * 10, **more)

    world.pass_time(seconds, minute)


def obey(world: World, box: Box, order_id: int, duration_s: int) -> dict[str, Any]:
    """Do what the platform asked for, and tell; the order as it is then."""
    box.accept(box.stops()[-1])
    box.end(2, order_id, 5_000_000, duration_s, StopReason.REMOTE)
    after: dict[str, Any] = world.get(f"/orders/{order_id}")
    return after


def test_paid_and_never_drawing_is_returned_in_full(tmp_path: Path) -> None:
    """Nobody plugged in: after three minutes it is over, and costs nothing."""
    world = World(tmp_path)
    box, order_id, customer = begun(world)
    draw(world, box, 120, 0)
    assert box.stops() == []
    draw(world, box, 120, 0)
    after = obey(world, box, order_id, 240)
    assert (after["state"], after["stop_reason"]) == ("cancelled", "no_load")
    assert after["amount_fen"] is None
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (1000, 0)


def test_a_full_battery_is_floated_and_then_cut_off(tmp_path: Path) -> None:
    """Not a minute before its hold is over; and what that saved is told."""
    world = World(tmp_path)
    box, order_id, _ = begun(world)
    draw(world, box, HOUR_S, 200)
    draw(world, box, RULES.full_for_s + RULES.float_hold_s - 120, 6)
    assert box.stops() == []
    draw(world, box, 300, 6)
    after = obey(world, box, order_id, 2 * HOUR_S + 600)
    assert (after["state"], after["stop_reason"]) == ("settled", "full")
    # 6 W for an hour and a half until it is fetched
    world.pass_time(HOUR_S + HOUR_S // 2, box.heartbeat)
    box.report(0, power_dw=0, state=PortState.IDLE)
    saved = world.get(f"/orders/{order_id}")["saved"]
    assert saved["least_wh"] <= 9 <= saved["most_wh"]
    assert saved["energy_wh"] == 9


def test_a_float_would_not_have_outlasted_the_orders_time(tmp_path: Path) -> None:
    """An order of three hours would have ended, cut off or not."""
    world = World(tmp_path)
    box, order_id, _ = begun(world, limit={"duration_s": 3 * HOUR_S})
    draw(world, box, HOUR_S, 200)
    draw(world, box, RULES.full_for_s + RULES.float_hold_s + 180, 6)
    after = obey(world, box, order_id, 2 * HOUR_S + 600)
    assert (after["state"], after["stop_reason"]) == ("settled", "full")
    world.pass_time(4 * HOUR_S, box.heartbeat)
    box.report(0, power_dw=0, state=PortState.IDLE)
    assert world.get(f"/orders/{order_id}")["saved"]["energy_wh"] == 5


def test_how_long_it_stayed_is_by_its_own_clock(tmp_path: Path) -> None:
    """A report that was long on its way tells when the plug was pulled all the same."""
    world = World(tmp_path)
    box, order_id, _ = begun(world)
    draw(world, box, HOUR_S, 200)
    draw(world, box, RULES.full_for_s + RULES.float_hold_s + 180, 6)
    obey(world, box, order_id, 2 * HOUR_S + 600)
    world.pass_time(HOUR_S, box.heartbeat)
    pulled = box.now
    world.pass_time(HOUR_S, box.heartbeat)
    assert box._wire is not None
    reading = PortReading(1, PortState.IDLE, power_dw=0, meter_mwh=box.meter_mwh)
    box._wire.report(PortsReported(pulled, (reading,)))
    box.pump()
    assert world.get(f"/orders/{order_id}")["saved"]["energy_wh"] == 6


def test_a_plug_that_is_pulled_at_once_saves_nothing(tmp_path: Path) -> None:
    """Its owner stood there: the port is told to be free before the charge's end is."""
    world = World(tmp_path)
    box, order_id, _ = begun(world)
    draw(world, box, HOUR_S, 200)
    draw(world, box, RULES.full_for_s + RULES.float_hold_s + 180, 6)
    box.accept(box.stops()[-1])
    box.report(0, power_dw=0, state=PortState.IDLE)
    box.end(2, order_id, 5_000_000, 2 * HOUR_S + 600, StopReason.REMOTE)
    # somebody else comes, and goes
    world.pass_time(HOUR_S, lambda: box.report(0, power_dw=0, state=PortState.PLUGGED))
    box.report(0, power_dw=0, state=PortState.IDLE)
    assert world.get(f"/orders/{order_id}")["saved"]["energy_wh"] == 0


def test_a_load_that_goes_is_no_full_battery(tmp_path: Path) -> None:
    """It draws nothing at all: that is no load, and has its own reason and its own time."""
    world = World(tmp_path)
    box, order_id, _ = begun(world)
    draw(world, box, HOUR_S, 200)
    draw(world, box, RULES.no_load_for_s + 120, 0)
    after = obey(world, box, order_id, HOUR_S + 420)
    assert (after["state"], after["stop_reason"]) == ("settled", "no_load")
    assert after["energy_wh"] == 200


def test_a_plug_that_is_put_back_goes_on(tmp_path: Path) -> None:
    """Within the grace period nothing has happened."""
    world = World(tmp_path)
    box, order_id, _ = begun(world)
    draw(world, box, HOUR_S, 200)
    draw(world, box, 60, 0, state=PortState.IDLE, order_id=order_id)
    draw(world, box, HOUR_S, 190)
    assert box.stops() == []
    assert world.get(f"/orders/{order_id}")["state"] == "charging"


def test_a_plug_that_stays_out_ends_the_charge(tmp_path: Path) -> None:
    """The charger senses it, so it is told from a port without a load."""
    world = World(tmp_path)
    box, order_id, _ = begun(world)
    draw(world, box, HOUR_S, 200)
    draw(world, box, RULES.replug_grace_s + 120, 0, state=PortState.IDLE, order_id=order_id)
    after = obey(world, box, order_id, HOUR_S + 240)
    assert (after["state"], after["stop_reason"]) == ("settled", "unplugged")


def test_another_bike_at_the_same_port_is_noticed(tmp_path: Path) -> None:
    """Somebody charges on another's money: it is told, and is in the order's history."""
    world = World(tmp_path)
    box, order_id, _ = begun(world)
    draw(world, box, HOUR_S, 200)
    draw(world, box, 60, 0, state=PortState.IDLE, order_id=order_id)
    draw(world, box, 600, 400)
    happened = world.get(f"/orders/{order_id}/events")["items"]
    assert "alarm.raised" in [each["kind"] for each in happened]


def test_a_site_has_rules_of_its_own(tmp_path: Path) -> None:
    """They go to the charger with the start, and the platform keeps them as well."""
    world = World(tmp_path)
    site = world.site()
    status, _ = world.http(
        "PUT", f"/sites/{site}/cut-off/ebike", {"float_hold_s": 0, "full_for_s": 120}
    )
    assert status == 200
    box = world.box(site).connect()
    order_id = int(world.order(box)["id"])
    command = box.begin()
    assert isinstance(command, StartCharge)
    assert command.cut_off == CutOff(float_hold_s=0, full_for_s=120)
    draw(world, box, HOUR_S, 200)
    draw(world, box, 300, 6)
    after = obey(world, box, order_id, HOUR_S + 300)
    assert after["stop_reason"] == "full"


def test_a_charger_that_ignores_its_limit_of_energy_is_stopped(tmp_path: Path) -> None:
    """It was told to end at 300 Wh and does not: the platform sees the register."""
    world = World(tmp_path)
    box, order_id, _ = begun(world, limit={"energy_wh": 300})
    draw(world, box, HOUR_S + HOUR_S // 2 - 60, 200)
    assert box.stops() == []
    draw(world, box, 180, 200)
    assert obey(world, box, order_id, HOUR_S)["stop_reason"] == "limit_energy"


def test_a_charger_that_ignores_its_limit_of_time_is_stopped(tmp_path: Path) -> None:
    """A minute after the last second that it was told of; without a register as well."""
    world = World(tmp_path)
    box, order_id, _ = begun(world, limit={"duration_s": 1800})
    reading = PortReading(1, PortState.CHARGING, power_dw=2_000, order_id=order_id)
    world.pass_time(1800, lambda: box.tell(reading))
    assert box.stops() == []
    world.pass_time(120, lambda: box.tell(reading))
    assert obey(world, box, order_id, 1900)["stop_reason"] == "limit_time"


def test_a_restart_does_not_forget_how_full_a_battery_is(tmp_path: Path) -> None:
    """The platform is killed while a battery is floated: it knows from the curve what was
    drawn before, and cuts off in time."""
    world = World(tmp_path)
    box, order_id, _ = begun(world)
    draw(world, box, HOUR_S, 200)
    draw(world, box, HOUR_S, 6)
    world.killed()
    box.world = world = World(tmp_path, world.clock)
    box.connect()
    draw(world, box, 480, 6)
    assert box.stops() == []
    draw(world, box, 480, 6)
    assert obey(world, box, order_id, 2 * HOUR_S + 960)["stop_reason"] == "full"


def test_a_power_cut_is_no_time_of_floating(tmp_path: Path) -> None:
    """Two hours without power in the middle of the float are not counted as floated."""
    world = World(tmp_path)
    box, _, _ = begun(world)
    draw(world, box, HOUR_S, 200)
    draw(world, box, 1200, 6)
    box.drop()
    world.pass_time(2 * HOUR_S)
    box.power_up()
    draw(world, box, 1800, 6)
    assert box.stops() == []
    draw(world, box, 1800, 6)
    assert len(box.stops()) == 1
