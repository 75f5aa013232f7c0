"""How far chargers' clocks are off: people are warned, and what is far off is not billed by."""

from collections import OrderedDict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.charging.schedules import tariff_there
from chargecloud.charging.settings import ChargingSettings
from chargecloud.charging.watching import Watching
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.charger import Admission, ChargerTime, Told
from chargecloud.domain.clocks import ClockError, Look
from chargecloud.domain.decision import Change, Decision, LogEntry
from chargecloud.money.tariffs import Tariffs
from chargecloud.storage.store import Store

#: a clock that stays as it is is written down again after this
WRITTEN_EVERY = timedelta(days=1)
#: one that changes, by this, or by a tenth
CHANGED_S = 1.0
#: prices that go by the day of the week change within this
LOOKED_AHEAD = timedelta(days=8)
#: chargers of this node whose clocks are remembered
MOST_CHARGERS = 100_000


@define
class _Clock:
    """
    @ivar epoch: of the connection that it was seen on.
    @ivar written_s: what was written down last, and C{written_at} when.
    @ivar told: the rules that people were told of, and that were not good again since.
    """

    epoch: int
    error: ClockError
    written_s: float | None = None
    written_at: datetime | None = None
    told: set[str] = field(factory=set)
    is_asking: bool = False


@define(eq=False)
class Clocks:
    """
    What is known of the clocks of the chargers that are here.

    @ivar distrusted: the chargers whose clocks nothing is billed by.
    """

    store: Store
    tariffs: Tariffs
    watching: Watching
    calendar: Calendar
    settings: ChargingSettings
    distrusted: set[int] = field(factory=set, init=False)
    _clocks: "OrderedDict[int, _Clock]" = field(factory=OrderedDict, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def look(self, admission: Admission, told: Told, received_at: datetime) -> None:
        """A charger's clock shows this just now."""
        if isinstance(told, ChargerTime) and told.boot != admission.boot:
            return
        shown = admission.instant(told)
        if shown is None:
            # it was never set, and nothing is billed by it
            return
        clock = self._clock(admission)
        look = Look(received_at.timestamp(), (shown - received_at).total_seconds())
        if clock.error.has_seen(look):
            return
        clock.error = clock.error.seen(look)
        if clock.error.is_beyond(self.settings.clock_distrusted_s):
            self.distrusted.add(admission.charger_id)
        else:
            self.distrusted.discard(admission.charger_id)
        if clock.error.agrees and clock.error.ahead_s is not None:
            self._judged(admission, clock, clock.error.ahead_s, received_at)

    def judge(self, admission: Admission) -> Admission:
        """A charger with what its clock is off, if it is not billed by."""
        clock = self._clocks.get(admission.charger_id)
        is_here = clock is not None and clock.epoch == admission.epoch
        error = clock.error if clock is not None and is_here else self._known(admission)
        ahead_s = None
        if error.ahead_s is not None and error.is_beyond(self.settings.clock_distrusted_s):
            ahead_s = round(error.ahead_s)
        if ahead_s == admission.clock_ahead_s:
            return admission
        return evolve(admission, clock_ahead_s=ahead_s)

    def _known(self, admission: Admission) -> ClockError:
        """What was known of a clock as its charger connected."""
        return ClockError(admission.clock_ahead_s, pace=max(1.0, self.calendar.anchor.speed))

    def _clock(self, admission: Admission) -> _Clock:
        clock = self._clocks.get(admission.charger_id)
        if clock is None or clock.epoch != admission.epoch:
            # it may have been set as it connected: what was known holds until it is seen anew
            made = _Clock(admission.epoch, self._known(admission))
            if clock is not None:
                made.told = clock.told
                if clock.epoch == admission.epoch - 1:
                    # nobody else has written since
                    made.written_s, made.written_at = clock.written_s, clock.written_at
            self._clocks[admission.charger_id] = clock = made
            if len(self._clocks) > MOST_CHARGERS:
                forgotten, _ = self._clocks.popitem(last=False)
                self.distrusted.discard(forgotten)
        return clock

    def _judged(self, admission: Admission, clock: _Clock, ahead_s: float, at: datetime) -> None:
        self._tell("clock-distrusted", admission, clock, self.settings.clock_distrusted_s, at)
        if not clock.error.is_beyond(self.settings.clock_warned_s):
            clock.told.discard("clock-off")
        if self._is_news(clock, ahead_s, at) and not clock.is_asking:
            clock.is_asking = True
            written = Deferred.fromCoroutine(self._write(admission, clock, ahead_s, at))
            written.addErrback(
                lambda failure: self._log.failure("a clock was not written down", failure)
            )
            written.addBoth(lambda _: setattr(clock, "is_asking", False))

    def _is_news(self, clock: _Clock, ahead_s: float, at: datetime) -> bool:
        if clock.written_s is None or clock.written_at is None:
            return True
        change_s = max(CHANGED_S, abs(clock.written_s) / 10) * clock.error.pace
        return abs(ahead_s - clock.written_s) >= change_s or (
            at - clock.written_at >= WRITTEN_EVERY
        )

    async def _write(
        self, admission: Admission, clock: _Clock, ahead_s: float, at: datetime
    ) -> None:
        """Write it down, and warn where prices go by the time."""
        goes_by_time = await self._goes_by_time(admission.charger_id, at)
        limit_s = self.settings.clock_warned_s if goes_by_time else self.settings.clock_distrusted_s
        if goes_by_time:
            self._tell("clock-off", admission, clock, limit_s, at)
        body = {"ahead_ms": round(ahead_s * 1000), "limit_s": limit_s}
        entry = LogEntry("charger.clock", admission.tenant_id, body, admission.charger_id)
        change = Change(
            "chargers",
            {"id": admission.charger_id},
            {"clock_ahead_s": round(ahead_s)},
            {"epoch": admission.epoch},
        )
        self.watching.write_down(Decision((change,), (entry,)))
        clock.written_s, clock.written_at = ahead_s, at

    async def _goes_by_time(self, charger_id: int, at: datetime) -> bool:
        """Whether prices change at the charger's site."""
        found = await self.store.read(lambda connection: tariff_there(connection, charger_id))
        kind = None if found is None else self.tariffs.kinds.get(found[0].kind)
        if found is None or kind is None:
            return False
        tariff, zone = found
        try:
            changes = kind.boundaries(tariff.terms, ZoneInfo(zone), at, at + LOOKED_AHEAD)
        except Exception:
            # a tariff may be a plugin: its bills fail as well
            self._log.failure("no changes of price of tariff {id}", id=tariff.id)
            return False
        return bool(changes)

    def _tell(
        self, rule: str, admission: Admission, clock: _Clock, limit_s: int, at: datetime
    ) -> None:
        """Tell people once of a clock that is beyond a limit, until it is good again."""
        if not clock.error.is_beyond(limit_s):
            clock.told.discard(rule)
        elif rule not in clock.told:
            clock.told.add(rule)
            self.watching.tell(
                Alarm(
                    rule=rule,
                    level=Level.WARNING,
                    tenant_id=admission.tenant_id,
                    charger_id=admission.charger_id,
                    at=at,
                    evidence={"ahead_s": round(clock.error.ahead_s or 0), "limit_s": limit_s},
                )
            )
