"""Running orders whose charge seems to be over, and of whose end no record has come.

People are told once of each, and the charger is asked what its ports do.  The order goes on all
the same: a record that was lost is told again, and would be a dispute if the order was closed by
then.  The watchdog closes it when nothing comes for long.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.tracking import Track
from chargecloud.charging.watching import Watching
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.decision import Decision
from chargecloud.domain.occurrences import Occurrence, Suspected
from chargecloud.domain.order_value import UNDER_WAY, Abnormality, Order


@define(eq=False)
class Suspecting:
    """
    @ivar watching: takes alarms to people.
    @ivar deadlines_s: by dialect, how soon a record follows the end of a charge; real seconds.
    """

    book: OrderBook
    watching: Watching
    calendar: Calendar
    deadlines_s: Mapping[str, int]

    def found(self, track: Track, present_s: float) -> Suspected | None:
        """
        What is odd about an order, if nobody was told of it yet.

        @param present_s: since when its charger is connected, by the reactor's clock.
        """
        abnormal = track.order.abnormal
        deadline_s = self.deadlines_s.get(track.dialect)
        since_s = track.end_told.since_s(present_s)
        if abnormal is Abnormality.RECORD_LATE:
            return None
        if deadline_s is not None and since_s is not None:
            waited_s = self.calendar.seconds() - since_s
            if waited_s >= deadline_s:
                return self._suspected(track, Abnormality.RECORD_LATE, int(waited_s))
        if abnormal is None and track.end_told.is_denied_twice(present_s):
            return self._suspected(track, Abnormality.DENIED)
        return None

    def _suspected(self, track: Track, why: Abnormality, waited_s: int | None = None) -> Suspected:
        told, evidence = track.end_told, dict[str, Any]()
        if told.reading is not None:
            named = told.reading.order_id
            evidence |= {
                "state": told.reading.state.value,
                "power_dw": told.reading.power_dw,
                "charges_for": None if named is None else str(named),
            }
        evidence |= {"says_stopped": told.stopped_s is not None, "waited_s": waited_s}
        # people read it: what was not said is left out
        known = {name: value for name, value in evidence.items() if value is not None}
        return Suspected(self.calendar.now(), why, known)

    async def suspect(self, track: Track, present_s: float) -> None:
        """Mark an order, and tell people of it; in the charger's turn only."""
        suspected = self.found(track, present_s)
        if suspected is None or track.order.state not in UNDER_WAY:
            # its record, or a reading that tells of it, has come meanwhile
            return

        async def occurred(_order: Order) -> Sequence[Occurrence]:
            return (suspected,)

        alarm = _alarm(track.order, suspected)
        prepared = self.watching.delivering.prepare(alarm)
        told = Decision(self.watching.delivering.writes(prepared), (self.watching.entry(alarm),))
        await self.book.advance(track.order.id, occurred, also=told)
        self.watching.delivering.deliver(prepared)


def _alarm(order: Order, suspected: Suspected) -> Alarm:
    return Alarm(
        rule=suspected.why.value,
        level=Level.WARNING,
        tenant_id=order.tenant_id,
        charger_id=order.charger_id,
        port=order.port,
        at=suspected.at,
        order_id=order.id,
        evidence=suspected.evidence,
    )
