"""What a fleet needs on the platform: sites with tariffs, and its chargers registered."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import field, frozen
from twisted.internet.defer import Deferred

from chargecloud.dialects.native.charger import Facts
from chargecloud.domain.charger import Capability
from chargecloud.simulator.api import Api, Problem
from chargecloud.simulator.flash import FleetCharger, FleetMemory
from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.memory import Memory
from chargecloud.simulator.native import SimulatedNative
from chargecloud.simulator.speaking import ISimulatedDialect

VENDOR = "ChargeCloud simulator"
#: what one port can give; the box that they are in, that many times as much
PORT_RATED_W = 800
#: identities have four digits; those that others have taken are passed over
LAST_NUMBER = 9_999


@frozen
class SitePlan:
    """A site as it is to be, with its tariff."""

    name: str
    address: str
    lat: float
    lon: float
    tariff: str
    tariff_kind: str
    terms: Mapping[str, Any]


_TIME_OF_USE = {
    "rates": {
        "peak": {"electricity": 80_000, "service": 60_000},
        "flat": {"electricity": 60_000, "service": 60_000},
        "valley": {"electricity": 30_000, "service": 60_000},
    },
    "day": [
        {"from": "00:00", "rate": "valley"},
        {"from": "08:00", "rate": "flat"},
        {"from": "11:00", "rate": "peak"},
        {"from": "13:00", "rate": "flat"},
        {"from": "18:00", "rate": "peak"},
        {"from": "22:00", "rate": "valley"},
    ],
}
_BY_TIME = {"price_fen": 100, "block_s": 14_400, "step_s": 60, "electricity": 60_000}

SITES = (
    SitePlan(
        "North campus",
        "1 University Road, dormitories 1 to 12",
        31.3013,
        121.5004,
        "Peak, flat and valley",
        "time_of_use",
        _TIME_OF_USE,
    ),
    SitePlan(
        "South campus",
        "2 University Road, teaching buildings",
        31.2952,
        121.5021,
        "One yuan for four hours",
        "by_time",
        _BY_TIME,
    ),
)


#: a dormitory's electricity, and the least service fee: one yuan for a kWh and a half
_DORMITORY = {
    "rates": {"day": {"electricity": 47_000, "service": 20_000}},
    "day": [{"from": "00:00", "rate": "day"}],
}
CAMPUS_SITES = (
    SitePlan(
        "Campus", "88 Wenhua East Road", 36.6512, 117.0687, "Campus", "time_of_use", _DORMITORY
    ),
)


def facts_of(identity: str, ports: int) -> Facts:
    """What a charger of the fleet tells of itself; its numbers follow from its identity."""
    digits = identity.rpartition("-")[2]
    # a vendor's identities may be any letters
    number = int(digits) if digits.isdigit() else int(digits, 36) % 10**13
    return Facts(
        firmware="1.4.2-sim",
        hardware=f"SIM-{ports}",
        iccid=f"8986{number:016d}",
        imei=f"86{number:013d}",
        port_count=ports,
        capabilities=frozenset(
            {
                Capability.CARD_READER,
                Capability.CARD_LIST,
                Capability.PLUG_SENSING,
                Capability.PORT_METERS,
                Capability.PORT_TEMPERATURE,
            }
        ),
    )


@frozen
class Provisioning:
    """
    Makes what a fleet's memory lacks.

    @ivar speaks: the chargers' dialect.
    @ivar sites: chargers are divided among them in turn.
    @ivar keep: keeps the memory, whenever something was made and before anything else is:
        the key of a charger is shown once.
    """

    api: Api
    memory: FleetMemory
    keep: Callable[[], Deferred[None]]
    sites: Sequence[SitePlan] = SITES
    speaks: ISimulatedDialect = field(factory=SimulatedNative)

    async def provide(self, chargers: int, ports: int) -> None:
        """
        Bring the fleet up to so many chargers.

        @raise ApiError: what was made until then is kept.
        """
        for site in self.sites:
            await self._provide_site(site)
        while len(self.memory.chargers) < chargers:
            await self._provide_charger(ports)

    async def _provide_site(self, site: SitePlan) -> None:
        tariffs, sites = self.memory.tariffs, self.memory.sites
        if site.tariff not in tariffs:
            body = {"name": site.tariff, "kind": site.tariff_kind, "terms": site.terms}
            tariffs[site.tariff] = (await self.api.post("/tariffs", body))["id"]
            await self.keep()
        if site.name not in sites:
            place: dict[str, Any] = {
                "name": site.name,
                "address": site.address,
                "lat": site.lat,
                "lon": site.lon,
                "time_zone": "Asia/Shanghai",
                "tariff_id": tariffs[site.tariff],
            }
            sites[site.name] = (await self.api.post("/sites", place))["id"]
            await self.keep()

    async def _provide_charger(self, ports: int) -> None:
        number = self.memory.last_number + 1
        identity = self.speaks.identity(number, ports)
        facts = facts_of(identity, ports)
        site = self.sites[number % len(self.sites)]
        body = {
            "site_id": self.memory.sites[site.name],
            "dialect": self.speaks.name,
            "identity": identity,
            "name": f"{site.name}, box {number}",
            "ports": ports,
            "kind": "ebike",
            "rated_w": PORT_RATED_W * ports,
            "vendor": VENDOR,
            "imei": facts.imei,
            "iccid": facts.iccid,
        }
        try:
            made = await self.api.post("/chargers", body)
        except Problem as problem:
            # another fleet's, or one of ours whose key was lost with its memory
            if problem.kind != "already-exists" or number == LAST_NUMBER:
                raise
        else:
            keys = Keyring(identity, made["key"]) if made.get("key") else None
            new = FleetCharger(identity, made["id"], keys, Memory.new(ports))
            self.memory.chargers.append(new)
        self.memory.last_number = number
        await self.keep()
