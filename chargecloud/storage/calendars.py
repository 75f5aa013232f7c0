"""How far a shifted or scaled calendar has come, so that a restart goes on from there."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select
from twisted.application.internet import TimerService
from twisted.internet.defer import inlineCallbacks
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from chargecloud.calendar import Anchor, Calendar
from chargecloud.storage.schema import calendars, event_log
from chargecloud.storage.store import Store

#: after a crash the calendar goes back by so much real time at the most, but never before
#: what the event log has seen
SAVE_S = 5.0


def resume(connection: Connection, start: datetime, real_s: float, speed: float) -> Anchor:
    """
    The anchor of a calendar that begins at C{start}, or goes on from where it was.

    @param real_s: the reactor's clock now.
    """
    saved = connection.execute(select(calendars.c.position)).scalar()
    logged = connection.execute(select(func.max(event_log.c.at))).scalar()
    return Anchor(real_s, max(at for at in (start, saved, logged) if at is not None), speed)


def save(connection: Connection, position: datetime) -> None:
    """Write down how far it has come."""
    connection.execute(delete(calendars))
    connection.execute(insert(calendars).values(id=1, position=position))


class CalendarKeeper(TimerService):
    """Writes down how far the calendar has come, now and then and when the service stops."""

    _log = Logger()

    def __init__(self, store: Store, calendar: Calendar, clock: IReactorTime) -> None:
        super().__init__(SAVE_S, self._save)
        self.clock = clock
        self._store = store
        self._calendar = calendar

    @inlineCallbacks
    def _save(self) -> Any:
        position = self._calendar.now()
        try:
            yield self._store.writer.transact(lambda connection: save(connection, position))
        except Exception:
            # the next one makes up for it
            self._log.failure("the calendar's position was not written down")

    @inlineCallbacks
    def stopService(self) -> Any:
        """Write it down for the last time."""
        yield super().stopService()
        yield self._save()
