"""Statements: what a party got by a settlement, order by order, as CSV and as XLSX.

Money is in yuan with two decimals and energy in kWh with three, in cells that are numbers.  What
people have named is text in every program that opens it: a text that a spreadsheet would take for
a formula (OWASP, "CSV injection") has an apostrophe before it in CSV, and is a text cell in XLSX.
Rows are written as they are read, into a file: a million orders take no more memory than one.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from enum import Enum
from itertools import chain
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import xlsxwriter
from attrs import define, frozen
from sqlalchemy import Connection, select

from chargecloud.domain.errors import Conflict, NotFound
from chargecloud.domain.split import CHANNEL, NOTHING
from chargecloud.domain.units import FEN_PER_UNIT
from chargecloud.money.settlement.month_card_shares import card_split_of
from chargecloud.money.settlement.parties import Party, find_parties
from chargecloud.money.settlement.settlements import Line, line_of, lines_of
from chargecloud.money.settlement.value import Settlement, SettlementState, settlement_of
from chargecloud.storage.schema import (
    card_splits,
    reimbursements,
    settlement_lines,
    settlements,
    sites,
)
from chargecloud.storage.store import Store

#: rows that are in memory at a time
PAGE = 1_000
#: of a sheet (ECMA-376); some of them are the heading and the sum
MOST_ROWS = 1_048_000
#: as Excel has no time zones, times are those of the site
_TIME = "%Y-%m-%d %H:%M:%S"

HEADING = (
    *("order", "site", "ended", "energy kWh", "electricity", "service", "occupancy"),
    *("channel fee of the order", "sum", "what"),
)
_NUMBERS = range(3, 9)
#: what a program takes for a formula, or for the end of a cell; also in the wide forms of Chinese
#: keyboards
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")

Cell = str | Decimal
Row = Sequence[Cell]


class Form(Enum):
    """What a statement is written as."""

    CSV = "csv"
    XLSX = "xlsx"


def harmless(text: str) -> str:
    """A text that is one in every spreadsheet."""
    return f"'{text}" if text.startswith(_FORMULA) else text


@frozen
class Statements:
    """The statements of all settlements."""

    store: Store

    async def write(
        self, tenant_id: int | None, settlement_id: int, party_id: int, form: Form
    ) -> BinaryIO:
        """
        A statement, in a file that is gone when it is closed.

        @raise NotFound: if the tenant has no such settlement or party.
        @raise Conflict: if the settlement is under way, or has more rows than a sheet.
        """
        return await self.store.read(
            lambda connection: _write(connection, tenant_id, settlement_id, party_id, form)
        )


def _write(
    connection: Connection, tenant_id: int | None, settlement_id: int, party_id: int, form: Form
) -> BinaryIO:
    found = connection.execute(select(settlements).where(settlements.c.id == settlement_id)).first()
    if found is None or tenant_id not in (None, found.tenant_id):
        raise NotFound(f"there is no settlement {settlement_id}")
    settlement = settlement_of(found)
    party = find_parties(connection, settlement.tenant_id).get(party_id)
    if party is None:
        raise NotFound(f"there is no party {party_id}")
    if settlement.state is not SettlementState.DONE:
        raise Conflict("the settlement is under way", state=settlement.state.value)
    if form is Form.XLSX and settlement.orders > MOST_ROWS:
        raise Conflict(f"a sheet has no room for {settlement.orders} orders; take the CSV")
    file: BinaryIO = TemporaryFile()  # noqa: SIM115
    try:
        _FORMS[form](file, _Statement(connection, settlement, party))
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


@define
class _Statement:
    connection: Connection
    settlement: Settlement
    party: Party

    def head(self) -> Sequence[tuple[str, str]]:
        """What it is about."""
        return (
            ("party", self.party.name),
            ("level", self.party.level.value),
            ("settlement", self.settlement.name),
            ("orders ended before", self.settlement.until_at.isoformat()),
        )

    def rows(self) -> Iterator[Row]:
        """The orders of which the party got something, or had to give it back; then electricity
        by master meters and what month cards have earned; then the sum."""
        places = {
            row.id: row
            for row in self.connection.execute(
                select(sites).where(sites.c.tenant_id == self.settlement.tenant_id)
            )
        }
        sums = [Decimal(0)] * len(HEADING)
        for row in chain(self._orders(places), self._electricity(places), self._cards(places)):
            for index in _NUMBERS:
                sums[index] += Decimal(row[index])
            yield row
        yield [each if index in _NUMBERS else "" for index, each in enumerate(sums)]

    def _orders(self, places: dict[int, Any]) -> Iterator[Row]:
        found = lines_of(self.settlement.id).order_by(settlement_lines.c.order_id)
        for row in self.connection.execute(found, execution_options={"yield_per": PAGE}):
            line = line_of(row)
            gains = _gains(line, self.party.id)
            if not any(gains):
                continue
            place = places[line.site_id]
            ended = line.ended_at.astimezone(ZoneInfo(place.time_zone)).strftime(_TIME)
            energy = Decimal(line.energy_mwh // 1_000) / 1_000
            yield (
                *(str(line.order_id), place.name, ended, energy, *map(_yuan, gains)),
                _yuan(sum(_gains(line, CHANNEL))),
                _yuan(sum(gains)),
                "again, as its bill has changed" if line.before else "order",
            )

    def _electricity(self, places: dict[int, Any]) -> Iterator[Row]:
        found = select(reimbursements).where(reimbursements.c.settlement_id == self.settlement.id)
        for row in self.connection.execute(found):
            sign = {row.party_id: 1, row.payer_id: -1}.get(self.party.id)
            if sign is None:
                continue
            place = places[row.site_id]
            until = row.until_at.astimezone(ZoneInfo(place.time_zone)).strftime(_TIME)
            lost = Decimal((row.metered_mwh - row.charged_mwh) // 1_000) / 1_000
            fen = sign * row.amount_fen
            yield (
                *("", place.name, until, Decimal(row.metered_mwh // 1_000) / 1_000),
                *(_yuan(fen), Decimal(0), Decimal(0), Decimal(0), _yuan(fen)),
                f"electricity by the master meter; {lost} kWh were lost",
            )

    def _cards(self, places: dict[int, Any]) -> Iterator[Row]:
        found = select(card_splits).where(card_splits.c.settlement_id == self.settlement.id)
        for split in map(card_split_of, self.connection.execute(found)):
            gains = split.parts.get(self.party.id)
            if gains is None:
                continue
            place = places[split.site_id]
            until = self.settlement.until_at.astimezone(ZoneInfo(place.time_zone))
            yield (
                *("", place.name, until.strftime(_TIME), Decimal(0), *map(_yuan, gains)),
                _yuan(sum(split.parts.get(CHANNEL, NOTHING))),
                _yuan(sum(gains)),
                "what month cards have earned",
            )


def _gains(line: Line, party_id: int) -> Sequence[int]:
    after, before = line.parts.get(party_id, NOTHING), line.before.get(party_id, NOTHING)
    return [will - was for will, was in zip(after, before, strict=True)]


def _yuan(fen: int) -> Decimal:
    return Decimal(fen) / FEN_PER_UNIT


def _write_csv(file: BinaryIO, statement: _Statement) -> None:
    # a mark of its encoding, without which Excel takes UTF-8 for something else
    text = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=True)
    table = csv.writer(text)
    for name, value in statement.head():
        table.writerow([name, harmless(value)])
    table.writerow(HEADING)
    for row in statement.rows():
        table.writerow(
            [
                _decimals(index, cell) if isinstance(cell, Decimal) else harmless(cell)
                for index, cell in enumerate(row)
            ]
        )
    text.flush()
    text.detach()


def _decimals(index: int, number: Decimal) -> str:
    return f"{number:.3f}" if index == _NUMBERS.start else f"{number:.2f}"


def _write_xlsx(file: BinaryIO, statement: _Statement) -> None:
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet("statement")
    forms = [book.add_format({"num_format": each}) for each in ("0.000", "0.00")]
    count = 0
    for name, value in statement.head():
        sheet.write_string(count, 0, name)
        sheet.write_string(count, 1, value)
        count += 1
    for column, name in enumerate(HEADING):
        sheet.write_string(count, column, name)
    for row in statement.rows():
        count += 1
        for column, cell in enumerate(row):
            if isinstance(cell, Decimal):
                form = forms[column != _NUMBERS.start]
                sheet.write_number(count, column, float(cell), form)
            else:
                sheet.write_string(count, column, cell)
    book.close()


_FORMS: dict[Form, Callable[[BinaryIO, _Statement], None]] = {
    Form.CSV: _write_csv,
    Form.XLSX: _write_xlsx,
}
