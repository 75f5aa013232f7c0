"""The platform's time, as a conversation knows it: by what it was told last."""

from datetime import UTC, datetime

from attrs import define, field

#: a clock that differs by more than this is wrong
MOST_OFF_S = 300.0
#: seconds between two tellings that tell how fast the platform's calendar goes
_LEAST_APART_S = 5.0
#: below it, it goes as clocks do: whole seconds are told, and not quite at once
_LEAST_RATE = 1.5


@define(eq=False)
class CloudTime:
    """
    @ivar rate: seconds of the calendar in one of the conversation's clock; a demonstration's runs
        faster.
    """

    rate: float = field(default=1.0, init=False)
    _unix_s: float = field(default=0.0, init=False)
    _at_s: float = field(default=0.0, init=False)

    def told(self, unix_s: int, now_s: float) -> None:
        """The platform says what time it is."""
        apart_s = now_s - self._at_s
        if self._unix_s and apart_s >= _LEAST_APART_S:
            rate = (unix_s - self._unix_s) / apart_s
            self.rate = rate if rate >= _LEAST_RATE else 1.0
        self._unix_s, self._at_s = unix_s, now_s

    def now(self, now_s: float) -> datetime:
        """The platform's time, by the conversation's clock."""
        return datetime.fromtimestamp(self._unix_s + (now_s - self._at_s) * self.rate, UTC)

    def is_off(self, told: datetime, now_s: float) -> bool:
        """Whether a clock is wrong that shows this now."""
        return abs((told - self.now(now_s)).total_seconds()) > MOST_OFF_S * self.rate
