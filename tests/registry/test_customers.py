"""Customers."""

from chargecloud.domain.errors import NotFound
from chargecloud.domain.ledger import Account
from chargecloud.registry.customers import Customer
from chargecloud.storage.once import RequestKey
from chargecloud.storage.schema import accounts, customers
from tests.harness import NOW, failure_of, result_of, rows_of
from tests.registry.registry_parts import ONE, TWO, Registry


def test_a_customer_comes_with_an_empty_wallet(registry: Registry) -> None:
    """The accounts that the database guards are opened with the customer, at zero."""
    made = result_of(registry.customers.create(None, ONE, "Li Wei", "13800000000"))
    assert made == Customer(
        id=made.id, tenant_id=ONE, name="Li Wei", created_at=NOW, phone="13800000000"
    )
    assert result_of(registry.customers.get(ONE, made.id)) == made
    assert rows_of(registry.store, accounts) == [
        {"tenant_id": ONE, "kind": kind, "owner_id": made.id, "balance_fen": 0}
        for kind in ("gift", "held", "receivable", "wallet")
    ]


def test_a_repeated_request_makes_one_customer(registry: Registry) -> None:
    """And one wallet."""
    request = RequestKey(ONE, "k", "li")
    first = result_of(registry.customers.create(request, ONE, "Li Wei", None))
    assert result_of(registry.customers.create(request, ONE, "Li Wei", None)) == first
    assert len(rows_of(registry.store, customers)) == 1
    assert len(rows_of(registry.store, accounts)) == len(Account.CUSTOMERS)


def test_tenants_see_their_own_customers(registry: Registry) -> None:
    """Another's customer is not there; the platform sees all."""
    mine = result_of(registry.customers.create(None, ONE, "Li Wei", None))
    other = result_of(registry.customers.create(None, TWO, "Li Wei", None))
    failure_of(registry.customers.get(ONE, other.id), NotFound)
    assert result_of(registry.customers.get(None, other.id)) == other
    for tenant_id, expected in ((ONE, [mine]), (TWO, [other]), (None, [mine, other])):
        found = result_of(registry.customers.list(tenant_id, limit=10, cursor=None))
        assert found == (expected, None)
