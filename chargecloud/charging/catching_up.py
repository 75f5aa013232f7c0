"""Brings what waits in the spool into the database, once that is back."""

from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.charging.backlog import Backlog
from chargecloud.charging.keeping import Keeping
from chargecloud.charging.watching import Watching
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.errors import Overloaded
from chargecloud.domain.events import Outcome
from chargecloud.registry.tokens import PLATFORM
from chargecloud.storage.writer import TROUBLES

#: seconds to the next try while the database is away: twice as long each time, up to the last
SOONEST_S, LATEST_S = 1.0, 15.0
#: of one record that the database would take, and that fails for another reason: an order that
#: has changed meanwhile is known by the second
MOST_TRIES = 5


@define(eq=False, slots=False)
class CatchingUp(Service):
    """
    One record after the other, in the order in which they came, each as if it had come now.

    @ivar clock: the reactor's.
    """

    keeping: Keeping
    backlog: Backlog
    watching: Watching
    clock: IReactorTime
    calendar: Calendar
    _at_work: bool = field(default=False, init=False)
    _pause: "Deferred[None] | None" = field(default=None, init=False)
    _idle: "list[Deferred[None]]" = field(factory=list, init=False)
    _is_away_told: bool = field(default=False, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def startService(self) -> None:
        """Begin with what is there."""
        super().startService()
        self.backlog.wake = self._go_on
        if self.backlog.damaged_bytes:
            self._tell("spool-damaged", Level.CRITICAL, bytes=self.backlog.damaged_bytes)
        self._go_on()

    def stopService(self) -> "Deferred[None]":
        """What is not done by now is done when the service starts again."""
        super().stopService()
        if self._pause is not None:
            self._pause.cancel()
        return self.idle()

    def idle(self) -> "Deferred[None]":
        """Fires when nothing waits any more, or the service has stopped."""
        if not self._at_work:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._idle.append(done)
        return done

    def _go_on(self) -> None:
        if self._at_work or not self.running:
            return
        self._at_work = True
        done = Deferred.fromCoroutine(self._work())
        done.addErrback(lambda failure: self._log.failure("the spool is not applied", failure))
        done.addCallback(self._rest)

    def _rest(self, _result: Any) -> None:
        self._at_work = False
        idle, self._idle = self._idle, []
        for done in idle:
            done.callback(None)

    async def _work(self) -> None:
        pause_s, tries = SOONEST_S, 0
        while self.running and self.backlog.first() is not None:
            try:
                await self._apply_first()
            except (*TROUBLES, Overloaded) as error:
                self._tell_away(error)
                await self._wait(pause_s)
                pause_s = min(2 * pause_s, LATEST_S)
                continue
            except Exception:
                tries += 1
                self._log.failure("a record of the spool is not applied, try {tries}", tries=tries)
                if tries < MOST_TRIES or not await self._set_aside():
                    await self._wait(SOONEST_S)
                    continue
            pause_s, tries = SOONEST_S, 0
        if self._is_away_told and self.running:
            self._is_away_told = False
            self._tell("database-away", Level.NOTICE, is_over=True)

    async def _apply_first(self) -> None:
        first = self.backlog.first()
        assert first is not None
        reply = await self.keeping.apply(first)
        if reply.outcome is Outcome.LATER:
            raise NotNow("the charger would have to tell it again, and has forgotten it")
        await self.backlog.first_is_applied()

    async def _wait(self, seconds: float) -> None:
        self._pause = deferLater(self.clock, seconds)
        try:
            await self._pause
        except CancelledError:
            # the service stops
            return
        finally:
            self._pause = None

    async def _set_aside(self) -> bool:
        first = self.backlog.first()
        assert first is not None
        if not await self.backlog.set_first_aside():
            return False
        self._log.critical("a record of the spool is set aside: {told}", told=first)
        self._tell(
            "record-not-applied",
            Level.CRITICAL,
            charger=str(first.charger_id),
            order=str(first.event.order_id),
        )
        return True

    def _tell_away(self, error: Exception) -> None:
        if not self._is_away_told and isinstance(error, TROUBLES):
            self._is_away_told = True
            self._tell("database-away", Level.CRITICAL, why=str(error.orig))

    def _tell(self, rule: str, level: Level, **evidence: Any) -> None:
        self.watching.tell(
            Alarm(
                rule=rule,
                level=level,
                tenant_id=PLATFORM,
                charger_id=None,
                at=self.calendar.now(),
                evidence=evidence,
            )
        )


class NotNow(Exception):
    """What a charger would be told to tell later."""
