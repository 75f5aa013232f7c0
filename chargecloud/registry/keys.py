"""The keys of one charger, as people see to them: a new one, another one, none any more."""

from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, select

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Change, Decision, LogEntry, Stale
from chargecloud.domain.errors import Conflict
from chargecloud.registry.chargers import find_charger
from chargecloud.registry.secrets import FIRST_KEY, SEALED, Secrets
from chargecloud.storage.schema import chargers
from chargecloud.storage.store import Store

_STATE = [
    *SEALED,
    chargers.c.tenant_id,
    chargers.c.dialect,
    chargers.c.identity,
    chargers.c.next_key_nonce,
    chargers.c.keyed_at,
    chargers.c.code_counter,
]


@frozen
class KeyState:
    """
    How a charger stands with its keys; no key itself.

    @ivar generation: counts them from 1; 0 of a charger that needs none.
    @ivar has_key: whether it has one: without, it cannot log in.
    @ivar is_changing: whether it is to make the next one, and has not used it yet.
    @ivar since: when it got its present one.
    """

    generation: int
    has_key: bool
    is_changing: bool
    since: datetime | None


def _state(row: Any) -> KeyState:
    return KeyState(
        row.key_generation,
        row.wrapped_key is not None,
        row.next_key_nonce is not None,
        row.keyed_at,
    )


def read_key_row(connection: Connection, tenant_id: int | None, charger_id: int) -> Any:
    """
    The columns about a charger's keys.

    @raise NotFound: if the tenant has no such charger.
    """
    find_charger(connection, tenant_id, charger_id)
    return connection.execute(select(*_STATE).where(chargers.c.id == charger_id)).one()


@frozen
class Keys:
    """
    @ivar secrets: keeps them.
    """

    store: Store
    calendar: Calendar
    secrets: Secrets

    async def get(self, tenant_id: int | None, charger_id: int) -> KeyState:
        """
        @raise NotFound: if the tenant has no such charger.
        """
        return _state(await self._row(tenant_id, charger_id))

    async def change(
        self, tenant_id: int | None, charger_id: int, by: int
    ) -> tuple[KeyState, tuple[int, bytes]]:
        """
        Have a charger make its next key.

        @return: how it stands then, and generation and nonce of what it is to be told.
        @raise Conflict: if it has no key, or its dialect has no word for it.
        """
        row = await self._row(tenant_id, charger_id)
        if row.wrapped_key is None:
            raise Conflict("the charger has no key that another one could follow")
        nonce = row.next_key_nonce or self.secrets.new_nonce(row.dialect)
        if nonce is None:
            raise Conflict(f"{row.dialect} chargers take no new keys")
        if row.next_key_nonce is None:
            await self._write(row, {"next_key_nonce": nonce}, "charger.key_wanted", by)
        return await self.get(tenant_id, charger_id), (row.key_generation + 1, nonce)

    async def replace(
        self, tenant_id: int | None, charger_id: int, key: str | None, by: int
    ) -> tuple[KeyState, bytes]:
        """
        Give a charger another key, which somebody puts into it by hand.

        @param key: in hexadecimal; made if it is not given.
        @return: how it stands then, and the key.
        @raise Invalid: for a text that is no key of its dialect.
        """
        row = await self._row(tenant_id, charger_id)
        made = self.secrets.read(row.dialect, key)
        if made is None:
            raise Conflict(f"{row.dialect} chargers have no keys")
        changed = {
            "wrapped_key": self.secrets.seal(row.id, made, FIRST_KEY),
            "key_generation": FIRST_KEY,
            "next_key_nonce": None,
            "keyed_at": self.calendar.now(),
            "code_counter": 0,
        }
        await self._write(row, changed, "charger.key_replaced", by)
        return await self.get(tenant_id, charger_id), made

    async def revoke(self, tenant_id: int | None, charger_id: int, by: int) -> None:
        """A charger's key is lost: nobody logs in with it any more."""
        row = await self._row(tenant_id, charger_id)
        gone = {
            "wrapped_key": None,
            "key_generation": max(FIRST_KEY, row.key_generation),
            "next_key_nonce": None,
            "keyed_at": None,
        }
        await self._write(row, gone, "charger.key_revoked", by)

    async def _row(self, tenant_id: int | None, charger_id: int) -> Any:
        return await self.store.read(
            lambda connection: read_key_row(connection, tenant_id, charger_id)
        )

    async def _write(self, row: Any, changed: dict[str, Any], kind: str, by: int) -> None:
        expect = {"key_generation": row.key_generation, "next_key_nonce": row.next_key_nonce}
        entry = LogEntry(kind, row.tenant_id, {"by": str(by)}, row.id)
        change = Change("chargers", {"id": row.id}, changed, expect)
        try:
            await self.store.writer.decide(Decision((change,), (entry,)))
        except Stale:
            raise Conflict("its key has just been changed: look again") from None
