"""When a charge that may wait costs the least, and is done in time all the same."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from attrs import evolve

from chargecloud.domain.errors import Invalid
from chargecloud.domain.tariff import Bill, Usage

#: bills that are made for one answer: some tenths of a second at the most
MOST_TRIED = 96
#: drivers wait for a night, or for a weekend; each hour more is bills to be made
MOST_WAIT = timedelta(days=3)


def moved(usage: Usage, by: timedelta) -> Usage:
    """The same charge, so much later."""
    return evolve(
        usage,
        marks=tuple([evolve(mark, at=mark.at + by) for mark in usage.marks]),
        stays=tuple([evolve(s, start=s.start + by, end=s.end + by) for s in usage.stays]),
        draws=tuple([evolve(d, start=d.start + by, end=d.end + by) for d in usage.draws]),
    )


def check_wait(usage: Usage, ready_by: datetime) -> None:
    """
    @raise Invalid: if a charge cannot be ready by then, or that is too far away.
    """
    why = None
    if ready_by < usage.ended_at:
        why = "is before the charge is over, even if it begins at once"
    elif ready_by - usage.started_at > MOST_WAIT:
        why = f"must be within {MOST_WAIT.days} days"
    if why is not None:
        raise Invalid(f"ready_by {why}", errors=[{"pointer": "/ready_by", "detail": why}])


def cheapest(
    usage: Usage,
    boundaries: Iterable[datetime],
    ready_by: datetime,
    bill: Callable[[Usage], Bill],
) -> tuple[Usage, Bill]:
    """
    The charge begun when it costs the least, at once or later; of equal ones the earliest.

    Where prices hold between two instants, what a charge costs changes evenly as it is moved,
    until one of its readings meets such an instant: so the least is at once, at the last moment, or
    where its start, its end or a reading meets one.

    @param boundaries: when prices change, from the start until it must be ready.
    @param ready_by: as L{check_wait} lets it pass.
    """
    latest = ready_by - usage.ended_at
    moves = {timedelta(), latest}
    edges = [usage.started_at, usage.ended_at, *[mark.at for mark in usage.marks[1:-1]]]
    met = [(instant, edge) for edge in edges for instant in boundaries]
    for instant, edge in met:
        if len(moves) >= MOST_TRIED:
            break
        if timedelta() < instant - edge < latest:
            moves.add(instant - edge)
    tried = [(moved(usage, by), by) for by in sorted(moves)]
    priced = [(bill(each), by, each) for each, by in tried]
    best, _, used = min(priced, key=lambda each: (each[0].incl_vat, each[1]))
    return used, best
