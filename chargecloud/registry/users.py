"""Users: people who sign in with a name and a password, and get a token for a while.

Passwords are kept as scrypt digests (RFC 7914), each with a salt of its own.  Guessing is
slowed: after some wrong passwords a name has to wait, for longer each time, and only one
password is looked at at a time.
"""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import scrypt
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError
from twisted.internet.defer import DeferredLock

from chargecloud.calendar import Calendar
from chargecloud.domain.errors import AlreadyExists, Invalid, NotFound, Overloaded, Refusal
from chargecloud.registry.tokens import create_token
from chargecloud.storage.schema import tokens, users
from chargecloud.storage.store import Store

#: cost, block size and parallelism: some 50 ms and 16 MiB
_COST, _BLOCK, _LANES = 2**14, 8, 1
_SALT_BYTES, _DIGEST_BYTES = 16, 32
LEAST_PASSWORD, MOST_PASSWORD = 10, 200
#: a day at work
SESSION = timedelta(hours=12)
#: wrong passwords in a row that cost nothing but the time to type them
FREE_TRIES = 5
LONGEST_WAIT_S = 900.0
#: names whose wrong passwords are remembered
MOST_NAMES = 10_000
#: sign-ins that wait for their turn
MOST_WAITING = 20


class WrongPassword(Refusal):
    """The name or the password is wrong; which of them is not told."""

    code = "wrong-password"


class TooManyTries(Refusal):
    """Too many wrong passwords; C{retry_s} says when the next is looked at."""

    code = "too-many-tries"


@frozen
class User:
    """Somebody who may sign in."""

    id: int
    tenant_id: int
    name: str
    permissions: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None


@frozen
class SignedIn:
    """What somebody has who signed in."""

    token: str
    expires_at: datetime
    permissions: Sequence[str]


def digest_password(password: str) -> str:
    """
    What is kept of a password.

    @raise Invalid: if it is too short or too long.
    """
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise Invalid(f"a password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters")
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def is_password(password: str, kept: str) -> bool:
    """Whether it is the password of which this is kept."""
    _kind, salt, digest = kept.split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(digest))


def _scrypt(password: str, salt: bytes) -> bytes:
    return scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=_DIGEST_BYTES)


#: looked at for a name that there is none of, so that an answer takes as long as for others; of
#: no password, as to make one would take its time whenever the platform or a command starts
_NOBODYS = f"scrypt${secrets.token_hex(_SALT_BYTES)}${secrets.token_hex(_DIGEST_BYTES)}"


def create_user(
    connection: Connection,
    user_id: int,
    tenant_id: int,
    name: str,
    password: str,
    permissions: Sequence[str],
    now: datetime,
) -> None:
    """
    Make a user.

    @raise AlreadyExists: if the name is taken.
    @raise Invalid: for a password that is too short.
    """
    row = {
        "id": user_id,
        "tenant_id": tenant_id,
        "name": name,
        "password": digest_password(password),
        "permissions": list(permissions),
        "created_at": now,
    }
    try:
        connection.execute(insert(users).values(row))
    except IntegrityError:
        raise AlreadyExists(f"there is a user {name!r} already") from None


def all_users(connection: Connection) -> list[User]:
    """All of them, the oldest first."""
    rows = connection.execute(select(users).order_by(users.c.id))
    return [
        User(
            row.id,
            row.tenant_id,
            row.name,
            tuple(row.permissions),
            row.created_at,
            row.disabled_at,
        )
        for row in rows
    ]


def change_user(
    connection: Connection,
    name: str,
    now: datetime,
    *,
    password: str | None = None,
    permissions: Sequence[str] | None = None,
    enable: bool = False,
) -> None:
    """
    Give a user another password or other permissions, or let one sign in again who was
    disabled.  Sessions that run are ended: they have what the user had before.

    @raise NotFound: if there is none.
    @raise Invalid: for a password that is too short.
    """
    changed: dict[str, Any] = {"disabled_at": None} if enable else {}
    if password is not None:
        changed["password"] = digest_password(password)
    if permissions is not None:
        changed["permissions"] = list(permissions)
    if not changed:
        raise Invalid("nothing is to be changed: give --role, --password or --enable")
    done = connection.execute(update(users).where(users.c.name == name).values(changed))
    if done.rowcount != 1:
        raise NotFound(f"there is no user {name!r}")
    _end_sessions(connection, name, now)


def disable_user(connection: Connection, name: str, now: datetime) -> None:
    """
    Let a user sign in no more, and end their sessions.

    @raise NotFound: if there is none, or it is disabled already.
    """
    disabled = connection.execute(
        update(users)
        .where(users.c.name == name, users.c.disabled_at.is_(None))
        .values(disabled_at=now)
    )
    if disabled.rowcount != 1:
        raise NotFound(f"there is no user {name!r} that could be disabled")
    _end_sessions(connection, name, now)


def _end_sessions(connection: Connection, name: str, now: datetime) -> None:
    connection.execute(
        update(tokens)
        .where(tokens.c.name == _session_name(name), tokens.c.expires_s.is_not(None))
        .where(tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def _session_name(name: str) -> str:
    return f"session of {name}"


@define
class _Tries:
    """Wrong passwords of a name."""

    count: int = 0
    until_s: float = 0.0


@define(eq=False)
class Users:
    """
    @ivar seconds: true time, which sessions end by, whatever the calendar says.
    @ivar failed: told of each wrong password, by the name that it was for.
    """

    store: Store
    calendar: Calendar
    seconds: Callable[[], float]
    failed: Callable[[str], None] = lambda _name: None
    _tries: "OrderedDict[str, _Tries]" = field(factory=OrderedDict, init=False)
    _turn: DeferredLock = field(factory=DeferredLock, init=False)

    async def sign_in(self, name: str, password: str) -> SignedIn:
        """
        A token for somebody who knows a password.

        @raise WrongPassword: if they do not.
        @raise TooManyTries: if they have to wait.
        @raise Overloaded: if too many sign in at once.
        """
        if len(self._turn.waiting) >= MOST_WAITING:
            raise Overloaded("too many sign in at once")
        await self._turn.acquire()
        try:
            self._check_wait(name)
            row = await self.store.read(lambda connection: _find(connection, name, password))
            if row is None:
                self.count(name)
                self.failed(name)
                raise WrongPassword("the name or the password is wrong")
            self._tries.pop(name, None)
            return await self._session(row)
        finally:
            self._turn.release()

    async def _session(self, row: Any) -> SignedIn:
        expires_s = int(self.seconds() + SESSION.total_seconds())
        token_id, now = self.store.ids.next(), self.calendar.now()

        def make(connection: Connection) -> str:
            return create_token(
                connection,
                token_id,
                row.tenant_id,
                _session_name(row.name),
                row.permissions,
                now,
                expires_s,
            )

        token = await self.store.writer.transact(make)
        return SignedIn(token, datetime.fromtimestamp(expires_s, UTC), tuple(row.permissions))

    def _check_wait(self, name: str) -> None:
        tries = self._tries.get(name)
        wait_s = tries.until_s - self.seconds() if tries else 0
        if wait_s > 0:
            retry_s = int(wait_s) + 1
            raise TooManyTries(f"the next try is looked at in {retry_s} s", retry_s=retry_s)

    def count(self, name: str) -> None:
        """Somebody gave a wrong password for a name, here or at another node."""
        tries = self._tries.setdefault(name, _Tries())
        self._tries.move_to_end(name)
        tries.count += 1
        if tries.count >= FREE_TRIES:
            wait_s = min(2.0 ** (tries.count - FREE_TRIES), LONGEST_WAIT_S)
            tries.until_s = self.seconds() + wait_s
        if len(self._tries) > MOST_NAMES:
            self._tries.popitem(last=False)


def _find(connection: Connection, name: str, password: str) -> Any:
    """The user of that name, if it is their password and they may sign in."""
    row = connection.execute(select(users).where(users.c.name == name)).one_or_none()
    may = row is not None and row.disabled_at is None
    right = is_password(password, row.password if row is not None else _NOBODYS)
    return row if may and right else None
