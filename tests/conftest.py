"""Settings of all tests."""

import pytest
from hypothesis import settings

# a busy machine is no failure: what is too slow shows in the bench, not here
settings.register_profile("chargecloud", deadline=None)
settings.load_profile("chargecloud")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first: they mostly wait, and others run beside them."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
