"""Ids: each greater than the one before, with the node's slot in it."""

import sys
from itertools import pairwise
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.routes import MOST_ID
from chargecloud.storage.ids import COUNTER_BITS, SLOTS, Ids

#: from before the epoch of the ids to the year 2090, in any order
clocks = st.lists(st.floats(min_value=1.6e9, max_value=3.8e9), min_size=1, max_size=50)


@given(clocks, st.integers(0, SLOTS - 1))
def test_ids_rise_whatever_the_clock_does(times: list[float], slot: int) -> None:
    """Back, still or forth: every id is new, carries the slot, and fits into 63 bits."""
    remaining = iter(times)
    ids = Ids(lambda: next(remaining), slot)
    made = [ids.next() for _ in times]
    assert all(before < after for before, after in pairwise(made))
    assert {(each >> COUNTER_BITS) % SLOTS for each in made} == {slot}
    assert made[0] > 0
    assert made[-1] <= MOST_ID


def test_ids_of_different_slots_differ() -> None:
    """Two nodes at the same millisecond make different ids."""
    first, second = (Ids(lambda: 1.8e9, slot) for slot in (1, 2))
    assert not {first.next() for _ in range(5000)} & {second.next() for _ in range(5000)}


def test_a_later_millisecond_makes_greater_ids_on_any_node() -> None:
    """Ids sort by time over all nodes, so that lists are in the order of things."""
    assert Ids(lambda: 1.8e9, SLOTS - 1).next() < Ids(lambda: 1.8e9 + 0.001, 0).next()


@pytest.mark.slow
def test_two_threads_never_get_the_same() -> None:
    """The reactor makes ids for orders while the writer's thread makes some for postings."""
    ids = Ids(lambda: 1.8e9, 1)
    made: list[list[int]] = [[], []]

    def make(into: list[int]) -> None:
        for _ in range(100_000):
            into.append(ids.next())

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [Thread(target=make, args=(into,)) for into in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len({*made[0], *made[1]}) == 200_000
