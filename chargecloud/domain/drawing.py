"""Follows what one charge draws, by the rules of its L{CutOff}: when has it come to its end?

This is the server's side of the cut-off, for chargers that have none of their own, or whose
own fails.  All it knows are readings, about one a minute.  It never finds an end before the
rules do, and may be late by a reading for each thing that it has to see: that something
began, and that it has lasted.  Whether
it is still the same bike is L{chargecloud.domain.plateau}'s to say.
"""

from collections.abc import Mapping
from enum import Enum, auto

from attrs import define, field, frozen

from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import StopReason
from chargecloud.domain.plateau import Plateau
from chargecloud.domain.units import DW_PER_W, divide_half_up


class Stage(Enum):
    """How far a charge has come."""

    #: nothing has been drawn since the start
    NOTHING = "nothing"
    CHARGING = "charging"
    #: below the full threshold, but not for long yet
    LOW = "low"
    FLOATING = "floating"
    #: it has drawn, and draws nothing any more
    ABSENT = "absent"


class Level(Enum):
    """What is drawn, beside the thresholds of the moment."""

    NONE = auto()
    #: less than the full threshold
    LITTLE = auto()
    #: not enough more than that to count as charging again
    BETWEEN = auto()
    MUCH = auto()


#: the stage that follows; C{LOW} becomes C{FLOATING} when it has lasted
TRANSITIONS: Mapping[tuple[Stage, Level], Stage] = {
    (Stage.NOTHING, Level.NONE): Stage.NOTHING,
    (Stage.NOTHING, Level.LITTLE): Stage.LOW,
    (Stage.NOTHING, Level.BETWEEN): Stage.CHARGING,
    (Stage.NOTHING, Level.MUCH): Stage.CHARGING,
    (Stage.CHARGING, Level.NONE): Stage.ABSENT,
    (Stage.CHARGING, Level.LITTLE): Stage.LOW,
    (Stage.CHARGING, Level.BETWEEN): Stage.CHARGING,
    (Stage.CHARGING, Level.MUCH): Stage.CHARGING,
    (Stage.LOW, Level.NONE): Stage.ABSENT,
    (Stage.LOW, Level.LITTLE): Stage.LOW,
    (Stage.LOW, Level.BETWEEN): Stage.LOW,
    (Stage.LOW, Level.MUCH): Stage.CHARGING,
    (Stage.FLOATING, Level.NONE): Stage.ABSENT,
    (Stage.FLOATING, Level.LITTLE): Stage.FLOATING,
    (Stage.FLOATING, Level.BETWEEN): Stage.FLOATING,
    (Stage.FLOATING, Level.MUCH): Stage.CHARGING,
    (Stage.ABSENT, Level.NONE): Stage.ABSENT,
    (Stage.ABSENT, Level.LITTLE): Stage.LOW,
    (Stage.ABSENT, Level.BETWEEN): Stage.CHARGING,
    (Stage.ABSENT, Level.MUCH): Stage.CHARGING,
}


@frozen
class Finding:
    """
    What follows from a reading.

    @ivar end: why the charge is to be ended; said again with every reading until it is.
    @ivar swapped: another bike draws now; said once.
    """

    end: StopReason | None = None
    swapped: bool = False


_NOTHING_FOLLOWS = Finding()


@define(eq=False)
class Drawing:
    """
    @ivar started_s: when the charge began, in seconds of the count that the readings have.
    @ivar stage: how far it has come.
    """

    rules: CutOff
    until_full: bool
    started_s: int
    stage: Stage = field(default=Stage.NOTHING, init=False)
    _plateau: Plateau = field(init=False)
    _first_s: int | None = field(default=None, init=False)
    _last_s: int = field(init=False)
    #: since when it is low; an absence does not stop this clock, as readings may miss one
    _low_s: int | None = field(default=None, init=False)
    _absent_s: int = field(default=0, init=False)
    #: since when the plug is out
    _out_s: int | None = field(default=None, init=False)
    _skipped_s: int = field(default=0, init=False)
    _floated_dws: int = field(default=0, init=False)
    _floated_s: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._plateau = Plateau(self.rules.swap_percent)
        self._last_s = self.started_s - 1

    @property
    def plateau_dw(self) -> int | None:
        """The most that was held over two readings; C{None} before there were two."""
        return self._plateau.dw

    @property
    def float_dw(self) -> int | None:
        """What is drawn while floating, on the mean of its time; C{None} before."""
        return divide_half_up(self._floated_dws, self._floated_s) if self._floated_s else None

    def take(self, at_s: int, power_dw: int | None, plugged: bool | None) -> Finding:
        """
        Take a reading.  One that is repeated, or goes back in time, is passed over.

        @param power_dw: C{None} if the reading does not say; nothing follows from it then.
        @param plugged: whether a plug is in; C{None} if the charger does not say.  Where
            power is drawn, a plug is in, whatever the charger senses.
        """
        at_s -= self._skipped_s
        if power_dw is None and plugged is False:
            power_dw = 0
        if at_s <= self._last_s or power_dw is None:
            return _NOTHING_FOLLOWS
        step_s, self._last_s = at_s - max(self._last_s, self.started_s), at_s
        if self._first_s is None:
            self._first_s = at_s
        swapped = False
        if power_dw >= self.rules.no_load_dw:
            swapped = self._follow(at_s, power_dw, step_s)
        else:
            self._miss(at_s, plugged)
        return Finding(self._end(at_s), swapped)

    def skip(self, seconds: int) -> None:
        """So much time before the next reading does not count: the power was cut."""
        self._skipped_s += seconds

    # ------------------------------------------------------------------- what is drawn

    def _miss(self, at_s: int, plugged: bool | None) -> None:
        """Nothing is drawn."""
        if self.stage is not Stage.ABSENT or (plugged and self._out_s is not None):
            # what is plugged in now gets its own time to draw something
            self._absent_s = at_s
        if plugged is False:
            self._out_s = at_s if self._out_s is None else self._out_s
        elif plugged:
            self._out_s = None
        self._plateau.miss()
        self.stage = TRANSITIONS[self.stage, Level.NONE]

    def _follow(self, at_s: int, power_dw: int, step_s: int) -> bool:
        """Something is drawn; whether by another bike than before."""
        self._out_s = None
        swapped = self._plateau.take(at_s, power_dw, self._threshold_dw)
        if swapped:
            self.stage, self._low_s = Stage.CHARGING, None
            self._floated_dws = self._floated_s = 0
        self.stage = TRANSITIONS[self.stage, self._level]
        if self.stage is Stage.CHARGING:
            self._low_s = None
            return swapped
        if self._low_s is None:
            full_came = swapped and (self._plateau.dw or 0) < self._threshold_dw
            self._low_s = self._plateau.came_s if full_came else at_s
        if at_s - self._low_s >= self.rules.full_for_s:
            self.stage = Stage.FLOATING
            self._floated_dws += power_dw * max(1, step_s)
            self._floated_s += max(1, step_s)
        return swapped

    # ----------------------------------------------------------------- what follows

    @property
    def _threshold_dw(self) -> int:
        share_dw = (self._plateau.dw or 0) * self.rules.plateau_percent // 100
        return max(self.rules.full_w * DW_PER_W, share_dw)

    @property
    def _level(self) -> Level:
        power_dw, threshold_dw = self._plateau.held_dw, self._threshold_dw
        assert power_dw is not None
        if power_dw < threshold_dw:
            return Level.LITTLE
        if power_dw * 100 <= threshold_dw * (100 + self.rules.hysteresis_percent):
            return Level.BETWEEN
        return Level.MUCH

    def _end(self, at_s: int) -> StopReason | None:
        rules = self.rules
        match self.stage:
            case Stage.NOTHING:
                is_over = at_s - self._nothing_s >= rules.never_drawing_s
                return StopReason.NO_LOAD if is_over else None
            case Stage.ABSENT if self._out_s is not None:
                is_over = at_s - self._out_s >= rules.replug_grace_s
                return StopReason.UNPLUGGED if is_over else None
            case Stage.ABSENT:
                is_over = at_s - self._absent_s >= rules.no_load_for_s
                return StopReason.NO_LOAD if is_over else None
            case Stage.FLOATING if self.until_full and self._plateau.is_known:
                assert self._low_s is not None
                is_over = at_s - self._low_s >= rules.full_for_s + rules.float_hold_s
                return StopReason.FULL if is_over else None
        return None

    @property
    def _nothing_s(self) -> int:
        """Since when nothing has been drawn: of a charge that was first read when it should
        have drawn long ago, nothing is known before."""
        assert self._first_s is not None
        is_known = self._first_s - self.started_s < self.rules.never_drawing_s
        return self.started_s if is_known else self._first_s
