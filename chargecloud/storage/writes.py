"""Carries out decisions on a connection: many at once, as few statements as possible.

The writes of many decisions are taken in rounds (the first write of each, then the
second of each …), so that the writes of one decision keep their order; within a round
all writes of one form are one write of many rows (L{chargecloud.storage.many}).
"""

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any

from attrs import define, field
from sqlalchemy import Connection, Dialect, exists, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from chargecloud.domain.decision import Change, Decision, Insert, Row, Stale, Together
from chargecloud.domain.ledger import Account, Post
from chargecloud.domain.order_rows import instant_ms
from chargecloud.storage.chains import Growing
from chargecloud.storage.many import Given, Many, changing, inserting
from chargecloud.storage.schema import accounts, event_log, metadata, postings


@define
class _Batch:
    """One statement with the values to run it with."""

    table: str
    statement: Many
    values: list[Row] = field(factory=list)
    #: whether each value must change exactly one row
    guarded: bool = True


@define
class Writes:
    """
    @ivar dialect: of the database.
    @ivar _statements: each form of write is compiled once.
    @ivar _names: what the values of a form are called in its statement.
    """

    dialect: Dialect
    _statements: dict[Hashable, Many] = field(factory=dict, init=False)
    _names: dict[Hashable, Sequence[str]] = field(factory=dict, init=False)

    def apply(self, connection: Connection, decisions: Sequence[Decision], posted: "Stamp") -> None:
        """
        Write all of the decisions, and append their log entries.

        @raise ChainMoved: if another process writes as this node.
        @raise Stale: if a guard of any of them missed; the caller rolls back.
        """
        rounds: list[Iterable[_Batch]] = []
        while batches := self._round(connection, decisions, len(rounds), posted):
            rounds.append(batches)
        # the ends of the chains first: their rows keep everybody else away from them
        posted.chains.write(connection)
        for batches in rounds:
            for batch in batches:
                _execute(connection, batch)
        entries: dict[Hashable, _Batch] = {}
        for row in posted.log_rows(decisions):
            self._insert(entries, event_log.name, row)
        for batch in entries.values():
            batch.statement.run(connection, batch.values)

    def _round(
        self,
        connection: Connection,
        decisions: Sequence[Decision],
        number: int,
        posted: "Stamp",
    ) -> Iterable[_Batch]:
        batches: dict[Hashable, _Batch] = {}
        for decision in decisions:
            if number >= len(decision.writes):
                continue
            write = decision.writes[number]
            if isinstance(write, Together):
                for each in write.writes:
                    self._row(batches, each)
            elif isinstance(write, Insert | Change):
                self._row(batches, write)
            else:
                self._insert(batches, postings.name, posted.row(connection, write))
                self._move(batches, write.debit, -write.amount_fen)
                self._move(batches, write.credit, write.amount_fen)
        return batches.values()

    def _row(self, batches: dict[Hashable, _Batch], write: Insert | Change) -> None:
        if isinstance(write, Insert):
            self._insert(batches, write.table, write.row)
        else:
            self._change(batches, write)

    def _insert(self, batches: dict[Hashable, _Batch], table: str, row: Row) -> None:
        form = ("insert", table, tuple(row))
        if form not in self._statements:
            columns = metadata.tables[table]
            self._statements[form] = inserting(self.dialect, columns, tuple(row))
        batch = batches.get(form)
        if batch is None:
            batch = batches[form] = _Batch(table, self._statements[form], guarded=False)
        batch.values.append(row)

    def _change(self, batches: dict[Hashable, _Batch], write: Change) -> None:
        # an expectation of nothing has a form of its own: "= NULL" is never true in SQL
        absent = tuple(name for name, value in write.expect.items() if value is None)
        holds = (write.holds.table, tuple(write.holds.row)) if write.holds else None
        form = (write.table, tuple(write.key), tuple(write.row), tuple(write.expect), absent, holds)
        if form not in self._statements:
            self._statements[form] = _update_statement(self.dialect, write, absent)
            self._names[form] = _names(write, absent)
        batch = batches.get(form)
        if batch is None:
            batch = batches[form] = _Batch(write.table, self._statements[form])
        values = [*write.key.values(), *write.row.values()]
        values += [value for value in write.expect.values() if value is not None]
        if write.holds:
            values += write.holds.row.values()
        batch.values.append(dict(zip(self._names[form], values, strict=True)))

    def _move(self, batches: dict[Hashable, _Batch], account: Account, amount_fen: int) -> None:
        if not account.guarded:
            return
        form = "move"
        if form not in self._statements:
            self._statements[form] = _move_statement(self.dialect)
        batch = batches.get(form)
        if batch is None:
            batch = batches[form] = _Batch(accounts.name, self._statements[form])
        batch.values.append(
            {
                "of_tenant_id": account.tenant_id,
                "of_kind": account.kind,
                "of_owner_id": account.owner_id,
                "amount_fen": account.sign * amount_fen,
            }
        )


@define
class Stamp:
    """Gives postings and log entries what only the writer knows: id, time, place."""

    node: int
    seq: int
    at: datetime
    new_id: Any
    chains: Growing
    _at_ms: int = field(init=False)

    @_at_ms.default
    def _ms(self) -> int:
        return instant_ms(self.at)

    def mark(self) -> "tuple[int, Growing]":
        """What it has given so far."""
        return self.seq, self.chains.copy()

    def rewind(self, mark: "tuple[int, Growing]") -> None:
        """What was given since was given in vain, and is given again."""
        self.seq, self.chains = mark[0], mark[1].copy()

    def row(self, connection: Connection, post: Post) -> Row:
        """The row of a posting."""
        posting_id = self.new_id()
        return {
            "id": posting_id,
            "tenant_id": post.debit.tenant_id,
            "at": self.at,
            "debit_kind": post.debit.kind,
            "debit_owner_id": post.debit.owner_id,
            "credit_kind": post.credit.kind,
            "credit_owner_id": post.credit.owner_id,
            "amount_fen": post.amount_fen,
            "cause": post.cause,
            "reference_id": post.reference_id,
            **self.chains.append(connection, post, posting_id, self._at_ms),
        }

    def log_rows(self, decisions: Sequence[Decision]) -> Sequence[Row]:
        """The rows of the log entries of the decisions, in their order."""
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
        return rows


def _execute(connection: Connection, batch: _Batch) -> None:
    try:
        found = batch.statement.run(connection, batch.values)
    except IntegrityError as error:
        raise Stale(batch.table) from error
    if batch.guarded and found != len(batch.values):
        raise Stale(batch.table)


def _names(write: Change, absent: Sequence[str]) -> Sequence[str]:
    """What the values of a change are called in its statement."""
    return (
        *(f"key_{name}" for name in write.key),
        *(f"new_{name}" for name in write.row),
        *(f"old_{name}" for name in write.expect if name not in absent),
        *(f"holds_{name}" for name in (write.holds.row if write.holds else ())),
    )


def _update_statement(dialect: Dialect, write: Change, absent: Sequence[str]) -> Many:
    table = metadata.tables[write.table]
    columns = {f"key_{name}": table.c[name] for name in write.key}
    columns |= {f"new_{name}": table.c[name] for name in write.row}
    columns |= {f"old_{name}": table.c[name] for name in write.expect if name not in absent}
    if write.holds:
        other = metadata.tables[write.holds.table]
        columns |= {f"holds_{name}": other.c[name] for name in write.holds.row}

    def build(given: Given) -> Any:
        conditions = [table.c[name] == given(f"key_{name}") for name in write.key]
        conditions += [
            table.c[name].is_(None) if name in absent else table.c[name] == given(f"old_{name}")
            for name in write.expect
        ]
        if write.holds:
            matches = [other.c[name] == given(f"holds_{name}") for name in write.holds.row]
            # whoever changes that row waits until this is committed, or this waits for them
            held = select(1).select_from(other).where(*matches).with_for_update(read=True)
            conditions.append(exists(held))
        return (
            update(table)
            .where(*conditions)
            .values({name: given(f"new_{name}") for name in write.row})
        )

    return changing(dialect, columns, [f"key_{name}" for name in write.key], build)


def _move_statement(dialect: Dialect) -> Many:
    key = {
        "of_tenant_id": accounts.c.tenant_id,
        "of_kind": accounts.c.kind,
        "of_owner_id": accounts.c.owner_id,
    }

    def build(given: Given) -> Any:
        after = accounts.c.balance_fen + given("amount_fen")
        of_account = [column == given(name) for name, column in key.items()]
        return (
            update(accounts)
            .where(*of_account, after >= literal_column("0"))
            .values(balance_fen=after)
        )

    return changing(dialect, {**key, "amount_fen": accounts.c.balance_fen}, tuple(key), build)
