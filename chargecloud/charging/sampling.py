"""Readings of running charges: kept for the bill, and watched for the amount."""

from collections.abc import Sequence
from datetime import timedelta

from attrs import define, evolve, field
from twisted.logger import Logger

from chargecloud.charging.book import OrderBook
from chargecloud.charging.settings import ChargingSettings
from chargecloud.charging.stopping import Stopping
from chargecloud.charging.tracking import Track
from chargecloud.domain.events import StopReason
from chargecloud.domain.order import Occurrence, Order, OrderState, Sampled
from chargecloud.domain.tariff import Mark


@define
class Sampling:
    """
    @ivar settings: how often readings are written down.
    """

    book: OrderBook
    stopping: Stopping
    settings: ChargingSettings
    _log: Logger = field(factory=Logger, init=False)

    def take(self, charger_id: int, port: int, mark: Mark) -> None:
        """A meter was read.  Nothing here waits: it is on the way of every reading."""
        track = self.book.on_port(charger_id, port)
        if track is None or track.order.state is not OrderState.CHARGING:
            return
        price_changed = track.observe(mark)
        if track.order.limit_amount_fen is not None:
            self._watch_amount(track, track.order.limit_amount_fen)
        written = track.order.marks[-1].at
        if price_changed or mark.at - written >= timedelta(seconds=self.settings.checkpoint_s):
            self._write_down(track)

    def _watch_amount(self, track: Track, limit_fen: int) -> None:
        """Stop before the next reading would bring the amount over its limit."""
        so_far = evolve(track.order, marks=track.marks)
        try:
            bill = self.book.tariffs.bill(self.book.tariff_of(track.order), so_far.usage)
        except Exception:
            # the bill at the end will fail as well, and the order be held then
            self._log.failure("no amount for order {order_id}", order_id=track.order.id)
            return
        growth_fen = bill.amount_fen - track.amount_fen
        track.amount_fen = bill.amount_fen
        if bill.amount_fen + growth_fen >= limit_fen:
            self.stopping.stop_soon(track.order, StopReason.LIMIT_AMOUNT)

    def _write_down(self, track: Track) -> None:
        order_id = track.order.id

        async def occurred(order: Order) -> Sequence[Occurrence]:
            return (Sampled(track.marks),) if order.state is OrderState.CHARGING else ()

        written = self.book.turns.take(
            track.order.charger_id, lambda: self.book.advance(order_id, occurred)
        )
        # the next checkpoint, or the end record, makes up for one that failed
        written.addErrback(
            lambda failure: self._log.failure("readings were not written down", failure)
        )
