"""Parties: who gets parts of what an operator earns."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import asdict, frozen
from sqlalchemy import Connection, select

from chargecloud.calendar import Calendar
from chargecloud.domain.channel import Receiver, ReceiverKind
from chargecloud.domain.decision import Decision, Insert, LogEntry, Row, Stale
from chargecloud.domain.errors import Conflict, NotFound
from chargecloud.domain.ledger import Account
from chargecloud.domain.split import Level
from chargecloud.storage.once import RequestKey, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import parties
from chargecloud.storage.store import Store


@frozen(kw_only=True)
class Party:
    """
    Somebody with an account for their share.

    @ivar receivers: what they are known by at payment channels, by the channels' names.
    """

    id: int
    tenant_id: int
    level: Level
    name: str
    receivers: Mapping[str, Receiver]
    created_at: datetime

    @property
    def account(self) -> Account:
        """What they got by revenue split and were not given yet."""
        return share_account(self.tenant_id, self.level, self.id)


def share_account(tenant_id: int, level: Level, party_id: int) -> Account:
    """The account of a party."""
    return Account(tenant_id, f"{level.value}_share", party_id)


def receiver_row(receiver: Receiver) -> Row:
    """A receiver in plain values."""
    return {"kind": receiver.kind.value, "account": receiver.account, "name": receiver.name}


def receiver_of(row: Row) -> Receiver:
    """The receiver that L{receiver_row} has written."""
    return Receiver(ReceiverKind(row["kind"]), row["account"], row["name"])


def party_of(row: Any) -> Party:
    """The party of a row."""
    values = dict(row._mapping)
    values["level"] = Level(values["level"])
    values["receivers"] = {name: receiver_of(each) for name, each in values["receivers"].items()}
    return Party(**values)


def find_parties(connection: Connection, tenant_id: int) -> dict[int, Party]:
    """All of a tenant, by id."""
    found = select(parties).where(parties.c.tenant_id == tenant_id)
    return {row.id: party_of(row) for row in connection.execute(found)}


def has_receivers(connection: Connection, tenant_id: int, channel: str) -> bool:
    """Whether any party of a tenant has an account at a channel, so that it may split payments."""
    found = select(parties.c.receivers).where(parties.c.tenant_id == tenant_id)
    return any(channel in receivers for receivers in connection.execute(found).scalars())


@frozen
class Parties:
    """The parties of all tenants.  None is ever deleted, as their accounts are not."""

    store: Store
    calendar: Calendar

    async def create(
        self,
        request: RequestKey | None,
        tenant_id: int,
        level: Level,
        name: str,
        receivers: Mapping[str, Receiver],
    ) -> Party:
        """
        Make one known.

        @raise Conflict: if another one has an account of theirs: what a channel tells of the
            account would be told of both.
        """
        party = Party(
            id=self.store.ids.next(),
            tenant_id=tenant_id,
            level=level,
            name=name,
            receivers=receivers,
            created_at=self.calendar.now(),
        )
        row = asdict(party, recurse=False) | {
            "level": level.value,
            "receivers": {channel: receiver_row(each) for channel, each in receivers.items()},
        }
        accounts = tuple(
            Insert(
                "party_receivers",
                {
                    "tenant_id": tenant_id,
                    "channel": channel,
                    "account": each.account,
                    "party_id": party.id,
                },
            )
            for channel, each in receivers.items()
        )
        entry = LogEntry("party.created", tenant_id, {"party_id": str(party.id), "name": name})
        decision = Decision((Insert("parties", row), *accounts), (entry,))
        try:
            made = await once(self.store, request, party.id, decision)
        except Stale:
            raise Conflict("another party has this account at the channel") from None
        return await self.get(tenant_id, made.resource_id)

    async def get(self, tenant_id: int | None, party_id: int) -> Party:
        """
        @raise NotFound: if the tenant has no such party.
        """
        query = _of(tenant_id).where(parties.c.id == party_id)
        row = await self.store.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(f"there is no party {party_id}")
        return party_of(row)

    async def unknown(self, tenant_id: int, ids: Collection[int]) -> Collection[int]:
        """Those of some ids that are no parties of a tenant."""
        query = select(parties.c.id).where(parties.c.tenant_id == tenant_id, parties.c.id.in_(ids))
        known = await self.store.read(lambda connection: set(connection.execute(query).scalars()))
        return sorted(set(ids) - known)

    async def list(
        self, tenant_id: int | None, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Party], str | None]:
        """A page of them, and the cursor of the next."""
        return await self.store.read(
            lambda connection: read_page(
                connection, _of(tenant_id), parties.c.id, party_of, limit=limit, cursor=cursor
            )
        )


def _of(tenant_id: int | None) -> Any:
    found = select(parties)
    return found if tenant_id is None else found.where(parties.c.tenant_id == tenant_id)
