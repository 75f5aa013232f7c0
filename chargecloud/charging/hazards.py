"""What chargers find dangerous by themselves: written down once, told to people, and stopped
where the charger has not."""

from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import sha256

from attrs import define, field
from sqlalchemy import Connection, select
from twisted.internet.defer import Deferred

from chargecloud.charging.ending import when
from chargecloud.charging.watching import Watching
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.charger import Admission
from chargecloud.domain.decision import Decision, Insert, Row, Stale
from chargecloud.domain.events import BoxReading, HazardTold, Outcome, Reply
from chargecloud.domain.hazards import LEVELS, Hazard, SafetyAction
from chargecloud.storage.schema import hazards
from chargecloud.storage.store import Store
from chargecloud.storage.writer import TROUBLES

#: dangers that were told while the database was away; of one before them, people hear twice
MOST_TOLD = 10_000
#: a danger without a time that is told later than this after the last time is another one
REPEATED_WITHIN = timedelta(minutes=10)
#: what a charger does that has cut the power by itself
_CUT = frozenset({SafetyAction.PORT_CUT, SafetyAction.BOX_CUT, SafetyAction.FIRE_LOCK_OUT})


@define(eq=False)
class Hazards:
    """
    @ivar watching: stops charges, and takes alarms to people.
    @ivar _told: what people were told before it could be written down, by charger, and when it
        came last.
    """

    store: Store
    watching: Watching
    _told: "OrderedDict[tuple[int, HazardTold], datetime]" = field(factory=OrderedDict, init=False)

    def take(
        self, admission: Admission, event: HazardTold, received_at: datetime
    ) -> "Deferred[Reply]":
        """A charger tells of a danger, or that it is over; once, however often it says so."""
        at = when(admission, event.at, received_at)
        alarm = _alarm(admission, event, at)
        if alarm.level is Level.CRITICAL and event.action not in _CUT:
            # before it is written down: a database that is away must not keep a fire going
            self.watching.cut(admission.charger_id, event.port)
        return Deferred.fromCoroutine(self._keep(admission, event, alarm, received_at))

    async def _keep(
        self, admission: Admission, event: HazardTold, alarm: Alarm, received_at: datetime
    ) -> Reply:
        # a charger that does not say when it was may find the same again, hours later
        told = event if event.at is not None else (event, received_at)
        row = {
            "id": self.store.ids.next(),
            "tenant_id": admission.tenant_id,
            "charger_id": admission.charger_id,
            "port": event.port,
            "hazard": event.hazard.value,
            "action": event.action.value,
            "is_over": event.is_over,
            "value": event.value,
            "limit_value": event.limit,
            "at": alarm.at,
            "received_at": received_at,
            "digest": sha256(repr(told).encode()).hexdigest(),
        }
        said = (admission.charger_id, event)
        is_told = self._is_told(said, received_at)
        prepared = [] if is_told else self.watching.delivering.prepare(alarm)
        writes = (Insert(hazards.name, row), *self.watching.delivering.writes(prepared))
        decision = Decision(writes, (self.watching.entry(alarm),))
        try:
            await self.store.writer.decide(decision)
        except Stale:
            if not await self.store.read(lambda connection: _is_kept(connection, row)):
                raise
        except TROUBLES:
            # the charger tells it again until it is written down: people do not wait for that
            self._told[said] = received_at
            if len(self._told) > MOST_TOLD:
                self._told.popitem(last=False)
            self.watching.delivering.deliver(prepared)
            raise
        else:
            self._told.pop(said, None)
            self.watching.delivering.deliver(prepared)
        return Reply(Outcome.KEPT)

    def _is_told(self, said: tuple[int, HazardTold], received_at: datetime) -> bool:
        charger_id, event = said
        if event.at is not None:
            return said in self._told
        # what is over begins anew, and without a time nothing else tells the two apart
        for whose, other in list(self._told):
            is_of_it = (whose, other.port, other.hazard) == (charger_id, event.port, event.hazard)
            if is_of_it and other.at is None and other.is_over is not event.is_over:
                del self._told[whose, other]
        last = self._told.get(said)
        return last is not None and received_at - last < REPEATED_WITHIN

    def look_at_box(self, admission: Admission, box: BoxReading, at: datetime) -> None:
        """A second pair of eyes on what a box senses around it: the charger acts first, and
        tells of it in a record of its own, which may be long in coming."""
        for found, hazard in ((box.smoke, Hazard.SMOKE), (box.water, Hazard.WATER)):
            self.watching.raised(
                Alarm(
                    rule=f"box-{hazard.value}",
                    level=LEVELS[hazard],
                    tenant_id=admission.tenant_id,
                    charger_id=admission.charger_id,
                    at=at,
                ),
                found,
            )


def _alarm(admission: Admission, event: HazardTold, at: datetime) -> Alarm:
    return Alarm(
        rule=event.hazard.value.replace("_", "-"),
        level=Level.NOTICE if event.is_over else LEVELS[event.hazard],
        tenant_id=admission.tenant_id,
        charger_id=admission.charger_id,
        port=event.port,
        at=at,
        evidence={
            "action": event.action.value,
            "is_over": event.is_over,
            "value": event.value,
            "limit": event.limit,
        },
    )


def _is_kept(connection: Connection, row: Row) -> bool:
    found = select(hazards.c.id).where(
        hazards.c.charger_id == row["charger_id"], hazards.c.digest == row["digest"]
    )
    return connection.execute(found).first() is not None
