"""Sites: where chargers stand, in which time zone, at which price."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from attrs import asdict, frozen
from sqlalchemy import Connection, select

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision, Insert, LogEntry
from chargecloud.domain.errors import Invalid, NotFound
from chargecloud.storage.finding import Rows
from chargecloud.storage.once import RequestKey, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import sites
from chargecloud.storage.store import Store


@frozen(kw_only=True)
class Site:
    """A place.

    @ivar time_zone: IANA name; its prices and days follow it.
    @ivar tariff_id: for orders that name no other.
    @ivar version: counts how often it was edited.
    """

    id: int
    tenant_id: int
    name: str
    time_zone: str
    created_at: datetime
    address: str | None = None
    lat: float | None = None
    lon: float | None = None
    tariff_id: int | None = None
    version: int = 1


def _site(row: Any) -> Site:
    return Site(**row._mapping)


_SITES = Rows(sites, select(sites))


def find_site(connection: Connection, tenant_id: int | None, site_id: int) -> Site:
    """
    A site of a tenant, or of any for C{None}.

    @raise NotFound: if there is none.
    """
    row = _SITES.first(connection, id=site_id, tenant_id=tenant_id)
    if row is None:
        raise NotFound(f"there is no site {site_id}")
    return _site(row)


def _of(tenant_id: int | None) -> Any:
    return (
        select(sites) if tenant_id is None else select(sites).where(sites.c.tenant_id == tenant_id)
    )


def check_time_zone(name: str) -> None:
    """
    @raise Invalid: if there is no such time zone.
    """
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        what = f"{name!r} is no IANA time zone"
        raise Invalid(what, errors=[{"pointer": "/time_zone", "detail": what}]) from None


@frozen
class Sites:
    """The sites of all tenants."""

    store: Store
    calendar: Calendar

    async def create(self, request: RequestKey | None, tenant_id: int, **about: Any) -> Site:
        """
        Make a site.

        @param about: the fields of L{Site} that describe it.
        @raise Invalid: for a time zone that there is none of.
        """
        check_time_zone(about["time_zone"])
        site = Site(
            id=self.store.ids.next(), tenant_id=tenant_id, created_at=self.calendar.now(), **about
        )
        entry = LogEntry("site.created", tenant_id, {"site_id": site.id, "name": site.name})
        decision = Decision((Insert("sites", asdict(site)),), (entry,))
        made = await once(self.store, request, site.id, decision)
        return await self.get(tenant_id, made.resource_id)

    async def get(self, tenant_id: int | None, site_id: int) -> Site:
        """
        @raise NotFound: if the tenant has no such site.
        """
        return await self.store.read(lambda connection: find_site(connection, tenant_id, site_id))

    async def list(
        self, tenant_id: int | None, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Site], str | None]:
        """A page of them, and the cursor of the next."""
        return await self.store.read(
            lambda connection: read_page(
                connection, _of(tenant_id), sites.c.id, _site, limit=limit, cursor=cursor
            )
        )
