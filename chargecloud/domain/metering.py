"""How far a charger's account of a charge is from what it can be: pure formulas.

What is measured, and by what limits, follows the verification of charging equipment: JJG 1148 (AC)
and JJG 1149 (DC) of 2018 had operating error, error of indication, error of the amount and error
of the clock; the issues of 2022 keep the first and the last, and want a register of 0.001 kWh.  An
error is what is shown over what is true, less 1.

Nobody is there with a reference meter as a charge goes on.  Its register is compared with the
integral of the power that the charger told, and with what its rated power can have given.  Both
come from the charger: what shows is a register that does not go with its own measurements, not
one that goes wrong together with them; only a verification on site shows that.

Each error has an uncertainty, and accuses nobody as long as it is within: what was not told makes
that wider.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import gcd
from typing import Protocol

from attrs import frozen

from chargecloud.domain.plausible import most_mwh

PPM = 1_000_000
#: readings are told in whole seconds, and take some time to come
TIMING_S = 1
#: in a longer step than this the power may come and go unseen: the whole of what it changed is
#: uncertain, and so much of the energy besides, which is a pause of 6 s in five minutes
EVEN_STEP_S = 120
UNEVEN_PERMILLE = 20
#: less says nothing of a meter: 50 Wh
LEAST_COMPARED_MWH = 50_000
#: of a charge of which less was compared nothing is said
LEAST_COMPARED_PERCENT = 50
_MILLISECOND = timedelta(milliseconds=1)
#: 0.1 W for so many ms is 1 mWh
_DW_MS_PER_MWH = 36_000


class IsReading(Protocol):
    """What a port measured at an instant."""

    @property
    def at(self) -> datetime:
        """When."""

    @property
    def power_dw(self) -> int | None:
        """The power; C{None} if it was not told."""

    @property
    def meter_mwh(self) -> int | None:
        """The register; C{None} if it was not told."""


@frozen
class Error:
    """A relative error, and what it may be beside the truth at the most."""

    value: Fraction
    uncertainty: Fraction

    @property
    def proven(self) -> Fraction:
        """What of it is beyond its uncertainty: zero accuses nobody."""
        beyond = max(Fraction(), abs(self.value) - self.uncertainty)
        return beyond if self.value > 0 else -beyond


@frozen
class Comparison:
    """
    A register, held against the integral of the power.  Comparisons are summed up.

    @ivar register_mwh: what the register gained while the power was known.
    @ivar integral_mwh: what the power comes to in that time.
    @ivar uncertain_mwh: what both may be beside each other though the meter is right.
    @ivar passed_over_mwh: what the register gained while the power was not known.
    @ivar steps: from one reading to the next, that were compared.
    """

    register_mwh: int = 0
    integral_mwh: int = 0
    uncertain_mwh: int = 0
    passed_over_mwh: int = 0
    steps: int = 0

    def __add__(self, other: "Comparison") -> "Comparison":
        return Comparison(
            self.register_mwh + other.register_mwh,
            self.integral_mwh + other.integral_mwh,
            self.uncertain_mwh + other.uncertain_mwh,
            self.passed_over_mwh + other.passed_over_mwh,
            self.steps + other.steps,
        )

    @property
    def is_enough(self) -> bool:
        """Whether it says something of the register."""
        whole_mwh = self.register_mwh + self.passed_over_mwh
        # a register that stood still is compared by what it should have gained
        share = max(whole_mwh, self.integral_mwh + self.passed_over_mwh)
        compared = max(self.register_mwh, self.integral_mwh)
        if self.integral_mwh < LEAST_COMPARED_MWH:
            return False
        return compared * 100 >= share * LEAST_COMPARED_PERCENT

    def error(self, power_permille: int) -> Error | None:
        """
        The error of the register; C{None} where too little was compared.

        @param power_permille: what the power that is told may be beside the truth.
        """
        if not self.is_enough:
            return None
        value = Fraction(self.register_mwh, self.integral_mwh) - 1
        within = Fraction(self.uncertain_mwh, self.integral_mwh)
        return Error(value, within + Fraction(power_permille, 1000))


def compare(readings: Sequence[IsReading], longest_step_s: int) -> Comparison:
    """
    Hold a charge's register against its power, between readings that are close enough.

    Between two of them the power is taken to go evenly from the one to the other; it may have
    been anywhere between, so that half of what it changed is uncertain; more of a step that is
    longer than C{EVEN_STEP_S}.  Of a longer one than is compared, or one
    whose power is not known at both ends, nothing is taken, and each time that this begins anew the
    register's own step and a second at both ends are uncertain.

    @param longest_step_s: beyond it nobody knows what the power was meanwhile.
    """
    known = [each for each in readings if each.meter_mwh is not None]
    step_mwh = register_step_mwh([each.meter_mwh or 0 for each in known])
    most_dw = max((each.power_dw or 0 for each in known), default=0)
    register = passed_over = steps = 0
    # twice the energy, in 0.1 W ms: the trapezoids have halves
    integral = uncertain = 0
    runs_mwh, is_running = 0, False
    for before, after in pairwise(known):
        gained_mwh = (after.meter_mwh or 0) - (before.meter_mwh or 0)
        took_ms = (after.at - before.at) // _MILLISECOND
        if not _is_compared(before, after, took_ms, longest_step_s):
            passed_over += max(0, gained_mwh)
            is_running = False
            continue
        first_dw, last_dw = before.power_dw or 0, after.power_dw or 0
        register += gained_mwh
        integral += (first_dw + last_dw) * took_ms
        changed_dw = abs(last_dw - first_dw)
        # powers are told in whole tenths of a watt
        uncertain += (changed_dw + 1) * took_ms
        if took_ms > EVEN_STEP_S * 1000:
            uneven_dw = (first_dw + last_dw) * UNEVEN_PERMILLE // 1000
            uncertain += (changed_dw + uneven_dw) * took_ms
        steps += 1
        if not is_running:
            is_running, runs_mwh = True, runs_mwh + step_mwh
            # a second at both ends; twice, as all of this is
            uncertain += 4 * most_dw * TIMING_S * 1000
    return Comparison(
        register,
        round(Fraction(integral, 2 * _DW_MS_PER_MWH)),
        -(-uncertain // (2 * _DW_MS_PER_MWH)) + runs_mwh + (steps > 0),
        passed_over,
        steps,
    )


def _is_compared(before: IsReading, after: IsReading, took_ms: int, longest_step_s: int) -> bool:
    if before.power_dw is None or after.power_dw is None:
        return False
    if (after.meter_mwh or 0) < (before.meter_mwh or 0):
        # it was reset, or exchanged: the plausibility of the bill looks after that
        return False
    return 0 < took_ms <= longest_step_s * 1000


def register_step_mwh(registers_mwh: Sequence[int]) -> int:
    """By how much a register goes on at a time, as far as it has shown: the greatest step that all
    its readings are multiples of, and so rather too much than too little."""
    return gcd(*registers_mwh) if len(set(registers_mwh)) > 1 else 0


def payment_error_fen(told_e5: int, billed_fen: int) -> int:
    """
    What a charger says that a charge costs, less what was billed, to the fen (half away from
    zero).  JJG 1148-2018 let it be the least amount that is paid, 0.01 yuan.

    @param told_e5: in 1e-5 yuan.
    """
    beyond_e5 = told_e5 - billed_fen * 1000
    whole = (abs(beyond_e5) + 500) // 1000
    return whole if beyond_e5 > 0 else -whole


def over_rated(energy_mwh: int, rated_w: int, charged_s: int) -> Fraction:
    """By how much a charge's energy is beyond what can be believed to have flowed in its time, in
    proportion; zero where it is not."""
    most = most_mwh(rated_w, max(0, charged_s))
    return max(Fraction(), Fraction(energy_mwh, most) - 1) if most else Fraction()


def ppm(value: Fraction | float) -> int:
    """In millionths, as it is kept."""
    return round(value * PPM)
