"""Settings of all tests."""

import os

import pytest
from hypothesis import settings

# a busy machine is no failure: what is too slow shows in the bench, not here
settings.register_profile("explore", deadline=None)
# a change is judged by the same examples each time; those who work on it look for new ones
settings.register_profile("judge", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "explore"))


#: so many others come after each that is slow
BESIDE = 25


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, the longest before the others: they mostly wait, and so quick ones are
    strewn among them; if all processes came to wait at once, nothing would be done meanwhile."""
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    slow.sort(key=_lasts_s, reverse=True)
    items.clear()
    for number, item in enumerate(slow):
        items += [item, *quick[number * BESIDE : (number + 1) * BESIDE]]
    items += quick[len(slow) * BESIDE :]


def _lasts_s(item: pytest.Item) -> int:
    marker = item.get_closest_marker("slow")
    assert marker is not None
    return int(marker.kwargs.get("lasts_s", 0))
