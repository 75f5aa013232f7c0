"""What a port measures, given to the order that runs there."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from attrs import define, field, frozen
from sqlalchemy import Connection, select
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.charging.book import OrderBook
from chargecloud.charging.ending import when
from chargecloud.charging.sampling import Sampling
from chargecloud.charging.tracking import Track
from chargecloud.domain.charger import Admission, ChargerTime, PortState, Told
from chargecloud.domain.commands import StopCharge
from chargecloud.domain.events import ChargePaused, PortReading, StopReason
from chargecloud.domain.occurrences import Occurrence, Resumed, Suspended, Unplugged
from chargecloud.domain.order_value import UNDER_WAY, Order, OrderState
from chargecloud.storage.schema import orders

#: a bike that stays longer beside its port after its charge tells nothing more
LONGEST_STAY = timedelta(hours=12)


@frozen
class CutOffThere:
    """
    A cut-off, whose bike is still there.

    @ivar told: when it was by the charger's own clock, if that is known.
    """

    order_id: int
    told: Told = None

    def later(self, ended_at: datetime, at: datetime, told: Told) -> datetime:
        """An instant after it: by the charger's clock, where it has not been restarted
        meanwhile, as messages take now longer and now shorter to us."""
        ended = self.told
        if not (isinstance(ended, ChargerTime) and isinstance(told, ChargerTime)):
            return at
        if told.boot != ended.boot or told.uptime_s < ended.uptime_s:
            return at
        return ended_at + timedelta(seconds=told.uptime_s - ended.uptime_s)


@define(eq=False)
class Reports:
    """
    @ivar seconds: the reactor's.
    @ivar _turning: orders whose charge rests or goes on, until that is written down.
    @ivar _cut_off: by charger and port, where a full battery was cut off and is still plugged
        in.
    @ivar _left: where a plug was pulled while its charge's end is still being written down.
    """

    book: OrderBook
    sampling: Sampling
    seconds: Callable[[], float]
    _turning: set[int] = field(factory=set, init=False)
    _cut_off: dict[tuple[int, int], CutOffThere] = field(factory=dict, init=False)
    _left: dict[tuple[int, int], tuple[datetime, Told]] = field(factory=dict, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def take(
        self, admission: Admission, reading: PortReading, at: datetime, told: Told = None
    ) -> None:
        """
        A port was read.

        @param told: when, as the charger said it.
        """
        charger_id, order_id = admission.charger_id, reading.order_id
        if order_id is not None and not self._is_there(order_id, charger_id, reading.port):
            # it charges for a start that was given up, and our stop was lost; or under the name of
            # somebody else's order, which would never be billed for it
            self.book.send(charger_id, StopCharge(order_id, reading.port))
        track = self.book.on_port(charger_id, reading.port)
        if reading.state is not PortState.IDLE:
            self._left.pop((charger_id, reading.port), None)
        elif not self._unplugged(charger_id, reading.port, at, told) and track is not None:
            self._left[charger_id, reading.port] = at, told
        if track is None:
            return
        if reading.order_id == track.order.id and reading.state is PortState.CHARGING:
            track.named_at = track.named_at or at
        if track.present.state not in UNDER_WAY:
            return
        if not _tells_of(reading, track):
            track.denied(reading, at, self.seconds())
            return
        track.told_of()
        if reading.state is PortState.PAUSED:
            # it tells why in a message of its own, which may have been lost
            self._suspend(track, admission, Suspended(at, "paused"))
            return
        if track.order.state is OrderState.SUSPENDED:
            self._resume(track, admission, at)
        track.boot = admission.boot
        self.sampling.take(track, reading, at)

    def paused(self, admission: Admission, event: ChargePaused, received_at: datetime) -> None:
        """An order's charge is interrupted by its charger."""
        track = self.book.on_port(admission.charger_id, event.port)
        if track is not None and track.order.id == event.order_id:
            at = when(admission, event.at, received_at)
            why = f"paused-{event.why.value.replace('_', '-')}"
            told_at = admission.instant(event.at)
            self._suspend(track, admission, Suspended(at, why, told_at))

    def await_unplugging(self, order: Order, told: Told) -> None:
        """A full battery was cut off: when its plug is pulled tells what that saved."""
        place = order.charger_id, order.port
        self._cut_off[place] = CutOffThere(order.id, told)
        left = self._left.pop(place, None)
        if left is not None:
            # whoever waited beside it was quicker than the disk
            self._unplugged(*place, *left)

    async def take_up(self, now: datetime, charger_id: int | None = None) -> None:
        """Go on waiting for the plugs of batteries that were cut off: all of them, or those of a
        charger that was another node's before."""
        since = now - LONGEST_STAY

        def read(connection: Connection) -> list[tuple[int, int, int]]:
            found = select(orders.c.charger_id, orders.c.port, orders.c.id).where(
                orders.c.state == OrderState.SETTLED.value,
                orders.c.stop_reason == StopReason.FULL.value,
                orders.c.unplugged_at.is_(None),
                orders.c.ended_at >= since,
            )
            if charger_id is not None:
                found = found.where(orders.c.charger_id == charger_id)
            return [(row.charger_id, row.port, row.id) for row in connection.execute(found)]

        for of_charger, port, order_id in await self.book.store.read(read):
            self._cut_off[of_charger, port] = CutOffThere(order_id)

    def _is_there(self, order_id: int, charger_id: int, port: int) -> bool:
        track = self.book.tracked(order_id)
        return track is not None and (track.order.charger_id, track.order.port) == (
            charger_id,
            port,
        )

    def _resume(self, track: Track, admission: Admission, at: datetime) -> None:
        why = "link-back" if track.boot in (None, admission.boot) else "power-back"
        self._turn(track, admission, Resumed(at, why), OrderState.SUSPENDED)

    def _suspend(self, track: Track, admission: Admission, suspended: Suspended) -> None:
        if track.order.state is OrderState.CHARGING:
            self._turn(track, admission, suspended, OrderState.CHARGING)

    def _turn(
        self, track: Track, admission: Admission, turn: Suspended | Resumed, before: OrderState
    ) -> None:
        """Let a charge go on or rest, once for all readings that tell of it."""
        order_id = track.order.id
        if order_id in self._turning:
            return
        self._turning.add(order_id)

        async def occurred(order: Order) -> Sequence[Occurrence]:
            return (turn,) if order.state is before else ()

        turned = self.book.turns.take(
            track.order.charger_id,
            lambda: self.book.advance(order_id, occurred, admission.epoch),
        )
        # the next reading tells of it again
        turned.addErrback(lambda failure: self._log.failure("not {turn}", failure, turn=turn))
        turned.addBoth(lambda _: self._turning.discard(order_id))

    def _unplugged(self, charger_id: int, port: int, at: datetime, told: Told) -> bool:
        """A plug was pulled; whether that was of a battery that was cut off."""
        there = self._cut_off.pop((charger_id, port), None)
        if there is None:
            return False

        async def occurred(order: Order) -> Sequence[Occurrence]:
            if order.state is not OrderState.SETTLED or order.ended_at is None:
                return ()
            if order.unplugged_at is not None:
                # another node has seen it, where its charger was since
                return ()
            return (Unplugged(there.later(order.ended_at, at, told)),)

        kept = self.book.turns.take(charger_id, lambda: self.book.advance(there.order_id, occurred))
        kept.addErrback(self._not_kept, (charger_id, port), (at, told))
        return True

    def _not_kept(
        self, failure: Failure, place: tuple[int, int], left: tuple[datetime, Told]
    ) -> None:
        # if the end waits for the database, it asks for it again
        self._left[place] = left
        self._log.failure("unplugging was not kept", failure)


def _tells_of(reading: PortReading, track: Track) -> bool:
    """Whether a reading is one of the order's charge.  A charger that does not name orders
    tells by the state of the port; one that does not say that either, by its power."""
    if reading.order_id is not None:
        return reading.order_id == track.order.id
    if reading.state in (PortState.CHARGING, PortState.FULL, PortState.UNKNOWN):
        return True
    return reading.power_dw is not None and reading.power_dw >= track.rules.no_load_dw
