"""The command line and the options of several nodes: what is told, and what is refused."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.python.usage import UsageError

from chargecloud.cli import main
from chargecloud.config import ConfigError, read_config
from chargecloud.options import Options
from chargecloud.storage.engine import for_writing, open_engine
from chargecloud.storage.roster import Node, read_nodes
from chargecloud.storage.slots import LEASE_S, lease_slot, release_slot

REDIS = '[redis]\nurls = ["redis://127.0.0.1"]\n'
MARIADB = '[database]\nurl = "mariadb://root@127.0.0.1/cc"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose database is up to date."""
    path = tmp_path / "node.toml"
    path.write_text(f'[node]\ndata_dir = "{tmp_path}"\n')
    assert main(["db", "upgrade", "--config", str(path)]) == 0
    return path


Leases = Callable[[Callable[[Any], Any]], Any]


@pytest.fixture
def leases(config: Path) -> Leases:
    """Does something in a transaction on the same database."""

    def do(work: Callable[[Any], Any]) -> Any:
        engine = open_engine(f"sqlite:///{config.parent}/chargecloud.db")
        try:
            with for_writing(engine).begin() as connection:
                return work(connection)
        finally:
            engine.dispose()

    return do


def run(config: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """A command; its status, and what it said."""
    capsys.readouterr()
    status = main([*words, "--config", str(config)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_the_nodes_are_listed(
    config: Path, leases: Leases, capsys: pytest.CaptureFixture[str]
) -> None:
    """Number, roles, until when; one that gave its slot back is none, one whose lease is over
    is told apart."""
    now_s = time.time()

    def lease(connection: Any) -> None:
        lease_slot(connection, "a:1", now_s, roles="web gateway")
        lease_slot(connection, "b:1", now_s - 10 * LEASE_S, roles="worker")
        lease_slot(connection, "c:1", now_s)
        lease_slot(connection, "d:1", now_s, roles="worker")
        release_slot(connection, 3, "d:1", now_s)

    assert run(config, capsys, "node", "list") == (0, "", "")
    leases(lease)
    status, out, err = run(config, capsys, "node", "list")
    first, second, third = out.splitlines()
    assert (status, err) == (0, "")
    assert first.startswith("0: gateway web; leased until 20")
    assert not first.endswith("over")
    assert second.startswith("1: worker; leased until 20")
    assert second.endswith("+00:00, which is over")
    assert third.startswith("2: a command; leased")


def test_a_node_is_told_to_leave(
    config: Path, leases: Leases, capsys: pytest.CaptureFixture[str]
) -> None:
    """That one alone; whoever has the slot after it is not told so."""
    now_s = time.time()
    for holder in ("a:1", "b:1"):
        leases(lambda connection, holder=holder: lease_slot(connection, holder, now_s))  # type: ignore[misc]
    assert run(config, capsys, "node", "drain", "1") == (0, "node 1 is told to leave\n", "")
    found: list[Node] = leases(read_nodes)
    assert [each.is_draining for each in found] == [False, True]
    told = run(config, capsys, "node", "list")[1].splitlines()
    assert told[1].endswith(", told to leave")
    assert leases(lambda connection: lease_slot(connection, "b:2", now_s)) == 1
    assert [each.is_draining for each in leases(read_nodes)] == [False, False]


def test_a_node_that_is_not_there_is_told_nothing(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said, and where the nodes are found."""
    status, out, err = run(config, capsys, "node", "drain", "7")
    assert (status, out) == (1, "")
    assert "there is no node 7: `chargecloud node list`" in err


# ---------------------------------------------------------------------------- options


def options(folder: Path, text: str, *words: str) -> Options:
    """Options of C{twist chargecloud}."""
    path = folder / "twist.toml"
    path.write_text(f'[node]\ndata_dir = "{folder}"\n{text}')
    made = Options()
    made.parseOptions(["--config", str(path), *words])
    return made


@pytest.mark.parametrize(
    ("text", "words", "why"),
    [
        ("", ["--role", "web"], "--role: several processes need [redis]"),
        (
            "",
            ["--processes", "2", "--status", "tcp:0"],
            "--status: --processes are several, and it is one's place",
        ),
        ("", ["--processes", "2"], "--processes: several processes need [redis]"),
        (REDIS, ["--role", "web"], "--role: several processes need a [database] that is a server"),
        (REDIS, ["--processes", "2"], "on SQLite one process writes"),
        (REDIS + MARIADB, ["--role", "moon"], "no role 'moon': it is one of gateway, web, worker"),
        (REDIS + MARIADB, ["--processes", "0"], "1 to 64"),
        (REDIS + MARIADB, ["--processes", "65"], "1 to 64"),
        (REDIS + MARIADB, ["--processes", "two"], "'two'"),
        (
            REDIS + MARIADB + "[calendar]\nstart = 2026-11-23T07:30:00+08:00\n",
            ["--role", "web"],
            "--role: a [calendar] of its own is one process's",
        ),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, text: str, words: list[str], why: str) -> None:
    """One line says what is needed."""
    with pytest.raises(UsageError) as caught:
        options(tmp_path, text, *words)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_of_a_part(tmp_path: Path) -> None:
    """Several roles may be one process's; alone it is all of them."""
    made = options(tmp_path, REDIS + MARIADB, "--role", "web", "--role", "worker")
    assert made.roles == ["web", "worker"]
    part = made.setup.of_part("web-worker").config
    assert part.data_dir == tmp_path / "web-worker"
    assert options(tmp_path, "").roles == []


# ------------------------------------------------------------------------------ [redis]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('urls = ["http://:s3cret@host"]', "redis.urls"),
        ('urls = ["redis://:s3cret@"]', "redis.urls"),
        ('urls = ["redis://:s3cret@host/3"]', "redis.urls"),
        ('urls = ["redis://:s3cret@host:port"]', "redis.urls"),
        ('urls = ["env:NO_SUCH_s3cretless_NAME"]', "redis.urls"),
        ('urls = "redis://:s3cret@host"', "redis.urls"),
        ('sentinels = ["host"]', "redis.sentinels"),
        ('sentinels = [":26379"]', "redis.sentinels"),
        ('sentinels = ["host:99999"]', "redis.sentinels"),
        ("port = 6379", "redis.port"),
    ],
)
def test_faults_of_redis(tmp_path: Path, text: str, where: str) -> None:
    """Each is told by its place, and no password with it."""
    path = tmp_path / "node.toml"
    path.write_text(f"[redis]\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    (fault,) = caught.value.faults
    assert fault.startswith(f"{path}: {where}: ")
    assert ":s3cret" not in fault


def test_passwords_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may be kept out of the file, and are in no text that is made of the settings."""
    monkeypatch.setenv("CC_REDIS", "redis://:s3cret@one")
    (tmp_path / "password").write_text("s3cret\n")
    path = tmp_path / "node.toml"
    path.write_text('[redis]\nurls = ["env:CC_REDIS", "redis://:s3cret@two:1"]\n')
    settings = read_config(path).config.redis
    assert [(each.host, each.port, each.password) for each in settings.places] == [
        ("one", 6379, "s3cret"),
        ("two", 1, "s3cret"),
    ]
    assert "s3cret" not in f"{settings!r} {settings.places!r} {[str(e) for e in settings.places]}"

    path.write_text(
        '[redis]\nsentinels = ["one:26379", "two:26380"]\nmaster = "main"\n'
        f'password = "file:{tmp_path}/password"\n'
    )
    settings = read_config(path).config.redis
    (place,) = settings.places
    assert place.sentinels == (("one", 26379), ("two", 26380))
    assert (place.service, place.password) == ("main", "s3cret")
    path.write_text('[redis]\nsentinels = ["one:26379"]\npassword = "s3cret"\n')
    settings = read_config(path).config.redis
    assert "s3cret" not in f"{settings!r} {settings.places!r}"
