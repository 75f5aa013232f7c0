"""C{/chargers}"""

from typing import Any

from attrs import frozen

from chargecloud.domain.charger import ChargerKind, SystemState
from chargecloud.domain.errors import AlreadyExists, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.registry.chargers import Chargers
from chargecloud.registry.register import Register
from chargecloud.registry.sites import Sites
from chargecloud.routes import Call, HeldBy, Id, Method, Page, Paging, Route
from chargecloud.web.resources.charger_views import (
    ChargerMade,
    ChargerShown,
    ChargerWithPorts,
    Shown,
)
from chargecloud.web.resources.shared import page, request_key

#: thrice the ports of the largest box that is sold
MOST_PORTS = 64
#: above every charger that is sold, and little enough to notice a kW that was meant
MOST_RATED_W = 2_000_000


@frozen(kw_only=True)
class NewCharger:
    """A charger to be registered."""

    site_id: Id = choice("where it stands")
    dialect: str = text("the protocol it speaks", example="native", longest=40)
    identity: str = text("what it calls itself on the wire", example="EB10-000001", longest=64)
    name: str = text("what people call it", example="Dormitory 3, box 1")
    ports: int = whole("how many it has", least=1, most=MOST_PORTS, example=10)
    kind: ChargerKind = choice("what it charges")
    rated_w: int = whole(
        "what it can give at the most, in W", least=1, most=MOST_RATED_W, example=5500
    )
    vendor: str | None = text("who made it", default=None)
    owner: str | None = text("who owns it, if not the company", default=None)
    imei: str | None = text("of its modem", default=None, longest=20)
    iccid: str | None = text("of its SIM", default=None, longest=20)
    key: str | None = text(
        "in hexadecimal, as long as its dialect's are; made if it is not given; none for a charger"
        " that comes without, where its dialect allows that",
        default=None,
    )


@frozen(kw_only=True)
class ChargerQuery(Paging):
    """Which chargers."""

    site_id: Id | None = choice("of this site", default=None)
    dialect: str | None = text("that speak this", default=None)
    vendor: str | None = text("that this vendor made", default=None)
    tenant_id: Id | None = choice("of this company; only the platform has several", default=None)
    status: SystemState | None = choice("that the platform lets do this", default=None)
    online: bool | None = choice("that are connected, or are not", default=None)
    q: str | None = text(
        "with this in name, identity or owner, or with this IMEI, ICCID or id", default=None
    )


def routes(chargers: Chargers, register: Register, sites: Sites, shown: Shown) -> list[Route]:
    """The routes of chargers."""

    async def create(call: Call) -> ChargerMade:
        body: NewCharger = call.body
        site = await sites.get(call.caller.tenant_id, body.site_id)
        charger, key = await chargers.create(
            request_key(call),
            site.tenant_id,
            site_id=site.id,
            dialect=body.dialect,
            identity=body.identity,
            port_count=body.ports,
            kind=body.kind,
            key=body.key,
            name=body.name,
            rated_w=body.rated_w,
            vendor=body.vendor,
            owner=body.owner,
            imei=body.imei,
            iccid=body.iccid,
        )
        return shown.made(await register.get(charger.tenant_id, charger.id), key)

    async def listed(call: Call) -> Page[ChargerShown]:
        query: ChargerQuery = call.query
        mine = call.caller.tenant_id
        if mine is not None and query.tenant_id not in (None, mine):
            return Page(())
        found = await register.list(
            query.tenant_id if mine is None else mine,
            limit=query.limit,
            cursor=query.cursor,
            site_id=query.site_id,
            dialect=query.dialect,
            vendor=query.vendor,
            status=query.status,
            words=query.q,
            online=query.online,
        )
        return page(found, shown.brief)

    async def get(call: Call) -> ChargerWithPorts:
        return shown.whole(await register.get(call.caller.tenant_id, call.id("charger_id")))

    common: dict[str, Any] = {"tag": "chargers"}
    return [
        Route(
            method=Method.POST,
            path="/chargers",
            summary="Register a charger; its key is shown once",
            permission="chargers:write",
            body=NewCharger,
            answer=ChargerMade,
            status=201,
            refusals=(NotFound, AlreadyExists),
            run=create,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/chargers",
            summary="List the chargers",
            permission="chargers:read",
            query=ChargerQuery,
            answer=Page[ChargerShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/chargers/{charger_id}",
            held_by=HeldBy.CHARGER,
            summary="Show a charger with its ports",
            is_versioned=True,
            permission="chargers:read",
            answer=ChargerWithPorts,
            refusals=(NotFound,),
            run=get,
            **common,
        ),
    ]
