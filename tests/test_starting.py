"""A service that cannot start says why in a line, and ends with a failure."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.live import BIN, Live
from tests.test_hookspecs import documented

PLAIN = """
[node]
data_dir = "var"
[listen.web]
endpoint = "tcp:8080:interface=127.0.0.1"
[[listen.chargers]]
endpoint = "tcp:9010:interface=127.0.0.1"
"""


def _run(live: Live) -> subprocess.CompletedProcess[bytes]:
    """Start it, and wait for its end: it must come by itself."""
    environment = {**os.environ, "CHARGECLOUD_ADMIN_TOKEN": "test"}
    return subprocess.run(
        [BIN / "twist", "--log-format=text", "chargecloud", "--config", live.config],
        cwd=live.folder,
        env=environment,
        capture_output=True,
        timeout=30,
        check=False,
    )


def _why(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 1, done.stdout + done.stderr
    assert b"Traceback" not in done.stdout + done.stderr
    said = (done.stdout + done.stderr).decode().splitlines()
    # what is critical before the reactor runs goes into the log and to the terminal
    (why,) = {line.partition("cannot start")[2] for line in said if "cannot start" in line}
    return why


@pytest.mark.slow
def test_a_taken_port(tmp_path: Path) -> None:
    """The port is named."""
    live = Live(tmp_path, PLAIN)
    with socket.socket() as other:
        other.bind(("127.0.0.1", live.web))
        other.listen()
        assert str(live.web) in _why(_run(live))


@pytest.mark.slow
def test_a_folder_that_another_process_has(tmp_path: Path) -> None:
    """Two processes would write over each other's event log; the first goes on unharmed."""
    first = Live(tmp_path, PLAIN).start()
    try:
        second = Live(tmp_path, PLAIN)
        assert "another process uses the folder" in _why(_run(second))
        first.config.write_text("the second has overwritten it")
        assert first.ask("GET", "/readyz", base="")["ready"]
    finally:
        first.stop()


@pytest.mark.slow
def test_a_lost_master_key(tmp_path: Path) -> None:
    """A backup without the key: no charger could log in, and the first thing that is told is
    why."""
    live = Live(tmp_path, PLAIN).start()
    try:
        site = live.ask("POST", "/sites", {"name": "x", "time_zone": "Asia/Shanghai"})
        charger = {"dialect": "native", "identity": "EB-1", "name": "x", "ports": 1}
        live.ask(
            "POST", "/chargers", charger | {"site_id": site["id"], "kind": "ebike", "rated_w": 1}
        )
    finally:
        live.stop()
    (tmp_path / "var" / "master.key").unlink()
    assert "master.key is missing, and chargers' keys are wrapped with it" in _why(_run(live))
    # one of another backup
    (tmp_path / "var" / "master.key").write_text("00" * 32)
    assert "does not open the key of charger" in _why(_run(live))
    (tmp_path / "var" / "master.key").write_text("no key")
    assert "master.key is no master key" in _why(_run(live))


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("/dev/null/var", "[node] data_dir /dev/null/var: Not a directory"),
        ("/proc/var", "[node] data_dir /proc/var: No such file or directory"),
    ],
)
def test_a_folder_that_cannot_be(tmp_path: Path, where: str, why: str) -> None:
    """The key of the configuration is named, and the system's own word."""
    live = Live(tmp_path, PLAIN.replace('"var"', f'"{where}"'))
    assert why in _why(_run(live))


@pytest.mark.slow
def test_a_faulty_configuration(tmp_path: Path) -> None:
    """Every fault is told once, and nothing is started."""
    live = Live(tmp_path, PLAIN + "[limits]\nmissed = 0\n[moon]\n")
    done = _run(live)
    # as sysexits.h has it for a wrong command line
    assert done.returncode == 64
    said = (done.stdout + done.stderr).decode()
    assert "Traceback" not in said
    assert said.count("limits.missed: must be between 2 and 10") == 1
    assert said.count("moon: is a table of neither") == 1


@pytest.mark.slow
def test_a_socket_that_systemd_did_not_hand_over(tmp_path: Path) -> None:
    """The endpoint is named."""
    systemds = "systemd:domain=INET:index=1"
    live = Live(tmp_path, PLAIN.replace("tcp:9010:interface=127.0.0.1", systemds))
    assert f"no socket for {systemds}" in _why(_run(live))


@pytest.mark.slow
def test_two_alarm_sinks_of_one_name(tmp_path: Path) -> None:
    """Of an alarm that is still to be delivered nobody would know whose it is."""
    sink = '[[alarms.syslog]]\nname = "duty"\nhost = "127.0.0.1"\n'
    assert "two alarm sinks are called 'duty'" in _why(_run(Live(tmp_path, PLAIN + 2 * sink)))


@pytest.mark.slow
def test_real_money_has_the_true_calendar(tmp_path: Path) -> None:
    """A day that passes in minutes would be billed by nobody's clock."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "counter.py").write_text(documented()["chargecloud_payment_channels"])
    calendar = "\n[calendar]\nstart = 2026-11-23T08:00:00+08:00\nspeed = 60.0\n"
    config = f'{PLAIN}{calendar}\n[plugins]\nplugins_dir = "{folder}"\n'
    assert "payment channel counter: its money is real" in _why(_run(Live(tmp_path, config)))
