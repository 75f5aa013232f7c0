"""Bearer tokens."""

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from twisted.internet.task import Clock

from chargecloud.registry.tokens import PLATFORM, REMEMBERED_S, ROLES, Tokens, create_token
from chargecloud.routes import Caller
from chargecloud.storage.schema import tokens
from tests.harness import NOW, failure_of, result_of, rows_of
from tests.outage import Outage
from tests.registry.registry_parts import ONE, Registry


def make(registry: Registry, tenant_id: int = ONE, token_id: int = 5) -> str:
    """Make a token that may read orders."""
    token: str = result_of(
        registry.store.writer.transact(
            lambda connection: create_token(
                connection, token_id, tenant_id, "console", ["orders:read"], NOW
            )
        )
    )
    return token


def test_a_token_tells_who_asks(registry: Registry) -> None:
    """Its tenant and what it allows."""
    token = make(registry)
    caller = result_of(Tokens(registry.store).authenticate(token))
    assert caller == Caller(5, ONE, frozenset({"orders:read"}))
    assert caller.may("orders:read")
    assert not caller.may("orders:write")


def test_the_platforms_token_has_no_tenant(registry: Registry) -> None:
    """Whoever has it sees all tenants."""
    token = make(registry, PLATFORM)
    assert result_of(Tokens(registry.store).authenticate(token)).tenant_id is None


def test_the_database_has_only_a_digest(registry: Registry) -> None:
    """A stolen database opens nothing."""
    token = make(registry)
    (row,) = rows_of(registry.store, tokens)
    assert token not in str(row)
    assert result_of(Tokens(registry.store).authenticate(row["digest"])) is None


def test_tokens_differ(registry: Registry) -> None:
    """Two of the same name and permissions are two tokens."""
    assert make(registry, token_id=5) != make(registry, token_id=6)


@pytest.mark.parametrize("token", ["", "x", "ü", "administrator"])
def test_an_unknown_token_is_nobodys(registry: Registry, token: str) -> None:
    """With and without an administrator's token in the environment."""
    make(registry)
    assert result_of(Tokens(registry.store).authenticate(token)) is None
    assert result_of(Tokens(registry.store, "secret").authenticate(token)) is None


def test_a_revoked_token_is_nobodys(registry: Registry) -> None:
    """From the moment it is revoked."""
    token = make(registry)
    with registry.store.engine.begin() as connection:
        connection.execute(update(tokens).values(revoked_at=NOW))
    assert result_of(Tokens(registry.store).authenticate(token)) is None


@pytest.mark.sqlite
def test_a_token_that_was_good_is_good_while_the_database_is_away(registry: Registry) -> None:
    """For some minutes: so that who stops a charge need not wait for it."""
    clock, outage = Clock(), Outage(registry.store.engine)
    token, known = make(registry), Tokens(registry.store, seconds=clock.seconds)
    caller = result_of(known.authenticate(token))
    outage.is_away = True
    clock.advance(REMEMBERED_S - 1)
    assert result_of(known.authenticate(token)) == caller
    failure_of(known.authenticate("another"), OperationalError)
    clock.advance(1)
    failure_of(known.authenticate(token), OperationalError)


@pytest.mark.sqlite
def test_a_token_that_was_revoked_here_is_not_remembered(registry: Registry) -> None:
    """Who logs out is out, whatever becomes of the database."""
    outage = Outage(registry.store.engine)
    token, known = make(registry), Tokens(registry.store)
    caller = result_of(known.authenticate(token))
    result_of(known.revoke(caller.token_id, NOW))
    outage.is_away = True
    failure_of(known.authenticate(token), OperationalError)


@pytest.mark.sqlite
def test_a_token_that_was_found_bad_is_not_remembered(registry: Registry) -> None:
    """Nor is one that comes to its end meanwhile."""
    clock, outage = Clock(), Outage(registry.store.engine)
    token, known = make(registry), Tokens(registry.store, seconds=clock.seconds)
    assert result_of(known.authenticate(token)) is not None
    with registry.store.engine.begin() as connection:
        connection.execute(update(tokens).values(revoked_at=NOW))
    assert result_of(known.authenticate(token)) is None
    outage.is_away = True
    failure_of(known.authenticate(token), OperationalError)
    outage.is_away = False
    with registry.store.engine.begin() as connection:
        connection.execute(update(tokens).values(revoked_at=None, expires_s=10))
    assert result_of(known.authenticate(token)) is not None
    outage.is_away = True
    clock.advance(10)
    assert result_of(known.authenticate(token)) is None


def test_the_administrators_token_may_all(registry: Registry) -> None:
    """It comes from the environment, and is shown nowhere."""
    known = Tokens(registry.store, "a secret")
    assert result_of(known.authenticate("a secret")) == Caller(0, None, frozenset({"*"}))
    assert "a secret" not in repr(known)


def test_without_an_administrator_the_empty_token_is_nobodys(registry: Registry) -> None:
    """An environment variable that is set to nothing is not a password of no letters."""
    assert result_of(Tokens(registry.store, "").authenticate("")) is None


@pytest.mark.parametrize(
    ("role", "permission", "may"),
    [
        ("administrator", "anything:write", True),
        ("operator", "orders:write", True),
        ("operator", "tokens:write", False),
        ("viewer", "statistics:read", True),
        ("viewer", "orders:write", False),
    ],
)
def test_what_roles_may(role: str, permission: str, may: bool) -> None:
    """An operator runs the business, a viewer looks at it."""
    assert Caller(1, ONE, frozenset(ROLES[role])).may(permission) is may
