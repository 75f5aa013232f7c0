"""The configuration file."""

import re
import tomllib
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from chargecloud.config import Config, ConfigError, Setup, read_config
from chargecloud.gateway.settings import Limits
from chargecloud.plugins import PluginError, Plugins, PluginSettings, load_plugins

#: only what comes with the platform, whatever is installed here
OWN = partial(load_plugins, entries=())
ETC = Path(__file__).parent.parent / "etc"


def read(folder: Path, text: str) -> Setup:
    """What a file with that text sets up."""
    path = folder / "node.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path, OWN)


def faults(folder: Path, text: str) -> list[str]:
    """What is wrong with a file with that text, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    start = f"{folder / 'node.toml'}: "
    assert all(fault.startswith(start) for fault in caught.value.faults)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return [fault.removeprefix(start) for fault in caught.value.faults]


# ------------------------------------------------------------------------------ good ones


def test_nothing_is_needed(tmp_path: Path) -> None:
    """An empty file is a node that listens nowhere, and every feature has its defaults."""
    setup = read(tmp_path, "")
    assert setup.config == Config()
    assert setup.config.limits == Limits()
    assert setup.config.database_url == "sqlite:///var/chargecloud.db"
    assert setup.feature_settings.keys() == setup.plugins.features.keys()
    assert setup.feature_settings["statistics"].carbon_g_per_kwh == 785


def test_everything_is_read(tmp_path: Path) -> None:
    """Each table comes to where it is used."""
    setup = read(
        tmp_path,
        """
        [node]
        id = 7
        data_dir = "/srv/cc"
        [calendar]
        start = 2026-11-23T07:30:00+08:00
        speed = 60
        [listen.web]
        endpoint = "tcp:8080"
        [[listen.chargers]]
        endpoint = "haproxy:tcp:9010"
        dialects = ["native"]
        [limits]
        missed = 5
        [charging]
        checkpoint_s = 60
        [plugins]
        blocked = ["acme"]
        [statistics]
        carbon_g_per_kwh = 1
        """,
    )
    config = setup.config
    assert (config.node.id, config.data_dir) == (7, Path("/srv/cc"))
    assert config.database_url == "sqlite:////srv/cc/chargecloud.db"
    assert config.calendar is not None
    assert config.calendar.start == datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert config.calendar.speed == 60.0
    assert config.listen.web is not None
    assert config.listen.web.endpoint == "tcp:8080"
    assert config.listen.chargers[0].dialects == ("native",)
    assert config.limits.missed == 5
    assert config.charging.checkpoint_s == 60
    assert setup.feature_settings["statistics"].carbon_g_per_kwh == 1


def test_what_is_not_wanted_is_not_loaded(tmp_path: Path) -> None:
    """The names that are blocked reach those who load plugins."""
    path = tmp_path / "node.toml"
    asked: list[str] = []
    path.write_text('[plugins]\nblocked = ["acme", "zenith"]')

    def load(settings: PluginSettings) -> Plugins:
        asked.extend(settings.blocked)
        return OWN(settings)

    read_config(path, load)
    assert asked == ["acme", "zenith"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp:0",
        "tcp:9010:interface=127.0.0.1",
        "unix:/run/cc.sock",
        "haproxy:tcp:80",
        "systemd:domain=INET:index=0",
        "haproxy:systemd\\\\:domain=INET\\\\:index=0",
    ],
)
def test_every_kind_of_endpoint(tmp_path: Path, endpoint: str) -> None:
    """Also one that only the service itself can see."""
    setup = read(tmp_path, f'[listen.web]\nendpoint = "{endpoint}"')
    assert setup.config.listen.web is not None


# -------------------------------------------------------------------------------- secrets


def test_a_database_is_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password need not be in the file, nor in what is printed of it."""
    monkeypatch.setenv("CC_DB", "sqlite:////srv/secret.db")
    config = read(tmp_path, '[database]\nurl = "env:CC_DB"').config
    assert config.database_url == "sqlite:////srv/secret.db"
    assert "secret" not in repr(config)


def test_a_database_is_named_by_a_file(tmp_path: Path) -> None:
    """As systemd and container platforms hand secrets over; a last line end is no part."""
    (tmp_path / "url").write_text("sqlite:////srv/secret.db\n")
    config = read(tmp_path, f'[database]\nurl = "file:{tmp_path}/url"').config
    assert config.database_url == "sqlite:////srv/secret.db"


@pytest.mark.parametrize("kind", ["postgresql", "mariadb", "mysql"])
def test_a_server_needs_no_driver_named(tmp_path: Path, kind: str) -> None:
    """The platform's own come with it."""
    config = read(tmp_path, f'[database]\nurl = "{kind}://cc@db.example/cc"').config
    assert config.database_url == f"{kind}://cc@db.example/cc"


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("env:CC_NOT_THERE", "must name a variable of the environment, and 'CC_NOT_THERE' is none"),
        ("file:/no/such", "must name a file that can be read: "),
        ("chargecloud.db", "must be a database URL"),
        ("klingon://h/d", "must be of a database that is known here: klingon is none of sqlite, "),
        ("oracle://h/d", "must be of a database that is known here: oracle is none of sqlite, "),
        ("postgresql://u:hunter2@host:port/d", "must be a database URL"),
        (
            "mysql+mysqldb://u:hunter2@host/d",
            "needs a driver that is not installed: No module named 'MySQLdb'",
        ),
    ],
)
def test_a_database_that_cannot_be(tmp_path: Path, url: str, what: str) -> None:
    """It is told what is wrong, and never the URL with its password."""
    (fault,) = faults(tmp_path, f'[database]\nurl = "{url}"')
    assert fault.startswith(f"database.url: {what}")
    assert "hunter2" not in fault


# --------------------------------------------------------------------------------- faults


def test_every_fault_at_once(tmp_path: Path) -> None:
    """Whoever mends a file mends it once: each fault with its key and what was expected."""
    assert faults(
        tmp_path,
        """
        moon = "full"
        limits = 5
        [node]
        id = "one"
        [calendar]
        start = 2026-11-23T07:30:00
        speed = -1.0
        [database]
        uri = "sqlite://"
        [listen.web]
        endpoint = "tpc:8080"
        [[listen.chargers]]
        endpoint = "tcp:9010"
        dialects = ["native", "klingon"]
        [[listen.chargers]]
        [charging]
        checkpoint_s = 1
        [statistics]
        carbon_g_per_kwh = "much"
        colour = "red"
        [statistix]
        """,
    ) == [
        "node.id: must be a whole number",
        "calendar.start: must be a date and time with an offset",
        "calendar.speed: must be a number above zero, and 10000 at the most",
        "database.uri: is none of url",
        "listen.chargers.0.dialects.1: must be one of native, and 'klingon' is none",
        "listen.chargers.1.endpoint: is missing",
        "listen.web.endpoint: must be a Twisted endpoint, and 'tpc:8080' is none:"
        " Unknown endpoint type: 'tpc'",
        "limits: must be a table",
        "charging.checkpoint_s: must be between 30 and 9007199254740991",
        "statistics.carbon_g_per_kwh: must be a whole number",
        "statistics.colour: is none of carbon_g_per_kwh",
        "moon: is a table of neither the core nor an installed feature",
        "statistix: is a table of neither the core nor an installed feature",
    ]


@pytest.mark.parametrize("speed", ["0", "-60.0", "nan", "inf", '"fast"', "true"])
def test_a_speed_that_cannot_be(tmp_path: Path, speed: str) -> None:
    """A calendar that stands still or goes back would charge nobody, or everybody twice."""
    text = f"[calendar]\nstart = 2026-11-23T07:30:00Z\nspeed = {speed}"
    (fault,) = faults(tmp_path, text)
    assert fault.startswith("calendar.speed: must be a number")


@pytest.mark.parametrize("start", ["2026-11-23", "07:30:00", '"2026-11-23T07:30:00Z"', "1"])
def test_a_start_that_is_no_instant(tmp_path: Path, start: str) -> None:
    """A date alone, or a text, is no instant; without an offset it could be any."""
    assert faults(tmp_path, f"[calendar]\nstart = {start}") == [
        "calendar.start: must be a date and time with an offset"
    ]


@pytest.mark.parametrize(
    "endpoint",
    ["", "tcp", "tcp:", "tcp:http", "tcp:80:foo=1", "ssl:443:privateKey=/no/such", "haproxy:x:1"],
)
def test_an_endpoint_that_cannot_be(tmp_path: Path, endpoint: str) -> None:
    """It is found when the file is checked, and not when the service is to listen."""
    (fault,) = faults(tmp_path, f'[[listen.chargers]]\nendpoint = "{endpoint}"')
    assert fault.startswith(
        f"listen.chargers.0.endpoint: must be a Twisted endpoint, and '{endpoint}'"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The file is named."""
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path / "no.toml", OWN)
    assert caught.value.faults == [f"{tmp_path / 'no.toml'}: No such file or directory"]


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    """It is told where it stops being TOML."""
    assert faults(tmp_path, "[node\nid = 1") == [
        "is not TOML: Expected ']' at the end of a table declaration (at line 1, column 6)"
    ]
    path = tmp_path / "latin.toml"
    path.write_bytes(b'[node]\ndata_dir = "\xe9"')
    with pytest.raises(ConfigError, match="is not TOML"):
        read_config(path, OWN)


def test_a_plugin_that_cannot_be_used(tmp_path: Path) -> None:
    """Without the plugins nobody can tell which tables are known; it is a fault like others."""
    path = tmp_path / "node.toml"
    path.write_text("")

    def load(_blocked: Any) -> Plugins:
        raise PluginError("plugin acme: no licence file")

    with pytest.raises(ConfigError) as caught:
        read_config(path, load)
    assert caught.value.faults == [f"{path}: plugins: plugin acme: no licence file"]


# -------------------------------------------------------------------------------- samples


@pytest.mark.parametrize("path", sorted(ETC.glob("*.toml")), ids=lambda path: path.name)
def test_the_samples_are_good(path: Path) -> None:
    """What an integrator begins with passes."""
    assert read_config(path, OWN).config.listen.web is not None


#: a table or a key that is commented out, with the words behind it
COMMENTED = re.compile(r"^# (\[+[\w.]+\]+|\w+ = .*)$", re.MULTILINE)


def test_what_is_commented_out_is_the_default(tmp_path: Path) -> None:
    """Uncommenting a line of the sample changes nothing, so it shows what holds without it."""
    given = (ETC / "single.toml").read_text(encoding="utf-8")
    spelt_out = COMMENTED.sub(r"\1", given)
    short, full = read(tmp_path, given), read(tmp_path, spelt_out)
    assert spelt_out.count("#") < given.count("#") - 12
    assert full.config.database_url == short.config.database_url
    # it was just seen to mean the same
    assert attrs.evolve(full.config, database=short.config.database) == short.config
    assert full.feature_settings == short.feature_settings


@pytest.mark.parametrize("table", ["limits", "charging", "plugins", "statistics"])
def test_every_default_is_shown(tmp_path: Path, table: str) -> None:
    """The sample is complete: there is no key that only the code knows."""
    spelt_out = COMMENTED.sub(r"\1", (ETC / "single.toml").read_text(encoding="utf-8"))
    setup = read(tmp_path, spelt_out)
    settings = setup.feature_settings.get(table) or getattr(setup.config, table)
    keys = [attribute.name for attribute in attrs.fields(type(settings))]
    assert sorted(tomllib.loads(spelt_out)[table]) == sorted(keys)


def test_a_scenario_that_there_is_none_of(tmp_path: Path) -> None:
    """It is told beside the other faults of its table, with its own key."""
    told = faults(tmp_path, '[simulator]\nchargers = 0\nscenario = "party"\n')
    assert [each.partition(":")[0] for each in told] == ["simulator.chargers", "simulator.scenario"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[listen.web]\nendpoint = "tcp:99999"', "listen.web.endpoint: must have a port from 0"),
        ('[listen.web]\nendpoint = "tcp:-1"', "listen.web.endpoint: must have a port from 0"),
        (
            '[listen.web]\nendpoint = "tcp:80:interface=300.1.1.1"',
            "listen.web.endpoint: must have an address",
        ),
        ("[limits]\nheartbeat_s = 500\nheartbeat_most_s = 60", "limits.heartbeat_most_s: must not"),
        (
            "[charging]\nstart_deadline_s = 90\nconfirm_deadline_s = 30",
            "charging.confirm_deadline_s: must not",
        ),
        (
            '[listen.web]\nendpoint = "tcp:80"\n[[listen.chargers]]\nendpoint = "tcp:80"',
            "listen.chargers[0].endpoint: is what listen.web.endpoint listens at",
        ),
    ],
)
def test_what_cannot_work_is_told_before_it_is_tried(tmp_path: Path, text: str, told: str) -> None:
    """A port that there is none of, an address that is none, and what contradicts itself."""
    (fault,) = faults(tmp_path, text)
    assert fault.startswith(told)


@pytest.mark.parametrize(
    "endpoint", ["tcp:80:interface=\\\\:\\\\:1", "tcp6:80:interface=\\\\:\\\\:", "tcp:0"]
)
def test_what_can_work_is_left_alone(tmp_path: Path, endpoint: str) -> None:
    """Addresses of both kinds."""
    read(tmp_path, f'[listen.web]\nendpoint = "{endpoint}"')
