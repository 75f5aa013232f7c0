"""Calls of plugins that are called inline: those that take long, and those that fail."""

from collections import Counter
from collections.abc import Callable

from attrs import define, field

from chargecloud.calendar import Calendar
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.registry.tokens import PLATFORM

#: a call that takes longer is slow: meanwhile nobody else is served
SLOW_S = 0.1
#: seconds in which one is named once
TOLD_EVERY_S = 3_600.0


@define(eq=False)
class PluginCalls:
    """
    @ivar tell: takes alarms.
    @ivar slow: slow calls, by what it is and its name; and C{failures}, those that raised what
        they must not.
    """

    calendar: Calendar
    seconds: Callable[[], float]
    tell: Callable[[Alarm], None] = lambda _alarm: None
    slow: Counter[tuple[str, str]] = field(factory=Counter, init=False)
    failures: Counter[tuple[str, str]] = field(factory=Counter, init=False)
    _told_s: dict[tuple[str, str], float] = field(factory=dict, init=False)

    def failed(self, kind: str, name: str) -> None:
        """A call of a plugin has raised what it must not; who has called it goes on without."""
        self.failures[kind, name] += 1

    def took(self, kind: str, name: str, seconds: float) -> None:
        """A call of a plugin has come back after so long."""
        if seconds < SLOW_S:
            return
        key, now_s = (kind, name), self.seconds()
        self.slow[key] += 1
        if now_s < self._told_s.get(key, -TOLD_EVERY_S) + TOLD_EVERY_S:
            return
        self._told_s[key] = now_s
        self.tell(
            Alarm(
                rule="plugin-slow",
                level=Level.WARNING,
                tenant_id=PLATFORM,
                charger_id=None,
                at=self.calendar.now(),
                evidence={"kind": kind, "name": name, "milliseconds": round(seconds * 1_000)},
            )
        )
