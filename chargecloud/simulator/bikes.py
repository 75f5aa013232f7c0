"""Bikes that come to be charged: a table of kinds, and how one is drawn.

This is a simulation: the figures are typical of what is sold, and measured nowhere.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from random import Random

from attrs import frozen

from chargecloud.simulator.battery import DEAD, Curve

#: the power of two chargers of one kind differs by up to this, up or down
SPREAD_PERCENT = 5
#: the charge that bikes come with, in per cent of full
LOWEST_PERCENT, HIGHEST_PERCENT = 10, 60


@frozen
class BikeKind:
    """
    @ivar capacity_wh: what the socket gives from empty to full, losses among it.
    @ivar plateau_w: what the bike's charger takes while it gives all it can.
    @ivar fall_permille: of the taper, in each minute.
    @ivar weight: how many there are of it, among the others.
    """

    name: str
    capacity_wh: int
    plateau_w: int
    fall_permille: int
    float_w: int
    weight: int


_TABLE = (
    #        name                capacity plateau fall float weight
    BikeKind("lead-acid 48V12Ah", 720, 165, 22, 4, 20),
    BikeKind("lead-acid 48V20Ah", 1_200, 210, 20, 5, 30),
    BikeKind("lead-acid 60V20Ah", 1_500, 260, 20, 6, 15),
    BikeKind("lead-acid 72V20Ah", 1_800, 310, 20, 6, 10),
    BikeKind("lithium 48V12Ah", 660, 190, 60, 2, 25),
    BikeKind("lithium 60V24Ah", 1_640, 400, 55, 3, 8),
    BikeKind("etrike 60V45Ah", 3_400, 560, 22, 8, 4),
    # plugged in, and the bike's own charger not switched on
    BikeKind("switched off", 0, 0, 0, 0, 2),
)
#: what students of the campus day ride; their chargers hold a full battery at a twelfth of
#: what they give
CAMPUS = (
    #        name                        capacity plateau fall float weight
    BikeKind("campus lead-acid 60V20Ah", 1_600, 310, 260, 24, 18),
    BikeKind("campus lead-acid 72V20Ah", 1_920, 360, 260, 28, 30),
    BikeKind("campus lead-acid 60V32Ah", 2_350, 380, 260, 29, 22),
    BikeKind("campus lead-acid 72V32Ah", 2_800, 400, 260, 31, 16),
    BikeKind("campus lithium 60V24Ah", 1_640, 400, 260, 30, 14),
)
KINDS: Mapping[str, BikeKind] = {kind.name: kind for kind in (*_TABLE, *CAMPUS)}


@frozen
class Bike:
    """
    A bike beside a charger.

    @ivar kind: its name in L{KINDS}.
    @ivar plateau_mw: what its own charger takes on the plateau.
    @ivar place_s: where it is on its curve, in seconds of charging since it was empty.
    @ivar wanted_mwh: of what takes exactly so much with even power, and of no kind's shape:
        the car of a session whose energy is known.
    """

    kind: str
    plateau_mw: int
    place_s: int
    wanted_mwh: int | None = None

    @cached_property
    def curve(self) -> Curve:
        """How it charges."""
        if not self.plateau_mw:
            return DEAD
        if self.wanted_mwh is not None:
            return Curve.even(energy_mwh=self.wanted_mwh, power_mw=self.plateau_mw)
        kind = KINDS[self.kind]
        return Curve.of(
            capacity_mwh=kind.capacity_wh * 1_000,
            plateau_mw=self.plateau_mw,
            fall_permille=kind.fall_permille,
            float_mw=kind.float_w * 1_000,
        )

    @property
    def is_full(self) -> bool:
        """Whether it takes no more than its float."""
        return self.plateau_mw > 0 and self.place_s >= self.curve.full_s

    @property
    def remaining_s(self) -> int:
        """How long it charges until it is full."""
        return max(0, self.curve.full_s - self.place_s)


def draw_bike(
    random: Random,
    kinds: Sequence[BikeKind] = _TABLE,
    left: tuple[int, int] = (LOWEST_PERCENT, HIGHEST_PERCENT),
) -> Bike:
    """
    A bike as it comes, with some of its charge left.

    @param left: that charge in per cent of full, at the least and at the most.
    """
    kind = random.choices(kinds, [kind.weight for kind in kinds])[0]
    percent = 100 + random.randint(-SPREAD_PERCENT, SPREAD_PERCENT)
    left_percent = random.randint(*left)
    empty = Bike(kind.name, kind.plateau_w * 10 * percent, place_s=0)
    place_s = empty.curve.place_of_energy(kind.capacity_wh * 10 * left_percent)
    return Bike(empty.kind, empty.plateau_mw, place_s or 0)
