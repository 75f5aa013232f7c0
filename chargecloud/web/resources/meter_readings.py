"""C{/sites/…/meter-readings}: what the master meters of sites count."""

from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.errors import Conflict, NotFound
from chargecloud.domain.fields import choice, whole
from chargecloud.domain.units import MWH_PER_WH, wh
from chargecloud.money.settlement.meters import Meters, Reading
from chargecloud.routes import Call, Id, Method, Route


@frozen(kw_only=True)
class NewReading:
    """What a site's master meter counts."""

    energy_wh: int = whole("its total, in Wh", least=0, most=10**15)
    at: datetime | None = choice("when; now if not given", default=None)
    new_meter_wh: int | None = whole(
        "what another meter begins with that is put in then, in Wh; null if none is",
        least=0,
        most=10**15,
        default=None,
    )
    corrects: bool = choice(
        "whether the reading of that moment was wrong, and this one is in its place",
        default=False,
    )


@frozen(kw_only=True)
class ReadingShown:
    """What a site's master meter counted."""

    site_id: Id = choice("of which site")
    at: datetime = choice("when")
    energy_wh: int = whole("its total, in Wh")
    new_meter_wh: int | None = whole(
        "what another meter began with that was put in then, in Wh; null if none was"
    )


@frozen(kw_only=True)
class ReadingsShown:
    """The newest readings of a meter."""

    items: tuple[ReadingShown, ...] = choice("the oldest of them first")


def show_reading(reading: Reading) -> ReadingShown:
    """A reading as it is answered."""
    new_mwh = reading.new_meter_mwh
    return ReadingShown(
        site_id=reading.site_id,
        at=reading.at,
        energy_wh=wh(reading.energy_mwh),
        new_meter_wh=None if new_mwh is None else wh(new_mwh),
    )


def routes(meters: Meters) -> list[Route]:
    """The routes of master meters."""

    async def read(call: Call) -> ReadingShown:
        body: NewReading = call.body
        new_wh = body.new_meter_wh
        reading = await meters.read(
            call.caller.tenant_id,
            call.id("site_id"),
            body.at,
            body.energy_wh * MWH_PER_WH,
            call.caller.token_id,
            new_meter_mwh=None if new_wh is None else new_wh * MWH_PER_WH,
            corrects=body.corrects,
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
            summary="Write down, or correct, what a site's master meter counts",
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
