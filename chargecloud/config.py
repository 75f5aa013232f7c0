"""The configuration: one TOML file, read into attrs classes, all faults named at once."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from attrs import field, frozen
from cattrs import Converter

from chargecloud.charging.settings import ChargingSettings
from chargecloud.domain.errors import Invalid
from chargecloud.gateway.gateway import Limits
from chargecloud.interfaces import IFeature
from chargecloud.routes import choice, text, whole
from chargecloud.simulator.settings import SimulatorSettings
from chargecloud.web.converters import body_converter
from chargecloud.web.reading import body_reader


class ConfigError(Exception):
    """A configuration that cannot be used.

    @ivar faults: one line each: the file, the key, and what was expected.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@frozen(kw_only=True)
class NodeSettings:
    """C{[node]}"""

    id: int = whole("number of this node in the event log", default=1, least=1, most=1023)
    data_dir: str = text("where its files are; relative to the working directory", default="var")


@frozen(kw_only=True)
class CalendarSettings:
    """C{[calendar]}: a shifted or scaled calendar, for demonstrations and tests."""

    start: datetime = choice("the date and time that it begins with, with its offset")
    speed: float = choice("its seconds in a real one, above zero", default=1.0)

    def __attrs_post_init__(self) -> None:
        if self.speed <= 0:
            raise ValueError("speed must be above zero")


@frozen(kw_only=True)
class DatabaseSettings:
    """C{[database]}"""

    url: str | None = text(
        "as SQLAlchemy has it; chargecloud.db in the data_dir if not given", default=None
    )


@frozen(kw_only=True)
class ChargerListener:
    """C{[[listen.chargers]]}"""

    endpoint: str = text("a Twisted endpoint", example="tcp:9010:interface=127.0.0.1")
    dialects: tuple[str, ...] = choice("what may be spoken there; all if not given", default=())


@frozen(kw_only=True)
class WebListener:
    """C{[listen.web]}"""

    endpoint: str = text("a Twisted endpoint", example="tcp:8080:interface=127.0.0.1")


@frozen(kw_only=True)
class ListenSettings:
    """C{[listen]}"""

    chargers: tuple[ChargerListener, ...] = choice("where chargers connect", default=())
    web: WebListener | None = choice("where the HTTP API is served", default=None)


@frozen(kw_only=True)
class LimitSettings:
    """C{[limits]}: what a charger's connection may take."""

    connections: int = whole("in all", default=15_000, least=1)
    connections_an_address: int = whole("from one address", default=2_000, least=1)
    heartbeat_s: int = whole("how often an idle charger speaks", default=30, least=5, most=3600)
    missed: int = whole("heartbeats in a row after which it is gone", default=3, least=2, most=10)
    login_s: int = whole("from the connection to the login", default=15, least=1, most=300)

    def limits(self) -> Limits:
        """As the gateway has them."""
        return Limits(**attrs.asdict(self))


@frozen(kw_only=True)
class PluginSettings:
    """C{[plugins]}"""

    blocked: tuple[str, ...] = choice("plugins that are installed and not wanted", default=())


@frozen(kw_only=True)
class Config:
    """The whole of it.

    @ivar features: the settings of each feature, by its name.
    """

    node: NodeSettings = field(factory=NodeSettings)
    calendar: CalendarSettings | None = None
    database: DatabaseSettings = field(factory=DatabaseSettings)
    listen: ListenSettings = field(factory=ListenSettings)
    limits: LimitSettings = field(factory=LimitSettings)
    charging: ChargingSettings = field(factory=ChargingSettings)
    plugins: PluginSettings = field(factory=PluginSettings)
    simulator: SimulatorSettings | None = None

    @property
    def data_dir(self) -> Path:
        """Where the node's files are."""
        return Path(self.node.data_dir)

    @property
    def database_url(self) -> str:
        """Where the database is."""
        return self.database.url or f"sqlite:///{self.data_dir / 'chargecloud.db'}"


#: the tables that are not a feature's
CORE_TABLES = frozenset(attribute.name for attribute in attrs.fields(Config))


@frozen
class ConfigFile:
    """
    A file that was read, and of which the core's part is known to be good.

    @ivar others: the tables that are not the core's: features', as plugins know them.
    """

    path: str
    core: Config
    others: Mapping[str, Any]

    def features(self, installed: Mapping[str, IFeature]) -> dict[str, Any]:
        """
        The settings of each feature that is installed.

        @raise ConfigError: naming every table and key that is wrong.
        """
        faults = [
            f"{self.path}: {name}: is no table of the core or of an installed feature"
            for name in self.others
            if name not in installed
        ]
        settings = {}
        for name, feature in installed.items():
            try:
                settings[name] = _read(feature.settings, self.others.get(name, {}))
            except Invalid as error:
                faults += _faults(self.path, error, name)
        if faults:
            raise ConfigError(faults)
        return settings


def read_config(path: Path) -> ConfigFile:
    """
    Read a configuration file.

    @raise ConfigError: naming every fault of the core's tables.
    """
    try:
        tables = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: is not TOML: {error}"]) from error
    core = {name: table for name, table in tables.items() if name in CORE_TABLES}
    others = {name: table for name, table in tables.items() if name not in CORE_TABLES}
    try:
        return ConfigFile(str(path), _read(Config, core), others)
    except Invalid as error:
        raise ConfigError(_faults(str(path), error)) from error


def _read(kind: type, values: Any) -> Any:
    return body_reader(_converter(), kind)(values)


def _converter() -> Converter:
    converter = body_converter()

    # TOML has dates of its own, where JSON has text
    def instant(value: Any, _type: type) -> datetime:
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise ValueError("must be a date and time with an offset")
        return value.astimezone(UTC)

    converter.register_structure_hook(datetime, instant)
    return converter


def _faults(path: str, error: Invalid, table: str | None = None) -> list[str]:
    prefix = f"{table}." if table else ""
    faults: Any = error.facts["errors"]
    return [
        f"{path}: {prefix}{fault['pointer'].lstrip('/').replace('/', '.')}: {fault['detail']}"
        for fault in faults
    ]
