"""The sessions of the Caltech garage, read from the data that come with the package.

What they are, whose they are, and under which licence is in C{ATTRIBUTION.rst} beside them.
"""

import csv
import gzip
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.resources import files

from attrs import frozen

from chargecloud.domain.units import MWH_PER_KWH

WEEK = timedelta(days=7)


@frozen
class ChargingSession:
    """
    A car's stay at a station.

    @ivar id: the data's own name of it.
    @ivar station: at which it was plugged in; each has one plug.
    @ivar arrived_at: when it was plugged in; C{left_at}, when it was unplugged.
    @ivar energy_mwh: what it was given in between.
    """

    id: str
    station: str
    arrived_at: datetime
    left_at: datetime
    energy_mwh: int


class SessionError(ValueError):
    """A line of the data says something that cannot be."""


def read_sessions(lines: Iterable[str]) -> Iterator[ChargingSession]:
    """
    The sessions of a CSV file with a head.

    @raise SessionError: naming the first session that cannot be understood.
    """
    for row in csv.DictReader(lines):
        try:
            read = ChargingSession(
                id=row["session_id"],
                station=row["station_id"],
                arrived_at=datetime.fromisoformat(row["arrival"]),
                left_at=datetime.fromisoformat(row["departure"]),
                energy_mwh=mwh_of(row["delivered_energy (kWh)"]),
            )
            is_sound = read.arrived_at < read.left_at and read.energy_mwh > 0
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise SessionError(f"session {row.get('session_id')}: {error!r}") from error
        if not is_sound:
            raise SessionError(f"session {read.id} has no length or no energy")
        yield read


def mwh_of(kwh: str) -> int:
    """Whole mWh of a decimal number of kWh, without a float in between.  Only what is finer
    than a mWh, which no meter tells, is rounded."""
    return int((Decimal(kwh) * MWH_PER_KWH).to_integral_value(ROUND_HALF_EVEN))


def all_sessions() -> tuple[ChargingSession, ...]:
    """All that come with the package, in the order of their arrival."""
    found: list[ChargingSession] = []
    for file in files(__package__).iterdir():
        if file.name.endswith(".csv.gz"):
            text = gzip.decompress(file.read_bytes()).decode()
            found += read_sessions(text.splitlines())
    return tuple(sorted(found, key=lambda session: (session.arrived_at, session.station)))


def sessions_of_week(monday: datetime) -> tuple[ChargingSession, ...]:
    """Those whose cars arrive within a week from an instant."""
    return tuple([each for each in all_sessions() if monday <= each.arrived_at < monday + WEEK])
