"""Editing: what people change about chargers and sites, each edit on top of the one seen."""

from collections.abc import Collection, Mapping
from typing import Any

from attrs import frozen
from sqlalchemy import Connection

from chargecloud.domain.charger import SystemState
from chargecloud.domain.decision import Change, Decision, LogEntry, Stale
from chargecloud.domain.errors import Conflict, Edited
from chargecloud.registry.chargers import find_charger
from chargecloud.registry.ports import free_ports
from chargecloud.registry.sites import check_time_zone, find_site
from chargecloud.storage.schema import ports
from chargecloud.storage.store import Store


@frozen(kw_only=True)
class Editor:
    """
    Who edits, and on top of what.

    @ivar tenant_id: whose things they may edit, C{None} for all.
    @ivar token_id: of their token: the event log names it.
    @ivar seen: the versions that they have looked at; C{None}: whichever it is.
    """

    tenant_id: int | None
    token_id: int
    seen: Collection[int] | None = None


@frozen
class Editing:
    """Edits chargers and sites; each edit is one row's change and one entry in the log."""

    store: Store

    async def charger(self, editor: Editor, charger_id: int, changes: Mapping[str, Any]) -> None:
        """
        Change what is registered of a charger.

        @param changes: by field of L{Charger}: name, owner, site_id, vendor, rated_w, imei,
            iccid, or status (in or out of service; it goes for good by L{decommission}).
        @raise NotFound: if the tenant has no such charger or site.
        @raise Edited: if it was edited since it was seen.
        @raise Conflict: if it is decommissioned, or is to be moved while it charges.
        """

        def find(connection: Connection) -> Any:
            charger = find_charger(connection, editor.tenant_id, charger_id)
            if "site_id" in changes:
                find_site(connection, charger.tenant_id, changes["site_id"])
            return charger

        charger = await self.store.read(find)
        if charger.status is SystemState.DECOMMISSIONED:
            raise Conflict("the charger is decommissioned")
        moves = changes.get("site_id", charger.site_id) != charger.site_id
        held = free_ports(charger.id, charger.port_count, charger.tenant_id) if moves else ()
        await self._edit(
            editor,
            "charger.edited",
            Change("chargers", {"id": charger.id}, _row(changes), {}),
            charger,
            charger_id=charger.id,
            guards=held,
        )

    async def decommission(self, editor: Editor, charger_id: int, reason: str) -> None:
        """
        Take a charger away for good: its key is destroyed, and what it did is kept.

        @raise NotFound: if the tenant has no such charger.
        @raise Edited: if it was edited since it was seen.
        @raise Conflict: while it charges, or if it is decommissioned already.
        """
        charger = await self.store.read(
            lambda connection: find_charger(connection, editor.tenant_id, charger_id)
        )
        if charger.status is SystemState.DECOMMISSIONED:
            raise Conflict("the charger is decommissioned already")
        gone = {
            "status": SystemState.DECOMMISSIONED.value,
            "wrapped_key": None,
            "next_key_nonce": None,
            "claim_digest": None,
        }
        await self._edit(
            editor,
            "charger.decommissioned",
            Change("chargers", {"id": charger.id}, gone, {}),
            charger,
            charger_id=charger.id,
            guards=free_ports(charger.id, charger.port_count, charger.tenant_id),
            told={"reason": reason},
        )

    async def site(self, editor: Editor, site_id: int, changes: Mapping[str, Any]) -> None:
        """
        Change what is known of a site; a new tariff is for orders that begin from now on.

        @param changes: by field of L{Site}.
        @raise NotFound: if the tenant has no such site.
        @raise Edited: if it was edited since it was seen.
        @raise Invalid: for a time zone that there is none of.
        """
        if "time_zone" in changes:
            check_time_zone(changes["time_zone"])
        site = await self.store.read(
            lambda connection: find_site(connection, editor.tenant_id, site_id)
        )
        change = Change("sites", {"id": site.id}, changes, {})
        await self._edit(editor, "site.edited", change, site, told={"site_id": site.id})

    async def _edit(
        self,
        editor: Editor,
        kind: str,
        change: Change,
        was: Any,
        *,
        charger_id: int | None = None,
        guards: tuple[Change, ...] = (),
        told: Mapping[str, Any] | None = None,
    ) -> None:
        if editor.seen is not None and was.version not in editor.seen:
            raise Edited(f"it is at version {was.version}", version=was.version)
        if not change.row:
            return
        row = {**change.row, "version": was.version + 1}
        whole = Change(change.table, change.key, row, {"version": was.version})
        body = {**(told or {}), "changed": sorted(change.row), "by": str(editor.token_id)}
        entry = LogEntry(kind, was.tenant_id, body, charger_id)
        try:
            await self.store.writer.decide(Decision((*guards, whole), (entry,)))
        except Stale as stale:
            if stale.table == ports.name:
                raise Conflict("not now: it charges") from None
            raise Edited("it has been edited at this moment") from None


def _row(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.value if isinstance(value, SystemState) else value
        for name, value in changes.items()
    }
