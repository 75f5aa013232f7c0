"""Bearer tokens: who may do what over HTTP.

A token is 32 random bytes; the database holds its SHA-256 only.  A slow hash is for
passwords, which people choose: nobody guesses 256 random bits.
"""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from time import time
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import Connection, insert, select, update

from chargecloud.domain.errors import NotFound
from chargecloud.routes import Caller
from chargecloud.storage.finding import Rows
from chargecloud.storage.schema import tokens
from chargecloud.storage.store import Store
from chargecloud.storage.writer import TROUBLES

#: while the database cannot be asked, a token that it has called good within so long is good
REMEMBERED_S = 300.0
#: the tokens of those who have asked last
MOST_REMEMBERED = 10_000

#: the tenant of the platform's own tokens
PLATFORM = 0

#: the platform's administrator, whose token is in the environment
ADMINISTRATOR = Caller(0, None, frozenset({"*"}))

#: what each role may do; a token may also be given single permissions
ROLES: dict[str, tuple[str, ...]] = {
    "administrator": ("*",),
    "operator": (
        "sites:*",
        "chargers:*",
        "customers:*",
        "cards:*",
        "wallets:*",
        "payments:*",
        "settlements:*",
        "orders:*",
        "tariffs:*",
        "coupons:*",
        "month-cards:*",
        "statistics:*",
        "metering:*",
        "ledger:read",
        "live:read",
        "sessions:end",
        "firmware:read",
        "firmware:write",
    ),
    # lifts lock-outs by fire, which no operator may
    "fire warden": (
        "sites:read",
        "chargers:read",
        "chargers:command",
        "live:read",
        "sessions:end",
        "safety:*",
    ),
    "viewer": (
        "sites:read",
        "chargers:read",
        "customers:read",
        "cards:read",
        "wallets:read",
        "payments:read",
        "orders:read",
        "tariffs:read",
        "coupons:read",
        "month-cards:read",
        "statistics:read",
        "metering:read",
        "ledger:read",
        "live:read",
        "sessions:end",
        "firmware:read",
    ),
}


def digest(token: str) -> str:
    """What the database holds of a token."""
    return sha256(token.encode()).hexdigest()


def create_token(
    connection: Connection,
    token_id: int,
    tenant_id: int,
    name: str,
    permissions: Sequence[str],
    now: datetime,
    expires_s: int | None = None,
) -> str:
    """
    Make a token; it is returned here and can never be read again.

    @param expires_s: true seconds since 1970 from which on it is worth nothing.
    """
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(tokens).values(
            id=token_id,
            tenant_id=tenant_id,
            name=name,
            digest=digest(token),
            permissions=list(permissions),
            created_at=now,
            expires_s=expires_s,
        )
    )
    return token


@frozen
class Token:
    """A token, as far as anybody may see it again."""

    id: int
    tenant_id: int
    name: str
    permissions: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


def all_tokens(connection: Connection) -> list[Token]:
    """All of them, the oldest first."""
    rows = connection.execute(select(tokens).order_by(tokens.c.id))
    return [
        Token(
            row.id,
            row.tenant_id,
            row.name,
            tuple(row.permissions),
            row.created_at,
            row.revoked_at,
        )
        for row in rows
    ]


def role_of(permissions: Sequence[str]) -> str:
    """The role that has just these permissions; C{"custom"} if none has."""
    wanted = frozenset(permissions)
    return next((name for name, each in ROLES.items() if frozenset(each) == wanted), "custom")


def revoke_token(connection: Connection, token_id: int, now: datetime) -> None:
    """
    Make a token worthless, from the next request on.

    @raise NotFound: if there is none, or it is revoked already.
    """
    revoked = connection.execute(
        update(tokens)
        .where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    if revoked.rowcount != 1:
        raise NotFound(f"there is no token {token_id} that could be revoked")


_GOOD_TOKENS = Rows(tokens, select(tokens).where(tokens.c.revoked_at.is_(None)))


@frozen
class _Good:
    """A token that the database has called good, when, and until when it is."""

    caller: Caller
    at_s: float
    expires_s: int | None


@define(eq=False)
class Tokens:
    """
    @ivar administrator: the platform administrator's token from the environment, if any.
    @ivar seconds: true time.
    @ivar _good: by what is known of them, for when the database cannot be asked.
    """

    store: Store
    administrator: str | None = field(default=None, repr=False)
    seconds: Callable[[], float] = time
    _good: "OrderedDict[tuple[str, Any], _Good]" = field(
        factory=OrderedDict, init=False, repr=False
    )

    async def authenticate(self, token: str) -> Caller | None:
        """Whose token it is; C{None} for one that is unknown or revoked."""
        if self.administrator and hmac.compare_digest(token.encode(), self.administrator.encode()):
            return ADMINISTRATOR

        return await self._find(digest=digest(token))

    async def caller(self, token_id: int) -> Caller | None:
        """Whose token it is that was given before; C{None} once it is revoked."""
        if token_id == ADMINISTRATOR.token_id:
            return ADMINISTRATOR
        return await self._find(id=token_id)

    async def revoke(self, token_id: int, now: datetime) -> None:
        """
        Make a token worthless; the one in the environment stays.

        @raise NotFound: if there is none, or it is revoked already.
        """
        await self.store.writer.transact(lambda connection: revoke_token(connection, token_id, now))
        for key in [key for key, good in self._good.items() if good.caller.token_id == token_id]:
            del self._good[key]

    async def _find(self, **known: Any) -> Caller | None:
        (key,) = known.items()
        try:
            good = await self.store.read(lambda connection: self._read(connection, known))
        except TROUBLES:
            # who stops a charge must not need the database.  Nobody withdraws a token while it
            # is away: what was withdrawn in the last minutes before is what can be missed
            good = self._good.get(key)
            if good is None or self.seconds() - good.at_s >= REMEMBERED_S:
                raise
            return None if self._is_over(good) else good.caller
        self._good.pop(key, None)
        if good is None or self._is_over(good):
            return None
        self._good[key] = good
        if len(self._good) > MOST_REMEMBERED:
            self._good.popitem(last=False)
        return good.caller

    def _read(self, connection: Connection, known: dict[str, Any]) -> _Good | None:
        row = _GOOD_TOKENS.first(connection, **known)
        if row is None:
            return None
        tenant_id = None if row.tenant_id == PLATFORM else row.tenant_id
        caller = Caller(row.id, tenant_id, frozenset(row.permissions))
        return _Good(caller, self.seconds(), row.expires_s)

    def _is_over(self, good: _Good) -> bool:
        return good.expires_s is not None and good.expires_s <= self.seconds()
