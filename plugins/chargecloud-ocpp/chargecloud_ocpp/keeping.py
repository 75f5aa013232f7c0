"""What is kept of a charge point, in the database, as functions of a connection."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from chargecloud_ocpp.effects import Effect, Kind, Put
from chargecloud_ocpp.tables import LONGEST_NAME, kept

#: of one charge point and kind, cards apart
MOST_OF_A_KIND = 500
#: of one charge point: a list of cards has the most
MOST_ROWS = 10_000

Kept = Mapping[Kind, Mapping[str, Any]]


def keep(
    connection: Connection,
    tenant_id: int,
    charger_id: int,
    effects: Iterable[Effect],
    now: datetime,
) -> None:
    """Let things change, in order."""
    for effect in effects:
        its_kind = (kept.c.charger_id == charger_id) & (kept.c.kind == effect.kind.value)
        if isinstance(effect, Put):
            # what a charge point tells has names as long as it likes
            name = effect.name[:LONGEST_NAME]
            connection.execute(delete(kept).where(its_kind, kept.c.name == name))
            if effect.kind is not Kind.CARD:
                _make_room(connection, its_kind)
            row = {
                "charger_id": charger_id,
                "kind": effect.kind.value,
                "name": name,
                "tenant_id": tenant_id,
                "value": dict(effect.value),
                "changed_at": now,
            }
            connection.execute(insert(kept).values(row))
            continue
        found = select(kept.c.name, kept.c.value).where(its_kind)
        if effect.name is not None:
            found = found.where(kept.c.name == effect.name)
        gone = [row.name for row in connection.execute(found) if effect.fits(row.value)]
        for name in gone:
            connection.execute(delete(kept).where(its_kind, kept.c.name == name))


def _make_room(connection: Connection, its_kind: ColumnElement[bool]) -> None:
    """Forget the oldest of what is kept beyond its measure: whatever a charge point answers, and
    reservations that have run out."""
    oldest = select(kept.c.name).where(its_kind).order_by(kept.c.changed_at.desc())
    for row in connection.execute(oldest.offset(MOST_OF_A_KIND - 1)).all():
        connection.execute(delete(kept).where(its_kind, kept.c.name == row.name))


def find_kind(connection: Connection, charger_id: int, kind: Kind) -> Mapping[str, Any]:
    """What is kept of one kind, by name."""
    its_kind = (kept.c.charger_id == charger_id) & (kept.c.kind == kind.value)
    found = connection.execute(select(kept.c.name, kept.c.value).where(its_kind).limit(MOST_ROWS))
    return {row.name: row.value for row in found}


def find_kept(connection: Connection, charger_id: int) -> Kept:
    """All that is kept of a charge point, by kind and name."""
    found = (
        select(kept.c.kind, kept.c.name, kept.c.value)
        .where(kept.c.charger_id == charger_id)
        .order_by(kept.c.kind, kept.c.name)
        .limit(MOST_ROWS)
    )
    by_kind: dict[Kind, dict[str, Any]] = {kind: {} for kind in Kind}
    for row in connection.execute(found):
        by_kind[Kind(row.kind)][row.name] = row.value
    return by_kind
