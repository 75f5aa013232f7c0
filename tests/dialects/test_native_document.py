"""The specification says what the code does."""

import json
import re
from pathlib import Path

import pytest

from chargecloud.dialects.fields import Record
from chargecloud.dialects.native.codes import (
    ANSWER_CODES,
    CARD_CODES,
    PORT_STATES,
    STOP_REASONS,
    RefusalCode,
)
from chargecloud.dialects.native.keys import SUITES
from chargecloud.dialects.native.messages import DOWN, HELLO, PORT, UP, WELCOME

DOCUMENT = (Path(__file__).parents[2] / "docs" / "native-protocol.rst").read_text(encoding="utf-8")
VECTORS = json.loads((Path(__file__).parent / "native_vectors.json").read_text(encoding="ascii"))

TABLES: dict[str, Record] = {
    "\nHELLO\n": HELLO,
    "\nWELCOME\n": WELCOME,
    "\nPORT:\n": PORT,
    **{
        f"\n0x{message.number:02X} {message.name}\n": message.record
        for message in (*UP.values(), *DOWN.values())
    },
}
#: a row of a table of fields: number, name, kind, and whether it is required
FIELD_ROW = re.compile(r"^(\d+) +``(\w+)`` +.+? (yes|no) ", re.MULTILINE)
CODE_ROW = re.compile(r"^(\d+) +([\w-]+) ", re.MULTILINE)


def part(heading: str, end: str) -> str:
    """The document from a heading up to the next mark of an end."""
    assert DOCUMENT.count(heading) == 1, heading
    rest = DOCUMENT.split(heading)[1]
    return re.split(end, rest, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("heading", TABLES)
def test_tables_of_fields_agree(heading: str) -> None:
    """Every record's fields stand in the document, in order, and no others."""
    rows = FIELD_ROW.findall(part(heading, r"\n\n(?=.*\n[-=]{3,}\n)|\nPORT:\n"))
    assert rows == [
        (str(row.number), row.name, "yes" if row.required else "no") for row in TABLES[heading].rows
    ]


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("\nPort states\n", {code: state.value for code, state in PORT_STATES.items()}),
        ("\nReasons of an end\n", {code: reason.value for code, reason in STOP_REASONS.items()}),
        ("\nAnswers to a command\n", dict(ANSWER_CODES)),
        ("\nAnswers to a card\n", dict(CARD_CODES)),
    ],
)
def test_tables_of_codes_agree(heading: str, words: dict[int, str]) -> None:
    """Every code stands in the document with its word, and no others."""
    rows = CODE_ROW.findall(part(heading, r"^(Other|A charger)"))
    assert {int(code): word for code, word in rows} == words


def test_refusals_and_suites_agree() -> None:
    """So do the codes of refusals, and the suites with their tags."""
    refusals = part("\nREFUSAL\n", r"^It is not sealed")
    assert [int(code) for code in re.findall(r"^(\d) ", refusals, re.MULTILINE)] == list(
        RefusalCode
    )
    for suite in SUITES.values():
        assert re.search(
            rf"^{suite.number} +{suite.number - 1} +{suite.tag_size} bytes", DOCUMENT, re.M
        )


@pytest.mark.parametrize(
    "key", ["charger_key", "hello", "welcome_start", "session_key", "welcome_terms", "welcome"]
)
def test_worked_example_is_the_golden_vector(key: str) -> None:
    """The hex that is worked through is the hex that the code is tested with."""
    assert VECTORS["sessions"][0][key] in re.sub(r"\s", "", DOCUMENT)


@pytest.mark.parametrize("frame", [("up", 0), ("up", 1), ("down", 0)])
def test_sealed_examples_are_golden_vectors(frame: tuple[str, int]) -> None:
    """The same for the first frames of the session."""
    direction, index = frame
    vector = VECTORS["sessions"][0][direction][index]
    assert vector["frame"] in re.sub(r"\s", "", DOCUMENT)
    assert vector["message"] in re.sub(r"\s", "", DOCUMENT)
