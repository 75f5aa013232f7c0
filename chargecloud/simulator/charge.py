"""A running order at a socket: the bikes that charge for it, one after the other.

Its time is counted in seconds of charging, while the relay is closed: a plug that is out for
a while counts, and a cut of the power does not.
"""

from attrs import define, evolve, field

from chargecloud.domain.commands import ChangeCharge, StartCharge
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import OfflineStart
from chargecloud.simulator.battery import Curve
from chargecloud.simulator.ending import Ending, Limits, find_ending
from chargecloud.simulator.sensing import Sensed


@define
class Charge:
    """
    A running order.

    @ivar order_id: C{None} for a charge that was begun offline, until the cloud names it.
    @ivar offline: how it was begun without the cloud; C{None} if it was not.
    @ivar charged_s: seconds of charging so far.
    @ivar drawn_mwh: by bikes that have left.
    @ivar from_s: where on its curve the bike that is plugged in began; C{None} if none is.
    @ivar since_s: when that bike came, or the last one left, in seconds of charging.
    @ivar ending: C{None} if it only ends when somebody ends it.
    """

    order_id: int | None
    start_meter_mwh: int
    limits: Limits
    offline: OfflineStart | None = None
    charged_s: int = 0
    drawn_mwh: int = 0
    from_s: int | None = None
    since_s: int = 0
    sensed: Sensed = field(factory=Sensed)
    ending: Ending | None = None

    @classmethod
    def ordered(cls, command: StartCharge, meter_mwh: int) -> "Charge":
        """What a command starts."""
        limits = Limits(
            rules=command.cut_off or CutOff(),
            until_full=command.until_full,
            most_mwh=command.limit_energy_mwh,
            most_s=command.limit_duration_s,
        )
        return cls(command.order_id, meter_mwh, limits)

    @classmethod
    def begun_offline(cls, offline: OfflineStart, meter_mwh: int) -> "Charge":
        """What a charger starts by itself."""
        return cls(None, meter_mwh, Limits(), offline)

    def change(self, command: ChangeCharge, curve: Curve | None) -> None:
        """Take other limits; what is not said stays."""
        limits = self.limits
        self.limits = evolve(
            limits,
            until_full=limits.until_full if command.until_full is None else command.until_full,
            most_mwh=limits.most_mwh
            if command.limit_energy_mwh is None
            else command.limit_energy_mwh,
            most_s=limits.most_s if command.limit_duration_s is None else command.limit_duration_s,
        )
        self._look_ahead(curve)

    @property
    def place_s(self) -> int:
        """Where on its curve the bike that is plugged in is now."""
        assert self.from_s is not None
        return self.from_s + self.charged_s - self.since_s

    def come(self, curve: Curve, place_s: int) -> None:
        """A bike is plugged in."""
        self.sensed.come(self.limits.rules, curve, place_s)
        self.from_s, self.since_s = place_s, self.charged_s
        self._look_ahead(curve)

    def leave(self, curve: Curve) -> None:
        """Its plug is pulled."""
        self.drawn_mwh = self._drawn_mwh(curve)
        assert self.from_s is not None
        self.sensed.leave(self.limits.rules, curve, self.from_s, self.since_s, self.charged_s)
        self.from_s, self.since_s = None, self.charged_s
        self._look_ahead(None)

    def meter_mwh(self, curve: Curve | None) -> int:
        """The port's meter after what was charged so far.

        @param curve: of the bike that is plugged in.
        """
        drawn_mwh = self.drawn_mwh if curve is None else self._drawn_mwh(curve)
        return self.start_meter_mwh + drawn_mwh

    def _drawn_mwh(self, curve: Curve) -> int:
        assert self.from_s is not None
        now_mwh = curve.energy_mwh(self.place_s) - curve.energy_mwh(self.from_s)
        drawn_mwh = self.drawn_mwh + now_mwh
        most_mwh = self.limits.most_mwh
        # the second in which the limit is reached could have taken more
        return drawn_mwh if most_mwh is None else min(drawn_mwh, most_mwh)

    def _look_ahead(self, curve: Curve | None) -> None:
        self.ending = find_ending(
            self.limits, self.sensed, curve, self.from_s or 0, self.since_s, self.drawn_mwh
        )
