"""Giving a running order other limits."""

from collections.abc import Sequence
from typing import TypeVar

from attrs import define, frozen

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.domain.commands import ChangeCharge
from chargecloud.domain.errors import Conflict
from chargecloud.domain.occurrences import Changed, Occurrence
from chargecloud.domain.order_value import UNDER_WAY, Order
from chargecloud.domain.units import MWH_PER_WH

T = TypeVar("T")


@frozen(kw_only=True)
class NewLimits:
    """What is C{None} stays as it is."""

    energy_wh: int | None = None
    duration_s: int | None = None
    amount_fen: int | None = None
    until_full: bool | None = None


@define(eq=False)
class Changing:
    """The charger is asked first: limits that it does not know are no limits."""

    book: OrderBook
    calendar: Calendar

    async def change(self, order: Order, limits: NewLimits, by: int) -> Order:
        """
        Change the limits of a charge, at its charger and here.

        @param by: id of the token of the one who wants it.
        @raise Conflict: if the order does not charge, more would be spent than is held for
            it, or the charger refuses.
        @raise ChargerOffline: if its charger is not connected.
        @raise CommandTimedOut: if it does not answer: it may have taken them, and the limits
            that are written down hold here.
        """
        track = self.book.tracked(order.id)
        if track is None or track.order.state not in UNDER_WAY:
            raise Conflict(f"the order is {order.state.value}", state=order.state.value)
        held_fen = track.order.held_fen
        if limits.amount_fen is not None and held_fen and limits.amount_fen > held_fen:
            raise Conflict(f"only {held_fen} fen are held for the order", held_fen=held_fen)
        energy_mwh = None if limits.energy_wh is None else limits.energy_wh * MWH_PER_WH
        command = ChangeCharge(
            order.id,
            order.port,
            energy_mwh,
            limits.duration_s,
            limits.amount_fen,
            limits.until_full,
        )
        answer = await self.book.routing.send(order.charger_id, command)
        if not answer.accepted:
            raise Conflict(f"the charger refuses: {answer.code}", answer=answer.code)

        async def occurred(before: Order) -> Sequence[Occurrence]:
            if before.state not in UNDER_WAY:
                return ()
            return (
                Changed(
                    at=self.calendar.now(),
                    by=by,
                    limit_energy_mwh=_or(energy_mwh, before.limit_energy_mwh),
                    limit_duration_s=_or(limits.duration_s, before.limit_duration_s),
                    limit_amount_fen=_or(limits.amount_fen, before.limit_amount_fen),
                    until_full=_or(limits.until_full, before.until_full),
                ),
            )

        return await self.book.turns.take(
            order.charger_id, lambda: self.book.advance(order.id, occurred)
        )


def _or(value: T | None, before: T) -> T:
    return before if value is None else value
