"""How charges are cut off at a site, where that is not as it is everywhere."""

from collections.abc import Mapping
from typing import Any

from attrs import evolve, fields, frozen
from sqlalchemy import Connection, select

from chargecloud.domain.charger import ChargerKind
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import Conflict
from chargecloud.registry.sites import find_site
from chargecloud.storage.finding import Rows
from chargecloud.storage.schema import cut_offs
from chargecloud.storage.store import Store

#: the rules, by their names
RULES = tuple(attribute.name for attribute in fields(CutOff))


def find_cut_off(
    connection: Connection, site_id: int, kind: ChargerKind, everywhere: CutOff
) -> CutOff:
    """The rules for a kind of charger at a site: its own, and for the rest those that hold
    everywhere."""
    return evolve(everywhere, **_own(connection, site_id, kind))


_RULES = Rows(cut_offs, select(cut_offs.c.rules))


def _own(connection: Connection, site_id: int, kind: ChargerKind) -> Mapping[str, Any]:
    row = _RULES.first(connection, site_id=site_id, kind=kind.value)
    rules: Mapping[str, Any] = row.rules if row is not None else {}
    # a rule that a later version no longer has is no reason to charge by none
    return {name: value for name, value in rules.items() if name in RULES}


@frozen
class SiteCutOffs:
    """
    @ivar everywhere: the rules where a site has none of its own.
    """

    store: Store
    everywhere: Mapping[ChargerKind, CutOff]

    async def get(self, tenant_id: int | None, site_id: int) -> Mapping[ChargerKind, CutOff]:
        """
        The rules at a site, for each kind.

        @raise NotFound: if the tenant has no such site.
        """

        def read(connection: Connection) -> Mapping[ChargerKind, CutOff]:
            find_site(connection, tenant_id, site_id)
            return {
                kind: find_cut_off(connection, site_id, kind, everywhere)
                for kind, everywhere in self.everywhere.items()
            }

        return await self.store.read(read)

    async def put(
        self,
        tenant_id: int | None,
        site_id: int,
        kind: ChargerKind,
        rules: Mapping[str, int],
        by: int,
    ) -> CutOff:
        """
        Have these rules for a kind of charger at a site, and for the rest those that hold
        everywhere.  They hold for charges that begin from now on.

        @param rules: by their names, within the limits of L{CutOff}; none at all takes back
            what was put before.
        @param by: id of the token that is used.
        @raise NotFound: if the tenant has no such site.
        @raise Conflict: if somebody else says so for the first time at the same moment.
        """
        after = evolve(self.everywhere[kind], **rules)
        key = {"site_id": site_id, "kind": kind.value}

        def look(connection: Connection) -> tuple[int, bool]:
            site = find_site(connection, tenant_id, site_id)
            found = select(cut_offs.c.site_id).filter_by(**key)
            return site.tenant_id, connection.execute(found).first() is not None

        owner_id, is_known = await self.store.read(look)
        row = {"rules": dict(rules)}
        write = (
            Change("cut_offs", key, row, {})
            if is_known
            else Insert("cut_offs", {**key, "tenant_id": owner_id, **row})
        )
        entry = LogEntry("site.cut_off_changed", owner_id, {**key, **row, "by": by})
        try:
            await self.store.writer.decide(Decision((write,), (entry,)))
        except Stale:
            raise Conflict("somebody else has said so at the same moment") from None
        return after
