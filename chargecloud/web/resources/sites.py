"""C{/sites}"""

from datetime import datetime
from typing import Any

import attrs
from attrs import frozen

from chargecloud.domain.errors import Edited, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.money.tariffs import Tariffs
from chargecloud.registry.editing import Editing
from chargecloud.registry.sites import Site, Sites
from chargecloud.registry.tenants import Tenants
from chargecloud.routes import Call, Id, Method, Page, Paging, Route
from chargecloud.web.resources.shared import editor, page, request_key


def _degrees(doc: str, most: int) -> Any:
    """An angle that may be absent."""

    def check(_instance: object, _attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if value is not None and not -most <= value <= most:
            raise ValueError(f"must be between {-most} and {most}")

    metadata = {"doc": doc, "minimum": -most, "maximum": most}
    return attrs.field(default=None, validator=check, metadata=metadata)


@frozen(kw_only=True)
class NewSite:
    """A site to be made."""

    name: str = text("what people call it", example="North campus")
    time_zone: str = text("IANA time zone of its prices and days", example="Asia/Shanghai")
    address: str | None = text("where it is", default=None)
    lat: float | None = _degrees("degrees north", 90)
    lon: float | None = _degrees("degrees east", 180)
    tariff_id: Id | None = choice("for orders that name no other", default=None)
    tenant_id: Id | None = choice("whose it is; only the platform names another", default=None)


@frozen(kw_only=True)
class SiteEdit:
    """What is to be changed; what is not given stays."""

    name: str = text("what people call it", default=None)
    time_zone: str = text("IANA time zone of its prices and days", default=None)
    address: str | None = text("where it is", default=None)
    lat: float | None = _degrees("degrees north", 90)
    lon: float | None = _degrees("degrees east", 180)
    tariff_id: Id | None = choice("for orders from now on that name no other", default=None)


@frozen(kw_only=True)
class SiteShown:
    """A site."""

    id: Id = choice("its id")
    tenant_id: Id = choice("whose it is")
    name: str = text("what people call it")
    time_zone: str = text("IANA time zone of its prices and days")
    address: str | None = text("where it is")
    lat: float | None = choice("degrees north")
    lon: float | None = choice("degrees east")
    tariff_id: Id | None = choice("for orders that name no other")
    version: int = whole("counts how often it was edited; its entity-tag")
    created_at: datetime = choice("when it was made")


def show(site: Site) -> SiteShown:
    """A site as it is answered."""
    return SiteShown(
        id=site.id,
        tenant_id=site.tenant_id,
        name=site.name,
        time_zone=site.time_zone,
        address=site.address,
        lat=site.lat,
        lon=site.lon,
        tariff_id=site.tariff_id,
        version=site.version,
        created_at=site.created_at,
    )


def routes(sites: Sites, tariffs: Tariffs, tenants: Tenants, editing: Editing) -> list[Route]:
    """The routes of sites."""

    async def create(call: Call) -> SiteShown:
        body: NewSite = call.body
        tenant_id = await tenants.whose(call.caller.tenant_id, body.tenant_id)
        tariff_id = body.tariff_id
        if tariff_id is not None:
            await tariffs.for_orders(tenant_id, tariff_id)
        site = await sites.create(
            request_key(call),
            tenant_id,
            name=body.name,
            time_zone=body.time_zone,
            address=body.address,
            lat=body.lat,
            lon=body.lon,
            tariff_id=tariff_id,
        )
        return show(site)

    async def listed(call: Call) -> Page[SiteShown]:
        query: Paging = call.query
        found = await sites.list(call.caller.tenant_id, limit=query.limit, cursor=query.cursor)
        return page(found, show)

    async def get(call: Call) -> SiteShown:
        return show(await sites.get(call.caller.tenant_id, call.id("site_id")))

    async def edit(call: Call) -> SiteShown:
        site = await sites.get(call.caller.tenant_id, call.id("site_id"))
        changes = {name: getattr(call.body, name) for name in call.given}
        if (tariff_id := changes.get("tariff_id")) is not None:
            await tariffs.for_orders(site.tenant_id, tariff_id)
        await editing.site(editor(call), site.id, changes)
        return show(await sites.get(call.caller.tenant_id, site.id))

    common: dict[str, Any] = {"tag": "sites", "refusals": (NotFound,)}
    return [
        Route(
            method=Method.POST,
            path="/sites",
            summary="Make a site",
            permission="sites:write",
            body=NewSite,
            answer=SiteShown,
            status=201,
            run=create,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/sites",
            summary="List the sites",
            permission="sites:read",
            query=Paging,
            answer=Page[SiteShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/sites/{site_id}",
            summary="Show a site",
            permission="sites:read",
            answer=SiteShown,
            is_versioned=True,
            run=get,
            **common,
        ),
        Route(
            method=Method.PATCH,
            path="/sites/{site_id}",
            summary="Edit a site",
            permission="sites:write",
            body=SiteEdit,
            answer=SiteShown,
            is_versioned=True,
            run=edit,
            **common | {"refusals": (NotFound, Edited)},
        ),
    ]
