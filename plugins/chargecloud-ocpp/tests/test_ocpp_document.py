"""The document says what is spoken."""

from pathlib import Path

import pytest

from chargecloud_ocpp.cases import CASES, Case
from chargecloud_ocpp.document import lines

DOCUMENT = Path(__file__).parents[3] / "docs" / "dialects" / "ocpp.rst"


def test_the_document_is_made_from_the_tables() -> None:
    """C{python -m chargecloud_ocpp.document > docs/dialects/ocpp.rst} makes it anew."""
    assert DOCUMENT.read_text() == "\n".join(lines())


@pytest.mark.parametrize("case", CASES, ids=[case.number for case in CASES])
def test_each_case_has_a_test_that_there_is(case: Case) -> None:
    """Under the name that the document says."""
    module, function = case.test
    text = (Path(__file__).parent / f"{module}.py").read_text()
    assert f"def {function}(" in text


def test_no_case_is_forgotten() -> None:
    """The 77 of central systems."""
    numbers = [case.number for case in CASES]
    assert len(set(numbers)) == len(numbers) == 77
