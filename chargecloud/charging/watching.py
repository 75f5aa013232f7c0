"""Readings, watched: what is dangerous is stopped, written down, and told to people."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.charging.book import OrderBook
from chargecloud.charging.delivering import Delivering
from chargecloud.charging.stopping import Stopping
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.charger import Admission
from chargecloud.domain.decision import Decision, LogEntry, Stale
from chargecloud.domain.events import PortReading, StopReason
from chargecloud.interfaces import IReadingWatch
from chargecloud.storage.store import Store
from chargecloud.storage.writer import TROUBLES

#: what is remembered while the database is away: a street that loses its power, some times
MOST_LATE = 10_000


@define(eq=False)
class Watching:
    """
    @ivar watches: look at every reading.
    @ivar made_by: the plugin that each watch comes from, with its version.
    @ivar delivering: takes alarms to people.
    """

    store: Store
    book: OrderBook
    stopping: Stopping
    watches: Sequence[IReadingWatch]
    delivering: Delivering
    #: what each watch has told of a port and not taken back by a better reading
    made_by: Mapping[str, str] = field(factory=dict, kw_only=True)
    _raised: set[tuple[str, int | None, int]] = field(factory=set, init=False)
    _late: list[Decision] = field(factory=list, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def look(self, admission: Admission, reading: PortReading, at: datetime) -> None:
        """Let every watch see a reading.  An alarm is raised once, until a reading is good
        again; the stop is asked for anew at every bad one."""
        for watch in self.watches:
            key = (watch.name, admission.charger_id, reading.port)
            try:
                alarm = watch.watch(admission, reading, at)
            except Exception:
                # a watch may be a plugin: the others look all the same
                self._log.failure("watch {name} failed", name=watch.name)
                continue
            if alarm is None:
                self._raised.discard(key)
                continue
            alarm = evolve(alarm, made_by=self.made_by.get(watch.name))
            if alarm.level is Level.CRITICAL:
                self.cut(admission.charger_id, reading.port)
            if key not in self._raised:
                self._raised.add(key)
                self.tell(alarm)

    def raised(self, alarm: Alarm, is_found: bool | None) -> None:
        """A rule about a whole charger has been looked at: what it found is told once, until
        it finds nothing; C{None} says nothing.  All that charges there is stopped for what
        is critical."""
        key = (alarm.rule, alarm.charger_id, 0)
        if is_found is False:
            self._raised.discard(key)
        if not is_found:
            return
        if alarm.level is Level.CRITICAL:
            assert alarm.charger_id is not None, "it was a charger that was looked at"
            self.cut(alarm.charger_id, None)
        if key not in self._raised:
            self._raised.add(key)
            self.tell(alarm)

    def cut(self, charger_id: int, port: int | None) -> None:
        """Stop what charges at a port, or at all of a charger's for C{None}."""
        for track in list(self.book.of_charger(charger_id)):
            if port in (None, track.order.port):
                self.stopping.stop_now(track.order, StopReason.SAFETY)

    def tell(self, alarm: Alarm) -> None:
        """Write an alarm down, and have it taken to people."""
        prepared = self.delivering.prepare(alarm)
        entry = self.entry(alarm)
        # late, people have heard of it
        self.write_down(
            Decision(self.delivering.writes(prepared), (entry,)), late=Decision(log=(entry,))
        )
        self.delivering.deliver(prepared)

    def entry(self, alarm: Alarm) -> LogEntry:
        """An alarm for the event log."""
        body = {
            "rule": alarm.rule,
            "level": alarm.level.value,
            "port": alarm.port,
            "evidence": dict(alarm.evidence),
            "made_by": alarm.made_by,
        }
        return LogEntry("alarm.raised", alarm.tenant_id, body, alarm.charger_id, alarm.order_id)

    def write_down(self, decision: Decision, late: Decision | None = None) -> None:
        """
        Write down what nobody waits for; later, if the database is away.

        @param late: what is written then, if it is not the same.
        """
        written = self.store.writer.decide(decision)
        written.addErrback(self._not_written, late or decision)

    def _not_written(self, failure: Failure, late: Decision) -> None:
        # what is stale was so only until it was to be written down
        if failure.check(Stale) is not None:
            return
        if failure.check(*TROUBLES) is not None and len(self._late) < MOST_LATE:
            self._late.append(late)
            return
        self._log.failure("not written down", failure)

    def write_late(self) -> None:
        """The database is there: write down what it was not there for.  What is not so any more
        was so, and stays in the event log."""
        late, self._late = self._late, []
        for decision in late:
            written = self.store.writer.decide(decision)
            written.addErrback(self._was_so, decision.log)
            written.addErrback(self._not_written, decision)

    def _was_so(self, failure: Failure, log: Sequence[LogEntry]) -> "Deferred[None]":
        failure.trap(Stale)
        return self.store.writer.decide(Decision(log=tuple(log)))
