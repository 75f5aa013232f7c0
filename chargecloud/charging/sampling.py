"""Readings of running charges: kept for the bill and the curve, watched for the amount, and
for what is drawn."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from attrs import define, evolve, field
from twisted.logger import Logger

from chargecloud.charging.book import OrderBook
from chargecloud.charging.settings import ChargingSettings
from chargecloud.charging.stopping import Stopping
from chargecloud.charging.tracking import Track
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.events import PortReading, StopReason
from chargecloud.domain.occurrences import Occurrence, Sampled
from chargecloud.domain.order_value import UNDER_WAY, Order
from chargecloud.domain.tariff import Mark
from chargecloud.gateway.routing import COMMAND_DEADLINE_S

#: seconds between two readings: once a minute from some chargers, every five from others;
#: one that is sent out of turn, or comes after a gap, says nothing of the next one
LEAST_INTERVAL_S = 60
MOST_INTERVAL_S = 300
#: a charger counts its seconds by itself, and ends at its limit before we do
LATE_S = 60


@define(eq=False)
class Sampling:
    """
    @ivar tell: takes an alarm to people.
    @ivar settings: how often readings are written down.
    """

    book: OrderBook
    stopping: Stopping
    tell: Callable[[Alarm], None]
    settings: ChargingSettings
    _log: Logger = field(factory=Logger, init=False)

    def take(self, track: Track, reading: PortReading, at: datetime) -> None:
        """A running order's port was read.  Nothing here waits: it is on the way of every
        reading."""
        if track.present.state not in UNDER_WAY:
            return
        self._watch_drawing(track, reading, at)
        if reading.meter_mwh is None:
            self._watch_limits(track, at)
            return
        before = track.marks[-1].at if track.marks else at
        worth_keeping = track.observe(Mark(at, reading.meter_mwh))
        self._watch_limits(track, at)
        if track.order.limit_amount_fen is None:
            self._watch_cover(track)
        elif track.marks:
            since_s = (track.marks[-1].at - before) // timedelta(seconds=1)
            self._watch_amount(track, track.order.limit_amount_fen, since_s)
        written = track.order.marks[-1].at if track.order.marks else at
        # a database that is away is not asked again at every reading
        tried = max(track.tried_at or written, written)
        if worth_keeping or at - tried >= timedelta(seconds=self.settings.checkpoint_s):
            track.tried_at = at
            self._write_down(track)

    def _watch_drawing(self, track: Track, reading: PortReading, at: datetime) -> None:
        """Stop what has come to its end by what is drawn, where the charger does not."""
        finding = track.take(reading, at)
        if finding is None:
            return
        if finding.end is not None:
            self.stopping.stop_soon(track.order, finding.end)
        if finding.swapped:
            order = track.order
            self.tell(
                Alarm(
                    rule="bike-swapped",
                    level=Level.NOTICE,
                    tenant_id=order.tenant_id,
                    charger_id=order.charger_id,
                    port=order.port,
                    at=at,
                    order_id=order.id,
                    evidence={"power_dw": reading.power_dw},
                )
            )

    def _watch_limits(self, track: Track, at: datetime) -> None:
        """Stop what its charger does not: beyond a limit that it was given, or asked to
        before and not answered, or answered and not done."""
        order = track.present
        if track.stop_reason is not None:
            self.stopping.stop_soon(order, track.stop_reason)
        elif order.limit_energy_mwh is not None and track.energy_mwh >= order.limit_energy_mwh:
            self.stopping.stop_soon(order, StopReason.LIMIT_ENERGY)
        elif order.limit_duration_s is not None and (
            order.charged_until(at) >= order.limit_duration_s + LATE_S
        ):
            self.stopping.stop_soon(order, StopReason.LIMIT_TIME)

    def _watch_amount(self, track: Track, limit_fen: int, since_s: int) -> None:
        """
        Stop while it can still be done before the amount is over its limit.

        What is priced is the charge as it will be when the next reading has come and a stop
        that it asks for was answered: a tariff of whole blocks costs nothing more until the
        next block, and one whose price rises soon does.

        @param since_s: from the reading before to this one.
        """
        interval_s = min(max(since_s, LEAST_INTERVAL_S), MOST_INTERVAL_S)
        ahead = track.expected(interval_s + int(COMMAND_DEADLINE_S))
        then = evolve(track.present, marks=(*track.marks, ahead), suspended_at=None)
        try:
            bill = self.book.tariffs.bill(self.book.tariff_of(track.order), then.usage)
        except Exception:
            # the bill at the end will fail as well, and the order be held then
            self._log.failure("no amount for order {order_id}", order_id=track.order.id)
            return
        if bill.amount_fen > limit_fen:
            self.stopping.stop_soon(track.order, StopReason.LIMIT_AMOUNT)

    def _watch_cover(self, track: Track) -> None:
        """Stop what a month card was to pay and does not: no money is held for it."""
        cover = track.order.month_card
        if cover is None or not track.marks:
            return
        if cover.is_lost(evolve(track.present, marks=track.marks).usage):
            self.stopping.stop_soon(track.order, StopReason.LIMIT_AMOUNT)

    def _write_down(self, track: Track) -> None:
        order_id = track.order.id

        async def occurred(order: Order) -> Sequence[Occurrence]:
            return (Sampled(track.marks, track.basis),) if order.state in UNDER_WAY else ()

        written = self.book.turns.take(
            track.order.charger_id, lambda: self.book.advance(order_id, occurred)
        )
        # the next checkpoint, or the end record, makes up for one that failed
        written.addErrback(
            lambda failure: self._log.failure("readings were not written down", failure)
        )
