"""The configuration: one TOML file, read into attrs classes, all faults named at once."""

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NewType

import attrs
from attrs import field, frozen
from cattrs import Converter
from sqlalchemy.exc import ArgumentError
from twisted.internet.endpoints import serverFromString

from chargecloud.charging.settings import ChargingSettings
from chargecloud.domain.errors import Invalid
from chargecloud.domain.fields import checked, choice, text, whole
from chargecloud.gateway.certificates import TlsSettings
from chargecloud.gateway.settings import Limits
from chargecloud.money.settings import PaymentSettings, SettlementSettings
from chargecloud.plugins import PluginError, Plugins, PluginSettings, load_plugins
from chargecloud.references import resolve
from chargecloud.simulator.settings import SimulatorSettings
from chargecloud.storage.engine import UnknownDatabase, database_url
from chargecloud.storage.redis import Place, read_place
from chargecloud.web.converters import body_converter
from chargecloud.web.reading import body_reader

#: name of a dialect that is installed
DialectName = NewType("DialectName", str)


class ConfigError(Exception):
    """A configuration that cannot be used.

    @ivar faults: one line each: the file, the key, and what was expected.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


# ------------------------------------------------------------------ fields of their own kind


def _feasible(speed: float) -> None:
    # faster, and a second of the reactor is longer than a charge
    if not 0 < speed <= 10_000:
        raise ValueError("must be a number above zero, and 10000 at the most")


MOST_PORT = 65_535
#: of what a Twisted endpoint listens at
_TCP_PORT = re.compile(r"(?:^|:)tcp6?:(?:port=)?(-?[0-9]+)")
_INTERFACE = re.compile(r":interface=([0-9A-Fa-f.:]+?)(?::[a-z]+=|$)")


def _within_reason(start: datetime) -> None:
    # chargers are told the time in whole seconds since 1970, and a demonstration runs ahead
    if not 2000 <= start.year < 2900:
        raise ValueError("must lie within the years 2000 to 2899")


def _listenable(endpoint: str) -> None:
    # what systemd hands over is there in the service only, and not where a person checks
    if re.search(r"(^|:)systemd\\?:", endpoint):
        return
    try:
        # an endpoint keeps the reactor for later: to parse it, none is needed
        serverFromString(None, endpoint)
    except Exception as error:
        raise ValueError(
            f"must be a Twisted endpoint, and {endpoint!r} is none: {error}"
        ) from error

    for port in _TCP_PORT.findall(endpoint):
        if not 0 <= int(port) <= MOST_PORT:
            raise ValueError(f"must have a port from 0 to {MOST_PORT}, and not {port}")
    for interface in _INTERFACE.findall(endpoint.replace("\\:", ":")):
        try:
            ip_address(interface)
        except ValueError as error:
            raise ValueError(
                f"must have an address for its interface, and {interface!r} is none"
            ) from error


def _openable(url: str) -> None:
    # the URL itself is not told: it may hold a password
    given = resolve(url)
    try:
        database_url(given).get_dialect().import_dbapi()
    except UnknownDatabase as error:
        raise ValueError(f"must be of a database that is known here: {error}") from error
    except (ArgumentError, ValueError) as error:
        raise ValueError("must be a database URL, as SQLAlchemy has them") from error
    except ImportError as error:
        raise ValueError(f"needs a driver that is not installed: {error}") from error


# ------------------------------------------------------------------------------- the tables


@frozen(kw_only=True)
class NodeSettings:
    """C{[node]}"""

    id: int | None = whole(
        "number that this node takes among all that share the database, if it is free; the lowest "
        "free one if not given",
        default=None,
        least=0,
        most=1023,
    )
    data_dir: str = text("where its files are; relative to the working directory", default="var")
    master_key: str | None = text(
        "file of the key that chargers' keys are wrapped with, the same on all nodes; master.key "
        "in the data_dir if not given",
        default=None,
    )
    leave_s: int = whole(
        "within which it is gone once it is told to stop, its chargers told to come back",
        default=30,
        least=1,
        most=600,
    )
    leave_a_second: int = whole(
        "chargers that are told so each second, where other nodes take them", default=200, least=1
    )
    reserve_mb: int = whole(
        "new charges are refused when the disk has less than this free", default=200
    )


@frozen(kw_only=True)
class CalendarSettings:
    """C{[calendar]}: a shifted or scaled calendar, for demonstrations and tests."""

    start: datetime = checked(
        "the date and time that it begins with, with its offset", _within_reason
    )
    speed: float = checked("its seconds in a real one", _feasible, default=1.0)


@frozen(kw_only=True)
class DatabaseSettings:
    """C{[database]}

    @ivar url: as it was given, so it may be C{env:NAME} or C{file:PATH}.
    """

    url: str | None = checked(
        "sqlite:///…, postgresql://…, mariadb://… or mysql://…; chargecloud.db in the data_dir if "
        "not given",
        _openable,
        default=None,
        repr=False,
    )


def _reachable(url: str) -> None:
    # the URL itself is not told: it may hold a password
    try:
        read_place(resolve(url))
    except ValueError as error:
        raise ValueError(
            f"must be redis://, rediss:// or unix:// and where it is: {error}"
        ) from None


def _all_reachable(urls: tuple[str, ...]) -> None:
    for url in urls:
        _reachable(url)


def _sentinel(places: tuple[str, ...]) -> None:
    for place in places:
        host, _, port = place.rpartition(":")
        if not host or not port.isdigit() or int(port) > MOST_PORT:
            raise ValueError(f"must be host:port, and {place!r} is not")


@frozen(kw_only=True)
class RedisSettings:
    """C{[redis]}: the wire between several nodes.

    @ivar urls: as they were given, so each may be C{env:NAME} or C{file:PATH}.
    """

    urls: tuple[str, ...] = checked(
        "each redis://[user:password@]host[:port], rediss:// with TLS, or unix:///path; any of "
        "them will do",
        _all_reachable,
        default=(),
        repr=False,
    )
    sentinels: tuple[str, ...] = checked(
        "host:port of each sentinel, instead of urls", _sentinel, default=()
    )
    master: str = text("what the sentinels call it", default="chargecloud")
    password: str | None = checked(
        "of the master that the sentinels name; may be env:NAME or file:PATH",
        resolve,
        default=None,
        repr=False,
    )

    @property
    def places(self) -> list[Place]:
        """Where the servers are; none, and this node is alone."""
        if self.sentinels:
            parted = [place.rpartition(":") for place in self.sentinels]
            sentinels = tuple((host, int(port)) for host, _, port in parted)
            password = None if self.password is None else resolve(self.password)
            return [Place(sentinels=sentinels, service=self.master, password=password)]
        return [read_place(resolve(url)) for url in self.urls]


@frozen(kw_only=True)
class ChargerListener:
    """C{[[listen.chargers]]}"""

    endpoint: str = checked("a Twisted endpoint", _listenable)
    dialects: tuple[DialectName, ...] = choice(
        "what may be spoken there; all if not given", default=()
    )
    strict: bool = choice(
        "what chargers leave out that they must say is not made good there", default=False
    )
    prompt: bool = choice(
        "answers are sent when they are written, and not when the reactor comes round; where the "
        "machine has epoll",
        default=True,
    )
    tls: TlsSettings | None = choice(
        "chargers show certificates there; the endpoint is one without TLS of its own",
        default=None,
    )


@frozen(kw_only=True)
class WebListener:
    """C{[listen.web]}"""

    endpoint: str = checked("a Twisted endpoint", _listenable)


@frozen(kw_only=True)
class ListenSettings:
    """C{[listen]}"""

    chargers: tuple[ChargerListener, ...] = choice("where chargers connect", default=())
    web: WebListener | None = choice("where the HTTP API is served", default=None)


@frozen(kw_only=True)
class Config:
    """The core's tables."""

    node: NodeSettings = field(factory=NodeSettings)
    calendar: CalendarSettings | None = None
    database: DatabaseSettings = field(factory=DatabaseSettings)
    redis: RedisSettings = field(factory=RedisSettings)
    listen: ListenSettings = field(factory=ListenSettings)
    limits: Limits = field(factory=Limits)
    charging: ChargingSettings = field(factory=ChargingSettings)
    payments: PaymentSettings = field(factory=PaymentSettings)
    settlements: SettlementSettings = field(factory=SettlementSettings)
    plugins: PluginSettings = field(factory=PluginSettings)
    simulator: SimulatorSettings | None = None

    @property
    def data_dir(self) -> Path:
        """Where the node's files are."""
        return Path(self.node.data_dir)

    @property
    def master_key(self) -> Path:
        """Where the master key is."""
        return Path(self.node.master_key or self.data_dir / "master.key")

    @property
    def database_url(self) -> str:
        """Where the database is; it may hold a password."""
        url = self.database.url
        return f"sqlite:///{self.data_dir / 'chargecloud.db'}" if url is None else resolve(url)


@frozen
class Setup:
    """
    What a node runs with.

    @ivar feature_settings: the settings of each feature that is installed, by its name.
    """

    config: Config
    plugins: Plugins
    feature_settings: dict[str, Any]

    def of_part(self, part: str) -> "Setup":
        """The same for a process that does a part of it: with a folder of its own, and one key.

        @param part: C{"gateway-2"}: what it does, and its number among those that do.
        """
        config, folder = self.config, self.config.data_dir / part
        node = attrs.evolve(
            config.node, id=None, data_dir=str(folder), master_key=str(config.master_key)
        )
        return attrs.evolve(self, config=attrs.evolve(config, node=node))


# ------------------------------------------------------------------------------ reading them


def read_config(path: Path, load: Callable[[PluginSettings], Plugins] = load_plugins) -> Setup:
    """
    Read a configuration file, and load the plugins whose tables are in it.

    @param load: loads the plugins that are wanted.
    @raise ConfigError: naming every fault of every table.
    """
    tables = _parse(path)
    wanted, _told_below = _read(tables, {"plugins": PluginSettings}, body_converter())
    try:
        plugins = load(wanted.get("plugins", PluginSettings()))
    except PluginError as error:
        raise ConfigError([f"{path}: plugins: {error}"]) from error
    core = {each.name: each.type for each in attrs.fields(attrs.resolve_types(Config))}
    features = {name: feature.settings for name, feature in plugins.features.items()}
    # a feature without a table still has its defaults, or says what it needs
    given = {name: {} for name in features} | tables
    values, faults = _read(given, core | features, _converter(plugins.dialects))
    faults += [
        f"{name}: is a table of neither the core nor an installed feature"
        for name in tables
        if name not in core and name not in features
    ]
    config = None
    if not faults:
        config = Config(**{name: values[name] for name in core if name in values})
        faults = list(_contradictions(config))
    if config is None or faults:
        raise ConfigError([f"{path}: {fault}" for fault in faults])
    return Setup(
        config,
        plugins,
        {name: values[name] for name in features},
    )


def _contradictions(config: Config) -> Iterator[str]:
    """What is good by itself, and not together."""
    limits, web = config.limits, config.listen.web
    if limits.heartbeat_s > limits.heartbeat_most_s:
        yield (
            f"limits.heartbeat_most_s: must not be below heartbeat_s, {limits.heartbeat_s}, and "
            f"is {limits.heartbeat_most_s}"
        )
    charging = config.charging
    if charging.start_deadline_s > charging.confirm_deadline_s:
        yield (
            f"charging.confirm_deadline_s: must not be below start_deadline_s, "
            f"{charging.start_deadline_s}, and is {charging.confirm_deadline_s}"
        )
    taken = {} if web is None else {web.endpoint: "listen.web.endpoint"}
    for number, listener in enumerate(config.listen.chargers):
        where = f"listen.chargers[{number}].endpoint"
        if listener.endpoint in taken and "tcp:0" not in listener.endpoint:
            yield f"{where}: is what {taken[listener.endpoint]} listens at, {listener.endpoint}"
        taken[listener.endpoint] = where


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: is not TOML: {error}"]) from error


def _read(
    tables: Mapping[str, Any], kinds: Mapping[str, Any], converter: Converter
) -> tuple[dict[str, Any], list[str]]:
    """The tables that are of these kinds, each by itself, and the faults of all of them."""
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, kind in kinds.items():
        if name not in tables:
            continue
        try:
            values[name] = body_reader(converter, kind)(tables[name])
        except Invalid as error:
            faults += _faults(name, error)
    return values, faults


def _converter(dialects: Collection[str]) -> Converter:
    converter = body_converter()

    # TOML has dates of its own, where JSON has text
    def instant(value: Any, _type: type) -> datetime:
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise ValueError("must be a date and time with an offset")
        return value.astimezone(UTC)

    def dialect(value: Any, _type: type) -> DialectName:
        if value not in dialects:
            raise ValueError(f"must be one of {', '.join(dialects)}, and {value!r} is none")
        return DialectName(value)

    converter.register_structure_hook(datetime, instant)
    converter.register_structure_hook(DialectName, dialect)
    return converter


def _faults(table: str, error: Invalid) -> Iterator[str]:
    found: Any = error.facts["errors"]
    for fault in found:
        key = (table + fault["pointer"]).replace("/", ".")
        yield f"{key}: {_IN_TOML.get(fault['detail'], fault['detail'])}"


#: what JSON has another word for
_IN_TOML = {"must be an object": "must be a table"}
