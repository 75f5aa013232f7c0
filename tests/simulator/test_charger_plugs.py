"""Plugs that are pulled, put back and swapped while a charge runs."""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.charger import PortState
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import StopReason
from chargecloud.simulator.bikes import KINDS, Bike
from chargecloud.simulator.readings import read_port
from tests.simulator.charger_parts import ORDER, Stand, bike, new_stand


def charging(first: Bike, cut_off: CutOff | None = None, limit_energy_mwh: int = 10**7) -> Stand:
    """An order that has begun at port 1."""
    stand = new_stand()
    stand.charger.plug(1, first, stand.now)
    assert stand.start(cut_off=cut_off, limit_energy_mwh=limit_energy_mwh) == "ok"
    return stand


def test_a_charge_whose_plug_is_pulled_ends_after_its_grace() -> None:
    """The energy is what was drawn until the plug was pulled; the relay was closed for two
    minutes more, which count."""
    stand = charging(bike())
    stand.charger.unplug(1, stand.after(600.9))
    stand.charger.advance(stand.after(118.9))
    assert stand.charger.port(1).charge is not None
    stand.charger.advance(stand.after(1))
    assert stand.ended.reason is StopReason.UNPLUGGED
    assert stand.ended.duration_s == 720
    assert stand.ended.end_meter_mwh == bike().curve.energy_mwh(600)
    assert read_port(stand.charger.port(1)).state is PortState.IDLE


def test_a_port_that_waits_says_so() -> None:
    """Nothing is plugged in and nothing is drawn, and the order still has the port."""
    stand = charging(bike())
    stand.charger.unplug(1, stand.after(600))
    reading = read_port(stand.charger.port(1))
    assert (reading.state, reading.power_dw, reading.order_id) == (PortState.IDLE, 0, ORDER)
    assert stand.start(order_id=ORDER + 1) == "busy"


def test_a_bike_is_as_it_was_left() -> None:
    """Whoever takes it away takes what it was charged with."""
    stand = charging(bike(50))
    assert stand.charger.unplug(1, stand.after(600)) == bike(650)
    assert stand.charger.unplug(1, stand.now) is None


def test_a_plug_that_is_put_back_goes_on() -> None:
    """The meter goes on where it was, and so does the float's time."""
    stand = charging(bike())
    low_s = bike().curve.place_below(20_000)
    assert low_s is not None
    taken = stand.charger.unplug(1, stand.after(low_s + 1_000))
    assert taken is not None
    stand.charger.plug(1, taken, stand.after(100))
    stand.charger.advance(stand.after(10**6))
    assert stand.ended.reason is StopReason.FULL
    assert stand.ended.duration_s == low_s + 4_200
    assert stand.ended.end_meter_mwh == bike().curve.energy_mwh(low_s + 4_100)


def test_another_bike_is_charged_until_it_is_full() -> None:
    """It has its own plateau and its own float."""
    other = bike(kind="etrike 60V45Ah")
    stand = charging(bike())
    stand.charger.unplug(1, stand.after(1_000))
    stand.charger.plug(1, other, stand.after(60))
    stand.charger.advance(stand.after(10**6))
    low_s = other.curve.place_below(56_000)
    assert low_s is not None
    assert stand.ended.reason is StopReason.FULL
    assert stand.ended.duration_s == 1_060 + low_s + 4_200


def test_a_bike_that_does_not_draw_replaces_no_load() -> None:
    """It has five minutes, as any bike whose load goes away."""
    stand = charging(bike())
    stand.charger.unplug(1, stand.after(1_000))
    stand.charger.plug(1, bike(kind="switched off"), stand.after(60))
    stand.charger.advance(stand.after(10**6))
    assert (stand.ended.reason, stand.ended.duration_s) == (StopReason.NO_LOAD, 1_360)


def test_a_limit_is_for_all_bikes_together() -> None:
    """It is reached to the mWh, by the second one."""
    first, second = bike(), bike(kind="lead-acid 48V20Ah")
    drawn_mwh = first.curve.energy_mwh(1_000)
    stand = charging(first, limit_energy_mwh=drawn_mwh + 5_000)
    stand.charger.unplug(1, stand.after(1_000))
    stand.charger.plug(1, second, stand.after(60))
    stand.charger.advance(stand.after(10**6))
    assert stand.ended.reason is StopReason.LIMIT_ENERGY
    assert stand.ended.end_meter_mwh == drawn_mwh + 5_000
    assert stand.ended.duration_s == 1_060 + (second.curve.place_of_energy(5_000) or 0)


kinds = st.sampled_from(sorted(KINDS))
visits = st.lists(
    st.tuples(kinds, st.integers(0, 30_000), st.integers(0, 5_000), st.integers(0, 119)),
    min_size=1,
    max_size=5,
)


@given(visits, st.lists(st.integers(1, 400), max_size=10))
def test_energy_sums_over_bikes(bikes: list[tuple[str, int, int, int]], steps: list[int]) -> None:
    """Whatever bikes come one after the other, the record has what each of their curves gave,
    to the mWh, in whatever steps the time passes; and the time has no gap."""
    never = CutOff(float_hold_s=86_400, no_load_for_s=7_200, never_drawing_s=7_200)
    stand = charging(bike(bikes[0][1], bikes[0][0]), evolve(never, replug_grace_s=3_600))
    wanted_mwh = elapsed_s = 0
    for number, (kind, place_s, stays_s, away_s) in enumerate(bikes):
        if number:
            stand.charger.plug(1, bike(place_s, kind), stand.now)
        curve = bike(place_s, kind).curve
        for step in steps:
            stand.charger.advance(stand.after(step))
        stays_s += sum(steps)
        stand.charger.unplug(1, stand.after(stays_s - sum(steps)))
        stand.after(away_s)
        wanted_mwh += curve.energy_mwh(place_s + stays_s) - curve.energy_mwh(place_s)
        elapsed_s += stays_s + away_s
        if stand.book:
            return
    stand.charger.advance(stand.after(10**5))
    assert stand.ended.end_meter_mwh == wanted_mwh
    assert stand.ended.duration_s is not None
    assert stand.ended.duration_s >= elapsed_s
