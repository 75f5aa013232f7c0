"""Which kind of day a date is, and which rate holds when on it: seasons, weekends, holidays.

Terms that use it have these members beside others::

    {"rates": {"peak": {"electricity": 110000, "service": 40000}, ...},
     "days": {"workday": [{"from": "00:00", "rate": "valley"}, {"from": "08:00", "rate": "peak"}],
              "holiday": ["valley", "valley", ... 48 names, one for each half hour]},
     "calendar": [{"dates": ["2026-10-01", "2026-10-02"], "day": "holiday"},
                  {"months": [7, 8], "weekdays": [6, 7], "day": "holiday"},
                  {"day": "workday"}]}

Rates and days are those of the C{time_of_use} tariff.  Of the calendar the first entry that a
date fits is the date's; the last one fits any.  Weekdays are 1, Monday, to 7.  All of it is by
the clock on the site's wall.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen

from chargecloud.domain.errors import TariffError
from chargecloud.money.by_energy import Rule
from chargecloud.money.kept import kept
from chargecloud.money.local_day import LocalDay, instants_of, on_each_day
from chargecloud.money.terms import Faults, place, yuan
from chargecloud.money.time_of_use import MAX_PERIODS, TimeOfUse

#: the members of terms that make a calendar
MEMBERS = ("rates", "days", "calendar")
MOST_DAYS, MOST_ENTRIES, MOST_DATES = 20, 50, 400
_HALF_HOUR_MIN = 30
_CONDITIONS = ("dates", "months", "weekdays")
_TIME_OF_USE = TimeOfUse()


@frozen
class Entry:
    """A line of the calendar: the dates that fit it have this kind of day."""

    day: str
    dates: frozenset[date] | None
    months: frozenset[int] | None
    weekdays: frozenset[int] | None

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> "Entry":
        """From its terms."""
        dates = [date.fromisoformat(each) for each in terms.get("dates", ())]
        return cls(
            terms["day"],
            frozenset(dates) if "dates" in terms else None,
            frozenset(terms["months"]) if "months" in terms else None,
            frozenset(terms["weekdays"]) if "weekdays" in terms else None,
        )

    def fits(self, day: date) -> bool:
        """Whether a date is one of them."""
        return (
            (self.dates is None or day in self.dates)
            and (self.months is None or day.month in self.months)
            and (self.weekdays is None or day.isoweekday() in self.weekdays)
        )


@frozen(eq=False)
class CalendarPlan:
    """The terms, to be looked things up in."""

    entries: tuple[Entry, ...]
    days: Mapping[str, LocalDay]

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> "CalendarPlan":
        """From the terms."""
        days = {
            name: LocalDay.of([(time.fromisoformat(each["from"]), each["rate"]) for each in day])
            for name, day in terms["days"].items()
        }
        return cls(tuple([Entry.of(each) for each in terms["calendar"]]), days)

    def kind_of(self, day: date) -> str:
        """What kind of day a date is."""
        return next(entry.day for entry in self.entries if entry.fits(day))

    def rate_at(self, instant: datetime, zone: ZoneInfo) -> str:
        """The rate at an instant."""
        return self.days[self.kind_of(instant.astimezone(zone).date())].rate_at(instant, zone)

    def switches(self, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
        """Instants within (after, until] at which the rate becomes another, in order."""
        return on_each_day(lambda day: _switches_on(self, zone, day), zone, after, until)


@lru_cache(maxsize=4_096)
def _switches_on(plan: CalendarPlan, zone: ZoneInfo, on: date) -> tuple[datetime, ...]:
    """The instants of a date at which the rate becomes another: the same for every bill."""
    return tuple(
        [
            instant
            for start in (time(), *plan.days[plan.kind_of(on)].starts)
            for instant in instants_of(datetime.combine(on, start, zone))
            if plan.rate_at(instant, zone) != plan.rate_at(instant - datetime.resolution, zone)
        ]
    )


plan_of = kept(CalendarPlan.of)


def rule_of(plan: CalendarPlan, zone: ZoneInfo) -> Rule:
    """What a line of a bill says of the rate that made it."""

    def rule(start: datetime, rate: str, price: int) -> str:
        kind = plan.kind_of(start.astimezone(zone).date())
        return f"{kind}, rate {rate}: {yuan(price)} yuan/kWh"

    return rule


def check_calendar(faults: Faults, given: Mapping[str, Any]) -> None:
    """Check what of the members is there."""
    days = _check_days(faults, given.get("rates"), periods_of(given.get("days", {})))
    if "calendar" in given:
        _check_calendar(faults, given["calendar"], days)


def canonical(given: Mapping[str, Any]) -> dict[str, Any]:
    """The members as they are kept: each day by its periods."""
    return {
        "rates": {name: dict(prices) for name, prices in given["rates"].items()},
        "days": {
            name: [dict(each) for each in day] for name, day in periods_of(given["days"]).items()
        },
        "calendar": deepcopy(given["calendar"]),
    }


def periods_of(days: Any) -> Any:
    """Days that name a rate for each half hour, by their periods; all others as they are."""
    if not isinstance(days, Mapping):
        return days
    return {name: _periods(day) for name, day in days.items()}


def _periods(day: Any) -> Any:
    if not isinstance(day, list) or len(day) != MAX_PERIODS:
        return day
    if not all(isinstance(rate, str) for rate in day):
        return day
    found: list[dict[str, str]] = []
    for slot, rate in enumerate(day):
        if slot == 0 or rate != day[slot - 1]:
            hours, half = divmod(slot * _HALF_HOUR_MIN, 2 * _HALF_HOUR_MIN)
            found.append({"from": f"{hours:02}:{half:02}", "rate": rate})
    return found


def _check_days(faults: Faults, rates: object, days: object) -> frozenset[str]:
    """Check each kind of day as the tariff by time of use checks its one; their names."""
    if not isinstance(days, Mapping):
        faults.add("/days", "must be an object")
        return frozenset()
    if not 1 <= len(days) <= MOST_DAYS:
        faults.add("/days", f"must have 1 to {MOST_DAYS} kinds of day")
    used: set[str] = set()
    for name, day in days.items():
        rates_of_day = _rates_of(rates, day)
        used |= rates_of_day.keys()
        try:
            _TIME_OF_USE.check({"rates": rates_of_day, "day": day})
        except TariffError as error:
            for each in _errors(error):
                where = each["where"].removeprefix("/day")
                is_rate = each["where"].startswith("/rates")
                faults.add(each["where"] if is_rate else place("/days", name) + where, each["what"])
    if not isinstance(rates, Mapping):
        faults.add("/rates", "must be an object")
    else:
        for name in rates.keys() - used:
            faults.add(place("/rates", name), "is not used in any day")
    return frozenset(days)


def _errors(error: TariffError) -> Sequence[Mapping[str, str]]:
    found: Any = error.facts["errors"]
    return tuple(found)


def _rates_of(rates: object, day: object) -> dict[str, Any]:
    """The rates that a day uses: each is checked where it is used."""
    if not isinstance(rates, Mapping) or not isinstance(day, list):
        return {}
    names = [each.get("rate") for each in day if isinstance(each, Mapping)]
    return {name: rates[name] for name in names if isinstance(name, str) and name in rates}


def _check_calendar(faults: Faults, calendar: object, days: frozenset[str]) -> None:
    if not isinstance(calendar, list) or not 1 <= len(calendar) <= MOST_ENTRIES:
        faults.add("/calendar", f"must be a list of 1 to {MOST_ENTRIES} entries")
        return
    used = set()
    for index, entry in enumerate(calendar):
        where = place("/calendar", index)
        given = faults.members(where, entry, required=("day",), optional=_CONDITIONS)
        is_last, is_open = index == len(calendar) - 1, not given.keys() & set(_CONDITIONS)
        if is_last and not is_open:
            faults.add(where, "must fit any date, as it is the last")
        elif is_open and not is_last:
            faults.add(where, "fits any date, so that nothing behind it is ever reached")
        if "day" in given:
            if not isinstance(given["day"], str) or given["day"] not in days:
                faults.add(f"{where}/day", "must name one of the days")
            else:
                used.add(given["day"])
        _check_conditions(faults, where, given)
    for name in sorted(days - used):
        faults.add(place("/days", name), "is not used in the calendar")


def _check_conditions(faults: Faults, where: str, given: Mapping[str, Any]) -> None:
    for name, most in (("months", 12), ("weekdays", 7)):
        values = given.get(name, [1])
        if not isinstance(values, list) or not values:
            faults.add(f"{where}/{name}", "must be a list that is not empty")
            continue
        for index, value in enumerate(values):
            faults.whole_number(place(f"{where}/{name}", index), value, 1, most)
    dates = given.get("dates", ["2000-01-01"])
    if not isinstance(dates, list) or not 1 <= len(dates) <= MOST_DATES:
        faults.add(f"{where}/dates", f"must be a list of 1 to {MOST_DATES} dates")
        return
    for index, value in enumerate(dates):
        try:
            date.fromisoformat(value)
        except (TypeError, ValueError):
            faults.add(place(f"{where}/dates", index), "must be a date, as 2026-10-01")
