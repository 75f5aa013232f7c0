"""What the garage needs on the platform: its place, its price, and its stations."""

from collections.abc import Callable, Sequence

from attrs import frozen
from twisted.internet.defer import Deferred

from chargecloud.simulator.acn.stations import PLACE, TARIFF, Station
from chargecloud.simulator.api import Api
from chargecloud.simulator.flash import FleetCharger, FleetMemory
from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.memory import Memory
from chargecloud.simulator.native import SimulatedNative
from chargecloud.simulator.provisioning import VENDOR, facts_of


@frozen
class GarageProvisioning:
    """
    Makes what a fleet's memory lacks of the garage.

    @ivar keep: keeps the memory, whenever something was made and before anything else is.
    """

    api: Api
    memory: FleetMemory
    keep: Callable[[], Deferred[None]]

    async def provide(self, stations: Sequence[Station]) -> list[FleetCharger]:
        """
        Register the stations that are not yet.

        @return: all of them, in their order.
        @raise ApiError: what was made until then is kept.
        """
        site_id = await self._provide_site()
        known = {member.identity: member for member in self.memory.chargers}
        for station in stations:
            if station.name not in known:
                known[station.name] = await self._provide_station(station, site_id)
        return [known[station.name] for station in stations]

    async def _provide_site(self) -> str:
        tariffs, sites = self.memory.tariffs, self.memory.sites
        tariff, site = str(TARIFF["name"]), str(PLACE["name"])
        if tariff not in tariffs:
            tariffs[tariff] = (await self.api.post("/tariffs", dict(TARIFF)))["id"]
            await self.keep()
        if site not in sites:
            body = {**PLACE, "tariff_id": tariffs[tariff]}
            sites[site] = (await self.api.post("/sites", body))["id"]
            await self.keep()
        return sites[site]

    async def _provide_station(self, station: Station, site_id: str) -> FleetCharger:
        facts = facts_of(station.name, ports=1)
        body = {
            "site_id": site_id,
            "dialect": SimulatedNative.name,
            "identity": station.name,
            "name": f"Station {station.name}",
            "ports": 1,
            "kind": station.kind,
            "rated_w": station.rated_w,
            "vendor": VENDOR,
            "imei": facts.imei,
            "iccid": facts.iccid,
        }
        made = await self.api.post("/chargers", body)
        new = FleetCharger(
            station.name, made["id"], Keyring(station.name, made["key"]), Memory.new(1)
        )
        self.memory.chargers.append(new)
        await self.keep()
        return new
