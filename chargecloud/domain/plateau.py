"""The plateau of a charge, and whether it is still the same bike that charges.

The plateau is the highest power that was held over two readings in a row, so that one spike
(an inrush, a crosstalk) does not make it.

Another bike is noticed by its level, the most that was held in its first three readings
after nothing was drawn.  It differs from the old plateau by more than C{swap_percent}, and
it is

- above the plateau; or
- below it, but so much above what was drawn last: a battery never takes more again; or
- below it, and the old bike had not left its plateau yet.

A level that is lower, but not above what was drawn last, is the old bike further on its
taper; one near the old plateau is taken for the old bike as well.  Where nobody saw the plug
out, a step up above the plateau is another bike's if it comes late in a charge.
"""

from itertools import pairwise

from attrs import define, field

#: readings by which a bike that has come is known: the first may be of a charger that is
#: only beginning
KNOWN_BY = 3
#: a plateau that has not risen for so long does not rise any more; before that, a deeply
#: discharged battery may have been filled carefully
LATE_S = 1_800


@define(eq=False)
class Plateau:
    """
    @ivar dw: the plateau; C{None} before there were two readings.
    @ivar held_dw: what is drawn, without spikes: power falls at once, and rises when it is
        held.  C{None} while nothing is drawn.
    @ivar came_s: when the newest bike had its first reading.
    """

    swap_percent: int
    dw: int | None = field(default=None, init=False)
    held_dw: int | None = field(default=None, init=False)
    came_s: int = field(default=0, init=False)
    _power_dw: int | None = field(default=None, init=False)
    _risen_s: int = field(default=0, init=False)
    #: the plateau as it was when it had not risen for long
    _settled_dw: int | None = field(default=None, init=False)
    #: what was drawn last, before nothing was
    _left_dw: int = field(default=0, init=False)
    #: the readings of a bike that has come and may be another one; C{None} if none has
    _come: list[int] | None = field(default=None, init=False)

    @property
    def is_known(self) -> bool:
        """Whether it has turned out which bike this is."""
        return self._come is None

    def miss(self) -> None:
        """Nothing is drawn: whatever draws next may be another bike."""
        if self._come is None:
            self._left_dw = self.held_dw or 0
        if self.dw is not None:
            self._come = []
        self._power_dw = self.held_dw = None

    def take(self, at_s: int, power_dw: int, threshold_dw: int) -> bool:
        """
        Something is drawn.

        @param threshold_dw: below it a battery counts as full.
        @return: whether it is known from now on that another bike draws it.
        """
        before_dw, self._power_dw = self._power_dw, power_dw
        self.held_dw = power_dw if before_dw is None else min(before_dw, power_dw)
        if self._come is not None:
            return self._get_to_know(self._come, at_s, power_dw, threshold_dw)
        return before_dw is not None and self._rise(at_s, self.held_dw)

    def _rise(self, at_s: int, held_dw: int) -> bool:
        if self.dw is not None:
            if held_dw <= self.dw:
                return False
            if at_s - self._risen_s >= LATE_S:
                self._settled_dw = self.dw
        settled_dw = self._settled_dw
        self.dw, self._risen_s = held_dw, at_s
        if settled_dw is None or not self._is_above(held_dw, settled_dw):
            return False
        self.came_s, self._settled_dw = at_s, None
        return True

    def _get_to_know(self, come: list[int], at_s: int, power_dw: int, threshold_dw: int) -> bool:
        assert self.dw is not None
        if not come:
            self.came_s = at_s
        come.append(power_dw)
        if len(come) < KNOWN_BY:
            return False
        self._come = None
        level_dw = max(min(pair) for pair in pairwise(come))
        swapped = self._is_another(level_dw, self.dw, threshold_dw)
        if swapped:
            self._settled_dw = None
        if swapped or level_dw > self.dw:
            self.dw, self._risen_s = level_dw, at_s
        return swapped

    def _is_another(self, level_dw: int, plateau_dw: int, threshold_dw: int) -> bool:
        if self._is_above(level_dw, plateau_dw):
            return True
        if not self._is_below(level_dw, plateau_dw):
            return False
        if not self._is_below(self._left_dw, plateau_dw):
            return True
        # of two floats none is another's
        return level_dw >= threshold_dw and self._is_above(level_dw, self._left_dw)

    def _is_above(self, power_dw: int, than_dw: int) -> bool:
        return power_dw * 100 > than_dw * (100 + self.swap_percent)

    def _is_below(self, power_dw: int, than_dw: int) -> bool:
        return power_dw * 100 < than_dw * (100 - self.swap_percent)
