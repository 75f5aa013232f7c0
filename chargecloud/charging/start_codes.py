"""Codes that start a charge where there is no network: sold here, and known again when the
charger tells of the charge."""

from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, select

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import Conflict, InsufficientFunds
from chargecloud.money.wallets import find_wallet
from chargecloud.registry.chargers import check_in_service, find_charger
from chargecloud.registry.keys import read_key_row
from chargecloud.registry.secrets import Secrets
from chargecloud.storage.once import RequestKey, known, once
from chargecloud.storage.schema import start_codes
from chargecloud.storage.store import Store


@frozen
class SoldCode:
    """
    @ivar code: the digits.
    @ivar port: C{None} for whichever is plugged in.
    @ivar limit_wh: C{None} for until full.
    """

    id: int
    charger_id: int
    customer_id: int
    code: str
    port: int | None
    limit_wh: int | None
    created_at: datetime


def find_code(connection: Connection, charger_id: int, code: str) -> SoldCode | None:
    """Who bought a code of a charger, and for what."""
    columns = [start_codes.c[name] for name in SoldCode.__annotations__]
    found = select(*columns).where(
        start_codes.c.charger_id == charger_id, start_codes.c.code == code
    )
    row = connection.execute(found).one_or_none()
    return None if row is None else SoldCode(**row._mapping)


@frozen
class StartCodes:
    """
    @ivar secrets: keeps the chargers' keys, with which codes are made.
    """

    store: Store
    calendar: Calendar
    secrets: Secrets

    async def sell(
        self,
        request: RequestKey | None,
        tenant_id: int | None,
        charger_id: int,
        *,
        customer_id: int,
        port: int | None,
        limit_wh: int | None,
    ) -> SoldCode:
        """
        Make a code for a customer, the same again if the request is sent again.

        Nothing is held for it, as nobody knows whether it will be used; the charge is billed
        like any that was begun offline, to this customer.

        @raise Conflict: if the charger takes no codes, or is about to change its key, which
            would make the code worthless.
        @raise InsufficientFunds: if the wallet is empty.
        @raise NotFound: if the tenant has no such charger or customer.
        @raise OutOfService: if nobody may begin to charge there.
        """
        if (made := await known(self.store, request)) is not None:
            return await self._get(made.resource_id)

        def find(connection: Connection) -> Any:
            check_in_service(find_charger(connection, tenant_id, charger_id).status)
            return read_key_row(connection, tenant_id, charger_id)

        row = await self.store.read(find)
        keyed, secret = self.secrets.keyed(row.dialect), self.secrets.of(row)
        if keyed is None or secret is None:
            raise Conflict("the charger takes no start codes")
        if row.next_key_nonce is not None:
            raise Conflict("the charger is to make a new key first")
        wallet = await self.store.read(
            lambda connection: find_wallet(connection, row.tenant_id, customer_id)
        )
        if wallet.balance_fen <= 0:
            raise InsufficientFunds("the wallet is empty", balance_fen=wallet.balance_fen)
        counter = row.code_counter + 1
        code_id, now = self.store.ids.next(), self.calendar.now()
        code = keyed.start_code(secret, counter, port, limit_wh)
        writes = (
            Change(
                "chargers",
                {"id": charger_id},
                {"code_counter": counter},
                {"code_counter": row.code_counter, "key_generation": row.key_generation},
            ),
            Insert(
                "start_codes",
                {
                    "id": code_id,
                    "tenant_id": row.tenant_id,
                    "charger_id": charger_id,
                    "code": code,
                    "customer_id": customer_id,
                    "port": port,
                    "limit_wh": limit_wh,
                    "created_at": now,
                },
            ),
        )
        told = {"customer_id": str(customer_id), "port": port, "limit_wh": limit_wh}
        entry = LogEntry("start_code.sold", row.tenant_id, told, charger_id)
        try:
            done = await once(self.store, request, code_id, Decision(writes, (entry,)))
        except Stale:
            raise Conflict("another code was made at the same moment: try again") from None
        return await self._get(done.resource_id)

    async def _get(self, code_id: int) -> SoldCode:
        columns = [start_codes.c[name] for name in SoldCode.__annotations__]
        found = select(*columns).where(start_codes.c.id == code_id)
        row = await self.store.read(lambda connection: connection.execute(found).one())
        return SoldCode(**row._mapping)
