"""The rates of a day by the clock on the site's wall, and the instants at which they switch.

The rate at an instant is the rate of the time that the site's clock shows then.  So where
clocks go forward, a period whose start they skip begins when they change; and where they
go back, an hour that is shown twice has the same rates both times.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from attrs import field, frozen

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@frozen(cache_hash=True)
class LocalDay:
    """
    Rates over a day that has no beginning: its last rate holds on after midnight, until
    its first one starts.

    @ivar starts: local times at which the rate switches, ascending.
    @ivar rates: the name of the rate from each of these on.
    """

    starts: tuple[time, ...]
    rates: tuple[str, ...]
    #: the hours of each, as people read them
    windows: tuple[str, ...] = field(init=False, eq=False)

    @windows.default
    def _windows(self) -> tuple[str, ...]:
        ends = (*self.starts[1:], self.starts[0])
        pairs = zip(self.starts, ends, strict=True)
        return tuple(
            [f"{start:%H:%M}-{end:%H:%M}" if start != end else "all day" for start, end in pairs]
        )

    @classmethod
    def of(cls, periods: Sequence[tuple[time, str]]) -> "LocalDay":
        """From periods in order, the first at midnight; neighbours that have the same
        rate, over midnight too, become one."""
        switches = [
            (start, rate)
            for (_, before), (start, rate) in pairwise([periods[-1], *periods])
            if rate != before
        ]
        starts, rates = zip(*(switches or periods[:1]), strict=True)
        return cls(starts, rates)

    def rate_at(self, instant: datetime, zone: ZoneInfo) -> str:
        """The rate at an instant."""
        return self.rates[self._index_at(instant, zone)]

    def window_at(self, instant: datetime, zone: ZoneInfo) -> str:
        """The hours within which the rate at an instant holds, as C{"17:00-21:00"}."""
        return self.windows[self._index_at(instant, zone)]

    def switches(self, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
        """Instants within (after, until] at which the rate becomes another, in order."""
        return on_each_day(lambda day: _switches_on(self, zone, day), zone, after, until)

    def _index_at(self, instant: datetime, zone: ZoneInfo) -> int:
        # -1, before the first start, is the last rate: the one from the day before
        return bisect_right(self.starts, instant.astimezone(zone).time()) - 1


@lru_cache(maxsize=4_096)
def _switches_on(day: LocalDay, zone: ZoneInfo, on: date) -> tuple[datetime, ...]:
    """The instants of a date at which the rate becomes another: the same for every bill."""
    return tuple(
        [
            instant
            for start in day.starts
            for instant in instants_of(datetime.combine(on, start, zone))
            if day.rate_at(instant, zone) != day.rate_at(instant - datetime.resolution, zone)
        ]
    )


def on_each_day(
    instants: Callable[[date], Iterable[datetime]],
    zone: ZoneInfo,
    after: datetime,
    until: datetime,
) -> list[datetime]:
    """Those instants of the dates of a site that are within (after, until], in order."""
    # a day more on both sides: clocks that go back over midnight show a date again
    day = after.astimezone(zone).date() - _DAY
    last = until.astimezone(zone).date() + _DAY
    found: set[datetime] = set()
    while day <= last:
        found.update(instants(day))
        day += _DAY
    return sorted(instant for instant in found if after < instant <= until)


def instants_of(local: datetime) -> Iterable[datetime]:
    """The instants at which the clock may pass a local time: one on most days; where clocks
    change, either way to read it and the change itself, which lies between the two."""
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return (first,)
    early, late = sorted((first, second))
    changed = late.astimezone(local.tzinfo).utcoffset()
    seconds = bisect_left(
        range((late - early) // _SECOND),
        True,
        key=lambda s: (early + s * _SECOND).astimezone(local.tzinfo).utcoffset() == changed,
    )
    return (first, second, early + seconds * _SECOND)
