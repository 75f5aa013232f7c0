"""Under systemd: readiness, the watchdog, and ports that it holds."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from chargecloud.systemd import Supervision
from tests.live import BIN, Live
from tests.test_starting import PLAIN

UNITS = Path(__file__).parents[1] / "tap"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket at which systemd listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        yield listening


def told(systemd: socket.socket) -> list[bytes]:
    """What it was told, and nothing is waited for."""
    heard = []
    systemd.setblocking(False)
    while True:
        try:
            heard.append(systemd.recv(1000))
        except BlockingIOError:
            return heard


def test_a_sign_of_life_twice_in_each_span(systemd: socket.socket) -> None:
    """As sd_watchdog_enabled(3) wants it; and from the reactor, so that a hanging one gives
    none."""
    clock = Clock()
    asked = {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "60000000"}
    supervision = Supervision.asked_for(clock, asked)
    assert supervision is not None
    supervision.startService()
    assert told(systemd) == [b"READY=1", b"WATCHDOG=1"]
    clock.pump([29, 2, 30])
    assert told(systemd) == [b"WATCHDOG=1"] * 2
    supervision.stopService()
    assert told(systemd) == [b"STOPPING=1"]
    clock.advance(100)
    assert told(systemd) == []


def test_a_watchdog_of_another_process_is_not_ours(systemd: socket.socket) -> None:
    """The environment of the one who started us may be here still."""
    asked = {
        "NOTIFY_SOCKET": systemd.getsockname(),
        "WATCHDOG_USEC": "60000000",
        "WATCHDOG_PID": str(os.getpid() + 1),
    }
    supervision = Supervision.asked_for(Clock(), asked)
    assert supervision is not None
    assert supervision.watchdog_s is None


@pytest.mark.parametrize("address", [None, "", "relative"])
def test_nobody_is_told_where_nobody_asks(address: str | None) -> None:
    """A shell is no supervisor."""
    given = {} if address is None else {"NOTIFY_SOCKET": address}
    assert Supervision.asked_for(Clock(), given) is None


def test_a_supervisor_that_has_gone_stops_nothing(tmp_path: Path) -> None:
    """The service goes on without."""
    supervision = Supervision.asked_for(Clock(), {"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    assert supervision is not None
    supervision.startService()
    supervision.stopService()


#: what systemd does before it starts a service that has sockets: sd_listen_fds(3)
HAND_OVER = """
import os, sys
web, chargers, *command = sys.argv[1:]
os.dup2(int(web), 3)
os.dup2(int(chargers), 4)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:a"}
os.execv(command[0], command)
"""


@pytest.mark.slow
def test_it_runs_with_systemds_ports_and_tells_when_it_is_ready(
    tmp_path: Path, systemd: socket.socket
) -> None:
    """Both listeners are handed over; the first word is that it is ready, when it is, and the
    last that it stops.  Who connects before waits, and is not refused."""
    handed = {"tcp:8080:interface=127.0.0.1": "0", "tcp:9010:interface=127.0.0.1": "1"}
    config = PLAIN
    for endpoint, index in handed.items():
        config = config.replace(endpoint, f"systemd:domain=INET:index={index}")
    live = Live(tmp_path, config)
    with (
        socket.create_server(("127.0.0.1", live.web)) as web,
        socket.create_server(("127.0.0.1", live.chargers)) as chargers,
        live.log.open("wb") as log,
        socket.create_connection(("127.0.0.1", live.chargers), 5) as early,
    ):
        fds = (web.fileno(), chargers.fileno())
        options = ("--log-format=text", "chargecloud", "--config", str(live.config))
        process = subprocess.Popen(
            [sys.executable, "-c", HAND_OVER, *map(str, fds), str(BIN / "twist"), *options],
            pass_fds=fds,
            stdout=log,
            stderr=log,
            cwd=tmp_path,
            env={
                **os.environ,
                "CHARGECLOUD_ADMIN_TOKEN": "test",
                "NOTIFY_SOCKET": systemd.getsockname(),
            },
        )
        try:
            assert systemd.recv(1000) == b"READY=1", live.log.read_text()
            assert live.ask("GET", "/readyz", base="")["ready"]
            early.sendall(b"\xff")
            assert early.recv(1) == b""
        finally:
            process.send_signal(signal.SIGTERM)
            # the reactor ends by the signal that stopped it, which systemd takes for well
            assert process.wait(30) == -signal.SIGTERM
    assert systemd.recv(1000) == b"STOPPING=1"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_the_units_are_what_systemd_takes() -> None:
    """By its own check; of what it names, only the programs are elsewhere."""
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(UNITS.glob("chargecloud.s*"))],
        capture_output=True,
        text=True,
        check=False,
    )
    faults = [line for line in checked.stderr.splitlines() if "chargecloud" in line]
    assert [line for line in faults if "is not executable" not in line] == []
