from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.charger import ChargerTime, PortState
from chargecloud.domain.commands import SetTime, StartCharge, StopCharge, VendorCall
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import ChargeStarted, StopReason
from chargecloud.simulator.memory import RECORD_LIMIT
from chargecloud.simulator.readings import read_port
from tests.simulator.charger_parts import NOW, ORDER, Stand, bike, new_stand


def charging(place_s: int = 0, **limits: Any) -> Stand:
    """An order that has begun at port 1, a quarter of an hour after the start."""
    stand = new_stand()
    stand.charger.plug(1, bike(place_s), stand.after(900))
    assert stand.start(**limits) == "ok"
    return stand


def test_a_start_is_recorded_with_its_meter_and_time() -> None:
    """The record tells the register and the charger's own time."""
    stand = charging()
    assert stand.charger.memory.records == {1: ChargeStarted(ORDER, 1, 0, ChargerTime(1, 900))}


def test_a_duration_ends_to_the_second() -> None:
    """However late the charger looks, the charge has ended when its time was over."""
    stand = charging(limit_duration_s=1_000)
    stand.charger.advance(stand.after(50_000.5))
    assert stand.ended.reason is StopReason.LIMIT_TIME
    assert stand.ended.duration_s == 1_000
    assert stand.ended.at == ChargerTime(1, 1_900)
    assert stand.ended.end_meter_mwh == bike().curve.energy_mwh(1_000)


@given(st.integers(1, 500_000), st.lists(st.floats(0.1, 5_000), max_size=8))
def test_an_energy_limit_ends_to_the_mwh(limit_mwh: int, steps: list[float]) -> None:
    """The end is at the exact mWh and second, in whatever steps the time passes."""
    stand = charging(limit_energy_mwh=limit_mwh, until_full=False)
    for step in steps:
        stand.charger.advance(stand.after(step))
    stand.charger.advance(stand.after(10**7))
    ended = stand.ended
    assert ended.reason is StopReason.LIMIT_ENERGY
    assert (ended.start_meter_mwh, ended.end_meter_mwh) == (0, limit_mwh)
    assert ended.duration_s == bike().curve.place_of_energy(limit_mwh)


def test_a_full_battery_is_floated_and_ends_the_charge() -> None:
    """Ten minutes after the power has fallen below a tenth of the plateau, and an hour."""
    stand = charging()
    curve = bike().curve
    low_s = curve.place_below(20_000)
    assert low_s is not None
    assert curve.power_mw(0) // 10 < 20_000
    stand.charger.advance(stand.after(low_s + 4_199))
    assert stand.charger.port(1).charge is not None
    stand.charger.advance(stand.after(1))
    assert stand.ended.reason is StopReason.FULL
    assert stand.ended.duration_s == low_s + 4_200


def test_the_rules_of_an_order_are_kept() -> None:
    """Below 40 W for a minute, and two minutes of float."""
    rules = CutOff(full_w=40, full_for_s=60, float_hold_s=120)
    stand = charging(cut_off=rules)
    stand.charger.advance(stand.after(10**6))
    low_s = bike().curve.place_below(40_000)
    assert low_s is not None
    assert (stand.ended.reason, stand.ended.duration_s) == (StopReason.FULL, low_s + 180)


def test_a_bike_that_never_draws_ends_the_charge() -> None:
    """After three minutes, without any energy."""
    stand = new_stand()
    stand.charger.plug(1, bike(kind="switched off"), stand.now)
    stand.start(limit_energy_mwh=1_000)
    stand.charger.advance(stand.after(10**6))
    assert (stand.ended.reason, stand.ended.duration_s) == (StopReason.NO_LOAD, 180)
    assert stand.ended.end_meter_mwh == 0
    assert read_port(stand.charger.port(1)).state is PortState.PLUGGED


def test_a_charge_without_limits_floats_on() -> None:
    """It ends only when somebody ends it."""
    stand = charging(until_full=False)
    stand.charger.advance(stand.after(10**6))
    assert stand.charger.next_end_s is None
    reading = read_port(stand.charger.port(1))
    assert reading.state is PortState.CHARGING
    assert reading.power_dw == 20
    assert reading.meter_mwh == bike().curve.energy_mwh(10**6)


def test_a_stop_ends_its_own_order_only() -> None:
    """A stop for another order is refused, and one for an order that has ended is done."""
    stand = charging()
    late = StopCharge(ORDER + 1, 1)
    assert stand.charger.obey(late, stand.after(60)).code == "refused"
    assert stand.charger.port(1).charge is not None
    for _ in range(2):
        assert stand.charger.obey(StopCharge(ORDER, 1), stand.after(60)).accepted
    assert stand.ended.reason is StopReason.REMOTE
    assert stand.ended.duration_s == 120
    assert len(stand.charger.memory.records) == 2
    assert stand.charger.obey(StopCharge(ORDER, 9), stand.now).code == "no-such-port"


def test_every_end_goes_into_the_book_with_its_instant() -> None:
    """The instant is that of the end, not that at which it was found."""
    stand = new_stand()
    stand.charger.plug(2, bike(), stand.after(10))
    stand.start(2, limit_duration_s=100)
    stand.charger.advance(stand.after(9_999))
    assert stand.book == [(stand.ended, NOW + timedelta(seconds=110))]


def test_ends_are_recorded_in_the_order_of_time() -> None:
    """Whatever their ports, and however late the charger looks."""
    stand = new_stand()
    for port, duration_s in ((1, 300), (2, 100), (3, 200)):
        stand.charger.plug(port, bike(), stand.now)
        stand.start(port, ORDER + port, limit_duration_s=duration_s)
    stand.charger.advance(stand.after(1_000))
    assert [ended.port for ended, _ in stand.book] == [2, 3, 1]
    assert list(stand.charger.memory.records) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("port", "answer"), [(0, "no-such-port"), (5, "no-such-port"), (2, "not-plugged"), (3, "fault")]
)
def test_a_start_that_cannot_be_is_refused(port: int, answer: str) -> None:
    """With its reason, and without a record."""
    stand = new_stand()
    stand.charger.plug(3, bike(), stand.now)
    stand.charger.port(3).is_faulty = True
    assert stand.start(port) == answer
    assert stand.charger.memory.records == {}


def test_a_busy_port_is_refused_to_another_order() -> None:
    """The same order again is no other one: its start was sent twice."""
    stand = charging()
    stand.after(5)
    assert stand.start(order_id=ORDER + 1) == "busy"
    assert stand.start() == "ok"
    assert len(stand.charger.memory.records) == 1


def test_an_order_is_charged_once() -> None:
    """A start that a network repeats after the end does nothing."""
    stand = charging()
    stand.charger.obey(StopCharge(ORDER, 1), stand.now)
    assert stand.start() == "refused"


def test_a_late_start_is_refused() -> None:
    """By the charger's own clock, which the cloud has set."""
    stand = new_stand()
    stand.charger.plug(1, bike(), stand.now)
    valid_until_s = int(NOW.timestamp()) + 15
    command = StartCharge(ORDER, 1, valid_until_s)
    assert stand.charger.obey(command, stand.after(16)).code == "expired"
    stand.charger.obey(SetTime(valid_until_s), stand.now)
    assert stand.charger.obey(command, stand.now).accepted


def test_a_charger_does_not_know_other_commands() -> None:
    """What is no command of ours is answered, too."""
    stand = new_stand()
    assert stand.charger.obey(VendorCall("native", "dance"), NOW).code == "unknown-command"


def test_no_charge_begins_that_could_not_be_told_of() -> None:
    """A charger whose records are not taken keeps room for the ends of what runs."""
    stand = new_stand()
    stand.charger.plug(1, bike(), stand.now)
    order_id = ORDER
    while (answer := stand.start(order_id=order_id)) == "ok":
        stand.charger.obey(StopCharge(order_id, 1), stand.now)
        order_id += 1
    assert answer == "refused"
    assert len(stand.charger.memory.records) == RECORD_LIMIT
    stand.charger.forget(1)
    stand.charger.forget(2)
    assert stand.start(order_id=order_id) == "ok"


def test_the_meter_goes_on_from_order_to_order() -> None:
    """So does the battery: the second order begins where the first one ended."""
    stand = charging(limit_duration_s=600)
    stand.charger.advance(stand.after(700))
    first = stand.ended
    stand.start(order_id=ORDER + 1, limit_duration_s=600)
    stand.charger.advance(stand.after(700))
    assert stand.ended.start_meter_mwh == first.end_meter_mwh
    assert stand.ended.end_meter_mwh == bike().curve.energy_mwh(1_200)


def test_a_port_tells_what_it_measures() -> None:
    """What a port has to say: idle, plugged, charging with all it measures, full."""
    stand = new_stand()
    port = stand.charger.port(1)
    assert read_port(port).state is PortState.IDLE
    full_s = bike().curve.full_s
    stand.charger.plug(1, bike(full_s - 100), stand.now)
    assert read_port(port).state is PortState.PLUGGED
    stand.start()
    reading = read_port(port)
    assert (reading.state, reading.order_id) == (PortState.CHARGING, ORDER)
    assert reading.power_dw == bike().curve.power_mw(full_s - 100) // 100
    assert reading.voltage_dv == pytest.approx(2_300, abs=50)
    assert reading.power_dw is not None
    assert reading.current_ma == pytest.approx(reading.power_dw * 1_000 / 2_300, rel=0.05)
    stand.charger.advance(stand.after(20_000))
    assert stand.ended.reason is StopReason.FULL
    assert read_port(port).state is PortState.FULL


def test_a_socket_takes_one_plug() -> None:
    """Two bikes at one port are a fault of whoever plugs them in."""
    stand = charging()
    with pytest.raises(ValueError, match="has a bike already"):
        stand.charger.plug(1, bike(), stand.now)


def test_watchers_hear_of_every_change() -> None:
    """Of plugs, starts and ends, and not of time that only passes."""
    stand = new_stand()
    heard: list[int] = []
    stand.charger.watchers.append(lambda: heard.append(1))
    stand.charger.plug(1, bike(), stand.now)
    stand.start(limit_duration_s=100)
    stand.charger.advance(stand.after(50))
    assert len(heard) == 2
    stand.charger.advance(stand.after(50))
    assert len(heard) == 3
    stand.charger.unplug(1, stand.now)
    assert len(heard) == 4


def test_a_calendar_that_is_set_back_takes_nothing_back() -> None:
    """The meter never falls."""
    stand = charging()
    stand.charger.advance(stand.after(600))
    meter_mwh = stand.charger.port(1).meter_mwh
    stand.charger.advance(NOW)
    assert stand.charger.port(1).meter_mwh == meter_mwh
    assert stand.charger.uptime_s == 1_500
