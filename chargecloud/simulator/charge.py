"""A running order at a socket, and when it will end by itself."""

from attrs import define, frozen

from chargecloud.domain.commands import StartCharge
from chargecloud.domain.events import StopReason
from chargecloud.simulator.battery import Curve

#: a battery counts as full when it takes less than this share of what it took at first,
#: or less than a small charger takes when it begins to float
FULL_PERCENT = 10
FULL_MW = 20_000
#: and has done so for this long: a battery that balances its cells takes more once again
FULL_FOR_S = 600


@frozen
class Ending:
    """After how many seconds of charging an order ends by itself, and why."""

    after_s: int
    reason: StopReason


@define
class Charge:
    """
    A running order.

    @ivar from_s: where the bike was on its curve when the order began.
    @ivar most_mwh: the energy at which it ends exactly; C{None} is no limit.
    @ivar ending: C{None} if it only ends when somebody ends it.
    @ivar charged_s: seconds of charging so far.
    """

    order_id: int
    start_meter_mwh: int
    from_s: int
    most_mwh: int | None
    ending: Ending | None
    charged_s: int = 0

    @classmethod
    def begin(cls, command: StartCharge, meter_mwh: int, curve: Curve, from_s: int) -> "Charge":
        """What a command starts, for a bike at a place of its curve."""
        ending = min(_endings(command, curve, from_s), key=lambda one: one.after_s, default=None)
        return cls(command.order_id, meter_mwh, from_s, command.limit_energy_mwh, ending)

    def meter_mwh(self, curve: Curve) -> int:
        """The port's meter after what was charged so far."""
        drawn_mwh = curve.energy_mwh(self.from_s + self.charged_s) - curve.energy_mwh(self.from_s)
        if self.most_mwh is not None:
            # the second in which the limit is reached could have taken more
            drawn_mwh = min(drawn_mwh, self.most_mwh)
        return self.start_meter_mwh + drawn_mwh


def _endings(command: StartCharge, curve: Curve, from_s: int) -> list[Ending]:
    """All the ends that a command may come to; of two at one time the first one counts."""
    endings = []
    if command.limit_energy_mwh is not None:
        last_mwh = curve.energy_mwh(from_s) + command.limit_energy_mwh
        after_s = max(0, curve.place_of_energy(last_mwh) - from_s)
        endings.append(Ending(after_s, StopReason.LIMIT_ENERGY))
    if command.limit_duration_s is not None:
        endings.append(Ending(command.limit_duration_s, StopReason.LIMIT_TIME))
    if command.until_full:
        # the power of a curve never rises, so that what it takes at first is its most
        below_mw = max(FULL_MW, curve.power_mw(from_s) * FULL_PERCENT // 100)
        low_s = curve.place_below(below_mw)
        if low_s is not None:
            endings.append(Ending(max(0, low_s - from_s) + FULL_FOR_S, StopReason.FULL))
    return endings
