"""C{twistd chargecloud}: starts and stops the platform in a reactor.

The only module that knows the reactor; L{chargecloud.assembly} joins the rooms.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import attrs
from attrs import define, field
from sqlalchemy import Engine
from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger
from twisted.python import usage
from twisted.python.failure import Failure

from chargecloud.assembly import Platform
from chargecloud.calendar import Calendar
from chargecloud.config import Config, ConfigError, Setup, read_config
from chargecloud.registry.tenants import all_tenants, create_tenant
from chargecloud.registry.tokens import Tokens
from chargecloud.registry.vault import Vault
from chargecloud.simulator.fleet import SimulatorService
from chargecloud.storage.calendars import CalendarKeeper, resume
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import upgrade
from chargecloud.storage.store import Store, StoreService
from chargecloud.web.listening import make_site
from chargecloud.web.serving import make_resource

#: the operator of a platform that has just one
FIRST_TENANT = "default"


class Options(usage.Options):
    """Options of the command."""

    longdesc = "The charging cloud: chargers, orders, bills and the HTTP API in one process."
    optParameters: ClassVar = [
        ["config", "c", None, "the configuration, a TOML file (required; etc/ has samples)"]
    ]

    def postOptions(self) -> None:
        """Check them."""
        if self["config"] is None:
            raise usage.UsageError("--config is needed; etc/ has samples")


def makeService(options: Options) -> IService:
    """The service of a configuration file."""
    from twisted.internet import reactor

    try:
        setup = read_config(Path(options["config"]))
    except ConfigError as error:
        raise usage.UsageError(f"\n{error}") from error
    return ChargeCloud(reactor, setup, os.environ.get("CHARGECLOUD_ADMIN_TOKEN"))


@define(eq=False, slots=False)
class ChargeCloud(Service):
    """
    The whole platform as one service.

    It starts in steps, each when the one before is done, and stops in the opposite order:
    chargers and people go first, the database last.

    @ivar administrator: the platform administrator's token, if there is one.
    @ivar charger_ports: where chargers connect, once they can.
    @ivar web_port: where the HTTP API is served, once it is.
    """

    reactor: Any
    setup: Setup
    administrator: str | None = field(repr=False)
    charger_ports: list[IListeningPort] = field(factory=list, init=False)
    web_port: IListeningPort | None = field(default=None, init=False)
    _undo: list[Callable[[], Any]] = field(factory=list, init=False)
    _missing: str = field(default="it is starting", init=False)
    _log: Logger = field(factory=Logger, init=False)

    @property
    def config(self) -> Config:
        """The core's settings."""
        return self.setup.config

    def startService(self) -> None:
        """Begin to start; C{/readyz} tells when it is done."""
        super().startService()
        Deferred.fromCoroutine(self._start()).addErrback(self._cannot_start)

    def _cannot_start(self, failure: Failure) -> None:
        self._log.failure("ChargeCloud cannot start", failure)
        self.reactor.stop()

    @inlineCallbacks
    def stopService(self) -> Any:
        """Stop what was started, the newest first."""
        yield super().stopService()
        self._missing = "it is stopping"
        while self._undo:
            yield self._undo.pop()()

    def _run(self, service: IService) -> None:
        service.startService()
        self._undo.append(service.stopService)

    async def _start(self) -> None:
        config = self.config
        config.data_dir.mkdir(parents=True, exist_ok=True)
        store, calendar = await self._open_store()
        platform = Platform.assemble(
            store,
            self.reactor,
            calendar,
            self.setup.plugins,
            Vault.open(config.data_dir / "master.key"),
            feature_settings=self.setup.feature_settings,
            charging=config.charging,
            limits=config.limits.limits(),
            missing=lambda: [self._missing] if self._missing else [],
        )
        await platform.take_up()
        for following in platform.followings:
            self._run(following)
        # what chargers told last is committed before the database goes
        self._undo.append(platform.book.turns.idle)
        await self._listen_for_chargers(platform)
        await self._serve(store, platform)
        self._missing = ""
        self._log.info("ChargeCloud is ready")
        self._simulate()

    async def _open_store(self) -> tuple[Store, Calendar]:
        engine = open_engine(self.config.database_url)
        upgrade(engine, self.setup.plugins.migrations)
        calendar = self._calendar(engine)
        storing = StoreService(engine, self.reactor, calendar, self.config.node.id)
        self._run(storing)
        if self.config.calendar is not None:
            self._run(CalendarKeeper(storing.store, calendar, self.reactor))
        await _ensure_tenant(storing.store, calendar)
        return storing.store, calendar

    def _calendar(self, engine: Engine) -> Calendar:
        settings, seconds = self.config.calendar, self.reactor.seconds
        if settings is None:
            return Calendar(seconds)
        with engine.connect() as connection:
            return Calendar(seconds, resume(connection, settings.start, seconds(), settings.speed))

    async def _listen_for_chargers(self, platform: Platform) -> None:
        self._undo.append(platform.gateway.close_all)
        for listener in self.config.listen.chargers:
            installed = self.setup.plugins.dialects
            names: tuple[str, ...] = listener.dialects or tuple(installed)
            spoken = [installed[name] for name in names]
            port = await self._listen(listener.endpoint, platform.gateway.speaking(spoken))
            self.charger_ports.append(port)
            self._log.info(
                "chargers connect at {at}, speaking {names}",
                at=_place(port),
                names=", ".join(names),
            )

    async def _serve(self, store: Store, platform: Platform) -> None:
        if self.config.listen.web is None:
            return
        self._ensure_administrator()
        tokens = Tokens(store, self.administrator)
        resource = make_resource(
            platform.routes, lambda token: Deferred.fromCoroutine(tokens.authenticate(token))
        )
        site = make_site(resource, self.reactor)
        self.web_port = await self._listen(self.config.listen.web.endpoint, site)
        self._log.info("the HTTP API is at http://{at}/api/v1", at=_place(self.web_port))

    async def _listen(self, endpoint: str, factory: IProtocolFactory) -> IListeningPort:
        port: IListeningPort = await serverFromString(self.reactor, endpoint).listen(factory)
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
            connect=f"tcp:{_place(self.charger_ports[0])}",
            api_url=f"http://{_place(self.web_port)}",
            token=self.administrator or "",
            dialect="native",
            folder=self.config.data_dir / "simulator",
            **attrs.asdict(self.config.simulator),
        )
        self._run(simulator)
        self._log.info(
            "{chargers} simulated chargers connect now; to look at what they charge: "
            'curl -H "Authorization: Bearer {token}" "http://{at}/api/v1/orders?state=charging"',
            chargers=self.config.simulator.chargers,
            token=self.administrator,
            at=_place(self.web_port),
        )


def _place(port: IListeningPort) -> str:
    address: Any = port.getHost()
    return f"{address.host}:{address.port}" if hasattr(address, "host") else str(address)


async def _ensure_tenant(store: Store, calendar: Calendar) -> None:
    """An empty database gets the tenant of a platform that has just one."""
    if not await store.read(all_tenants):
        tenant_id, now = store.ids.next(), calendar.now()
        await store.writer.transact(
            lambda connection: create_tenant(connection, tenant_id, FIRST_TENANT, now)
        )
