"""The garage's stations: what stands at each of its spaces."""

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from attrs import frozen

from chargecloud.simulator.acn.sessions import ChargingSession

#: 208 V and 32 A, and what the data's busiest sessions show to have flowed beyond that
AC_W = 7_200
DC_W = 50_000
#: the garage's one DC station: the mean power of its sessions goes up to 47 kW
DC_STATIONS = frozenset({"11900388"})

PLACE: Mapping[str, object] = {
    "name": "Caltech garage",
    "address": "Pasadena, California",
    "time_zone": "America/Los_Angeles",
    "lat": 34.1367,
    "lon": -118.1269,
}
TARIFF: Mapping[str, object] = {
    "name": "Workplace, one price",
    "kind": "time_of_use",
    "terms": {
        "rates": {"all": {"electricity": 60_000, "service": 40_000}},
        "day": [{"from": "00:00", "rate": "all"}],
    },
}
ZONE = ZoneInfo(str(PLACE["time_zone"]))


@frozen
class Station:
    """A charger with one plug, at one space."""

    name: str

    @property
    def kind(self) -> str:
        """As the API has it."""
        return "dc" if self.name in DC_STATIONS else "ac"

    @property
    def rated_w(self) -> int:
        """What it gives at the most, and what a car draws until it has enough."""
        return DC_W if self.name in DC_STATIONS else AC_W


def stations_of(sessions: Iterable[ChargingSession]) -> tuple[Station, ...]:
    """Those at which the sessions were, by their names."""
    return tuple([Station(name) for name in sorted({each.station for each in sessions})])
