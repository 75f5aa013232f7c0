"""How a battery charges, as the socket sees it.

This is a simulation.  Its curves have the shape that chargers of e-bikes have: a plateau,
while the charger gives all it can; a taper, in which the power falls by the same share
every minute; and a float of a few watts, for as long as the plug stays in.

All arithmetic is in whole numbers: power in mW and time in s, so that energy is in mJ, of
which 3600 are one mWh.  What is drawn in any interval is a difference of one cumulative
function, so that the sum does not depend on the steps in which it is taken.
"""

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from attrs import frozen

MJ_PER_MWH = 3_600
MW_PER_DW = 100
#: the taper is a staircase with steps of a minute: finer than what a charger reports
TAPER_STEP_S = 60
#: the taper has come to its end when the power is this near to the float
FLOAT_MARGIN_MW = 1_000


class Stretch(NamedTuple):
    """A stretch of even power.

    @ivar start_s: seconds of charging from empty.
    @ivar start_mj: energy drawn from empty until then.
    """

    start_s: int
    start_mj: int
    power_mw: int


@frozen
class Curve:
    """
    The way of a battery from empty to full, and on: its place on it is told in seconds of
    charging since it was empty.

    @ivar stretches: of falling power, each beginning where the one before it ends; the
        last one, the float, has no end.
    """

    stretches: tuple[Stretch, ...]

    @classmethod
    def of(
        cls, *, capacity_mwh: int, plateau_mw: int, fall_permille: int, float_mw: int
    ) -> "Curve":
        """
        A curve by its figures.

        @param capacity_mwh: what the socket gives from empty to full.
        @param fall_permille: how much of what is above the float is lost in each minute of
            the taper.
        @raise ValueError: if the taper alone takes more than the capacity.
        """
        taper_mw = []
        power_mw = plateau_mw
        while power_mw - float_mw >= FLOAT_MARGIN_MW:
            power_mw = float_mw + (power_mw - float_mw) * (1_000 - fall_permille) // 1_000
            taper_mw.append(power_mw)
        plateau_mj = capacity_mwh * MJ_PER_MWH - sum(taper_mw) * TAPER_STEP_S
        if plateau_mj < 0:
            raise ValueError(f"a taper from {plateau_mw} mW takes more than {capacity_mwh} mWh")
        plateau_s = -(-plateau_mj // plateau_mw)
        at_s, at_mj = plateau_s, plateau_s * plateau_mw
        stretches = [Stretch(0, 0, plateau_mw)]
        for power_mw in taper_mw:
            stretches.append(Stretch(at_s, at_mj, power_mw))
            at_s, at_mj = at_s + TAPER_STEP_S, at_mj + TAPER_STEP_S * power_mw
        return cls((*stretches, Stretch(at_s, at_mj, float_mw)))

    @classmethod
    def even(cls, *, energy_mwh: int, power_mw: int) -> "Curve":
        """
        A curve of even power that gives exactly so much, and then nothing: what is left for
        the last second is drawn in that second, with less power.
        """
        even_s, rest_mw = divmod(energy_mwh * MJ_PER_MWH, power_mw)
        stretches = [Stretch(0, 0, power_mw)] if even_s else []
        if rest_mw:
            stretches.append(Stretch(even_s, even_s * power_mw, rest_mw))
        end_s = even_s + bool(rest_mw)
        return cls((*stretches, Stretch(end_s, energy_mwh * MJ_PER_MWH, 0)))

    @property
    def full_s(self) -> int:
        """Where the float begins."""
        return self.stretches[-1].start_s

    def power_mw(self, at_s: int) -> int:
        """The power at a place."""
        return self._stretch(at_s).power_mw

    def energy_mwh(self, at_s: int) -> int:
        """The energy drawn from empty up to a place, whole mWh."""
        start_s, start_mj, power_mw = self._stretch(at_s)
        return (start_mj + (at_s - start_s) * power_mw) // MJ_PER_MWH

    def place_of_energy(self, energy_mwh: int) -> int | None:
        """The first place by which so much has been drawn from empty; C{None} if it never
        is."""
        wanted_mj = energy_mwh * MJ_PER_MWH
        index = bisect_right(self.stretches, wanted_mj, key=lambda stretch: stretch.start_mj) - 1
        start_s, start_mj, power_mw = self.stretches[index]
        if power_mw == 0:
            return start_s if wanted_mj == start_mj else None
        return start_s + -(-(wanted_mj - start_mj) // power_mw)

    def place_below(self, power_mw: int) -> int | None:
        """The first place with less power than that; C{None} if the float has more."""
        index = bisect_left(self.stretches, True, key=lambda stretch: stretch.power_mw < power_mw)
        return self.stretches[index].start_s if index < len(self.stretches) else None

    def power_dw(self, at_s: int) -> int:
        """The power at a place, as a socket's meter tells it."""
        return self.power_mw(at_s) // MW_PER_DW

    def _stretch(self, at_s: int) -> Stretch:
        index = bisect_right(self.stretches, at_s, key=lambda stretch: stretch.start_s) - 1
        return self.stretches[index]


#: of a bike whose own charger is not switched on
DEAD = Curve((Stretch(0, 0, 0),))
