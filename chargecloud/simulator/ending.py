"""When a running order will end by itself, and why: limits, and the charger's own cut-off."""

from collections.abc import Iterator

from attrs import field, frozen

from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import StopReason
from chargecloud.simulator.battery import MW_PER_DW, Curve
from chargecloud.simulator.sensing import Sensed

#: a bike that is plugged in again is not cut off before the charger has seen which one it is
KNOWN_S = 120


@frozen
class Limits:
    """What a charge was begun with; C{None} is no limit."""

    rules: CutOff = field(factory=CutOff)
    until_full: bool = True
    most_mwh: int | None = None
    most_s: int | None = None


@frozen
class Ending:
    """After how many seconds of charging an order ends by itself, and why."""

    after_s: int
    reason: StopReason


def find_ending(
    limits: Limits, sensed: Sensed, curve: Curve | None, from_s: int, since_s: int, drawn_mwh: int
) -> Ending | None:
    """
    The first of all the ends that a charge may come to, as its port is now; of two at one
    time, limits count first.  C{None} if it may go on for ever.

    @param curve: of the bike that is plugged in; C{None} if none is.
    @param from_s: where on its curve that bike began.
    @param since_s: when it came, or the last one left, in seconds of charging.
    @param drawn_mwh: by bikes that have left.
    """
    endings = [*_limits(limits, curve, from_s, since_s, drawn_mwh)]
    if curve is not None:
        endings += _of_bike(limits, sensed, curve, from_s, since_s)
    elif sensed.has_drawn:
        endings.append(Ending(since_s + limits.rules.replug_grace_s, StopReason.UNPLUGGED))
    else:
        endings.append(Ending(limits.rules.never_drawing_s, StopReason.NO_LOAD))
    return min(endings, key=lambda ending: ending.after_s, default=None)


def _limits(
    limits: Limits, curve: Curve | None, from_s: int, since_s: int, drawn_mwh: int
) -> Iterator[Ending]:
    if limits.most_mwh is not None and curve is not None:
        last_mwh = curve.energy_mwh(from_s) + limits.most_mwh - drawn_mwh
        place_s = curve.place_of_energy(last_mwh)
        if place_s is not None:
            yield Ending(since_s + max(0, place_s - from_s), StopReason.LIMIT_ENERGY)
    if limits.most_s is not None:
        yield Ending(limits.most_s, StopReason.LIMIT_TIME)


def _of_bike(
    limits: Limits, sensed: Sensed, curve: Curve, from_s: int, since_s: int
) -> Iterator[Ending]:
    rules = limits.rules
    absent_s = curve.place_below(rules.no_load_dw * MW_PER_DW)
    if absent_s is not None and absent_s <= from_s:
        after_s = since_s + rules.no_load_for_s if sensed.has_drawn else rules.never_drawing_s
        yield Ending(after_s, StopReason.NO_LOAD)
        return
    no_load_s = None if absent_s is None else since_s + absent_s - from_s
    low_s = sensed.low_since(rules, curve, from_s, since_s)
    if limits.until_full and low_s is not None:
        full_s = low_s + rules.full_for_s + rules.float_hold_s
        if sensed.has_drawn:
            full_s = max(full_s, since_s + KNOWN_S)
        if no_load_s is None or full_s < no_load_s:
            yield Ending(full_s, StopReason.FULL)
    if no_load_s is not None:
        yield Ending(no_load_s + rules.no_load_for_s, StopReason.NO_LOAD)
