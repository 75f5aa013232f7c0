"""A usage cut into parts over each of which no restriction of a tariff begins or ends to hold."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from attrs import frozen

from chargecloud.domain.tariff import Draw, Stay, StayKind, Usage
from chargecloud.money.local_day import instants_of, on_each_day
from chargecloud.money.ocpi.model import Moment, OcpiTariff

_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_US_PER_S = 1_000_000


@frozen
class Part:
    """A part of a usage.

    @ivar seconds: of charging in it, or of the stay that it is in.
    """

    start: datetime
    end: datetime
    moment: Moment
    energy_mwh: int
    seconds: int


def cut(tariff: OcpiTariff, usage: Usage) -> Iterator[Part]:
    """
    The parts of a usage, in order.

    What is counted in a part is the difference of two totals, each rounded down, so that where
    it is cut changes no sum.
    """
    session = _session_start(usage)
    for (start, before_mwh), (end, after_mwh) in pairwise(_points(tariff, usage)):
        stay = usage.stay_at(start)
        begun = session
        if stay is not None:
            seconds = (end - stay.start) // _SECOND - (start - stay.start) // _SECOND
            begun = stay.start if stay.kind is StayKind.RESERVED else session
        else:
            seconds = usage.charged_between(start, end)
        draw = usage.draw_at(start)
        yield Part(
            start,
            end,
            Moment(
                None if stay is None else stay.kind,
                start.astimezone(usage.zone),
                before_mwh - usage.marks[0].meter_mwh,
                Fraction((start - begun) // _MICROSECOND, _US_PER_S),
                usage.power_w_at(start) if tariff.follows_draw else None,
                0 if stay is not None else draw.current_ma if draw is not None else None,
            ),
            after_mwh - before_mwh,
            seconds,
        )


def clock_changes(
    tariff: OcpiTariff, zone: ZoneInfo, after: datetime, until: datetime
) -> list[datetime]:
    """Instants within (after, until] at which the clock or the calendar of the site may make a
    restriction begin or end to hold, in order."""
    times = {time.min}
    for element in tariff.elements:
        times |= {each for each in (element.restrictions.start, element.restrictions.end) if each}
    if times == {time.min} and not any(
        element.restrictions.first_day
        or element.restrictions.last_day
        or len(element.restrictions.days) < len(range(7))
        for element in tariff.elements
    ):
        return []

    def changes(day: date) -> Iterator[datetime]:
        for each in times:
            yield from instants_of(datetime.combine(day, each, zone))

    return on_each_day(changes, zone, after, until)


def _points(tariff: OcpiTariff, usage: Usage) -> Sequence[tuple[datetime, int]]:
    """Where it is cut: instants, with the register there."""
    first, last = usage.marks[0], usage.marks[-1]
    ends = {(first.at, first.meter_mwh), (last.at, last.meter_mwh)}
    instants = set(clock_changes(tariff, usage.zone, first.at, last.at))
    spans: Iterable[Stay | Draw] = (*usage.stays, *usage.draws)
    for span in spans:
        instants |= {span.start, span.end}
    if tariff.follows_draw:
        instants.update(mark.at for mark in usage.marks)
    begun = [_session_start(usage)]
    begun += [stay.start for stay in usage.stays if stay.kind is StayKind.RESERVED]
    points = set(ends)
    for element in tariff.elements:
        for bound in element.restrictions.duration.bounds:
            instants.update(start + timedelta(seconds=int(bound)) for start in begun)
        for bound in element.restrictions.energy.bounds:
            points.update(_crossing(usage, first.meter_mwh + int(bound)))
    points |= {(at, usage.meter_at(at)) for at in instants if first.at < at < last.at}
    if len(points) == 1:
        # a charge without length or energy has a part all the same: a fee may be due
        return [*points, *points]
    return sorted(points)


def _crossing(usage: Usage, meter_mwh: int) -> Iterator[tuple[datetime, int]]:
    """Where the register comes to a value, if it does."""
    for before, after in pairwise(usage.marks):
        if before.meter_mwh < meter_mwh < after.meter_mwh or meter_mwh == after.meter_mwh:
            if before.meter_mwh == after.meter_mwh:
                continue
            whole_us = (after.at - before.at) // _MICROSECOND
            gained, whole = meter_mwh - before.meter_mwh, after.meter_mwh - before.meter_mwh
            yield before.at + -(-gained * whole_us // whole) * _MICROSECOND, meter_mwh


def _session_start(usage: Usage) -> datetime:
    """When the charge began: what was reserved before is none of it."""
    start = usage.started_at
    for stay in usage.stays:
        if stay.kind is StayKind.RESERVED and stay.start <= start < stay.end:
            start = stay.end
    return start
