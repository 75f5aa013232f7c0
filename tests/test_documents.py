"""What the documents show as an example is one."""

import json
import re
from pathlib import Path

import pytest

from chargecloud.money.builtin import builtin_tariffs

DOCS = Path(__file__).parents[1] / "docs"
BLOCKS = re.findall(
    r"\.\. code-block:: json\n\n((?:   .*\n|\n)+)", (DOCS / "tariffs.rst").read_text()
)
KINDS = {tariff.kind: tariff for tariff in builtin_tariffs()}


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_tariffs_that_are_shown_are_good(number: int) -> None:
    """Whoever copies one has one."""
    shown = json.loads(BLOCKS[number])
    checked = KINDS[shown["kind"]].check(shown["terms"])
    assert checked == shown["terms"]


def test_every_kind_is_shown() -> None:
    """Those that come with the platform."""
    assert {json.loads(block)["kind"] for block in BLOCKS} == set(KINDS)
