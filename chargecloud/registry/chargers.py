"""Chargers: what stands where, and what it proves itself with."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import asdict, frozen
from sqlalchemy import Connection, select

from chargecloud.calendar import Calendar
from chargecloud.domain.charger import Admission, ChargerKind, SystemState
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import AlreadyExists, Invalid, NotAdmitted, NotFound, OutOfService
from chargecloud.domain.events import LoggedIn
from chargecloud.domain.order_rows import instant_ms, instant_of
from chargecloud.interfaces import Credentials, IDialect, IOptionalKeyDialect
from chargecloud.registry.secrets import FIRST_KEY, NEEDS_NONE, SEALED, Secrets
from chargecloud.registry.sites import find_site
from chargecloud.storage.finding import Rows
from chargecloud.storage.once import RequestKey, known, once
from chargecloud.storage.schema import chargers, sites
from chargecloud.storage.store import Store

#: a login that loses the race for its row this often is given up; the charger comes back
MOST_LOGIN_TRIES = 5
#: earlier starts of a charger that are remembered: what it kept through a power cut, and
#: through some more before it could tell
MOST_BOOTS = 8
#: instead of a key, for a charger that is to come without one
NO_KEY = "none"
#: an uptime in whole seconds, and a network that takes its time
BOOT_TOLERANCE = timedelta(seconds=60)


@frozen(kw_only=True)
class Charger:
    """
    A charger, as it is registered.

    @ivar identity: what it calls itself on the wire, in its dialect's canonical form.
    @ivar epoch: counts its logins.
    @ivar version: counts how often it was edited.
    @ivar node: that it logged in at last, or that looks after its orders since.
    @ivar connected: whether it was connected there, as far as that node could write it down.
    @ivar gone_at: when it had no connection any more.
    """

    id: int
    tenant_id: int
    site_id: int
    dialect: str
    identity: str
    name: str
    kind: ChargerKind
    port_count: int
    rated_w: int
    created_at: datetime
    epoch: int
    vendor: str | None = None
    owner: str | None = None
    status: SystemState = SystemState.IN_SERVICE
    version: int = 1
    imei: str | None = None
    iccid: str | None = None
    firmware: str | None = None
    hardware: str | None = None
    logged_in_at: datetime | None = None
    node: int | None = None
    connected: bool = False
    gone_at: datetime | None = None


#: what a L{Charger} is read from
COLUMNS = [chargers.c[name] for name in Charger.__annotations__]

#: what is known of a charger before it logs in
_KNOWN = [
    chargers.c.tenant_id,
    chargers.c.epoch,
    chargers.c.node,
    chargers.c.boot,
    chargers.c.booted_at,
    chargers.c.boots_before,
    chargers.c.card_slots,
    chargers.c.clock_ahead_s,
    chargers.c.next_key_nonce,
    *SEALED,
]


def _boots_before(row: Any, boot: int) -> dict[int, datetime]:
    """When the starts of a charger before its present one were, the newest last."""
    boots = {number: instant_of(at_ms) for number, at_ms in row.boots_before}
    if row.boot is not None:
        boots[row.boot] = row.booted_at
    boots.pop(boot, None)
    return dict(list(boots.items())[-MOST_BOOTS:])


def read_charger(row: Any) -> Charger:
    """Of a row that begins with L{COLUMNS}."""
    # by their places: by their names it takes three times as long
    known = dict(zip(Charger.__annotations__, row, strict=False))
    read = {"kind": ChargerKind(row.kind), "status": SystemState(row.status)}
    return Charger(**known | read)


def _taken(dialect: str, identity: str) -> AlreadyExists:
    return AlreadyExists(f"there is a {dialect} charger {identity!r} already")


def _of(tenant_id: int | None) -> Any:
    found = select(*COLUMNS)
    return found if tenant_id is None else found.where(chargers.c.tenant_id == tenant_id)


def has_sealed_keys(connection: Connection) -> bool:
    """Whether any charger's key is wrapped with the master key."""
    found = select(chargers.c.id).where(chargers.c.wrapped_key.is_not(None)).limit(1)
    return connection.execute(found).first() is not None


def check_in_service(status: SystemState) -> None:
    """
    @raise OutOfService: if nobody may begin to charge at a charger of this state.
    """
    if status is not SystemState.IN_SERVICE:
        raise OutOfService(f"the charger is {status.value.replace('_', ' ')}")


_CLAIMED = Rows(
    chargers,
    select(*SEALED, chargers.c.login_digest, chargers.c.next_key_nonce).where(
        chargers.c.status != SystemState.DECOMMISSIONED.value
    ),
)
_PROVEN = Rows(
    chargers,
    select(*_KNOWN, sites.c.time_zone).join(sites, sites.c.id == chargers.c.site_id),
)
_CHARGERS = Rows(chargers, select(*COLUMNS))


def find_charger(connection: Connection, tenant_id: int | None, charger_id: int) -> Charger:
    """
    A charger of a tenant, or of any for C{None}.

    @raise NotFound: if there is none.
    """
    row = _CHARGERS.first(connection, id=charger_id, tenant_id=tenant_id)
    if row is None:
        raise NotFound(f"there is no charger {charger_id}")
    return read_charger(row)


@frozen
class Chargers:
    """
    The chargers of all tenants.

    @ivar dialects: those that are installed, by name.
    @ivar secrets: keeps their keys.
    """

    store: Store
    calendar: Calendar
    dialects: Mapping[str, IDialect]
    secrets: Secrets

    async def create(
        self,
        request: RequestKey | None,
        tenant_id: int,
        *,
        site_id: int,
        dialect: str,
        identity: str,
        port_count: int,
        kind: ChargerKind,
        key: str | None = None,
        **about: Any,
    ) -> tuple[Charger, bytes | None]:
        """
        Register a charger.

        @param key: what it is to prove itself with, in hexadecimal; made if it is not given
            and its dialect has keys; L{NO_KEY} where its dialect lets it come without.
        @param about: the other fields of L{Charger} that describe it.
        @return: the charger and its key, the same again if the request is sent again.
        @raise AlreadyExists: if its identity is taken.
        @raise NotFound: if the tenant has no such site.
        """
        if made := await known(self.store, request):
            return await self._with_key(tenant_id, made.resource_id)
        identity, secret = self._read(dialect, identity, key)
        await self.store.read(lambda connection: find_site(connection, tenant_id, site_id))
        charger = Charger(
            id=self.store.ids.next(),
            tenant_id=tenant_id,
            site_id=site_id,
            dialect=dialect,
            identity=identity,
            kind=kind,
            port_count=port_count,
            created_at=self.calendar.now(),
            epoch=0,
            **about,
        )
        row = asdict(charger) | {
            "kind": kind.value,
            "status": charger.status.value,
            "wrapped_key": self.secrets.seal(charger.id, secret, FIRST_KEY),
            "key_generation": NEEDS_NONE if key == NO_KEY else FIRST_KEY,
            "keyed_at": None if secret is None else charger.created_at,
            "boots_before": [],
        }
        ports = [
            Insert("ports", {"charger_id": charger.id, "port": port, "tenant_id": tenant_id})
            for port in range(1, port_count + 1)
        ]
        entry = LogEntry("charger.created", tenant_id, {"site_id": site_id}, charger.id)
        decision = Decision((Insert("chargers", row), *ports), (entry,))
        try:
            made = await once(self.store, request, charger.id, decision)
        except Stale:
            raise _taken(dialect, identity) from None
        return await self._with_key(tenant_id, made.resource_id)

    async def check(self, dialect: str, identity: str, key: str | None) -> None:
        """
        Whether a charger could be registered so.

        @raise Invalid: if not.
        @raise AlreadyExists: if its identity is taken.
        """
        identity, _secret = self._read(dialect, identity, key)
        taken = select(chargers.c.id).where(
            chargers.c.dialect == dialect, chargers.c.identity == identity
        )
        if await self.store.read(lambda connection: connection.execute(taken).first()):
            raise _taken(dialect, identity)

    def _read(self, dialect: str, identity: str, key: str | None) -> tuple[str, bytes | None]:
        """The identity in its canonical form, and the key, made if it is not given."""
        if dialect not in self.dialects:
            what = f"is none of {', '.join(sorted(self.dialects))}"
            raise Invalid(
                f"no dialect {dialect!r}", errors=[{"pointer": "/dialect", "detail": what}]
            )
        spoken = self.dialects[dialect]
        try:
            identity = spoken.read_identity(identity)
        except Invalid as error:
            fault = {"pointer": "/identity", "detail": error.detail}
            raise Invalid(error.detail, errors=[fault]) from error
        if key == NO_KEY and IOptionalKeyDialect.providedBy(spoken):
            return identity, None
        return identity, self.secrets.read(dialect, key)

    async def _with_key(self, tenant_id: int, charger_id: int) -> tuple[Charger, bytes | None]:
        def read(connection: Connection) -> tuple[Charger, Any]:
            charger = find_charger(connection, tenant_id, charger_id)
            sealed = select(*SEALED).where(chargers.c.id == charger_id)
            return charger, connection.execute(sealed).one()

        charger, row = await self.store.read(read)
        secret = self.secrets.of(row)
        return charger, secret.key if secret else None

    async def get(self, tenant_id: int | None, charger_id: int) -> Charger:
        """
        @raise NotFound: if the tenant has no such charger.
        """
        return await self.store.read(
            lambda connection: find_charger(connection, tenant_id, charger_id)
        )

    async def check_keys(self) -> None:
        """
        See that the vault opens the keys that the database has.

        @raise WrongMasterKey: if it does not.
        """
        newest = select(*SEALED).where(chargers.c.wrapped_key.is_not(None))
        newest = newest.order_by(chargers.c.id.desc()).limit(1)
        row = await self.store.read(lambda connection: connection.execute(newest).one_or_none())
        if row is not None:
            self.secrets.of(row)

    # ----------------------------------------------------------------------------- login

    async def credentials(self, dialect: str, identity: str) -> Credentials | None:
        """What to check a charger's claim with."""

        def find(connection: Connection) -> Any:
            return _CLAIMED.first(connection, dialect=dialect, identity=identity)

        row = await self.store.read(find)
        if row is None:
            return None
        secret = self.secrets.of(row)
        following = self.secrets.following(dialect, identity, secret, row.next_key_nonce)
        needs_none = row.wrapped_key is None and row.key_generation == NEEDS_NONE
        return Credentials(secret, row.login_digest, following, needs_none)

    async def admit(
        self, dialect: str, identity: str, login: LoggedIn, login_digest: bytes | None
    ) -> Admission:
        """
        Raise the epoch of a charger that has proved itself, and keep what it told.

        @raise NotAdmitted: if it is not registered any more.
        """
        for _ in range(MOST_LOGIN_TRIES):
            admission, decision = await self._admission(dialect, identity, login, login_digest)
            try:
                await self.store.writer.decide(decision)
            except Stale:
                # the same charger logged in on another connection at the same moment
                continue
            return admission
        raise NotAdmitted(f"{identity!r} logs in from many places at once")

    async def _admission(
        self, dialect: str, identity: str, login: LoggedIn, login_digest: bytes | None
    ) -> tuple[Admission, Decision]:
        def find(connection: Connection) -> Any:
            return _PROVEN.first(connection, dialect=dialect, identity=identity)

        row = await self.store.read(find)
        if row is None:
            raise NotAdmitted(f"no charger {identity!r} is registered")
        now = self.calendar.now()
        booted_at = now - timedelta(seconds=login.uptime_s)
        if row.boot == login.boot and abs(booted_at - row.booted_at) < BOOT_TOLERANCE:
            # whenever it connects, an uptime stands for the same instant
            booted_at = row.booted_at
        before = _boots_before(row, login.boot)
        change_of_key = self.secrets.at_login(dialect, identity, row, login.key_generation, now)
        admission = Admission(
            charger_id=row.id,
            tenant_id=row.tenant_id,
            epoch=row.epoch + 1,
            boot=login.boot,
            booted_at=booted_at,
            booted_before=before,
            time_zone=row.time_zone,
            next_key=change_of_key.still_to_take,
            has_card_list=bool(row.card_slots if login.card_slots is None else login.card_slots),
            was_at=row.node,
            # one that counts its starts has no clock but that which a login sets
            clock_ahead_s=None if login.boot else row.clock_ahead_s,
        )
        told = {
            name: value
            for name in ("firmware", "hardware", "iccid", "imei", "card_list", "card_slots")
            if (value := getattr(login, name)) is not None
        }
        changed = {
            "epoch": admission.epoch,
            "node": self.store.node,
            "connected": True,
            "boot": login.boot,
            "booted_at": admission.booted_at,
            "boots_before": [[boot, instant_ms(at)] for boot, at in before.items()],
            "logged_in_at": now,
            "login_digest": login_digest,
            **told,
            **change_of_key.row,
        }
        entry = LogEntry("charger.logged_in", row.tenant_id, {"boot": login.boot, **told}, row.id)
        change = Change("chargers", {"id": row.id}, changed, {"epoch": row.epoch})
        return admission, Decision((change,), (entry,))
