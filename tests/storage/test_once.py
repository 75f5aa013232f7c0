"""A request has its effect once, however often it is sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from chargecloud.domain.decision import Decision, Insert, Stale
from chargecloud.domain.errors import RequestKeyReused
from chargecloud.storage.once import Made, RequestKey, known, once
from chargecloud.storage.schema import request_keys, tenants
from chargecloud.storage.store import Store
from tests.harness import NOW, Gathering, clock_at, failure_of, open_store, result_of, rows_of

REQUEST = RequestKey(1, "k1", "print")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store on a fresh database."""
    opened = open_store(tmp_path, clock_at())
    yield opened
    opened.engine.dispose()


def tenant(tenant_id: int, name: str | None = None) -> Decision:
    """A decision that makes a row."""
    row = {"id": tenant_id, "name": name or f"tenant {tenant_id}", "created_at": NOW}
    return Decision((Insert("tenants", row),))


def tenant_ids(store: Store) -> list[int]:
    """The rows that were made."""
    return [row["id"] for row in rows_of(store, tenants)]


def test_a_repeated_request_makes_nothing_new(store: Store) -> None:
    """The second sending learns what the first has made, and makes nothing."""
    assert result_of(once(store, REQUEST, 10, tenant(10))) == Made(10)
    assert result_of(once(store, REQUEST, 11, tenant(11))) == Made(10, repeated=True)
    assert result_of(known(store, REQUEST)) == Made(10, repeated=True)
    assert tenant_ids(store) == [10]


def test_two_sendings_at_the_same_moment(store: Store) -> None:
    """Neither knew of the other when it decided; one of them wins, both learn the same."""
    gathering = store.writer.runner = Gathering()
    sent = [
        Deferred.fromCoroutine(once(store, REQUEST, number, tenant(number))) for number in (10, 11)
    ]
    gathering.do_all()
    assert [result_of(each).resource_id for each in sent] == [10, 10]
    assert tenant_ids(store) == [10]


def test_a_key_is_not_for_two_requests(store: Store) -> None:
    """The same key with another request is a mistake, and is told as one."""
    other = RequestKey(1, "k1", "another print")
    result_of(once(store, REQUEST, 10, tenant(10)))
    failure_of(once(store, other, 11, tenant(11)), RequestKeyReused)
    failure_of(known(store, other), RequestKeyReused)
    assert tenant_ids(store) == [10]


def test_keys_of_tenants_are_apart(store: Store) -> None:
    """Two tenants may choose the same key."""
    result_of(once(store, REQUEST, 10, tenant(10)))
    other = RequestKey(2, "k1", "print")
    assert result_of(known(store, other)) is None
    assert result_of(once(store, other, 11, tenant(11))) == Made(11)


def test_without_a_key_everything_is_new(store: Store) -> None:
    """A request that names no key is carried out as often as it is sent."""
    assert result_of(known(store, None)) is None
    assert result_of(once(store, None, 10, tenant(10))) == Made(10)
    assert result_of(once(store, None, 11, tenant(11))) == Made(11)
    assert tenant_ids(store) == [10, 11]


def test_a_request_that_failed_leaves_no_key(store: Store) -> None:
    """Its guard missed: the same request may be sent again, and succeed then."""
    result_of(once(store, None, 10, tenant(10, "taken")))
    failure_of(once(store, REQUEST, 11, tenant(11, "taken")), Stale)
    assert rows_of(store, request_keys) == []
    assert result_of(once(store, REQUEST, 11, tenant(11))) == Made(11)
