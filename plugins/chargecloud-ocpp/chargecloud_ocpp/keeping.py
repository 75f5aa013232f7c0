"""What is kept of a charge point, in the database, as functions of a connection."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from chargecloud.domain.errors import Invalid
from chargecloud_ocpp.effects import Effect, Kind, Put, Remove, Values
from chargecloud_ocpp.tables import LONGEST_NAME, kept

#: of one charge point: the cards of its local list, and of any other kind
MOST_CARDS = 10_000
MOST_OF_A_KIND = 500
#: names in one statement: SQLite takes about a thousand variables where it is old
NAMES_AT_ONCE = 500

Kept = Mapping[Kind, Mapping[str, Any]]


def most_of(kind: Kind) -> int:
    """How many of a kind are kept of one charge point."""
    return MOST_CARDS if kind is Kind.CARD else MOST_OF_A_KIND


def keep(
    connection: Connection,
    tenant_id: int,
    charger_id: int,
    effects: Iterable[Effect],
    now: datetime,
) -> None:
    """Let things change, in order; those of a kind that come together at once, as a list may
    have thousands of cards and nobody else writes meanwhile."""
    for kind, group in groupby(effects, key=lambda effect: effect.kind):
        its_kind = (kept.c.charger_id == charger_id) & (kept.c.kind == kind.value)
        gone, put = _changed(connection, its_kind, list(group))
        _delete(connection, its_kind, sorted(gone | put.keys()))
        if kind is not Kind.CARD:
            _make_room(connection, its_kind, MOST_OF_A_KIND - len(put))
        rows = [
            {
                "charger_id": charger_id,
                "kind": kind.value,
                "name": name,
                "tenant_id": tenant_id,
                "value": dict(value),
                "changed_at": now,
            }
            for name, value in put.items()
        ]
        if rows:
            connection.execute(insert(kept), rows)


def _changed(
    connection: Connection, its_kind: ColumnElement[bool], effects: Sequence[Effect]
) -> tuple[set[str], dict[str, Values]]:
    """What is there no more, and what is there anew, after changes of one kind."""
    there: dict[str, Values] = {}
    if any(isinstance(effect, Remove) for effect in effects):
        found = select(kept.c.name, kept.c.value).where(its_kind)
        there = {row.name: row.value for row in connection.execute(found)}
    gone: set[str] = set()
    put: dict[str, Values] = {}
    for effect in effects:
        if isinstance(effect, Put):
            # what a charge point tells has names as long as it likes
            name = effect.name[:LONGEST_NAME]
            there[name] = put[name] = effect.value
            continue
        named = list(there) if effect.name is None else [effect.name]
        for name in named:
            if name in there and effect.fits(there[name]):
                gone.add(name)
                put.pop(name, None)
                del there[name]
    return gone, put


def _delete(connection: Connection, its_kind: ColumnElement[bool], names: Sequence[str]) -> None:
    for begin in range(0, len(names), NAMES_AT_ONCE):
        some = kept.c.name.in_(names[begin : begin + NAMES_AT_ONCE])
        connection.execute(delete(kept).where(its_kind, some))


def _make_room(connection: Connection, its_kind: ColumnElement[bool], room: int) -> None:
    """Forget the oldest of what is kept beyond its measure: whatever a charge point answers, and
    reservations that have run out."""
    oldest = select(kept.c.name).where(its_kind).order_by(kept.c.changed_at.desc())
    _delete(connection, its_kind, connection.execute(oldest.offset(room)).scalars().all())


def find_kind(connection: Connection, charger_id: int, kind: Kind) -> Mapping[str, Any]:
    """What is kept of one kind, by name."""
    found = (
        select(kept.c.name, kept.c.value)
        .where(kept.c.charger_id == charger_id, kept.c.kind == kind.value)
        .order_by(kept.c.name)
        .limit(most_of(kind))
    )
    return {row.name: row.value for row in connection.execute(found)}


def find_kept(connection: Connection, charger_id: int) -> Kept:
    """All that is kept of a charge point, by kind and name."""
    return {kind: find_kind(connection, charger_id, kind) for kind in Kind}


def check_room(connection: Connection, charger_id: int, effects: Iterable[Effect]) -> None:
    """
    Before a charge point is told of more cards.

    @raise Invalid: if it would have more than are kept.
    """
    cards = [effect for effect in effects if effect.kind is Kind.CARD]
    if not cards:
        return
    its_cards = (kept.c.charger_id == charger_id) & (kept.c.kind == Kind.CARD.value)
    gone, put = _changed(connection, its_cards, cards)
    found = connection.execute(select(kept.c.name).where(its_cards)).scalars()
    count = len(set(found) - gone | put.keys())
    if put and count > MOST_CARDS:
        what = f"a local list has {MOST_CARDS} cards at the most: it would have {count}"
        raise Invalid(what, errors=[{"pointer": "/payload/localAuthorizationList", "detail": what}])
