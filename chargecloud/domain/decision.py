"""A decision: what is to be written, on which conditions, and what follows it.

Rules make decisions; only C{storage.writer} carries them out.  A decision is applied
whole or not at all: if a row that it expects is no longer as expected, nothing of it is
written and L{Stale} tells so; the one who decided looks again and decides anew.
"""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from chargecloud.domain.commands import Command
from chargecloud.domain.ledger import Post

#: plain values: int, str, bool, None, and for JSON columns lists and dicts of them
Row = Mapping[str, Any]


class Stale(Exception):
    """A guard missed: the world is not as it was when the decision was made.

    @ivar table: where; C{"accounts"} means that a balance would have fallen below its floor.
    """

    def __init__(self, table: str) -> None:
        super().__init__(f"a row of {table} is not as the decision expected it")
        self.table = table


@frozen
class Insert:
    """A new row; a row with the same key there already makes the decision stale."""

    table: str
    row: Row


@frozen
class Holds:
    """A row elsewhere that must be as said, and is left as it is."""

    table: str
    row: Row


@frozen
class Change:
    """Change exactly one row.

    @ivar key: columns that find the row.
    @ivar expect: columns that must hold these values still.
    @ivar holds: a row elsewhere that must hold too (the charger's epoch).
    """

    table: str
    key: Row
    row: Row
    expect: Row = field(factory=dict)
    holds: Holds | None = None


@frozen
class Together:
    """Writes of one decision to different rows, in no order: few statements for many rows."""

    writes: tuple[Insert | Change, ...]


@frozen
class LogEntry:
    """A fact for the event log, which features follow.  C{body} is plain JSON."""

    kind: str
    tenant_id: int
    body: Row
    charger_id: int | None = None
    order_id: int | None = None


@frozen
class Decision:
    """Writes that are applied together, the log entries that tell of them, and the
    commands to chargers that follow once they are committed."""

    writes: tuple[Insert | Change | Together | Post, ...] = ()
    log: tuple[LogEntry, ...] = ()
    commands: tuple[Command, ...] = ()

    def __add__(self, other: "Decision") -> "Decision":
        return Decision(
            self.writes + other.writes, self.log + other.log, self.commands + other.commands
        )
