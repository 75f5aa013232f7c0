"""Limits of charges, kept on this side: OCPP 1.6 has words for none.

A charge is stopped a moment before it comes to its limit, by the power that it was last seen to
draw: what was paid for is never exceeded.  The platform itself stops what goes beyond, too, as it
reads; here that is foreseen.
"""

from collections.abc import Iterator

from attrs import define, field

from chargecloud.domain.commands import ChangeCharge, StartCharge
from chargecloud.domain.events import PortReading, StopReason
from chargecloud_ocpp.transactions import Transaction

#: seconds that a stop may take until the relay opens
AHEAD_S = 3.0
#: and after which it is said again
AGAIN_S = 60.0
#: of orders that may run at once, and starts that came to nothing
MOST_LIMITS = 64
#: 1 W for 3.6 s is 1 mWh, as are 0.1 W for 36 s
_DW_S_PER_MWH = 36


@define(eq=False)
class Limit:
    """
    Of one order.

    @ivar energy_mwh: C{None} is no limit; C{duration_s} the same.
    @ivar full_s: when the energy will be reached, by the conversation's clock, as far as a reading
        tells.
    """

    energy_mwh: int | None
    duration_s: int | None
    full_s: float | None = None
    said_s: float | None = None


@define(eq=False)
class Limits:
    """The limits of a charge point's orders, by their ids."""

    _limits: dict[int, Limit] = field(factory=dict, init=False)

    def order(self, command: StartCharge) -> None:
        """An order is about to begin."""
        if command.limit_energy_mwh is not None or command.limit_duration_s is not None:
            self._limits[command.order_id] = Limit(
                command.limit_energy_mwh, command.limit_duration_s
            )
            while len(self._limits) > MOST_LIMITS:
                del self._limits[next(iter(self._limits))]

    def change(self, command: ChangeCharge) -> None:
        """It has other limits from now on."""
        before = self._limits.pop(command.order_id, None) or Limit(None, None)
        energy_mwh, duration_s = command.limit_energy_mwh, command.limit_duration_s
        self._limits[command.order_id] = Limit(
            before.energy_mwh if energy_mwh is None else energy_mwh,
            before.duration_s if duration_s is None else duration_s,
        )

    def forget(self, transaction: Transaction) -> None:
        """It is over."""
        self._limits.pop(transaction.order_id or 0, None)

    def read(self, transaction: Transaction, reading: PortReading, now_s: float) -> None:
        """Look ahead by a reading of its port."""
        limit = self._limits.get(transaction.order_id or 0)
        start_mwh, meter_mwh = transaction.start_mwh, reading.meter_mwh
        if limit is None or limit.energy_mwh is None:
            return
        if start_mwh is None or meter_mwh is None:
            return
        left_mwh = limit.energy_mwh - (meter_mwh - start_mwh)
        if left_mwh <= 0:
            limit.full_s = now_s
        elif reading.power_dw:
            limit.full_s = now_s + max(0.0, left_mwh * _DW_S_PER_MWH / reading.power_dw - AHEAD_S)

    def due_s(self, running: Iterator[Transaction], rate: float) -> float | None:
        """When the next charge is to be stopped, by the conversation's clock."""
        return min((at_s for _, _, at_s in self._ends(running, rate)), default=None)

    def stops(
        self, running: Iterator[Transaction], rate: float, now_s: float
    ) -> Iterator[tuple[Transaction, StopReason]]:
        """The charges that are to be stopped now, and why."""
        for transaction, reason, at_s in list(self._ends(running, rate)):
            if at_s <= now_s:
                self._limits[transaction.order_id or 0].said_s = now_s
                yield transaction, reason

    def _ends(
        self, running: Iterator[Transaction], rate: float
    ) -> Iterator[tuple[Transaction, StopReason, float]]:
        for each in running:
            limit = self._limits.get(each.order_id or 0)
            if limit is None:
                continue
            ends: list[tuple[float, StopReason]] = []
            if limit.duration_s is not None and each.begun_s is not None:
                # the calendar of a demonstration goes faster
                ends.append((each.begun_s + limit.duration_s / rate, StopReason.LIMIT_TIME))
            if limit.full_s is not None:
                ends.append((limit.full_s, StopReason.LIMIT_ENERGY))
            if ends:
                at_s, reason = min(ends, key=lambda end: end[0])
                again_s = at_s if limit.said_s is None else max(at_s, limit.said_s + AGAIN_S)
                yield each, reason, again_s
