"""Tariffs as they are kept: versions of terms, each of a kind that a plugin knows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import asdict, field, frozen
from sqlalchemy import Connection, func, select

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import Conflict, Invalid, NotFound
from chargecloud.domain.tariff import Bill, Remark, Usage
from chargecloud.interfaces import IRemarks, ITariff
from chargecloud.money.windows import cheapest, check_wait
from chargecloud.storage.finding import Rows
from chargecloud.storage.once import RequestKey, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import tariffs
from chargecloud.storage.store import Store


@frozen
class Tariff:
    """
    One version of a tariff.  It never changes; an order keeps the version it began with.

    @ivar terms: as its kind checked them.
    """

    id: int
    version: int
    tenant_id: int
    name: str
    kind: str
    terms: Mapping[str, Any]
    created_at: datetime


def _tariff(row: Any) -> Tariff:
    return Tariff(**row._mapping)


def _newest(tenant_id: int | None) -> Any:
    newest = select(tariffs.c.id, func.max(tariffs.c.version).label("version"))
    newest = newest.group_by(tariffs.c.id)
    if tenant_id is not None:
        newest = newest.where(tariffs.c.tenant_id == tenant_id)
    chosen = newest.subquery()
    return select(tariffs).join(
        chosen, (tariffs.c.id == chosen.c.id) & (tariffs.c.version == chosen.c.version)
    )


_TARIFFS = Rows(tariffs, select(tariffs).order_by(tariffs.c.version.desc()))


def find_tariff(
    connection: Connection, tenant_id: int | None, tariff_id: int, version: int | None = None
) -> Tariff:
    """
    A tariff of a tenant, the newest version unless another is named.

    @raise NotFound: if there is none.
    """
    row = _TARIFFS.first(connection, id=tariff_id, version=version, tenant_id=tenant_id)
    if row is None:
        raise NotFound(f"there is no tariff {tariff_id}")
    return _tariff(row)


@frozen
class Tariffs:
    """
    The tariffs of all tenants.

    @ivar kinds: the kinds of tariff that are installed, by name.
    @ivar made_by: the plugin that each comes from, with its version.
    """

    store: Store
    calendar: Calendar
    kinds: Mapping[str, ITariff]
    made_by: Mapping[str, str] = field(factory=dict)

    async def create(
        self,
        request: RequestKey | None,
        tenant_id: int,
        name: str,
        kind: str,
        terms: Mapping[str, Any],
    ) -> Tariff:
        """
        Make a tariff.

        @raise TariffError: naming what is wrong with its terms.
        """
        tariff_id = self.store.ids.next()
        tariff = self._checked(tariff_id, 1, tenant_id, name, kind, terms)
        made = await once(self.store, request, tariff_id, self._insert(tariff))
        return await self.get(tenant_id, made.resource_id)

    async def revise(
        self,
        request: RequestKey | None,
        tenant_id: int | None,
        tariff_id: int,
        terms: Mapping[str, Any],
    ) -> Tariff:
        """
        Make a new version of a tariff; orders that run keep theirs.

        @raise Conflict: if somebody else revised it at the same moment.
        """
        before = await self.get(tenant_id, tariff_id)
        after = self._checked(
            tariff_id, before.version + 1, before.tenant_id, before.name, before.kind, terms
        )
        if not any(remark.forbids_orders for remark in self.remarks(before)):
            # sites and orders may use it already
            self.refuse_unfit(after)
        try:
            await once(self.store, request, tariff_id, self._insert(after))
        except Stale:
            raise Conflict("the tariff has just been revised by somebody else") from None
        return await self.get(tenant_id, tariff_id)

    def _checked(
        self,
        tariff_id: int,
        version: int,
        tenant_id: int,
        name: str,
        kind: str,
        terms: Mapping[str, Any],
    ) -> Tariff:
        if kind not in self.kinds:
            what = f"is none of {', '.join(sorted(self.kinds))}"
            raise Invalid(
                f"no kind of tariff {kind!r}", errors=[{"pointer": "/kind", "detail": what}]
            )
        checked = self.kinds[kind].check(terms)
        return Tariff(tariff_id, version, tenant_id, name, kind, checked, self.calendar.now())

    @staticmethod
    def _insert(tariff: Tariff) -> Decision:
        body = {"tariff_id": tariff.id, "version": tariff.version}
        entry = LogEntry("tariff.created", tariff.tenant_id, body)
        return Decision((Insert("tariffs", asdict(tariff, recurse=False)),), (entry,))

    async def get(
        self, tenant_id: int | None, tariff_id: int, version: int | None = None
    ) -> Tariff:
        """
        @raise NotFound: if the tenant has no such tariff.
        """
        return await self.store.read(
            lambda connection: find_tariff(connection, tenant_id, tariff_id, version)
        )

    async def list(
        self, tenant_id: int | None, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Tariff], str | None]:
        """A page of the newest versions, and the cursor of the next."""
        return await self.store.read(
            lambda connection: read_page(
                connection, _newest(tenant_id), tariffs.c.id, _tariff, limit=limit, cursor=cursor
            )
        )

    async def for_orders(self, tenant_id: int | None, tariff_id: int) -> Tariff:
        """
        A tariff that charges can be billed by.

        @raise NotFound: if the tenant has no such tariff.
        @raise Invalid: if it is for quotes only.
        """
        tariff = await self.get(tenant_id, tariff_id)
        self.refuse_unfit(tariff)
        return tariff

    def refuse_unfit(self, tariff: Tariff) -> None:
        """
        @raise Invalid: if charges cannot be billed by a tariff as it says.
        """
        for remark in self.remarks(tariff):
            if remark.forbids_orders:
                errors = [{"pointer": "/tariff_id", "detail": remark.words}]
                raise Invalid(f"the tariff bills no charges: {remark.words}", errors=errors)

    def remarks(self, tariff: Tariff) -> Sequence[Remark]:
        """What the one who uses a tariff should know."""
        kind = self.kinds.get(tariff.kind)
        return kind.remarks(tariff.terms) if IRemarks.providedBy(kind) else ()

    def cheapest(self, tariff: Tariff, usage: Usage, ready_by: datetime) -> tuple[Usage, Bill]:
        """A charge begun when it costs the least, and what it costs then.

        @raise Invalid: if it cannot be ready by then, or that is too far away.
        """
        check_wait(usage, ready_by)
        kind = self.kinds[tariff.kind]
        found = kind.boundaries(tariff.terms, usage.zone, usage.started_at, ready_by)
        return cheapest(usage, found, ready_by, lambda each: self.bill(tariff, each))

    def bill(self, tariff: Tariff, usage: Usage) -> Bill:
        """What was used, priced."""
        lines = self.kinds[tariff.kind].lines(tariff.terms, usage)
        made_by = self.made_by.get(tariff.kind)
        return Bill(tariff.id, tariff.version, tuple(lines), made_by)
