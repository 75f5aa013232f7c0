"""Chargers that are nobody's yet: they come from a factory, are claimed by an installer, and come
back when their owner gives them up."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, select

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import Conflict, NotFound
from chargecloud.registry.batches import BadLine, Batch, MadeCharger, is_claim, new_code
from chargecloud.registry.batches import claim_digest as digest_of
from chargecloud.registry.chargers import Charger, find_charger
from chargecloud.registry.ports import free_ports
from chargecloud.registry.secrets import FIRST_KEY, SEALED, Secrets
from chargecloud.registry.sites import find_site
from chargecloud.registry.tokens import PLATFORM
from chargecloud.storage.schema import chargers, ports
from chargecloud.storage.store import Store

#: a charger that is nobody's stands nowhere
NO_SITE = 0
#: wrong codes after which a charger is not claimed any more, until it is given a new code
MOST_FAILURES = 10


class WrongClaim(NotFound):
    """There is no charger to be claimed with this code; which of both is wrong is not told."""

    code = "wrong-claim"


@frozen
class Imported:
    """
    What became of a line of a batch.

    @ivar outcome: C{"imported"}, C{"known"} if it had been before, or C{"refused"}.
    @ivar why: of a refusal.
    """

    line: int
    identity: str | None
    outcome: str
    why: str | None = None


def _row_of(connection: Connection, *where: Any) -> Any:
    columns = [
        *SEALED,
        chargers.c.tenant_id,
        chargers.c.site_id,
        chargers.c.dialect,
        chargers.c.identity,
        chargers.c.claim_digest,
        chargers.c.claim_failures,
        chargers.c.port_count,
        chargers.c.next_key_nonce,
        chargers.c.hardware,
        chargers.c.imei,
        chargers.c.iccid,
    ]
    return connection.execute(select(*columns).where(*where)).first()


@frozen
class Pool:
    """
    @ivar secrets: keeps chargers' keys.
    """

    store: Store
    calendar: Calendar
    secrets: Secrets

    # --------------------------------------------------------------------- from the factory

    async def take_in(
        self, batch: Batch, lines: Sequence[tuple[int, MadeCharger | BadLine]]
    ) -> Sequence[Imported]:
        """
        Take in the chargers of a batch, each by itself: a line that is refused keeps none of
        the others out, and a file that is taken in twice has its effect once.
        """
        report = []
        for number, line in lines:
            if isinstance(line, BadLine):
                report.append(Imported(number, None, "refused", line.why))
            else:
                report.append(await self._take_in(batch, number, line))
        return report

    async def _take_in(self, batch: Batch, number: int, made: MadeCharger) -> Imported:
        spoken = self.secrets.dialects.get(batch.dialect)
        if spoken is None or spoken.key_bytes != len(made.key):
            why = f"is no key of the dialect {batch.dialect}"
            return Imported(number, made.identity, "refused", why)
        charger_id = self.store.ids.next()
        row = {
            "id": charger_id,
            "tenant_id": PLATFORM,
            "site_id": NO_SITE,
            "dialect": batch.dialect,
            "identity": made.identity,
            "name": made.identity,
            "kind": batch.kind.value,
            "port_count": batch.ports,
            "rated_w": batch.rated_w,
            "vendor": batch.vendor,
            "imei": made.imei,
            "iccid": made.iccid,
            "created_at": self.calendar.now(),
            "epoch": 0,
            "wrapped_key": self.secrets.seal(charger_id, made.key, FIRST_KEY),
            "key_generation": FIRST_KEY,
            "keyed_at": self.calendar.now(),
            "claim_digest": made.claim_digest,
            "boots_before": [],
        }
        each_port = [
            Insert("ports", {"charger_id": charger_id, "port": port, "tenant_id": PLATFORM})
            for port in range(1, batch.ports + 1)
        ]
        entry = LogEntry("charger.imported", PLATFORM, {"batch": batch.name}, charger_id)
        try:
            spoken.read_identity(made.identity)
            await self.store.writer.decide(
                Decision((Insert("chargers", row), *each_port), (entry,))
            )
        except Stale:
            return await self._known(batch, number, made)
        except Exception as error:
            return Imported(number, made.identity, "refused", str(error))
        return Imported(number, made.identity, "imported")

    async def _known(self, batch: Batch, number: int, made: MadeCharger) -> Imported:
        """There is one of that identity: it may be this."""
        row = await self.store.read(
            lambda connection: _row_of(
                connection,
                chargers.c.dialect == batch.dialect,
                chargers.c.identity == made.identity,
            )
        )
        is_same = row is not None and row.claim_digest in (made.claim_digest, None)
        secret = self.secrets.of(row) if is_same else None
        if is_same and (secret is None or secret.generation > FIRST_KEY or secret.key == made.key):
            return Imported(number, made.identity, "known")
        why = "another charger has this identity already"
        return Imported(number, made.identity, "refused", why)

    # ------------------------------------------------------------------------- an installer

    async def claim(
        self,
        tenant_id: int | None,
        *,
        identity: str,
        code: str,
        site_id: int,
        name: str | None,
        by: int,
    ) -> Charger:
        """
        Put a charger of the pool at a site.  It is to make a new key when it logs in.

        @raise WrongClaim: if there is none with this code.
        @raise NotFound: if the tenant has no such site.
        """
        site = await self.store.read(lambda connection: find_site(connection, tenant_id, site_id))
        row = await self._claimed(identity, code)
        changed = {
            "tenant_id": site.tenant_id,
            "site_id": site.id,
            "name": name or identity,
            "claim_digest": None,
            "claim_failures": 0,
            "next_key_nonce": row.next_key_nonce or self.secrets.new_nonce(row.dialect),
        }
        told = {"site_id": site.id, "by": str(by)}
        entry = LogEntry("charger.claimed", site.tenant_id, told, row.id)
        await self._move(row, changed, site.tenant_id, entry)
        return await self.store.read(
            lambda connection: find_charger(connection, site.tenant_id, row.id)
        )

    async def release(self, tenant_id: int | None, charger_id: int, by: int) -> str:
        """
        Give a charger back to the pool: it stands nowhere, and is claimed with a new code.
        What it charged stays its owner's.

        @return: the code, which is shown once.
        @raise Conflict: while it charges.
        """
        row = await self._owned(tenant_id, charger_id)
        code = new_code()
        changed = {
            "tenant_id": PLATFORM,
            "site_id": NO_SITE,
            "name": row.identity,
            "claim_digest": digest_of(row.identity, code),
            "claim_failures": 0,
            "next_key_nonce": row.next_key_nonce or self.secrets.new_nonce(row.dialect),
        }
        entry = LogEntry("charger.released", row.tenant_id, {"by": str(by)}, row.id)
        await self._move(row, changed, PLATFORM, entry)
        return code

    async def replace_board(
        self, tenant_id: int | None, charger_id: int, *, identity: str, code: str, by: int
    ) -> None:
        """
        A charger gets the board of another one, which nobody has claimed: from then on it has
        its identity and key, and keeps its place, its name and its orders.  The old board's key
        is worthless.

        @raise WrongClaim: if there is no such board with this code.
        @raise Conflict: while it charges.
        """
        row = await self._owned(tenant_id, charger_id)
        board = await self._claimed(identity, code)
        if board.dialect != row.dialect or board.port_count != row.port_count:
            raise Conflict("the board is for another kind of charger")
        secret = self.secrets.of(board)
        assert secret is not None, "what is claimed has a key"
        # both identities change places, one after the other: each is there once at any time
        writes = (
            *free_ports(row.id, row.port_count, row.tenant_id),
            Change(
                "chargers",
                {"id": board.id},
                {
                    "identity": f"{row.identity}~{board.id}",
                    "name": f"old board of {row.identity}",
                    "wrapped_key": None,
                    "next_key_nonce": None,
                    "claim_digest": None,
                },
                {"claim_digest": board.claim_digest},
            ),
            Change(
                "chargers",
                {"id": row.id},
                {
                    "identity": board.identity,
                    "wrapped_key": self.secrets.seal(row.id, secret.key, secret.generation),
                    "key_generation": secret.generation,
                    "keyed_at": self.calendar.now(),
                    "next_key_nonce": self.secrets.new_nonce(row.dialect),
                    "code_counter": 0,
                    "login_digest": None,
                    "boot": None,
                    "booted_at": None,
                    "boots_before": [],
                    "imei": board.imei,
                    "iccid": board.iccid,
                },
                {"identity": row.identity},
            ),
        )
        told = {"from": row.identity, "to": board.identity, "by": str(by)}
        entry = LogEntry("charger.board_replaced", row.tenant_id, told, row.id)
        await self._decide(Decision(writes, (entry,)))

    # ------------------------------------------------------------------------------ within

    async def _claimed(self, identity: str, code: str) -> Any:
        row = await self.store.read(
            lambda connection: _row_of(
                connection,
                chargers.c.identity == identity,
                chargers.c.tenant_id == PLATFORM,
                chargers.c.claim_digest.is_not(None),
            )
        )
        if row is None:
            raise WrongClaim("there is no charger to be claimed with this code")
        if row.claim_failures >= MOST_FAILURES:
            raise Conflict("too many wrong codes: the charger needs a new one")
        if not is_claim(identity, code, row.claim_digest):
            failed = Change(
                "chargers",
                {"id": row.id},
                {"claim_failures": row.claim_failures + 1},
                {"claim_failures": row.claim_failures},
            )
            await self._decide(Decision((failed,)))
            raise WrongClaim("there is no charger to be claimed with this code")
        return row

    async def _owned(self, tenant_id: int | None, charger_id: int) -> Any:
        def read(connection: Connection) -> Any:
            charger = find_charger(connection, tenant_id, charger_id)
            if charger.tenant_id == PLATFORM:
                raise Conflict("the charger is nobody's")
            return _row_of(connection, chargers.c.id == charger_id)

        return await self.store.read(read)

    async def _move(
        self, row: Any, changed: dict[str, Any], tenant_id: int, entry: LogEntry
    ) -> None:
        """Change whose a charger is; no port of it may be taken."""
        expect = {"tenant_id": row.tenant_id, "claim_digest": row.claim_digest}
        change = Change("chargers", {"id": row.id}, changed, expect)
        await self._decide(
            Decision((*free_ports(row.id, row.port_count, tenant_id), change), (entry,))
        )

    async def _decide(self, decision: Decision) -> None:
        try:
            await self.store.writer.decide(decision)
        except Stale as stale:
            what = "it charges" if stale.table == ports.name else "it has just changed"
            raise Conflict(f"not now: {what}") from None
