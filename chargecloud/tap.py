"""C{twistd chargecloud}: starts and stops the platform in a reactor.

Only this module and L{chargecloud.tap_sim} know the reactor; L{chargecloud.assembly} joins
the rooms.
"""

import atexit
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import attrs
from attrs import define, field
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError
from twisted.application.service import IService, Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.stdio import StandardIO
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource

from chargecloud.assembly import Platform
from chargecloud.attached import NamedAlike, UntrueTime
from chargecloud.calendar import Calendar
from chargecloud.collecting import keep_what_is_there
from chargecloud.config import Config, Setup
from chargecloud.domain.errors import AlreadyExists
from chargecloud.figures import Figures, Punctuality, metrics_route
from chargecloud.gateway.certificates import NoCertificates
from chargecloud.gateway.leaving import Leaving
from chargecloud.listening import NotHandedOver, client_endpoint, listen, place_of, served_at
from chargecloud.nodes.leases import Leases, Work
from chargecloud.nodes.news import News
from chargecloud.nodes.post import ALL, channel_of
from chargecloud.options import Options
from chargecloud.processes import Processes, Together
from chargecloud.registry.chargers import has_sealed_keys
from chargecloud.registry.tenants import all_tenants, create_tenant
from chargecloud.registry.tokens import Tokens
from chargecloud.registry.vault import Vault, WrongMasterKey
from chargecloud.simulator.fleet import SimulatorService
from chargecloud.simulator.native import SimulatedNative
from chargecloud.storage.calendars import CalendarKeeper, resume
from chargecloud.storage.engine import open_engine
from chargecloud.storage.folder import FolderInUse, installation, lock_folder
from chargecloud.storage.migrate import NewerDatabase, upgrade
from chargecloud.storage.redis import Wire
from chargecloud.storage.roster import ROLES
from chargecloud.storage.space import Reserve
from chargecloud.storage.spool import Spool
from chargecloud.storage.store import Store, StoreService
from chargecloud.storage.threads import Threads
from chargecloud.systemd import Supervision
from chargecloud.web.listening import make_site
from chargecloud.web.operations import Authenticate
from chargecloud.web.serving import make_resource

#: the operator of a platform that has just one
FIRST_TENANT = "default"


def makeService(options: Options) -> IService:
    """The service of a configuration file."""
    from twisted.internet import reactor

    number = options["process"]
    if options["processes"] is not None and number is None:
        return Processes(reactor, options["processes"], list(sys.argv), os.environ)
    several = [str(number)] if number is not None else []
    part = "-".join([*options.roles, *several])
    return ChargeCloud(
        reactor,
        options.setup.of_part(part) if part else options.setup,
        os.environ.get("CHARGECLOUD_ADMIN_TOKEN"),
        options.roles or ROLES,
        is_one_of_several=number is not None,
        status_endpoint=options["status"],
    )


class Unusable(Exception):
    """Something that the configuration names cannot be used; the message says what and why."""


#: what keeps it from starting, and is for the one who started it
_TOLD_IN_A_LINE = (
    CannotListenError,
    FolderInUse,
    NamedAlike,
    NewerDatabase,
    NoCertificates,
    NotHandedOver,
    UntrueTime,
    Unusable,
    WrongMasterKey,
)


@define(eq=False, slots=False)
class ChargeCloud(Service):
    """
    The whole platform as one service.

    It starts in steps, each when the one before is done, and stops in the opposite order:
    chargers and people go first, the database last.

    @ivar administrator: the platform administrator's token, if there is one.
    @ivar roles: what this process does.
    @ivar is_one_of_several: whether other processes listen at the same addresses.
    @ivar status_endpoint: where it tells of itself alone, if anywhere.
    @ivar status_port: the same, once it does.
    @ivar charger_ports: where chargers connect, once they can.
    @ivar web_port: where the HTTP API is served, once it is.
    """

    reactor: Any
    setup: Setup
    administrator: str | None = field(repr=False)
    roles: Sequence[str] = ROLES
    is_one_of_several: bool = False
    status_endpoint: str | None = None
    charger_ports: list[IListeningPort] = field(factory=list, init=False)
    web_port: IListeningPort | None = field(default=None, init=False)
    status_port: IListeningPort | None = field(default=None, init=False)
    _undo: list[Callable[[], Any]] = field(factory=list, init=False)
    _storing: StoreService = field(init=False)
    _starting: "Deferred[None]" = field(factory=Deferred, init=False)
    _missing: str = field(default="it is starting", init=False)
    _log: Logger = field(factory=Logger, init=False)

    @property
    def config(self) -> Config:
        """The core's settings."""
        return self.setup.config

    def startService(self) -> None:
        """Begin to start; C{/readyz} tells when it is done."""
        super().startService()
        if self.is_one_of_several:
            # whoever has started us holds the other end, and is gone when that is
            StandardIO(Together(self.reactor), reactor=self.reactor)
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._cannot_start)

    def _cannot_start(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            # stopped while it was starting
            return
        if failure.check(*_TOLD_IN_A_LINE):
            # for the one who started it, and not for those who write it
            self._log.critical("ChargeCloud cannot start: {why}", why=failure.getErrorMessage())
        else:
            self._log.failure("ChargeCloud cannot start", failure)
        atexit.register(_exit_with_failure)
        # it may not run yet, or be stopped already
        self.reactor.callWhenRunning(lambda: self.reactor.running and self.reactor.stop())

    def stopService(self) -> "Deferred[None]":
        """Stop what was started, the newest first; what fails keeps nothing else from it."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._missing = "it is stopping"
        self._starting.cancel()
        await self._starting
        while self._undo:
            try:
                await maybeDeferred(self._undo.pop())
            except Exception:
                self._log.failure("a part of ChargeCloud did not stop well")

    def _run(self, service: IService) -> None:
        service.startService()
        self._undo.append(service.stopService)

    async def _start(self) -> None:
        config = self.config
        try:
            config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = lock_folder(config.data_dir)
        except OSError as error:
            raise Unusable(f"[node] data_dir {config.data_dir}: {error.strerror}") from error
        self._undo.append(lock.close)
        store, calendar = await self._open_store()
        spool = self._spool()
        is_sealed = await store.read(has_sealed_keys)
        platform = Platform.assemble(
            store,
            self.reactor,
            calendar,
            self.setup.plugins,
            Vault.open(config.master_key, may_make=not is_sealed),
            spool,
            feature_settings=self.setup.feature_settings,
            charging=config.charging,
            limits=config.limits,
            payments=config.payments,
            settlements=config.settlements,
            missing=lambda: [why for why in (self._missing, store.writer.trouble) if why],
            full=Reserve(config.data_dir, config.node.reserve_mb).lacking,
        )
        self._join_others(store, platform)
        # before there are more, which would be found among them
        await platform.delivering.take_up()
        self._storing.looked.append(platform.delivering.look)
        self._storing.looked.append(platform.watching.write_late)
        if "gateway" in self.roles:
            self._undo.append(platform.catching_up.stopService)
            await platform.take_up()
            self._storing.looked.append(platform.custody.look)
            for service in (platform.watchdog, *platform.rounds):
                self._run(service)
        self._follow(store, platform)
        # what chargers told last is committed before the database goes
        self._undo.append(platform.book.turns.idle)
        if "gateway" in self.roles:
            await self._listen_for_chargers(platform)
        figures = Figures(platform, store.writer, store.roster, config.data_dir)
        self._run(Punctuality(self.reactor, figures.delayed))
        await self._tell_status(store, platform, figures)
        await self._serve(store, platform, figures)
        self._missing = ""
        keep_what_is_there()
        self._log.info("ChargeCloud is ready")
        if supervision := Supervision.asked_for(self.reactor, os.environ):
            self._run(supervision)
        self._simulate()

    def _join_others(self, store: Store, platform: Platform) -> None:
        """Speak with the other nodes, if there may be some."""
        places, post = self.config.redis.places, platform.post
        if not places:
            return
        post.wire = Wire(self.reactor, places, [channel_of(post.node), ALL], post.heard)
        self._run(post.wire)
        self._run(News(store.writer, post, self.reactor))

    def _follow(self, store: Store, platform: Platform) -> None:
        """Keep the features up with the log: all of them, or this node's share."""
        if "worker" not in self.roles:
            return
        if platform.post.wire is None:
            for service in (*platform.followings, *platform.shared_rounds.values()):
                self._run(service)
            return
        services = {
            **{f"follow {each.follower.name}": each for each in platform.followings},
            **platform.shared_rounds,
        }
        works = {name: Work(each.startService, each.stopService) for name, each in services.items()}
        self._run(Leases(store, self.reactor, works))

    def _spool(self) -> Spool:
        threads = Threads(self.reactor, 1, "spool")
        spool = Spool(self.config.data_dir / "spool", threads)
        self._undo.append(spool.close)
        self._undo.append(threads.stop)
        return spool

    async def _open_store(self) -> tuple[Store, Calendar]:
        engine = open_engine(self.config.database_url)
        for refused in self.setup.plugins.refused:
            self._log.critical("not used: {refused}", refused=refused)
        try:
            upgrade(engine, self.setup.plugins.migrations)
        except (OperationalError, OSError) as error:
            # its own message has the statement and a link, which help nobody here
            why = getattr(error, "orig", None) or error
            url = make_url(self.config.database_url).render_as_string(hide_password=True)
            raise Unusable(f"the database {url} cannot be used: {why}") from error
        calendar = self._calendar(engine)
        storing = StoreService(
            engine,
            self.reactor,
            calendar,
            installation=installation(self.config.data_dir),
            preferred=self.config.node.id,
            roles=self.roles,
        )
        self._storing = storing
        storing.drained = self._drained
        self._run(storing)
        if self.config.calendar is not None:
            self._run(CalendarKeeper(storing.store, calendar, self.reactor))
        await _ensure_tenant(storing.store, calendar)
        return storing.store, calendar

    def _drained(self) -> None:
        self._log.info("this node was told to leave")
        self.reactor.stop()

    def _calendar(self, engine: Engine) -> Calendar:
        settings, seconds = self.config.calendar, self.reactor.seconds
        if settings is None:
            return Calendar(seconds)
        with engine.connect() as connection:
            return Calendar(seconds, resume(connection, settings.start, seconds(), settings.speed))

    async def _leave(self, platform: Platform) -> None:
        """Send the chargers to the other gateways, if there are some."""
        others = set(self._storing.store.roster.doing("gateway")) - {platform.post.node}
        if others:
            node = self.config.node
            leaving = Leaving(platform.routing, self.reactor, node.leave_a_second)
            await leaving.leave(self.reactor.seconds() + node.leave_s)

    async def _listen_for_chargers(self, platform: Platform) -> None:
        self._undo.append(platform.gateway.close_all)
        self._undo.append(lambda: Deferred.fromCoroutine(self._leave(platform)))
        for listener in self.config.listen.chargers:
            factory, names = served_at(
                listener, platform.gateway.speaking, self.setup.plugins.dialects
            )
            port = await self._listen(listener.endpoint, factory, is_prompt=listener.prompt)
            self.charger_ports.append(port)
            self._log.info(
                "chargers connect at {at}, speaking {names}",
                at=place_of(port),
                names=", ".join(names),
            )

    async def _serve(self, store: Store, platform: Platform, figures: Figures) -> None:
        if self.config.listen.web is None or "web" not in self.roles:
            # what other nodes ask of this one is answered all the same
            self._make_resource(store, platform, figures)
            return
        self._ensure_administrator()
        resource = self._make_resource(store, platform, figures)
        site = make_site(resource, self.reactor)
        self.web_port = await self._listen(self.config.listen.web.endpoint, site)
        self._undo.append(platform.feed.close)
        self._log.info("the HTTP API is at http://{at}/api/v1", at=place_of(self.web_port))

    async def _tell_status(self, store: Store, platform: Platform, figures: Figures) -> None:
        """What those who watch this process ask for, at a place of its own."""
        if self.status_endpoint is None:
            return
        told = [route for route in platform.routes if route.tag == "health"]
        resource = make_resource(
            [*told, metrics_route(figures.text)], self._authenticate(store), figures.requested
        )
        listening = serverFromString(self.reactor, self.status_endpoint)
        self.status_port = await listening.listen(make_site(resource, self.reactor))
        self._undo.append(self.status_port.stopListening)

    def _authenticate(self, store: Store) -> Authenticate:
        tokens = Tokens(store, self.administrator, self.reactor.seconds)
        return lambda token: Deferred.fromCoroutine(tokens.authenticate(token))

    def _make_resource(self, store: Store, platform: Platform, figures: Figures) -> Resource:
        return make_resource(
            [*platform.routes, metrics_route(figures.text)],
            self._authenticate(store),
            figures.requested,
            platform.forwarding,
        )

    async def _listen(
        self, endpoint: str, factory: IProtocolFactory, *, is_prompt: bool = False
    ) -> IListeningPort:
        port = await listen(
            self.reactor,
            endpoint,
            factory,
            is_prompt=is_prompt,
            is_shared=self.is_one_of_several,
        )
        self._undo.append(port.stopListening)
        return port

    def _ensure_administrator(self) -> None:
        """A demonstration has a token of its own, and shows it."""
        if self.administrator is None and self.config.simulator is not None:
            path = self.config.data_dir / "admin.token"
            if not path.exists():
                path.touch(mode=0o600)
                path.write_text(secrets.token_urlsafe(24) + "\n")
            self.administrator = path.read_text().strip()
            self._log.info(
                "the administrator's token is {token} (also in {path})",
                token=self.administrator,
                path=path,
            )

    def _simulate(self) -> None:
        if self.config.simulator is None or self.web_port is None or not self.charger_ports:
            return
        simulator = SimulatorService(
            reactor=self.reactor,
            connect=client_endpoint(self.charger_ports[0]),
            api_url=f"http://{place_of(self.web_port)}",
            token=self.administrator or "",
            speaks=SimulatedNative(),
            folder=self.config.data_dir / "simulator",
            **attrs.asdict(self.config.simulator),
        )
        self._run(simulator)
        self._log.info(
            "{chargers} simulated chargers connect now; to look at what they charge: "
            'curl -H "Authorization: Bearer {token}" "http://{at}/api/v1/orders?state=charging"',
            chargers=self.config.simulator.chargers,
            token=self.administrator,
            at=place_of(self.web_port),
        )


def _exit_with_failure() -> None:
    """What starts services must see that this one did not start, and a reactor that was
    stopped ends well."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


async def _ensure_tenant(store: Store, calendar: Calendar) -> None:
    """An empty database gets the tenant of a platform that has just one."""
    if await store.read(all_tenants):
        return
    tenant_id, now = store.ids.next(), calendar.now()
    with suppress(AlreadyExists, IntegrityError):
        # another process that starts at the same moment may make it
        await store.writer.transact(
            lambda connection: create_tenant(connection, tenant_id, FIRST_TENANT, now)
        )
