"""Real processes, started as a sysadmin starts them: the platform, and a fleet."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

BIN = Path(sys.executable).parent


def free_port() -> int:
    """A port of the loopback that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until(holds: Callable[[], Any], within_s: float, what: str, every_s: float = 0.1) -> Any:
    """
    Look again and again until something holds, and give what it was.

    @param every_s: more where a look is much work for those that are looked at.
    """
    deadline = time.monotonic() + within_s
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        Event().wait(every_s)


class Live:
    """C{twist chargecloud} in a process of its own, with its files in a folder."""

    COMMAND: tuple[str, ...] = ("twist", "--log-format=text")

    def __init__(self, folder: Path, config: str) -> None:
        self.folder = folder
        self.web, self.chargers = free_port(), free_port()
        self.config = folder / "live.toml"
        self.config.write_text(
            config.replace('data_dir = "var"', f'data_dir = "{folder}/var"')
            .replace("8080", str(self.web))
            .replace("9010", str(self.chargers))
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    def start(self) -> "Live":
        """Start it, and wait until it is ready."""
        environment = dict(os.environ)
        environment.pop("CHARGECLOUD_ADMIN_TOKEN", None)
        if "[simulator]" not in self.config.read_text():
            # only a demonstration makes a token of its own
            environment["CHARGECLOUD_ADMIN_TOKEN"] = "test"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [BIN / self.COMMAND[0], *self.COMMAND[1:], "chargecloud", "--config", self.config],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=environment,
            )
        wait_until(self._is_ready, 30, "ready")
        return self

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        try:
            return bool(self.ask("GET", "/readyz", base="")["ready"])
        except (urllib.error.URLError, ConnectionError):
            return False

    @property
    def pid(self) -> int | None:
        """Of its process, if that runs."""
        return None if self._process is None else self._process.pid

    def stop(self, sign: signal.Signals = signal.SIGINT) -> None:
        """Stop it as Ctrl-C does, and see that it goes."""
        if self._process is not None:
            self._process.send_signal(sign)
            self._process.wait(30)
            self._process = None

    @property
    def token(self) -> str:
        """The administrator's."""
        path = self.folder / "var" / "admin.token"
        return path.read_text().strip() if path.exists() else "test"

    def ask(self, method: str, path: str, body: Any = None, base: str = "/api/v1") -> Any:
        """Ask the API; the JSON of the answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web}{base}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def post_text(self, path: str, text: str) -> Any:
        """Give the API a table; the JSON of the answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web}/api/v1{path}",
            data=text.encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "text/csv"},
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.load(response)

    def text(self, path: str) -> str:
        """What is at a path outside the API, as text."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web}{path}",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            found: str = response.read().decode()
            return found

    def all(self, path: str) -> list[Any]:
        """All items of a list."""
        items: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            mark = "&" if "?" in path else "?"
            page = self.ask(
                "GET", f"{path}{mark}limit=500" + (f"&cursor={cursor}" if cursor else "")
            )
            items += page["items"]
            cursor = page["next"]
        return items


class LiveFleet:
    """C{twist chargecloud-sim} in a process of its own, which outlives the platform's."""

    def __init__(self, live: Live, chargers: int, ports: int, seed: int = 1) -> None:
        self.folder = live.folder / "fleet"
        self._live = live
        self._options = {"chargers": chargers, "ports": ports, "seed": seed}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, scenario: str) -> "LiveFleet":
        """Start it, from where it stopped."""
        options = {
            "connect": f"tcp:127.0.0.1:{self._live.chargers}",
            "api": f"http://127.0.0.1:{self._live.web}",
            "token": self._live.token,
            "state": self.folder,
            "scenario": scenario,
            **self._options,
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        with (self._live.folder / "fleet.log").open("ab") as log:
            self._process = subprocess.Popen(
                [BIN / "twist", "--log-format=text", "chargecloud-sim", *words],
                stdout=log,
                stderr=log,
                cwd=self._live.folder,
            )
        return self

    def stop(self) -> None:
        """Stop it; its memory is saved as it goes."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    @property
    def flash(self) -> Any:
        """What the chargers' memories hold."""
        return json.loads((self.folder / "flash.json").read_text())

    @property
    def book(self) -> list[Any]:
        """What each charge drew, by the chargers' own account."""
        return _lines(self.folder / "book.jsonl")

    @property
    def stays(self) -> list[Any]:
        """How long bikes stayed that were cut off."""
        return _lines(self.folder / "stays.jsonl")


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
