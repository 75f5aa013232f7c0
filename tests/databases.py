"""Servers of the kinds of databases that the platform runs on, private to the tests.

Each process of the tests starts one of a kind when it first needs it, in a folder of its own,
and it ends with the process, however that ends.  A test gets a database that is migrated and
empty: one that an earlier test used, with its rows taken out, or a new one.
"""

import atexit
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from attrs import define, field
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from chargecloud.storage.engine import database_url, open_engine
from chargecloud.storage.migrate import upgrade
from tests.live import wait_until

#: kinds of databases beside SQLite, which needs no server
SERVED = ("postgresql", "mariadb")
KINDS = ("sqlite", *SERVED)

#: revisions of features, by the feature's name
Lineages = tuple[tuple[str, Path], ...]

_START_S = 30.0
_PR_SET_PDEATHSIG = 1


@define(eq=False)
class Server:
    """
    A running server.

    @ivar folder: its data, and its socket.
    @ivar durable: a commit is on the disk when it returns; the tests need that only where the
        disk is measured.
    """

    kind: str
    folder: Path
    durable: bool = False
    _process: "subprocess.Popen[bytes] | None" = None
    _databases: int = 0

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.launch()
        assert self._process is not None
        until_s = time.monotonic() + _START_S
        while not self._answers():
            if time.monotonic() > until_s or self._process.poll() is not None:
                said = (self.folder / "log").read_text()[-2_000:]
                raise RuntimeError(f"{self.kind} did not start:\n{said}")
            time.sleep(0.02)

    def launch(self) -> None:
        """Start it, and do not wait."""
        command = self._postgresql() if self.kind == "postgresql" else self._mariadb()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=_user(),
                preexec_fn=_die_with_us,
            )

    def kill(self) -> None:
        """As when the machine loses its power."""
        assert self._process is not None
        # a PostgreSQL that is killed leaves its other processes, which notice it soon
        self._process.send_signal(signal.SIGQUIT if self.kind == "postgresql" else signal.SIGKILL)
        self._process.wait()
        _maintenance(self.url(self.first)).dispose()

    def hang(self) -> None:
        """Stop all its processes where they are: no connection is closed, and none is answered."""
        pids = self._pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        # each of its threads stops at its next chance, and may answer before
        wait_until(lambda: set("".join(map(_states, pids))) <= {"T"}, 10, "all to stand still")

    def go_on(self) -> None:
        """After L{hang}, from where it was."""
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        """Its processes, the first of them first; MariaDB has one, and PostgreSQL one for each
        connection."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def remove(self) -> None:
        """End it, and leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            # whoever waits at the end of the tests does not wait long
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """Where a database of it is."""
        if self.kind == "postgresql":
            return f"postgresql://chargecloud@/{database}?host={self.folder}"
        # without it each connection reads all the machine's certificates, for 50 ms
        return f"mariadb://root@/{database}?unix_socket={self.folder}/socket&ssl_disabled=true"

    def new_database(self, like: str = "") -> str:
        """The URL of a new database."""
        self._databases += 1
        name = f"cc{self._databases}"
        with self.outside() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} {like}")
        return self.url(name)

    def outside(self) -> Connection:
        """A connection to none of its databases."""
        return _maintenance(self.url(self.first)).connect()

    @property
    def first(self) -> str:
        """A database that is always there."""
        return "postgres" if self.kind == "postgresql" else "mysql"

    def _answers(self) -> bool:
        try:
            self.outside().close()
        except DBAPIError:
            return False
        return True

    def _postgresql(self) -> list[str]:
        lasting = "on" if self.durable else "off"
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={self.folder}",
            "max_connections=300",
            f"fsync={lasting}",
            f"synchronous_commit={lasting}",
            f"full_page_writes={lasting}",
        ]
        options = [part for each in settings for part in ("-c", each)]
        return [found("postgres"), "-D", str(self.folder / "data"), *options]

    def _mariadb(self) -> list[str]:
        return [
            found("mariadbd"),
            "--no-defaults",
            f"--datadir={self.folder}/data",
            f"--tmpdir={self.folder}",
            f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid",
            "--skip-networking",
            "--skip-name-resolve",
            "--max-connections=300",
            # few, as each costs a file
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M",
            f"--innodb-flush-log-at-trx-commit={1 if self.durable else 0}",
            *(
                []
                if self.durable
                else ["--innodb-flush-method=nosync", "--skip-innodb-doublewrite"]
            ),
        ]


def found(program: str) -> str:
    """Where a server is; the tests do not pass without."""
    # where Debian has those that only root starts
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.fail(f"there is no {program}: `make services` installs it", pytrace=False)
    return path


def _user() -> str | None:
    """Whose process it is: servers refuse to be the administrator's."""
    return "nobody" if os.geteuid() == 0 else None


def _die_with_us() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@cache
def _maintenance(url: str) -> Engine:
    return create_engine(database_url(url), isolation_level="AUTOCOMMIT")


def new_server(kind: str, *, durable: bool = False) -> Server:
    """A server with data of its own; it ends with this process at the latest."""
    # a socket's path must be short, and what a temporary folder of pytest is called is not
    folder = Path(mkdtemp(prefix=f"cc-{kind}-"))
    folder.chmod(0o755)
    shutil.copytree(_initialised(kind), folder / "data")
    if owner := _user():
        who = pwd.getpwnam(owner)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, who.pw_uid, who.pw_gid)
    (folder / "data").chmod(0o700)
    server = Server(kind, folder, durable)
    atexit.register(server.remove)
    server.start()
    return server


@cache
def _initialised(kind: str) -> Path:
    """A folder as a server of the kind makes it when it is installed."""
    folder = Path(mkdtemp(prefix=f"cc-{kind}-"))
    folder.chmod(0o777)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    data = folder / "data"
    if kind == "postgresql":
        command = [found("initdb"), "-D", str(data), "-U", "chargecloud", "-A", "trust"]
        command += ["--no-sync", "--no-locale", "-E", "UTF8"]
    else:
        data.mkdir()
        data.chmod(0o777)
        command = [found("mariadb-install-db"), "--no-defaults", f"--datadir={data}"]
        command += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        command += ["--skip-name-resolve", "--innodb-log-file-size=32M"]
    # in a common folder, two that are installed at once take each other's files
    environment = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(
        command, capture_output=True, user=_user(), cwd=folder, env=environment, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout!r} {done.stderr!r}")
    return data


@define
class _Lent:
    """
    A database that a test has.

    @ivar lineages: what it was migrated to; C{None} for one that was given empty.
    @ivar idle: its test has disposed of the engine, and may have no more use for it.
    @ivar spoiled: its tables are not any more as they were.
    """

    url: str
    folder: Path
    lineages: Lineages | None
    idle: bool = False
    spoiled: bool = False


@define(eq=False)
class Databases:
    """
    The databases of one server, and who has them.

    @ivar _engines: of each database one: what a driver has to learn of a server, and a server of
        a connection, takes longer than most tests.
    """

    server: Server
    _free: dict[Lineages, list[str]] = field(factory=dict)
    _templates: dict[Lineages, str] = field(factory=dict)
    _lent: list[_Lent] = field(factory=list)
    _engines: dict[str, Engine] = field(factory=dict)

    def empty(self, folder: Path) -> str:
        """The URL of a folder's database, which is one without tables at first."""
        for lent in self._lent:
            if lent.folder == folder:
                return lent.url
        lent = _Lent(self.server.new_database(), folder, None)
        self._lent.append(lent)
        return lent.url

    def open(self, folder: Path, lineages: Lineages) -> Engine:
        """An engine for a folder's database, which is a migrated one without rows at first."""
        lent = next((each for each in self._lent if each.folder == folder), None)
        if lent is None:
            lent = _Lent(self._take(lineages), folder, lineages)
            self._lent.append(lent)
        lent.idle = False
        engine = self._engine(lent.url)
        if lent.lineages != lineages:
            upgrade(engine, dict(lineages))
        return engine

    def end_of_test(self) -> None:
        """Take all back that the test had."""
        lent, self._lent = self._lent, []
        for each in lent:
            self._take_back(each)

    def _take(self, lineages: Lineages) -> str:
        # a test of many examples is done with those before
        for lent in self._lent:
            if lent.idle and lent.lineages == lineages and not lent.spoiled:
                self._lent.remove(lent)
                self._take_back(lent)
                break
        free = self._free.setdefault(lineages, [])
        return free.pop() if free else self._copy(lineages)

    def _take_back(self, lent: _Lent) -> None:
        if lent.spoiled or lent.lineages is None:
            if lent.url in self._engines:
                self._engines.pop(lent.url).dispose()
            _maintenance(lent.url).dispose()
            name = make_url(lent.url).database
            forced = " WITH (FORCE)" if self.server.kind == "postgresql" else ""
            with self.server.outside() as connection:
                connection.exec_driver_sql(f"DROP DATABASE {name}{forced}")
            return
        engine = self._engine(lent.url)
        if engine.pool.checkedout():  # type: ignore[attr-defined]
            # a test that failed, or a process that was killed, has left a transaction behind
            engine.dispose()
        emptied = [f"DELETE FROM {table}" for table in _tables(self._template(lent.lineages))]
        if self.server.kind == "postgresql":
            emptied = [";".join(emptied)]
        with _maintenance(lent.url).connect() as connection:
            for statement in emptied:
                connection.exec_driver_sql(statement)
        self._free.setdefault(lent.lineages, []).append(lent.url)

    def _template(self, lineages: Lineages) -> str:
        if lineages not in self._templates:
            url = self._templates[lineages] = self.server.new_database()
            engine = open_engine(url)
            upgrade(engine, dict(lineages))
            engine.dispose()
        return self._templates[lineages]

    def _copy(self, lineages: Lineages) -> str:
        template = make_url(self._template(lineages)).database
        if self.server.kind == "postgresql":
            return self.server.new_database(f"TEMPLATE {template}")
        url = self.server.new_database(f"COLLATE {self._collation(template)}")
        name = make_url(url).database
        with self.server.outside() as connection:
            for (table,) in connection.exec_driver_sql(f"SHOW TABLES IN {template}").all():
                made = f"{name}.{table}"
                connection.exec_driver_sql(f"CREATE TABLE {made} LIKE {template}.{table}")
                if table.startswith("revisions_"):
                    copied = f"INSERT INTO {made} SELECT * FROM {template}.{table}"
                    connection.exec_driver_sql(copied)
        return url

    def _collation(self, database: str | None) -> str:
        found = text(
            "SELECT default_collation_name FROM information_schema.schemata "
            "WHERE schema_name = :name"
        )
        with self.server.outside() as connection:
            return str(connection.execute(found, {"name": database}).scalar_one())

    def _engine(self, url: str) -> Engine:
        if url not in self._engines:
            engine = self._engines[url] = open_engine(url)
            event.listen(engine, "before_cursor_execute", partial(self._executed, url))
            event.listen(engine, "engine_disposed", partial(self._disposed, url))
        return self._engines[url]

    def _executed(self, url: str, _on: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.lstrip().upper().startswith(("CREATE", "DROP", "ALTER")):
            for lent in self._lent:
                lent.spoiled = lent.spoiled or lent.url == url

    def _disposed(self, url: str, _engine: Engine) -> None:
        for lent in self._lent:
            lent.idle = lent.idle or lent.url == url


@cache
def _tables(url: str) -> tuple[str, ...]:
    """Those that a test may have written to."""
    names = inspect(_maintenance(url)).get_table_names()
    _maintenance(url).dispose()
    return tuple(name for name in names if not name.startswith("revisions_"))


@cache
def databases(kind: str) -> Databases:
    """Those of the kind's server, which is started if none has needed it yet."""
    return Databases(new_server(kind))


@define
class _Current:
    """The kind of database that the present test is about."""

    kind: str = "sqlite"


_current = _Current()


def current() -> Databases | None:
    """The databases that the present test takes its own from; C{None} for SQLite's files."""
    return None if _current.kind == "sqlite" else databases(_current.kind)


def use(kind: str) -> Iterator[None]:
    """Have tests take theirs from there, until this goes on."""
    _current.kind = kind
    try:
        yield
    finally:
        found = current()
        _current.kind = "sqlite"
        if found is not None:
            found.end_of_test()


def _states(pid: int) -> str:
    """The state of each thread of a process, a letter each."""
    return "".join(
        each.read_text().rpartition(")")[2].split()[0]
        for each in Path(f"/proc/{pid}/task").glob("*/stat")
    )
