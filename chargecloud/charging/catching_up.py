"""Brings what waits in the spool into the database, once that is back."""

from collections.abc import Sequence
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.charging.backlog import Backlog
from chargecloud.charging.keeping import Keeping
from chargecloud.charging.spooled import Spooled
from chargecloud.charging.watching import Watching
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.errors import Overloaded
from chargecloud.domain.events import Outcome
from chargecloud.registry.tokens import PLATFORM
from chargecloud.storage.writer import TROUBLES

#: seconds to the next try while the database is away: twice as long each time, up to the last
SOONEST_S, LATEST_S = 1.0, 15.0
#: records of as many chargers that share commits
AT_A_TIME = 64
#: of one record alone that the database would take, and that fails for another reason: an order
#: that has changed meanwhile is known by the second
MOST_TRIES = 5


@define(eq=False, slots=False)
class CatchingUp(Service):
    """
    In the order in which they came, each as if it had come now: those of one charger one after the
    other, and some chargers at a time.

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
        pause_s, tries, most = SOONEST_S, 0, AT_A_TIME
        while self.running and (batch := self.backlog.oldest(most)):
            errors = [error for error in await self._apply(batch) if error is not None]
            away = [error for error in errors if isinstance(error, (*TROUBLES, Overloaded))]
            if away:
                self._tell_away(away[0])
                await self._wait(pause_s)
                pause_s, most = min(2 * pause_s, LATEST_S), 1
                continue
            pause_s = SOONEST_S
            if not errors:
                tries, most = 0, AT_A_TIME
            elif len(batch) > 1:
                # they may have been in each other's way: the oldest is tried alone
                most = 1
            else:
                tries += 1
                if tries < MOST_TRIES or not await self._set_aside(batch[0], errors[0]):
                    await self._wait(SOONEST_S)
                    continue
                tries = 0
        if self._is_away_told and self.running:
            self._is_away_told = False
            self._tell("database-away", Level.NOTICE, is_over=True)

    async def _apply(self, batch: Sequence[Spooled]) -> Sequence[Exception | None]:
        """What came in the way of each, if anything did."""
        applied = [Deferred.fromCoroutine(self._apply_one(each)) for each in batch]
        errors: Sequence[Exception | None] = await gatherResults(applied)
        for told, error in zip(batch, errors, strict=True):
            if error is None:
                await self.backlog.is_applied(told)
        return errors

    async def _apply_one(self, told: Spooled) -> Exception | None:
        try:
            reply = await self.keeping.apply(told)
        except Exception as error:
            return error
        if reply.outcome is Outcome.LATER:
            return NotNow("the charger would have to tell it again, and has forgotten it")
        return None

    async def _wait(self, seconds: float) -> None:
        self._pause = deferLater(self.clock, seconds)
        try:
            await self._pause
        except CancelledError:
            # the service stops
            return
        finally:
            self._pause = None

    async def _set_aside(self, told: Spooled, why: Exception) -> bool:
        if not await self.backlog.set_aside(told):
            return False
        self._log.failure(
            "a record of the spool cannot be applied, and is set aside: {told}",
            Failure(why),
            told=told,
        )
        self._tell(
            "record-not-applied",
            Level.CRITICAL,
            charger=str(told.charger_id),
            order=str(told.event.order_id),
            why=str(why),
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
