"""Tenants, and whose a request is."""

import pytest

from chargecloud.domain.errors import AlreadyExists, Invalid
from chargecloud.registry.tenants import Tenant, all_tenants, create_tenant
from tests.harness import NOW, failure_of, result_of
from tests.registry.registry_parts import ONE, TWO, Registry


def test_tenants_are_listed_oldest_first(registry: Registry) -> None:
    """As they were made."""
    assert result_of(registry.store.read(all_tenants)) == [
        Tenant(ONE, "one", NOW),
        Tenant(TWO, "two", NOW),
    ]


def test_a_name_is_taken_once(registry: Registry) -> None:
    """Two operators of one name could not be told apart."""
    again = registry.store.writer.transact(
        lambda connection: create_tenant(connection, 3, "one", NOW)
    )
    failure_of(again, AlreadyExists)
    assert len(result_of(registry.store.read(all_tenants))) == 2


@pytest.mark.parametrize(
    ("caller", "wanted", "whose"),
    [
        (ONE, None, ONE),
        (ONE, ONE, ONE),
        (ONE, TWO, None),
        (ONE, 99, None),
        (None, ONE, ONE),
        (None, TWO, TWO),
        (None, 99, None),
        # there are two, so it must be named
        (None, None, None),
    ],
)
def test_whose_a_request_is(
    registry: Registry, caller: int | None, wanted: int | None, whose: int | None
) -> None:
    """A tenant's own; the platform's administrator names one that exists."""
    told = registry.tenants.whose(caller, wanted)
    if whose is not None:
        assert result_of(told) == whose
    else:
        errors = failure_of(told, Invalid).facts["errors"]
        assert [error["pointer"] for error in errors] == ["/tenant_id"]


def test_the_only_tenant_need_not_be_named(registry: Registry) -> None:
    """On a platform with one operator nobody has to know its id."""
    with registry.store.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM tenants WHERE id = {TWO}")
    assert result_of(registry.tenants.whose(None, None)) == ONE
