"""Settings of all tests."""

import gc
import os
from collections.abc import Iterator
from zlib import crc32

import pytest
from hypothesis import settings

from tests.databases import KINDS, SERVED, use

# a busy machine is no failure: what is too slow shows in the bench, not here
settings.register_profile("explore", deadline=None)
# a change is judged by the same examples each time; those who work on it look for new ones
settings.register_profile("judge", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "explore"))


#: rooms whose tests run on each kind of database
ROOMS = ("storage", "registry", "money", "charging", "features")


#: one of so many of their tests runs on each server; all of them do by `make test-databases`
ONE_IN = 16


def pytest_addoption(parser: pytest.Parser) -> None:
    """C{--databases all} runs the tests of those rooms on all; otherwise they run on SQLite, and
    one in eight on a server, too, which take turns."""
    parser.addoption(
        "--databases",
        choices=("turns", "all", *KINDS),
        default="turns",
        help="where tests of storage, registry, money, charging and features run",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give the tests of those rooms their databases."""
    room = metafunc.definition.path.parent
    if room.parent.name != "tests" or room.name not in ROOMS:
        return
    if metafunc.definition.get_closest_marker("sqlite"):
        return
    asked = metafunc.config.getoption("--databases")
    kinds: tuple[str, ...]
    if metafunc.definition.get_closest_marker("servers"):
        kinds = SERVED if asked in ("all", "turns") else tuple({asked} & set(SERVED))
    elif asked == "all" or (asked == "turns" and metafunc.definition.get_closest_marker("every")):
        kinds = KINDS
    elif asked == "turns":
        turn = crc32(metafunc.definition.nodeid.encode()) % ONE_IN
        kinds = ("sqlite", *SERVED[turn : turn + 1])
    else:
        kinds = (asked,)
    metafunc.parametrize("database", kinds, indirect=True)


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[None]:
    """The kind of database that a test is about: SQLite, if it is in none of those rooms."""
    yield from use(getattr(request, "param", "sqlite"))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """A test of Hypothesis that has parameters: pytest-twisted puts it into one more wrapper for
    each of them, and only the first one runs."""
    made = getattr(pyfuncitem.obj, "hypothesis", None)
    inner = None if made is None else made.inner_test
    yield
    if made is not None:
        made.inner_test = inner


#: objects, and turns of the younger generations, after which what is gone is looked for
_COLLECTED_AT = (20_000, 20, 20)
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


def pytest_collection_finish() -> None:
    """What is there by now stays: each test's platform comes and goes, and all that is there would
    be looked through again and again for what nobody has any more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AT)


def _lasts_s(item: pytest.Item) -> int:
    marker = item.get_closest_marker("slow")
    assert marker is not None
    return int(marker.kwargs.get("lasts_s", 0))
