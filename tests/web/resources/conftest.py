"""A platform and its clients."""

from pathlib import Path

import pytest

from tests.web.resources.asking import Asking
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A whole platform in memory."""
    return World(tmp_path)


@pytest.fixture
def api(world: World) -> Asking:
    """Its HTTP API, and the clients of it."""
    return Asking(world)
