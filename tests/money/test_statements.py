"""Statements: numbers are numbers, texts are texts, and all of it sums up."""

import csv
import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.money.settlement.statements import harmless
from tests.money.settling import Office

#: what a spreadsheet would open something with
EVIL = '=HYPERLINK("http://example.com","pay")'
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Two orders at a site with an evil name."""
    office = Office(tmp_path)
    office.world.http("PATCH", f"/sites/{office.site_id}", {"name": EVIL})
    office.rule()
    rider = office.world.customer(5_000)
    for times in (1, 2):
        office.charge(times, rider, 500)
    return office


def _file(office: Office, settlement: Any, name: str, form: str) -> bytes:
    path = f"/settlements/{settlement['id']}/statements/{office.parties[name]}.{form}"
    status, content, headers = office.world.whole(office.world.begin("GET", path))
    assert status == 200, content
    (disposition,) = headers.getRawHeaders("Content-Disposition")
    assert disposition.endswith(f'.{form}"')
    return content


def test_a_table(office: Office) -> None:
    """Of the owner: 60 + 5 fen of the first, 120 + 5 of the second; yuan with two decimals."""
    content = _file(office, office.settle(), "owner", "csv").decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content)))
    assert rows[0] == ["party", "the owner"]
    first, second, whole = rows[-3:]
    assert [row[3:9] for row in (first, second, whole)] == [
        ["0.100", "0.60", "0.05", "0.00", "0.00", "0.65"],
        ["0.200", "1.20", "0.05", "0.00", "0.00", "1.25"],
        ["0.300", "1.80", "0.10", "0.00", "0.00", "1.90"],
    ]
    assert first[1] == f"'{EVIL}"


def test_a_sheet(office: Office) -> None:
    """The same in cells that are numbers; there is no formula in it."""
    book = ZipFile(io.BytesIO(_file(office, office.settle(), "owner", "xlsx")))
    sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not list(sheet.iter(f"{_SHEET}f"))
    *_, first, second, whole = sheet.iter(f"{_SHEET}row")
    numbers = [
        [float(cell.findtext(f"{_SHEET}v") or "") for cell in row if cell.get("t") in (None, "n")]
        for row in (first, second, whole)
    ]
    assert numbers == [
        [0.1, 0.6, 0.05, 0, 0, 0.65],
        [0.2, 1.2, 0.05, 0, 0, 1.25],
        [0.3, 1.8, 0.1, 0, 0, 1.9],
    ]
    assert EVIL in "".join(first.itertext())


def test_whose_it_is_not(office: Office) -> None:
    """A statement of nobody, and one of a settlement that is under way."""
    made = office.world.make("/settlements", {})
    path = f"/settlements/{made['id']}/statements"
    assert office.world.http("GET", f"{path}/{office.parties['owner']}.csv")[0] == 409
    office.wait(10)
    assert office.world.http("GET", f"{path}/5.csv")[0] == 404
    assert (
        office.world.http("GET", f"/settlements/5/statements/{office.parties['owner']}.csv")[0]
        == 404
    )


@pytest.mark.parametrize("begin", [*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20"])
def test_a_text_is_no_formula(begin: str) -> None:
    """OWASP's list, and the wide forms of Chinese keyboards."""
    assert harmless(f"{begin}1+1") == f"'{begin}1+1"


@given(st.characters(categories=["L", "N"]), st.text())
def test_a_name_is_as_it_was(letter: str, rest: str) -> None:
    """What begins with a letter or a digit is nothing else anywhere."""
    assert harmless(f"{letter}{rest}") == f"{letter}{rest}"
