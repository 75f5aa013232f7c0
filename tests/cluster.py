"""A whole cluster on this machine, of the sample configuration: servers and processes.

C{python -m tests.cluster} runs it with a simulated fleet until Ctrl-C, as C{make cluster} does.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
from collections.abc import Sequence
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

from chargecloud.cli import main as chargecloud
from tests.databases import Server, found, new_server
from tests.live import BIN, Live, LiveFleet, free_port, wait_until

ETC = Path(__file__).parent.parent / "etc"


class RedisServer:
    """A private redis-server, which can be stopped, started and emptied."""

    def __init__(
        self, port: int | None = None, first: Sequence[str] = (), more: Sequence[str] = ()
    ) -> None:
        """
        @param first: what comes before its options, and C{more} after them.
        """
        self.port = port or free_port()
        self._words = (first, more)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        """Start it, empty."""
        first, more = self._words
        options = ["--port", str(self.port), "--save", "", "--bind", "127.0.0.1", *more]
        self._process = subprocess.Popen(
            [found("redis-server"), *first, *options], stdout=subprocess.DEVNULL
        )
        answers = ("PONG", "NOAUTH")
        wait_until(lambda: self.ask("ping").startswith(answers), 10, "redis answers")
        return self

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._process is not None
        return self._process.pid

    def ask(self, *words: str) -> str:
        """What it answers."""
        return self.ask_as("", *words)

    def ask_as(self, password: str, *words: str) -> str:
        """What it answers to who has its password."""
        known = ["-a", password, "--no-auth-warning"] if password else []
        asked = [found("redis-cli"), "-p", str(self.port), *known, *words]
        return subprocess.run(asked, capture_output=True, check=False).stdout.decode().strip()

    def stop(self) -> None:
        """As when its machine goes."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Part:
    """C{twist chargecloud --role …}, one or more processes of it."""

    def __init__(self, cluster: "LiveCluster", role: str, processes: int) -> None:
        self.role = role
        self._cluster = cluster
        self._processes = processes
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        words = ["--config", str(self._cluster.config), "--role", self.role]
        if self._processes > 1:
            words += ["--processes", str(self._processes)]
        environment = {**os.environ, "CHARGECLOUD_ADMIN_TOKEN": self._cluster.token}
        with (self._cluster.folder / f"{self.role}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [BIN / "twist", "--log-format=text", "chargecloud", *words],
                stdout=log,
                stderr=log,
                cwd=self._cluster.folder,
                env=environment,
            )

    def pids(self) -> list[int]:
        """Its processes that do the work, as the machine has them now."""
        assert self._process is not None
        if self._processes == 1:
            return [self._process.pid]
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(pid) for pid in listed.read_text().split()]

    def end_one(self, sign: signal.Signals, random: Random) -> None:
        """End one of its processes, which is started again."""
        pid = random.choice(wait_until(self.pids, 40, "a process"))
        os.kill(pid, sign)
        if self._processes == 1:
            assert self._process is not None
            self._process.wait(60)
            self.start()

    def leave(self, pid: int) -> None:
        """Tell one of its processes to leave, and wait until there is another one for it."""
        count = len(self.pids())
        os.kill(pid, signal.SIGTERM)
        wait_until(
            lambda: pid not in self.pids() and len(self.pids()) == count, 60, "another process"
        )

    def stop(self) -> None:
        """Stop all of it, in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None


class LiveCluster(Live):
    """Redis, a database's server, HAProxy, and the parts of the service."""

    def __init__(
        self,
        folder: Path,
        kind: str = "mariadb",
        gateways: int = 2,
        ports: Sequence[int] = (),
        more: str = "",
    ) -> None:
        """
        @param ports: of people and of chargers, if not any.
        @param more: further lines of the configuration.
        """
        self.folder = folder
        self.web, self.chargers = ports or (free_port(), free_port())
        self.redis = RedisServer()
        self.server: Server = new_server(kind, durable=True)
        self.database = self.server.new_database()
        self.config = folder / "cluster.toml"
        self.log = folder / "gateway.log"
        #: where the gateways listen behind the proxy
        self.inner_chargers = free_port()
        inner = {"9021": str(self.inner_chargers), "8091": str(free_port())}
        outer = {"9010": str(self.chargers), "8080": str(self.web)}
        written = {
            "var/cluster": f"{folder}/var",
            "mariadb://root@/chargecloud?unix_socket=var/cluster/mariadb/socket": self.database,
            "redis://127.0.0.1:6399": f"redis://127.0.0.1:{self.redis.port}",
        }
        # what is longest first: the folder is in the database's place, too
        replaced = sorted((written | inner).items(), key=lambda pair: -len(pair[0]))
        self.config.write_text(_with(ETC / "cluster.toml", dict(replaced)) + more)
        self._haproxy_config = folder / "haproxy.cfg"
        self._haproxy_config.write_text(_with(ETC / "haproxy.cfg", inner | outer))
        self._haproxy: subprocess.Popen[bytes] | None = None
        self.gateways = Part(self, "gateway", gateways)
        self.webs = Part(self, "web", 1)
        self.workers = Part(self, "worker", 2)

    @property
    def parts(self) -> Sequence[Part]:
        """All of them."""
        return (self.gateways, self.webs, self.workers)

    @property
    def token(self) -> str:
        """The administrator's."""
        return "test"

    def start(self) -> "LiveCluster":
        """Start all of it, and wait until it serves."""
        (self.folder / "var").mkdir(exist_ok=True)
        self.redis.start()
        assert chargecloud(["db", "upgrade", "--config", str(self.config)]) == 0
        with (self.folder / "haproxy.log").open("ab") as log:
            self._haproxy = subprocess.Popen(
                [found("haproxy"), "-db", "-f", self._haproxy_config], stdout=log, stderr=log
            )
        # the first process makes the master key, which the others share
        self.gateways.start()
        key = self.folder / "var" / "master.key"
        wait_until(lambda: key.exists() and key.stat().st_size > 0, 60, "the master key")
        for part in (self.webs, self.workers):
            part.start()
        wait_until(self.is_ready, 60, "ready")
        return self

    def is_ready(self) -> bool:
        """Whether people are served."""
        try:
            return bool(super().ask("GET", "/readyz", base="")["ready"])
        except (urllib.error.URLError, ConnectionError, ValueError):
            return False

    def ask(self, method: str, path: str, body: Any = None, base: str = "/api/v1") -> Any:
        """Ask the API; somebody whose request met a node that was just killed asks again."""
        until_s = time.monotonic() + 60
        while True:
            try:
                return super().ask(method, path, body, base)
            except urllib.error.HTTPError as error:
                if error.code not in (502, 503, 504) or time.monotonic() > until_s:
                    raise
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > until_s:
                    raise
            Event().wait(0.2)

    def stop(self, sign: signal.Signals = signal.SIGINT) -> None:
        """Stop it, in order; C{sign} is for those who stop one process."""
        for part in reversed(self.parts):
            part.stop()
        if self._haproxy is not None:
            self._haproxy.kill()
            self._haproxy.wait()
            self._haproxy = None
        self.redis.stop()

    def close(self) -> None:
        """Leave nothing behind but the files."""
        self.server.remove()


def _with(path: Path, replaced: dict[str, str]) -> str:
    text = path.read_text()
    for what, by in replaced.items():
        assert what in text, f"{path} has no {what}"
        text = text.replace(what, by)
    return text


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("var/cluster"))
    parser.add_argument("--chargers", type=int, default=40)
    parser.add_argument("--database", default="mariadb", choices=("mariadb", "postgresql"))
    given = parser.parse_args()
    folder = given.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cluster = LiveCluster(folder, given.database, ports=(8080, 9010))
    try:
        cluster.start()
        fleet = LiveFleet(cluster, given.chargers, 10).start("demo")
        sys.stdout.write(
            "ChargeCloud runs: two gateways, a web process and two workers, on "
            f"{given.database}, Redis and HAProxy.\n"
            "The API is at http://127.0.0.1:8080/docs, its token is `test`; chargers connect at "
            f"127.0.0.1:9010, {given.chargers} do.\nLogs are in {folder}.  Ctrl-C stops it.\n"
        )
        try:
            signal.pause()
        except KeyboardInterrupt:
            fleet.stop()
    finally:
        cluster.stop()
        cluster.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
