"""A decision: what is to be written, on which conditions, and what follows it.

Rules make decisions; only C{storage.writer} carries them out.  A decision is applied
whole or not at all: if a row that it expects is no longer as expected, nothing of it is
written and L{Stale} tells so; the one who decided looks again and decides anew.
"""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from chargecloud.domain.commands import Command

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
class Account:
    """An account of the ledger by its owner: C{("wallet", customer_id)}.

    Customers' accounts (C{wallet}, C{held}) have a floor of zero which the database
    guards; the platform's own accounts have none.
    """

    tenant_id: int
    kind: str
    owner_id: int = 0

    #: kinds whose balance may not fall below zero
    GUARDED = frozenset({"wallet", "held"})

    @property
    def guarded(self) -> bool:
        """Whether the database keeps this account from falling below zero."""
        return self.kind in self.GUARDED


@frozen
class Post:
    """Money moves from one account (debited) to another (credited); never negative.

    @ivar cause: what moved it: C{"top_up"}, C{"hold"}, C{"capture"}, C{"release"} …
    @ivar reference_id: the order (or the request) that it belongs to.
    """

    debit: Account
    credit: Account
    amount_fen: int
    cause: str
    reference_id: int

    def __attrs_post_init__(self) -> None:
        if self.amount_fen <= 0:
            raise ValueError(f"a posting of {self.amount_fen} fen moves no money")


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

    writes: tuple[Insert | Change | Post, ...] = ()
    log: tuple[LogEntry, ...] = ()
    commands: tuple[Command, ...] = ()

    def __add__(self, other: "Decision") -> "Decision":
        return Decision(
            self.writes + other.writes, self.log + other.log, self.commands + other.commands
        )
