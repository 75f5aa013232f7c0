"""The document says what is spoken."""

from pathlib import Path

from chargecloud_ocpp.document import lines

DOCUMENT = Path(__file__).parents[3] / "docs" / "dialects" / "ocpp.rst"


def test_the_document_is_made_from_the_tables() -> None:
    """C{python -m chargecloud_ocpp.document > docs/dialects/ocpp.rst} makes it anew."""
    assert DOCUMENT.read_text() == "\n".join(lines())
