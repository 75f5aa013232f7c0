"""Settings of all tests."""

import os

import pytest
from hypothesis import settings

# a busy machine is no failure: what is too slow shows in the bench, not here
settings.register_profile("explore", deadline=None)
# a change is judged by the same examples each time; those who work on it look for new ones
settings.register_profile("judge", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "explore"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first: they mostly wait, and others run beside them."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
