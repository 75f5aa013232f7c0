"""The README's commands, executed as they stand there, in a copy of the checkout."""

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import free_port, wait_until

CHECKOUT = Path(__file__).parents[1]


def _commands(document: str = "README.rst") -> list[str]:
    """The blocks of shell in a document, in their order."""
    text = (CHECKOUT / document).read_text()
    blocks = re.findall(r"\.\. code-block:: sh\n\n((?:   .*\n|\n)+)", text)
    return [re.sub(r"^   ", "", block, flags=re.M).strip() for block in blocks]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy on other ports, which has this environment for its own."""
    for name in ("README.rst", "Makefile", "setup.py", "pyproject.toml", "etc", ".ci"):
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy(source, tmp_path / name)
    environment = tmp_path / ".venv"
    environment.mkdir()
    (environment / "bin").symlink_to(Path(sys.executable).parent)
    (environment / ".installed").touch()
    return tmp_path


@pytest.fixture
def ports(copy: Path) -> dict[str, str]:
    """What the ports of the demonstration are here."""
    ports = {"8080": str(free_port()), "9010": str(free_port())}
    demo = copy / "etc" / "demo.toml"
    demo.write_text(_with(ports, demo.read_text()))
    return ports


def _with(ports: dict[str, str], text: str) -> str:
    for usual, here in ports.items():
        text = text.replace(usual, here)
    return text


@pytest.fixture
def running(copy: Path, ports: dict[str, str]) -> Iterator[Path]:
    """The first command of the README, running, with a charge under way."""
    run = _commands()[0]
    environment = {k: v for k, v in os.environ.items() if k != "CHARGECLOUD_ADMIN_TOKEN"}
    process = subprocess.Popen(
        ["bash", "-c", f"exec {run}"],
        cwd=copy,
        env=environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )

    def is_charging() -> bool:
        try:
            token = (copy / "var" / "admin.token").read_text().strip()
            request = urllib.request.Request(
                f"http://127.0.0.1:{ports['8080']}/api/v1/orders?state=charging&limit=1",
                headers={"Authorization": f"Bearer {token}"},
            )
            with urllib.request.urlopen(request, timeout=5) as response:
                return b'"id"' in response.read()
        except (OSError, urllib.error.URLError):
            return False

    try:
        wait_until(is_charging, 60, "a charge within a minute")
        yield copy
    finally:
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert b"the administrator's token is" in output
    assert b"the HTTP API is at http://127.0.0.1:" in output


@pytest.mark.slow
def test_the_commands_of_the_readme_do_what_it_says(running: Path, ports: dict[str, str]) -> None:
    """Run it, look at it, follow one order to its explained bill, go through the books."""
    run, look, follow, verify, test = _commands()
    assert (run, test) == ("make run", "make test")
    shown = _shown(running, ports, [look, follow, verify])
    assert '"state":"charging"' in shown
    assert '"state":"settled"' in shown
    assert '"lines":[{' in shown
    assert "the books are sound" in shown
    # the commands of the guide to the API go on from there
    shown = _shown(running, ports, _commands("docs/api.rst"))
    for word in ('"state":"fit"', '"created":2', '"status":"decommissioned"', '"kind":"', "retry:"):
        assert word in shown, word


def _shown(folder: Path, ports: dict[str, str], commands: list[str]) -> str:
    """What commands print, one after the other in one shell, each of which has to succeed."""
    script = _with(ports, "\n".join(["set -e", *commands]))
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, capture_output=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.decode()
