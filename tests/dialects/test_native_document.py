"""The specification says what the code does."""

import json
import re
from pathlib import Path

import pytest

from chargecloud.dialects.fields import Record
from chargecloud.dialects.native.codes import (
    ANSWER_CODES,
    CAPABILITIES,
    CARD_CODES,
    FIRMWARE_STAGES,
    HAZARDS,
    LOCK_OUTS,
    PARAMETERS,
    PAUSE_REASONS,
    PHRASES,
    PORT_STATES,
    QUESTIONS,
    RELAY_STATES,
    SAFETY_ACTIONS,
    STOP_REASONS,
    RefusalCode,
)
from chargecloud.dialects.native.down import DOWN, PRICE
from chargecloud.dialects.native.keys import SUITES
from chargecloud.dialects.native.manifest import MANIFEST
from chargecloud.dialects.native.messages import HELLO, PARAMETER, WELCOME
from chargecloud.dialects.native.up import BOX, MARK, PORT, UP
from chargecloud.domain.parameters import BOUNDS, Bounds

DOCUMENT = (Path(__file__).parents[2] / "docs" / "native-protocol.rst").read_text(encoding="utf-8")
VECTORS = json.loads((Path(__file__).parent / "native_vectors.json").read_text(encoding="ascii"))

TABLES: dict[str, Record] = {
    "\nHELLO\n": HELLO,
    "\nWELCOME\n": WELCOME,
    "\nPORT:\n": PORT,
    "\nBOX:\n": BOX,
    "\nMARK:\n": MARK,
    "\nPRICE:\n": PRICE,
    "\nPARAMETER:\n": PARAMETER,
    "\nMANIFEST:\n": MANIFEST,
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
    rows = FIELD_ROW.findall(part(heading, r"\n\n(?=.*\n[-=]{3,}\n)|\n[A-Z]+:\n"))
    assert rows == [
        (str(row.number), row.name, "yes" if row.required else "no") for row in TABLES[heading].rows
    ]


CODES: dict[str, dict[int, str]] = {
    "Answers to a command": dict(ANSWER_CODES),
    "Answers to a card": dict(CARD_CODES),
    **{
        heading: {code: word.value for code, word in words.items()}
        for heading, words in {
            "Port states": PORT_STATES,
            "Reasons of an end": STOP_REASONS,
            "Relay states": RELAY_STATES,
            "Lock-outs": LOCK_OUTS,
            "Capabilities": CAPABILITIES,
            "Reasons of a pause": PAUSE_REASONS,
            "Hazards": HAZARDS,
            "What a charger has done": SAFETY_ACTIONS,
            "Parameters": PARAMETERS,
            "Questions": QUESTIONS,
            "Phrases": PHRASES,
            "Stages of an update": FIRMWARE_STAGES,
        }.items()
    },
}


@pytest.mark.parametrize("heading", CODES)
def test_tables_of_codes_agree(heading: str) -> None:
    """Every code stands in the document with its word, and no others."""
    rows = CODE_ROW.findall(part(f"\n{heading}\n", r"^(Other|A charger|The code)"))
    assert {int(code): word for code, word in rows} == CODES[heading]


def test_the_bounds_of_parameters_agree() -> None:
    """What a charger takes is what the cloud lets somebody set."""
    bounds = re.findall(r"\((\d+)\s+to\s+(\d+)\)", part("\nParameters\n", r"^Other"))
    assert [Bounds(int(least), int(most)) for least, most in bounds] == [
        BOUNDS[parameter] for parameter in PARAMETERS.values()
    ]


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
