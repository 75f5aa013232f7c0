"""The register: chargers with what stands beside them in an operator's list."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, Row, Select, select

from chargecloud.domain.charger import SystemState
from chargecloud.domain.errors import NotFound
from chargecloud.registry.chargers import COLUMNS, Charger, read_charger
from chargecloud.storage.finding import Rows
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import chargers, sites, tariffs, tenants
from chargecloud.storage.store import Store


@frozen
class Registered:
    """
    A charger, and the names of what it belongs to.

    @ivar company: its tenant's name.
    @ivar tariff_id: its site's price plan, C{None} if that has none.
    """

    charger: Charger
    company: str | None
    site_name: str | None
    tariff_id: int | None
    tariff_name: str | None


def _all(tenant_id: int | None) -> "Select[Any]":
    newest = (
        select(tariffs.c.name)
        .where(tariffs.c.id == sites.c.tariff_id)
        .order_by(tariffs.c.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = (
        select(
            *COLUMNS,
            tenants.c.name.label("company"),
            sites.c.name.label("site_name"),
            sites.c.tariff_id,
            newest.label("tariff_name"),
        )
        .join_from(chargers, tenants, tenants.c.id == chargers.c.tenant_id, isouter=True)
        # what is nobody's yet stands nowhere
        .join(sites, sites.c.id == chargers.c.site_id, isouter=True)
    )
    return found if tenant_id is None else found.where(chargers.c.tenant_id == tenant_id)


_REGISTERED = Rows(chargers, _all(None))


def _read(row: "Row[Any]") -> Registered:
    return Registered(read_charger(row), row.company, row.site_name, row.tariff_id, row.tariff_name)


@frozen
class Register:
    """The chargers of all tenants, to be looked at."""

    store: Store

    async def get(self, tenant_id: int | None, charger_id: int) -> Registered:
        """
        @raise NotFound: if the tenant has no such charger.
        """

        def find(connection: Connection) -> Any:
            return _REGISTERED.first(connection, id=charger_id, tenant_id=tenant_id)

        row = await self.store.read(find)
        if row is None:
            raise NotFound(f"there is no charger {charger_id}")
        return _read(row)

    async def list(
        self,
        tenant_id: int | None,
        *,
        limit: int,
        cursor: str | None,
        site_id: int | None = None,
        status: SystemState | None = None,
        dialect: str | None = None,
        vendor: str | None = None,
        words: str | None = None,
        online: bool | None = None,
    ) -> tuple[Sequence[Registered], str | None]:
        """
        A page of them, and the cursor of the next.

        @param words: part of the name, of the identity or of the owner; or the IMEI, the ICCID
            or the id.
        @param online: that are connected, or are not.
        """
        query = _all(tenant_id)
        for column, wanted in (
            (chargers.c.site_id, site_id),
            (chargers.c.status, status and status.value),
            (chargers.c.dialect, dialect),
            (chargers.c.vendor, vendor),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        if words is not None:
            query = query.where(_has(words))
        if online is not None:
            is_live = chargers.c.node.in_(self.store.roster.live)
            is_away = ~chargers.c.connected | chargers.c.node.is_(None) | ~is_live
            query = query.where(chargers.c.connected & is_live if online else is_away)
        return await self.store.read(
            lambda connection: read_page(
                connection, query, chargers.c.id, _read, limit=limit, cursor=cursor
            )
        )


def _has(words: str) -> Any:
    in_part = (chargers.c.name, chargers.c.identity, chargers.c.owner)
    found = chargers.c.imei == words
    found |= chargers.c.iccid == words
    for column in in_part:
        found |= column.contains(words, autoescape=True)
    if words.isdigit() and len(words) < 19:
        found |= chargers.c.id == int(words)
    return found
