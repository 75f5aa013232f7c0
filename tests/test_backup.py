"""A copy is made while the service writes, and put back as it was."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chargecloud.cli import main
from chargecloud.storage.folder import lock_folder
from tests.test_cli import platform

Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line on a database of its own."""
    config = tmp_path / "node.toml"
    config.write_text(f'[node]\ndata_dir = "{tmp_path}"\n')

    def command(*words: str) -> int:
        return main([*words, "--config", str(config)])

    assert command("db", "upgrade") == 0
    return command


def orders(database: Path) -> list[Any]:
    """What is in a database."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT id, state, amount_fen FROM orders ORDER BY id").fetchall()


def test_a_copy_is_whole_and_comes_back(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what was committed a moment before, from a database that is in use; what came after it
    is set aside and not lost."""
    world = platform(tmp_path)
    box = world.box().connect()
    order = world.order(box, world.customer())
    box.begin()
    copy = tmp_path / "copy.db"
    assert run("db", "backup", str(copy)) == 0
    assert copy.stat().st_mode & 0o077 == 0
    then = orders(copy)
    assert [row[0] for row in then] == [int(order["id"])]
    world.pass_time(60, lambda: box.report(10_000))
    box.end(2, int(order["id"]), 5_000_000, 60)
    world.killed()
    world.store.engine.dispose()
    now = orders(tmp_path / "chargecloud.db")
    assert now != then

    assert run("db", "restore", str(copy)) == 0
    assert "before-1" in capsys.readouterr().out
    assert orders(tmp_path / "chargecloud.db") == then
    assert orders(tmp_path / "chargecloud.db.before-1") == now
    # and the service goes on from there
    world = platform(tmp_path)
    assert world.get(f"/orders/{order['id']}")["state"] == "charging"
    world.killed()


def test_a_copy_is_never_written_over(tmp_path: Path, run: Run) -> None:
    """Nor is half of one left behind."""
    copy = tmp_path / "copy.db"
    copy.write_text("mine")
    assert run("db", "backup", str(copy)) == 1
    assert copy.read_text() == "mine"
    assert run("db", "backup", str(copy / "copy.db")) == 1
    assert list(tmp_path.glob("*.part*")) == []


@pytest.mark.parametrize(
    ("kind", "tool"),
    [("postgresql", "pg_dump"), ("mariadb", "mariadb-dump"), ("mysql", "mysqldump")],
)
def test_a_servers_database_is_copied_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, tool: str
) -> None:
    """It is said by what."""
    config = tmp_path / "served.toml"
    config.write_text(f'[database]\nurl = "{kind}://cc:hunter2@db.example/cc"')
    assert main(["db", "backup", str(tmp_path / "copy.db"), "--config", str(config)]) == 1
    said = capsys.readouterr().err
    assert tool in said
    assert "hunter2" not in said


def test_a_copy_is_one_file(tmp_path: Path, run: Run) -> None:
    """That only its owner reads, in a folder that is made for it; nothing is left beside it,
    neither by the backup nor by putting it back."""
    copy = tmp_path / "backups" / "copy.db"
    assert run("db", "backup", str(copy)) == 0
    assert run("db", "restore", str(copy)) == 0
    assert list(copy.parent.iterdir()) == [copy]
    assert copy.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_is_put_back_is_the_services(tmp_path: Path, run: Run) -> None:
    """Root restores, and the service has to write it."""
    copy, database = tmp_path / "copy.db", tmp_path / "chargecloud.db"
    assert run("db", "backup", str(copy)) == 0
    os.chown(database, 12_345, 12_345)
    database.chmod(0o640)
    assert run("db", "restore", str(copy)) == 0
    found = database.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12_345, 12_345, 0o640)


def test_what_is_no_copy_is_not_put_back(tmp_path: Path, run: Run) -> None:
    """Another file, another database, or a damaged one: what is there stays."""
    before = (tmp_path / "chargecloud.db").read_bytes()
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE notes (text)")
    (tmp_path / "text.db").write_text("what is this")
    for name in ("other.db", "text.db", "missing.db"):
        assert run("db", "restore", str(tmp_path / name)) == 1
    assert run("db", "backup", str(tmp_path / "copy.db")) == 0
    damaged = bytearray((tmp_path / "copy.db").read_bytes())
    damaged[4_096 * 3 : 4_096 * 9] = bytes(4_096 * 6)
    (tmp_path / "damaged.db").write_bytes(damaged)
    assert run("db", "restore", str(tmp_path / "damaged.db")) == 1
    assert (tmp_path / "chargecloud.db").read_bytes() == before


def test_nothing_is_put_back_under_a_service_that_runs(tmp_path: Path, run: Run) -> None:
    """It would write on into what was set aside."""
    copy = tmp_path / "copy.db"
    assert run("db", "backup", str(copy)) == 0
    with lock_folder(tmp_path):
        assert run("db", "restore", str(copy)) == 1
    assert run("db", "restore", str(copy)) == 0
