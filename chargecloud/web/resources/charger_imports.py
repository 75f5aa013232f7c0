"""C{/chargers/import}: many chargers from a table, each line with its own report."""

import csv
from collections.abc import Iterator
from enum import Enum
from io import StringIO
from typing import Any

import attrs
from attrs import frozen

from chargecloud.domain.errors import Invalid, Refusal
from chargecloud.domain.fields import choice, text, whole
from chargecloud.registry.chargers import Chargers
from chargecloud.registry.sites import Sites
from chargecloud.routes import Call, Id, Method, Route
from chargecloud.web.converters import query_converter
from chargecloud.web.reading import body_reader
from chargecloud.web.resources.chargers import NewCharger
from chargecloud.web.resources.shared import part_of, request_key

COLUMNS = tuple(each.name for each in attrs.fields(NewCharger))
NEEDED = tuple(each.name for each in attrs.fields(NewCharger) if each.default is attrs.NOTHING)
#: of one table: what a body has room for, and some seconds of work
MOST_LINES = 5_000


class LineState(Enum):
    """What became of a line."""

    CREATED = "created"
    #: it would be created: nothing is written in a rehearsal
    FIT = "fit"
    REFUSED = "refused"


@frozen(kw_only=True)
class LineFault:
    """What is wrong with a line."""

    column: str | None = text("where; null for all of it")
    detail: str = text("what")


@frozen(kw_only=True)
class LineReport:
    """What became of a line of the table."""

    line: int = whole("its number in the text, with the heading as 1")
    identity: str | None = text("what the charger calls itself")
    state: LineState = choice("what became of it")
    id: Id | None = choice("of the charger that was made")
    key: str | None = text("its key in hexadecimal: shown here and not again")
    problem: str | None = text("the type of the problem, as it would be alone")
    errors: tuple[LineFault, ...] = choice("what is wrong")


@frozen(kw_only=True)
class ImportReport:
    """What became of a table."""

    created: int = whole("lines that made a charger, or would")
    refused: int = whole("lines that did not")
    lines: tuple[LineReport, ...] = choice("each of them, in their order")


@frozen(kw_only=True)
class ImportQuery:
    """How a table is taken."""

    rehearse: bool = choice("only say what would become of it", default=False)


@frozen
class _Line:
    number: int
    values: dict[str, str]


def read_table(table: str) -> Iterator[_Line]:
    """
    The lines of a table with a heading; empty cells and empty lines are left out.

    @raise Invalid: for a heading that lacks a column or has one that is not known, for
        text that is no CSV, and for too many lines.
    """
    reader = csv.reader(StringIO(table, newline=""), strict=True)
    try:
        heading = [name.strip() for name in next(reader, [])]
        _check_heading(heading)
        lines = 0
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            lines += 1
            if lines > MOST_LINES:
                raise Invalid(f"a table may have {MOST_LINES} lines")
            yield _Line(reader.line_num, _values(heading, cells))
    except csv.Error as error:
        raise Invalid(f"line {reader.line_num} is not CSV: {error}") from error


def _check_heading(heading: list[str]) -> None:
    faults = [
        f"{name!r} is none of {', '.join(COLUMNS)}" for name in heading if name not in COLUMNS
    ]
    faults += [f"the column {name} is missing" for name in NEEDED if name not in heading]
    faults += [
        f"the column {name} is there twice" for name in set(heading) if heading.count(name) > 1
    ]
    if faults:
        errors = [{"pointer": "/1", "detail": fault} for fault in sorted(faults)]
        raise Invalid("the heading of the table is not right", errors=errors)


def _values(heading: list[str], cells: list[str]) -> dict[str, str]:
    values = {
        name: cell.strip() for name, cell in zip(heading, cells, strict=False) if cell.strip()
    }
    if len(cells) > len(heading):
        values["…"] = "".join(cells[len(heading) :])
    return values


def _faults(refusal: Refusal) -> Iterator[LineFault]:
    found: Any = refusal.facts.get("errors", ())
    for each in found:
        yield LineFault(column=each["pointer"].strip("/") or None, detail=each["detail"])
    if not found:
        yield LineFault(column=None, detail=refusal.detail)


def routes(chargers: Chargers, sites: Sites) -> list[Route]:
    """The route of the import."""
    read_line = body_reader(query_converter(), NewCharger)

    async def take(call: Call) -> ImportReport:
        seen: dict[tuple[str, str], int] = {}
        lines = [await report(call, line, seen) for line in list(read_table(call.body))]
        refused = sum(line.state is LineState.REFUSED for line in lines)
        return ImportReport(created=len(lines) - refused, refused=refused, lines=tuple(lines))

    async def report(call: Call, line: _Line, seen: dict[tuple[str, str], int]) -> LineReport:
        shown: dict[str, Any] = {"id": None, "key": None, "problem": None, "errors": ()}
        shown |= {"line": line.number, "identity": line.values.get("identity")}
        try:
            new: NewCharger = read_line(line.values)
            first = seen.setdefault((new.dialect, new.identity), line.number)
            if first != line.number:
                raise Invalid(f"line {first} has the same charger")
            shown |= await make(call, line, new)
        except Refusal as refusal:
            shown["state"] = LineState.REFUSED
            shown["problem"] = f"/problems/{refusal.code}"
            shown["errors"] = tuple(_faults(refusal))
        return LineReport(**shown)

    async def make(call: Call, line: _Line, new: NewCharger) -> dict[str, Any]:
        site = await sites.get(call.caller.tenant_id, new.site_id)
        about = attrs.asdict(new, recurse=False)
        about["port_count"] = about.pop("ports")
        if call.query.rehearse:
            await chargers.check(**{each: about[each] for each in ("dialect", "identity", "key")})
            return {"state": LineState.FIT}
        charger, key = await chargers.create(
            part_of(request_key(call), line.number), site.tenant_id, **about
        )
        made = {"id": charger.id, "key": None if key is None else key.hex()}
        return made | {"state": LineState.CREATED}

    return [
        Route(
            method=Method.POST,
            path="/chargers/import",
            summary="Register the chargers of a table, and report on each of its lines",
            permission="chargers:write",
            body=str,
            consumes="text/csv",
            query=ImportQuery,
            answer=ImportReport,
            tag="chargers",
            run=take,
        ),
    ]
