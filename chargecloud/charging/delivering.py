"""Alarms on their way to people: each to every sink, at least once.

What is to be delivered is written down with the alarm itself and forgotten when the sink has
it, so that a restart loses none.  A sink has a queue of its own, and one that is slow or broken
holds up nobody else's: it is tried again, later and later, and when it has failed often in a
row the others are told of it.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import asdict, define, field, frozen
from sqlalchemy import Connection, delete, select
from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.charging.leavings import Leavings
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.decision import Insert, Row
from chargecloud.domain.failing import Failures
from chargecloud.interfaces import IAlarmSink
from chargecloud.registry.tokens import PLATFORM
from chargecloud.storage.ids import slot_of
from chargecloud.storage.schema import deliveries
from chargecloud.storage.store import Store

#: a sink that has not delivered by then has failed
DEADLINE_S = 30.0
#: tries of one alarm, after which it is given up: others wait behind it
MOST_TRIES = 100
#: alarms that wait for one sink; beyond it the oldest are given up
MOST_WAITING = 1_000


@define(eq=False)
class Delivery:
    """An alarm, to one sink."""

    id: int
    sink: str
    alarm: Alarm
    tries: int = 0

    def row(self) -> Row:
        """As it is written down."""
        alarm = asdict(self.alarm)
        alarm |= {"level": self.alarm.level.value, "at": self.alarm.at.isoformat()}
        return {
            "id": self.id,
            "tenant_id": self.alarm.tenant_id,
            "sink": self.sink,
            "alarm": alarm,
            "raised_at": self.alarm.at,
        }


def _read(row: Any) -> Delivery:
    told = {**row.alarm, "level": Level(row.alarm["level"])}
    told["at"] = datetime.fromisoformat(told["at"])
    return Delivery(row.id, row.sink, Alarm(**told))


@frozen
class Outlet:
    """
    What a sink's queue has of the rest.

    @ivar forget: a delivery is over.
    @ivar suspended: a sink fails again and again; C{False}, it delivers again.
    """

    clock: IReactorTime
    forget: Callable[[int], None]
    suspended: Callable[[str, bool], None]
    failed: Counter[str]


@define(eq=False)
class SinkQueue:
    """One sink, and what waits for it."""

    sink: IAlarmSink
    outlet: Outlet
    _waiting: "deque[Delivery]" = field(factory=deque, init=False)
    _is_busy: bool = field(default=False, init=False)
    _failures: Failures = field(factory=Failures, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def put(self, delivery: Delivery) -> None:
        """Have it delivered, in a turn of its own: a reading waits for nothing that a sink
        does first."""
        self._waiting.append(delivery)
        if len(self._waiting) > MOST_WAITING:
            self._give_up(self._waiting.popleft())
        if not self._is_busy:
            self._is_busy = True
            self.outlet.clock.callLater(0, self._next)

    def _next(self) -> None:
        if not self._waiting:
            self._is_busy = False
            return
        delivery = self._waiting.popleft()
        delivery.tries += 1
        delivered = maybeDeferred(self.sink.deliver, delivery.alarm)
        delivered.addTimeout(DEADLINE_S, self.outlet.clock)
        delivered.addCallbacks(self._delivered, self._failed, (delivery,), {}, (delivery,))

    def _delivered(self, _result: object, delivery: Delivery) -> None:
        if self._failures.succeeded():
            self.outlet.suspended(self.sink.name, False)
        self.outlet.forget(delivery.id)
        self.outlet.clock.callLater(0, self._next)

    def _failed(self, failure: Failure, delivery: Delivery) -> None:
        is_told = self._failures.failed()
        self.outlet.failed[self.sink.name] += 1
        self._log.failure(
            "alarm {rule} did not reach {where}, try {tries}",
            failure,
            rule=delivery.alarm.rule,
            where=self.sink.name,
            tries=delivery.tries,
        )
        if delivery.tries < MOST_TRIES:
            # behind the others: it may be this alarm alone that the sink cannot take
            self._waiting.append(delivery)
        else:
            self._give_up(delivery)
        if is_told:
            self.outlet.suspended(self.sink.name, True)
        self.outlet.clock.callLater(self._failures.pause_s, self._next)

    def _give_up(self, delivery: Delivery) -> None:
        self._log.critical(
            "alarm {rule} of {at} never reached {where}",
            rule=delivery.alarm.rule,
            at=delivery.alarm.at,
            where=self.sink.name,
        )
        self.outlet.forget(delivery.id)


@define(eq=False)
class Delivering:
    """
    @ivar sinks: by their names.
    @ivar failed: failures, by the sink's name.
    """

    store: Store
    clock: IReactorTime
    calendar: Calendar
    sinks: Mapping[str, IAlarmSink]
    failed: Counter[str] = field(factory=Counter, init=False)
    _queues: dict[str, SinkQueue] = field(init=False)
    _leavings: Leavings = field(init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        outlet = Outlet(self.clock, self._forget, self._suspended, self.failed)
        self._queues = {name: SinkQueue(sink, outlet) for name, sink in self.sinks.items()}
        self._leavings = Leavings("alarms", lambda: self.store.roster.live, self.take_over)

    def prepare(self, alarm: Alarm) -> list[Delivery]:
        """An alarm's deliveries; their rows belong into the decision that raises it."""
        return [Delivery(self.store.ids.next(), name, alarm) for name in self._queues]

    @staticmethod
    def writes(prepared: list[Delivery]) -> tuple[Insert, ...]:
        """What is to be written down of them."""
        return tuple([Insert(deliveries.name, each.row()) for each in prepared])

    def deliver(self, prepared: list[Delivery]) -> None:
        """Have them taken to people.  That does not wait until they are written down: a
        database that is away keeps no alarm from anybody."""
        for each in prepared:
            self._queues[each.sink].put(each)

    async def take_up(self) -> None:
        """Go on with what was not delivered when the service stopped.  What was for a sink that
        is not there any more waits for it."""
        self._leavings.begin()
        await self._deliver_of(lambda node: node == self.store.node)
        await self.take_over()

    async def take_over(self) -> None:
        """Deliver what nodes left that have gone; two nodes may do it, and somebody hear of an
        alarm twice."""
        live = self.store.roster.live
        await self._deliver_of(lambda node: node not in live)

    def look(self) -> None:
        """Take over what nodes left, if any has gone since; soon, and not waited for."""
        self._leavings.look()

    async def _deliver_of(self, is_wanted: Callable[[int], bool]) -> None:
        def read(connection: Connection) -> list[Any]:
            wanted = deliveries.c.sink.in_(list(self._queues))
            found = select(deliveries).where(wanted).order_by(deliveries.c.id)
            return [row for row in connection.execute(found) if is_wanted(slot_of(row.id))]

        for row in await self.store.read(read):
            try:
                delivery = _read(row)
            except (AttributeError, KeyError, TypeError, ValueError):
                # a newer version has written it, or the disk has: it stays, and keeps no other
                # alarm from anybody
                self._log.failure("the alarm of delivery {id} cannot be read", id=row.id)
                continue
            self.deliver([delivery])

    def _forget(self, delivery_id: int) -> None:
        def forget(connection: Connection) -> None:
            connection.execute(delete(deliveries).where(deliveries.c.id == delivery_id))

        gone = self.store.writer.transact(forget)
        # it is delivered once more after a restart
        gone.addErrback(lambda failure: self._log.failure("a delivery is not forgotten", failure))

    def _suspended(self, name: str, is_so: bool) -> None:
        alarm = Alarm(
            rule="sink-fails",
            level=Level.WARNING if is_so else Level.NOTICE,
            tenant_id=PLATFORM,
            charger_id=None,
            at=self.calendar.now(),
            evidence={"sink": name, "is_over": not is_so},
        )
        self.deliver([each for each in self.prepare(alarm) if each.sink != name])
