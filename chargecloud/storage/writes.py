"""Carries out decisions on a connection: many at once, as few statements as possible.

The writes of many decisions are taken in rounds (the first write of each, then the
second of each …), so that the writes of one decision keep their order; within a round
all writes of one form are one C{executemany}.
"""

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any

from attrs import define, field
from sqlalchemy import Connection, bindparam, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from chargecloud.domain.decision import Change, Decision, Insert, Row, Stale
from chargecloud.domain.ledger import Account, Post
from chargecloud.storage.schema import accounts, event_log, metadata, postings


@define
class _Batch:
    """One statement with the values to run it with."""

    table: str
    statement: Any
    values: list[dict[str, Any]] = field(factory=list)
    #: whether each value must change exactly one row
    guarded: bool = True


@define
class Writes:
    """
    @ivar _statements: each form of write is compiled once.
    """

    _statements: dict[Hashable, Any] = field(factory=dict, init=False)

    def apply(self, connection: Connection, decisions: Sequence[Decision], posted: "Stamp") -> None:
        """
        Write all of the decisions, without their log entries.

        @raise Stale: if a guard of any of them missed; the caller rolls back.
        """
        round_number = 0
        while batches := self._round(decisions, round_number, posted):
            for batch in batches:
                _execute(connection, batch)
            round_number += 1

    def _round(
        self, decisions: Sequence[Decision], number: int, posted: "Stamp"
    ) -> Iterable[_Batch]:
        batches: dict[Hashable, _Batch] = {}
        for decision in decisions:
            if number >= len(decision.writes):
                continue
            write = decision.writes[number]
            if isinstance(write, Insert):
                self._insert(batches, write.table, write.row)
            elif isinstance(write, Change):
                self._change(batches, write)
            else:
                self._insert(batches, postings.name, posted.row(write))
                self._move(batches, write.debit, -write.amount_fen)
                self._move(batches, write.credit, write.amount_fen)
        return batches.values()

    def _insert(self, batches: dict[Hashable, _Batch], table: str, row: Row) -> None:
        form = ("insert", table, tuple(row))
        if form not in self._statements:
            self._statements[form] = insert(metadata.tables[table])
        batch = batches.setdefault(form, _Batch(table, self._statements[form], guarded=False))
        batch.values.append(dict(row))

    def _change(self, batches: dict[Hashable, _Batch], write: Change) -> None:
        # an expectation of nothing has a form of its own: "= NULL" is never true in SQL
        absent = tuple(name for name, value in write.expect.items() if value is None)
        holds = (write.holds.table, tuple(write.holds.row)) if write.holds else None
        form = (write.table, tuple(write.key), tuple(write.row), tuple(write.expect), absent, holds)
        if form not in self._statements:
            self._statements[form] = _update_statement(write, absent)
        batch = batches.setdefault(form, _Batch(write.table, self._statements[form]))
        batch.values.append(
            {f"key_{name}": value for name, value in write.key.items()}
            | {f"new_{name}": value for name, value in write.row.items()}
            | {f"old_{name}": value for name, value in write.expect.items() if value is not None}
            | {
                f"holds_{name}": value
                for name, value in (write.holds.row if write.holds else {}).items()
            }
        )

    def _move(self, batches: dict[Hashable, _Batch], account: Account, amount_fen: int) -> None:
        if not account.guarded:
            return
        form = "move"
        if form not in self._statements:
            self._statements[form] = _move_statement()
        batch = batches.setdefault(form, _Batch(accounts.name, self._statements[form]))
        batch.values.append(
            {
                "of_tenant_id": account.tenant_id,
                "of_kind": account.kind,
                "of_owner_id": account.owner_id,
                "amount_fen": amount_fen,
            }
        )


@define
class Stamp:
    """Gives postings and log entries what only the writer knows: id, time, place."""

    node: int
    seq: int
    at: datetime
    new_id: Any

    def row(self, post: Post) -> Row:
        """The row of a posting."""
        return {
            "id": self.new_id(),
            "tenant_id": post.debit.tenant_id,
            "at": self.at,
            "debit_kind": post.debit.kind,
            "debit_owner_id": post.debit.owner_id,
            "credit_kind": post.credit.kind,
            "credit_owner_id": post.credit.owner_id,
            "amount_fen": post.amount_fen,
            "cause": post.cause,
            "reference_id": post.reference_id,
        }

    def append_log(self, connection: Connection, decisions: Sequence[Decision]) -> None:
        """Append the log entries of the decisions, in their order."""
        rows = []
        for decision in decisions:
            for entry in decision.log:
                self.seq += 1
                rows.append(
                    {
                        "node": self.node,
                        "seq": self.seq,
                        "at": self.at,
                        "kind": entry.kind,
                        "tenant_id": entry.tenant_id,
                        "charger_id": entry.charger_id,
                        "order_id": entry.order_id,
                        "body": dict(entry.body),
                    }
                )
        if rows:
            connection.execute(insert(event_log), rows)


def _execute(connection: Connection, batch: _Batch) -> None:
    try:
        result = connection.execute(batch.statement, batch.values)
    except IntegrityError as error:
        raise Stale(batch.table) from error
    if batch.guarded and result.rowcount != len(batch.values):
        raise Stale(batch.table)


def _update_statement(write: Change, absent: Sequence[str]) -> Any:
    table = metadata.tables[write.table]
    conditions = [table.c[name] == bindparam(f"key_{name}") for name in write.key]
    conditions += [
        table.c[name].is_(None) if name in absent else table.c[name] == bindparam(f"old_{name}")
        for name in write.expect
    ]
    if write.holds:
        other = metadata.tables[write.holds.table]
        matches = [other.c[name] == bindparam(f"holds_{name}") for name in write.holds.row]
        conditions.append(exists(select(1).where(*matches)))
    return (
        update(table)
        .where(*conditions)
        .values({name: bindparam(f"new_{name}") for name in write.row})
    )


def _move_statement() -> Any:
    after = accounts.c.balance_fen + bindparam("amount_fen")
    return (
        update(accounts)
        .where(
            accounts.c.tenant_id == bindparam("of_tenant_id"),
            accounts.c.kind == bindparam("of_kind"),
            accounts.c.owner_id == bindparam("of_owner_id"),
            after >= 0,
        )
        .values(balance_fen=after)
    )
