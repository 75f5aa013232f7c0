"""What a simulated charger knows of the bikes of one charge, from their power.

This is the charger's own account of the plateau, of when a battery counts as low, and of
whether the bike that was plugged in again is still the same one.  Its meter tells tenths of
a watt; where the power of a curve falls, the charger knows to the second.
"""

from attrs import define

from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.units import DW_PER_W
from chargecloud.simulator.battery import MW_PER_DW, TAPER_STEP_S, Curve

#: what a bike draws at its most is what it has held for so long
HELD_S = TAPER_STEP_S


@define
class Sensed:
    """
    @ivar plateau_dw: what was drawn at the most.
    @ivar last_dw: what was drawn last by the bike that has left.
    @ivar low_s: since when the battery counted as low when its plug was pulled, in seconds
        of charging; C{None} if it did not.
    @ivar has_drawn: whether anything was drawn since the start, by bikes that have left.
    """

    plateau_dw: int = 0
    last_dw: int = 0
    low_s: int | None = None
    has_drawn: bool = False

    def come(self, rules: CutOff, curve: Curve, place_s: int) -> None:
        """A bike is plugged in."""
        if curve.power_dw(place_s) < rules.no_load_dw:
            return
        held_dw = curve.power_dw(place_s + HELD_S)
        if self._is_another(rules, held_dw):
            self.plateau_dw, self.low_s = held_dw, None
        else:
            self.plateau_dw = max(self.plateau_dw, held_dw)
            if curve.power_dw(place_s) >= self.full_dw(rules):
                self.low_s = None

    def leave(self, rules: CutOff, curve: Curve, from_s: int, since_s: int, now_s: int) -> None:
        """The plug of the bike that came at that time is pulled; times are in seconds of
        charging."""
        if now_s == since_s or curve.power_dw(from_s) < rules.no_load_dw:
            return
        low_s = self.low_since(rules, curve, from_s, since_s)
        self.low_s = low_s if low_s is not None and low_s <= now_s else None
        self.last_dw = curve.power_dw(from_s + now_s - since_s)
        self.has_drawn = True

    def full_dw(self, rules: CutOff) -> int:
        """Below this a battery counts as full."""
        return max(rules.full_w * DW_PER_W, self.plateau_dw * rules.plateau_percent // 100)

    def low_since(self, rules: CutOff, curve: Curve, from_s: int, since_s: int) -> int | None:
        """When the bike that came at that time becomes low, or its like was low already."""
        place_s = curve.place_below(self.full_dw(rules) * MW_PER_DW)
        if place_s is None:
            return None
        if place_s <= from_s and self.low_s is not None:
            return self.low_s
        return since_s + max(0, place_s - from_s)

    def _is_another(self, rules: CutOff, held_dw: int) -> bool:
        """A bike is known by its level: it differs from the plateau of the one before, and
        that one cannot have come to it on its taper."""
        if not self.has_drawn:
            return True
        spread_dw = self.plateau_dw * rules.swap_percent
        if abs(held_dw - self.plateau_dw) * 100 <= spread_dw:
            return False
        was_on_plateau = (self.plateau_dw - self.last_dw) * 100 <= spread_dw
        if held_dw > self.plateau_dw or was_on_plateau:
            return True
        takes_more = (held_dw - self.last_dw) * 100 > self.last_dw * rules.swap_percent
        return takes_more and held_dw >= self.full_dw(rules)
