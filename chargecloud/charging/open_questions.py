"""What a person has to decide, looked at: records that match no order, and disputes."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Table, select

from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import disputes, unmatched
from chargecloud.storage.store import Store


@frozen
class OpenQuestions:
    """Lists of them, as they are written down."""

    store: Store

    async def unmatched(
        self, tenant_id: int | None, *, limit: int, cursor: str | None, resolved: bool
    ) -> tuple[Sequence[Any], str | None]:
        """A page of the records that match no order, and the cursor of the next.

        @param resolved: those that were decided, and not those that are to be.
        """
        return await self._page(unmatched, tenant_id, limit, cursor, resolved)

    async def disputes(
        self, tenant_id: int | None, *, limit: int, cursor: str | None, resolved: bool
    ) -> tuple[Sequence[Any], str | None]:
        """The same of the disputes."""
        return await self._page(disputes, tenant_id, limit, cursor, resolved)

    async def _page(
        self, table: Table, tenant_id: int | None, limit: int, cursor: str | None, resolved: bool
    ) -> tuple[Sequence[Any], str | None]:
        decided = table.c.resolved_at.is_not(None) if resolved else table.c.resolved_at.is_(None)
        query = select(table).where(decided)
        if tenant_id is not None:
            query = query.where(table.c.tenant_id == tenant_id)
        return await self.store.read(
            lambda connection: read_page(
                connection, query, table.c.id, lambda row: row, limit=limit, cursor=cursor
            )
        )
