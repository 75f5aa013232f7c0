"""Records that a person has to look at: written down once, however often they are sent."""

from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import Any

from attrs import asdict
from sqlalchemy import Connection, Table, select

from chargecloud.domain.decision import Decision, Insert, LogEntry, Row, Stale
from chargecloud.domain.events import ChargeEnded, ChargeStarted
from chargecloud.storage.store import Store


def _plain(_instance: object, _attribute: object, value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else value


def plain_record(event: ChargeStarted | ChargeEnded) -> Row:
    """A record as it was told, in plain values."""
    kind = "ended" if isinstance(event, ChargeEnded) else "started"
    return {"kind": kind} | asdict(event, value_serializer=_plain)


def digest_of(event: ChargeStarted | ChargeEnded) -> str:
    """Equal records have equal digests."""
    return sha256(repr(event).encode()).hexdigest()


class Full(Exception):
    """So many records wait for a person that no more are taken."""


async def keep_once(
    store: Store, table: Table, row: Row, key: str, entry: LogEntry, most: int
) -> bool:
    """
    Write a record down, with an entry of the log.

    @param key: the column that is unique together with C{digest}.
    @param most: how many of one key may wait for a person: firmware that tells a new story
        each time is not to fill the disk.
    @return: whether it is new.
    @raise Full: if so many wait already, and this is none of them.
    """
    if not await store.read(lambda connection: _has_room(connection, table, row, key, most)):
        raise Full(f"{most} records of {key} {row[key]} wait for a person")
    try:
        await store.writer.decide(Decision((Insert(table.name, row),), (entry,)))
    except Stale:
        # this very record is kept already, unless it was only its id that was taken
        if not await store.read(lambda connection: _is_kept(connection, table, row, key)):
            raise
        return False
    return True


def _has_room(connection: Connection, table: Table, row: Row, key: str, most: int) -> bool:
    waiting = (
        select(table.c.id)
        .where(table.c[key] == row[key], table.c.resolved_at.is_(None))
        .limit(most)
    )
    if len(connection.execute(waiting).all()) < most:
        return True
    return _is_kept(connection, table, row, key)


def _is_kept(connection: Connection, table: Table, row: Row, key: str) -> bool:
    found = select(table.c.id).where(table.c[key] == row[key], table.c.digest == row["digest"])
    return connection.execute(found).first() is not None
