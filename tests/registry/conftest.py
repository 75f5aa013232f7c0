"""Fixtures of the registry's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.registry_parts import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """The registry on a fresh database."""
    opened = Registry.open(tmp_path)
    yield opened
    opened.store.engine.dispose()
