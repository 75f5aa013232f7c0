"""What a charge draws: when it is full, has no load, or is another bike's."""

from collections.abc import Iterable
from itertools import product

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.drawing import TRANSITIONS, Drawing, Finding, Level, Stage
from chargecloud.domain.events import StopReason
from chargecloud.domain.plateau import LATE_S

#: full below 20 W or a tenth, for 10 min; float 60 min; no load below 1.5 W for 5 min
RULES = CutOff()
STARTED_S = 1_000_000


@define
class Reader:
    """Gives readings to a charge, one a minute."""

    drawing: Drawing = field(factory=lambda: Drawing(RULES, True, STARTED_S))
    minute: int = 0
    findings: list[Finding] = field(factory=list)

    def read(self, *powers_w: float | None, plugged: bool | None = None) -> "Reader":
        """So many readings; powers in watts."""
        for power_w in powers_w:
            power_dw = None if power_w is None else int(power_w * 10)
            at_s = STARTED_S + 60 * self.minute
            self.findings.append(self.drawing.take(at_s, power_dw, plugged))
            self.minute += 1
        return self

    @property
    def end(self) -> StopReason | None:
        """What the newest reading ended."""
        return self.findings[-1].end

    @property
    def swaps(self) -> list[int]:
        """The minutes of the readings by which another bike was noticed."""
        return [minute for minute, finding in enumerate(self.findings) if finding.swapped]


def read(*powers_w: float | None, until_full: bool = True, **rules: int) -> Reader:
    """Readings of a new charge."""
    return Reader(Drawing(CutOff(**rules), until_full, STARTED_S)).read(*powers_w)


def test_the_table_is_whole() -> None:
    """Whatever is read, in every stage."""
    assert set(TRANSITIONS) == set(product(Stage, Level))


# ------------------------------------------------------------------------------- full


def test_a_full_battery_is_floated_and_then_cut_off() -> None:
    """Low for ten minutes, floated for sixty, and cut off with the reading that ends them."""
    reader = read(*[190] * 30, *[15] * 10)
    assert reader.drawing.stage is Stage.LOW
    assert reader.drawing.float_dw is None
    assert reader.read(5).drawing.stage is Stage.FLOATING
    reader.read(*[5] * 59)
    assert reader.end is None
    assert reader.read(5).end is StopReason.FULL
    assert reader.drawing.float_dw == 50
    assert reader.read(5).end is StopReason.FULL
    assert {finding.end for finding in reader.findings[:-2]} == {None}


def test_a_charge_that_is_not_to_end_when_full_floats_on() -> None:
    """For as long as the plug stays in; what it floats with is known all the same."""
    reader = read(*[190] * 5, *[5] * 300, until_full=False)
    assert reader.end is None
    assert reader.drawing.stage is Stage.FLOATING
    assert reader.drawing.float_dw == 50


def test_the_threshold_is_a_share_of_a_great_plateau() -> None:
    """A tenth of 560 W is more than 20 W."""
    reader = read(560, 560, 56)
    assert reader.drawing.stage is Stage.CHARGING
    assert reader.read(55.9).drawing.stage is Stage.LOW


def test_low_is_left_by_so_much_more_only() -> None:
    """A battery that balances its cells draws a little more once again: 24 W are not yet
    charging, more than that is."""
    reader = read(190, 190, 19, 24, 24)
    assert reader.drawing.stage is Stage.LOW
    assert reader.read(24.1, 24.1).drawing.stage is Stage.CHARGING
    assert reader.read(*[19] * 11).drawing.stage is Stage.FLOATING


def test_a_spike_does_not_begin_the_float_anew() -> None:
    """One reading that is out of line is crosstalk; two are a battery that charges."""
    reader = read(*[190] * 3, *[5] * 40, 190, *[5] * 30)
    assert reader.end is StopReason.FULL
    reader = read(*[190] * 3, *[5] * 40, 190, 190, *[5] * 30)
    assert reader.end is None


@pytest.mark.parametrize("spike_at", [0, 1, 5])
def test_a_spike_does_not_make_the_plateau(spike_at: int) -> None:
    """Neither the inrush of the first reading, nor crosstalk in the middle."""
    powers = [190] * 8
    powers[spike_at] = 2_000
    reader = read(*powers)
    assert reader.drawing.plateau_dw == 1_900
    assert reader.swaps == []


def test_a_plateau_takes_two_readings() -> None:
    """Of one nothing is known; of two, the lower."""
    assert read(190).drawing.plateau_dw is None
    assert read(190, 180).drawing.plateau_dw == 1_800
    assert read(20, 100, 190, 190).drawing.plateau_dw == 1_900


def test_a_float_is_weighted_by_time() -> None:
    """A reading stands for the time since the one before."""
    drawing = Drawing(CutOff(full_for_s=0, float_hold_s=86_400), True, 0)
    for at_s, power_dw in ((0, 1_900), (60, 1_900), (120, 100), (420, 40), (480, 40)):
        drawing.take(at_s, power_dw, None)
    assert drawing.float_dw == round((60 * 100 + 360 * 40) / 420)


# ---------------------------------------------------------------------------- no load


def test_nothing_ever_drawn_ends_soon() -> None:
    """After three minutes, by the reading that comes then."""
    reader = read(0, 1.4, 0)
    assert reader.drawing.stage is Stage.NOTHING
    assert reader.end is None
    assert reader.read(0).end is StopReason.NO_LOAD
    assert read(0, 0, 0, 190).end is None


def test_a_charge_that_is_taken_up_late_has_its_time() -> None:
    """What was before the first reading is not known: it may have drawn for an hour."""
    drawing = Drawing(RULES, True, 0)
    assert drawing.take(3_600, 0, None).end is None
    assert drawing.take(3_720, 0, None).end is None
    assert drawing.take(3_780, 0, None).end is StopReason.NO_LOAD


def test_a_load_that_goes_away_ends_the_charge() -> None:
    """After five minutes of nothing; one reading of nothing is no end."""
    reader = read(190, 190, 0, 190, 190, 0, 0, 0, 0, 0)
    assert reader.drawing.stage is Stage.ABSENT
    assert reader.end is None
    assert reader.read(0).end is StopReason.NO_LOAD
    assert reader.swaps == []


def test_a_charge_goes_on_when_power_comes_back() -> None:
    """Within its grace, and its time of nothing begins anew the next time."""
    reader = read(190, 190, 0, 0, 0, 0, 190, 190, 190, 0, 0, 0, 0, 0)
    assert reader.end is None
    assert reader.read(0).end is StopReason.NO_LOAD


def test_a_plug_that_is_pulled_has_its_grace() -> None:
    """Two minutes, and another reason than a load that has only gone."""
    reader = read(190, 190).read(0, 0, plugged=False)
    assert reader.end is None
    assert reader.read(0, plugged=False).end is StopReason.UNPLUGGED


def test_a_plug_that_is_put_back_goes_on() -> None:
    """And the grace begins anew."""
    reader = read(190, 190).read(0, 0, plugged=False).read(190, 190, plugged=True)
    assert reader.read(0, 0, plugged=False).end is None
    assert reader.read(0, plugged=False).end is StopReason.UNPLUGGED


def test_a_plug_in_has_its_own_time_to_draw() -> None:
    """What was out before does not count against it."""
    reader = read(190, 190, replug_grace_s=600)
    reader.read(*[0] * 6, plugged=False).read(*[0] * 5, plugged=True)
    assert reader.end is None
    assert reader.read(0, plugged=True).end is StopReason.NO_LOAD


def test_an_order_before_the_plug_has_its_time() -> None:
    """Who orders first and plugs in then is not told that the plug was pulled."""
    reader = Reader().read(0, 0, 0, plugged=False)
    assert reader.end is None
    assert reader.read(190, plugged=True).end is None
    assert Reader().read(0, 0, 0, 0, plugged=False).end is StopReason.NO_LOAD


def test_a_pulled_plug_says_that_nothing_is_drawn() -> None:
    """Also if the reading says nothing of power."""
    reader = read(190, 190).read(None, None, None, plugged=False)
    assert reader.end is StopReason.UNPLUGGED


def test_nothing_follows_from_readings_that_do_not_say() -> None:
    """Missing is not zero."""
    reader = read(190, 190, *[None] * 600)
    assert reader.drawing.stage is Stage.CHARGING
    assert set(reader.findings) == {Finding()}


def test_a_float_goes_on_over_a_short_absence() -> None:
    """The clock is not stopped by what a reading in between could have missed; and nobody
    is cut off before it is known who was plugged in."""
    reader = read(190, 190, *[5] * 69, 0)
    assert reader.read(5, 5).end is None
    assert reader.read(5).end is StopReason.FULL


def test_a_cut_of_the_power_is_no_float() -> None:
    """Low since 120 s, it has its eleven minutes without that time."""
    drawing = Drawing(CutOff(full_for_s=60, float_hold_s=600), True, 0)
    for at_s in range(0, 360, 60):
        drawing.take(at_s, 1_900 if at_s < 120 else 50, None)
    drawing.skip(7_000)
    assert drawing.take(7_360, 50, None).end is None
    assert drawing.take(7_720, 50, None).end is None
    assert drawing.take(7_780, 50, None).end is StopReason.FULL


# ------------------------------------------------------------------------- another bike


def swapped(*powers_w: float) -> bool:
    """Whether the last of the readings is that by which another bike is noticed, and the
    plateau is that bike's then."""
    reader = read(*powers_w)
    level_dw = int(powers_w[-1] * 10)
    assert reader.swaps in ([], [len(powers_w) - 1])
    assert not reader.swaps or reader.drawing.plateau_dw == level_dw
    return bool(reader.swaps)


def test_a_bike_with_a_higher_plateau_is_another_one() -> None:
    """By more than three tenths, wherever the old one was."""
    assert swapped(190, 190, 0, 310, 310, 310)
    assert swapped(190, 190, 60, 60, 0, 310, 310, 310)
    assert not swapped(190, 190, 0, 240, 240, 240)


def test_a_bike_that_was_on_its_plateau_does_not_come_back_low() -> None:
    """Nobody's battery goes down its taper in a minute."""
    assert swapped(310, 310, 310, 0, 165, 165, 165)
    assert not swapped(310, 310, 310, 0, 250, 250, 250)


def test_a_bike_on_its_taper_is_the_same_one() -> None:
    """It comes back lower than it left, or with what it left."""
    assert not swapped(310, 310, 100, 100, 0, 100, 100, 100)
    assert not swapped(310, 310, 100, 100, 0, 80, 80, 80)
    assert not swapped(310, 310, 5, 5, 0, 8, 8, 8)


def test_a_bike_that_takes_more_than_what_was_drawn_last_is_another_one() -> None:
    """A battery does not take more again; unless it is the old plateau, which its charger
    may begin with anew."""
    assert swapped(310, 310, 60, 60, 0, 165, 165, 165)
    assert not swapped(310, 310, 60, 60, 0, 310, 310, 310)


def test_a_charger_that_begins_slowly_is_the_same_one() -> None:
    """Three readings tell, and not the first."""
    assert not swapped(190, 190, 0, 20, 190, 190)
    assert not swapped(190, 190, 0, 900, 190, 190)


def test_a_step_up_late_in_a_charge_is_another_bike() -> None:
    """Its plug was out for less than a minute.  Early, a battery may only have been filled
    carefully."""
    late = LATE_S // 60
    assert swapped(*[165] * (late + 3), 310, 310)
    assert swapped(*[165] * (late + 3), 200, 200, 310, 310)
    assert not swapped(*[20] * (late - 5), 190, 190)


def test_another_bike_is_judged_by_its_own_plateau() -> None:
    """A tenth of 560 W is no threshold for a bike that draws 50 W, and its float is its own."""
    reader = read(*[560] * 3, 0, 50, 50)
    assert reader.drawing.stage is Stage.LOW
    assert reader.read(50).drawing.stage is Stage.CHARGING
    assert reader.swaps == [6]
    assert reader.read(*[5] * 11).drawing.stage is Stage.FLOATING
    assert reader.drawing.float_dw == 50


def test_another_bike_is_low_only_when_it_is() -> None:
    """Not since it came."""
    reader = read(310, 310, 310, 0, 100, 100, 15, full_for_s=120)
    assert reader.swaps == [6]
    assert reader.read(15).drawing.stage is Stage.LOW
    assert reader.read(15).drawing.stage is Stage.FLOATING


def test_another_full_bike_is_floated_from_when_it_came() -> None:
    """It replaces one that was on its plateau."""
    reader = read(*[190] * 30, 0, *[5] * 70)
    assert reader.swaps == [33]
    assert reader.end is None
    assert reader.read(5).end is StopReason.FULL


# --------------------------------------------------------------------------- any readings

readings = st.tuples(
    st.integers(0, 4_000), st.none() | st.integers(0, 6_000), st.none() | st.booleans()
)


def _take(drawing: Drawing, taken: Iterable[tuple[int, int | None, bool | None]]) -> list[Finding]:
    return [drawing.take(*reading) for reading in taken]


@given(st.lists(readings, max_size=60), st.booleans())
def test_any_readings_are_taken(
    taken: list[tuple[int, int | None, bool | None]], until_full: bool
) -> None:
    """Whatever comes, in whatever order: what is found is consistent, and the readings that
    are repeated or old change nothing."""
    drawing, orderly = Drawing(RULES, until_full, 0), Drawing(RULES, until_full, 0)
    newest_s = -1
    for at_s, power_dw, plugged in taken:
        finding = drawing.take(at_s, power_dw, plugged)
        said = power_dw is not None or plugged is False
        if at_s > newest_s and said:
            assert finding == orderly.take(at_s, power_dw, plugged)
            newest_s = at_s
        else:
            assert finding == Finding()
        assert drawing.stage is orderly.stage
        assert drawing.plateau_dw == orderly.plateau_dw
        assert finding.end is not StopReason.FULL or (until_full and drawing.float_dw is not None)
        assert finding.end is not StopReason.UNPLUGGED or drawing.stage is Stage.ABSENT
    # the plateau is never more than what two readings had
    powers = sorted((power or 0 for _, power, _ in taken), reverse=True)
    assert (drawing.plateau_dw or 0) <= (powers[1] if len(powers) > 1 else 0)


@given(
    st.lists(
        st.tuples(st.integers(1, 600), st.integers(0, 3_000) | st.sampled_from([0, 20, 100])),
        min_size=1,
        max_size=80,
    ),
    st.integers(10, 2_000),
    st.integers(30, 2_000),
    st.integers(0, 1_000),
    st.integers(0, 1_000),
)
def test_no_end_is_found_before_its_rule(
    steps: list[tuple[int, int]], no_load_s: int, never_s: int, full_s: int, hold_s: int
) -> None:
    """A charge that has drawn lately has no end; one that is cut off as full has been low
    for as long as it must."""
    rules = CutOff(
        no_load_for_s=no_load_s, never_drawing_s=never_s, full_for_s=full_s, float_hold_s=hold_s
    )
    drawing = Drawing(rules, True, 0)
    # more than the highest threshold there can be, with its hysteresis
    much_dw = max(rules.full_w * 10, 3_000 * rules.plateau_percent // 100) * 12 // 10
    at_s, drew_s, high_s, before_dw = 0, None, 0, 0
    for step_s, power_dw in steps:
        at_s += step_s
        end = drawing.take(at_s, power_dw, None).end
        if power_dw >= rules.no_load_dw:
            drew_s = at_s
        if min(power_dw, before_dw) > much_dw:
            high_s = at_s
        before_dw = power_dw
        if end is StopReason.NO_LOAD:
            assert at_s - (drew_s or 0) >= (no_load_s if drew_s else never_s)
        if end is StopReason.FULL:
            assert at_s - high_s > full_s + hold_s
            assert drawing.stage is Stage.FLOATING
            assert drew_s == at_s
