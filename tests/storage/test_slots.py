"""Node slots: no two processes make ids in the same one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, update

from chargecloud.domain.errors import Overloaded
from chargecloud.storage.ids import SLOTS
from chargecloud.storage.schema import node_slots
from chargecloud.storage.slots import (
    KEPT_S,
    LEASE_S,
    MARGIN_S,
    RENEW_S,
    lease_slot,
    release_slot,
    renew_slot,
)
from tests.harness import clock_at, open_store

NOW_S = 1_800_000_000.0


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A connection to a fresh database."""
    store = open_store(tmp_path, clock_at())
    with store.engine.begin() as opened:
        yield opened
    store.engine.dispose()


def test_each_process_has_its_own(connection: Connection) -> None:
    """Slots are leased from the lowest on."""
    assert [lease_slot(connection, f"p{n}", NOW_S) for n in range(3)] == [0, 1, 2]


def test_a_slot_is_taken_over_late(connection: Connection) -> None:
    """Only when its lease has run out, and the clocks' margin with it."""
    lease_slot(connection, "old", NOW_S)
    late = NOW_S + LEASE_S + KEPT_S + MARGIN_S
    assert lease_slot(connection, "new", late) == 1
    assert lease_slot(connection, "newer", late + 0.001) == 0


def test_a_renewed_slot_is_kept(connection: Connection) -> None:
    """Each renewal counts the lease from anew; two may fail."""
    lease_slot(connection, "old", NOW_S)
    renewed_at = NOW_S + 3 * RENEW_S
    assert renewed_at < NOW_S + LEASE_S
    assert renew_slot(connection, 0, "old", renewed_at)
    assert lease_slot(connection, "new", renewed_at + LEASE_S + KEPT_S + MARGIN_S) == 1


def test_a_lost_slot_cannot_be_renewed(connection: Connection) -> None:
    """The process that slept through its lease learns it, and may make no more ids."""
    lease_slot(connection, "old", NOW_S)
    assert lease_slot(connection, "new", NOW_S + 1000) == 0
    assert not renew_slot(connection, 0, "old", NOW_S + 1000)
    assert renew_slot(connection, 0, "new", NOW_S + 1000)


def test_a_slot_that_is_given_back_keeps_the_margin(connection: Connection) -> None:
    """The next process need not wait for the lease, but for ids that were borrowed."""
    lease_slot(connection, "old", NOW_S)
    release_slot(connection, 0, "old", NOW_S + 1)
    assert lease_slot(connection, "soon", NOW_S + 1 + MARGIN_S) == 1
    assert lease_slot(connection, "later", NOW_S + 1.001 + MARGIN_S) == 0


def test_only_the_holder_gives_back(connection: Connection) -> None:
    """A process that has lost its slot leaves the new holder's lease alone."""
    lease_slot(connection, "old", NOW_S)
    lease_slot(connection, "new", NOW_S + 1000)
    release_slot(connection, 0, "old", NOW_S + 1000)
    assert lease_slot(connection, "third", NOW_S + 1000 + MARGIN_S + 1) == 1


def test_an_installation_that_was_killed_has_its_slot_back(connection: Connection) -> None:
    """At once, as nobody else may use its folder; one of another name has not."""
    lease_slot(connection, "here:1", NOW_S)
    assert lease_slot(connection, "elsewhere:1", NOW_S + 1) == 1
    assert lease_slot(connection, "here:2", NOW_S + 2) == 0
    assert not renew_slot(connection, 0, "here:1", NOW_S + 3)


def test_a_preferred_slot_is_leased_if_it_is_free(connection: Connection) -> None:
    """A taken one is nobody else's."""
    assert lease_slot(connection, "first", NOW_S, preferred=7) == 7
    assert lease_slot(connection, "second", NOW_S, preferred=7) == 0


def test_all_slots_can_be_taken(connection: Connection) -> None:
    """When none is free that is said, and no id is made."""
    values = {"holder": "p", "leased_until_ms": int(NOW_S * 1000)}
    rows = [{"slot": slot, **values} for slot in range(SLOTS)]
    connection.execute(insert(node_slots), rows)
    with pytest.raises(Overloaded):
        lease_slot(connection, "late", NOW_S)
    expired = update(node_slots).where(node_slots.c.slot == SLOTS - 1).values(leased_until_ms=0)
    connection.execute(expired)
    assert lease_slot(connection, "late", NOW_S) == SLOTS - 1
