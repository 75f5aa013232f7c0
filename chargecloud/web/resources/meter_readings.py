"""C{/sites/…/meter-readings}: what the master meters of sites count."""

from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.errors import Conflict, NotFound
from chargecloud.domain.fields import choice, whole
from chargecloud.domain.units import MWH_PER_WH, wh
from chargecloud.money.settlement.metering import Meters, Reading
from chargecloud.routes import Call, Id, Method, Route


@frozen(kw_only=True)
class NewReading:
    """What a site's master meter counts."""

    energy_wh: int = whole("its total, in Wh", least=0, most=10**15)
    at: datetime | None = choice("when; now if not given", default=None)


@frozen(kw_only=True)
class ReadingShown:
    """What a site's master meter counted."""

    site_id: Id = choice("of which site")
    at: datetime = choice("when")
    energy_wh: int = whole("its total, in Wh")


@frozen(kw_only=True)
class ReadingsShown:
    """The newest readings of a meter."""

    items: tuple[ReadingShown, ...] = choice("the oldest of them first")


def show_reading(reading: Reading) -> ReadingShown:
    """A reading as it is answered."""
    return ReadingShown(site_id=reading.site_id, at=reading.at, energy_wh=wh(reading.energy_mwh))


def routes(meters: Meters) -> list[Route]:
    """The routes of master meters."""

    async def read(call: Call) -> ReadingShown:
        body: NewReading = call.body
        reading = await meters.read(
            call.caller.tenant_id,
            call.id("site_id"),
            body.at,
            body.energy_wh * MWH_PER_WH,
            call.caller.token_id,
        )
        return show_reading(reading)

    async def readings(call: Call) -> ReadingsShown:
        found = await meters.list(call.caller.tenant_id, call.id("site_id"))
        return ReadingsShown(items=tuple(map(show_reading, found)))

    common: dict[str, Any] = {"tag": "settlements"}
    return [
        Route(
            method=Method.POST,
            path="/sites/{site_id}/meter-readings",
            summary="Write down what a site's master meter counts",
            permission="settlements:write",
            body=NewReading,
            answer=ReadingShown,
            status=201,
            refusals=(NotFound, Conflict),
            run=read,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/sites/{site_id}/meter-readings",
            summary="List the newest readings of a site's master meter",
            permission="settlements:read",
            answer=ReadingsShown,
            refusals=(NotFound,),
            run=readings,
            **common,
        ),
    ]
