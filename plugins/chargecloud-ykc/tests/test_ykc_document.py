"""The document says what is spoken."""

from pathlib import Path

from chargecloud_ykc.document import lines

DOCUMENT = Path(__file__).parents[3] / "docs" / "dialects" / "ykc.rst"


def test_the_document_is_made_from_the_tables() -> None:
    """C{python -m chargecloud_ykc.document > docs/dialects/ykc.rst} makes it anew."""
    assert DOCUMENT.read_text() == "\n".join(lines())
