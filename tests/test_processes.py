"""Several processes of one service: started, watched and stopped together."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from chargecloud.processes import BACKOFF_S, STARTED_S, SUPERVISOR, Processes
from tests.live import wait_until

#: one of the processes: it says that it is there, and works until it is told to leave or the
#: one who has started it is gone
CHILD = """
import os, sys
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.stdio import StandardIO
from chargecloud.processes import Together

folder, number = Path(sys.argv[1]), sys.argv[sys.argv.index("--process") + 1]
StandardIO(Together(reactor), reactor=reactor)
reactor.callWhenRunning((folder / f"{number}-{os.getpid()}").touch)
reactor.addSystemEventTrigger("before", "shutdown", (folder / f"left-{number}-{os.getpid()}").touch)
reactor.run()
"""

#: the one who starts them
PARENT = """
import os, sys
from twisted.internet import reactor
from chargecloud.processes import Processes

processes = Processes(reactor, 2, sys.argv[1:], os.environ)
reactor.callWhenRunning(processes.startService)
reactor.addSystemEventTrigger("before", "shutdown", processes.stopService)
reactor.run()
"""


@define(eq=False)
class Started:
    """What was started, and stands for its process."""

    protocol: Any
    words: list[str]
    environment: dict[str, str]
    signals: list[str] = field(factory=list)

    def signalProcess(self, name: str) -> None:  # noqa: N802
        """It is told something."""
        self.signals.append(name)

    def end(self, why: Exception) -> None:
        """It has ended."""
        self.protocol.processEnded(Failure(why))


class Starting(Clock):
    """A reactor that starts nothing, and keeps what it was to start."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[Started] = []

    def spawnProcess(  # noqa: N802
        self, protocol: Any, _executable: str, words: list[str], env: Any, **_more: Any
    ) -> Started:
        """Keep it."""
        self.started.append(Started(protocol, words, dict(env)))
        protocol.makeConnection(self.started[-1])
        return self.started[-1]


def ended(status: int = 1) -> Exception:
    """How a process ended."""
    return ProcessTerminated(status) if status else ProcessDone(0)


def test_each_has_its_number_and_nothing_of_the_supervisors() -> None:
    """They are not the process that systemd watches."""
    clock = Starting()
    environ = dict.fromkeys(SUPERVISOR, "x") | {"PATH": "/bin"}
    # only what its name says is asked for: nothing listens there
    environ["NOTIFY_SOCKET"] = ""
    Processes(clock, 3, ["twist", "chargecloud"], environ).startService()
    assert [each.words[1:] for each in clock.started] == [
        ["twist", "chargecloud", "--process", str(number)] for number in (1, 2, 3)
    ]
    assert all(each.environment == {"PATH": "/bin"} for each in clock.started)


def test_one_that_ends_is_started_again_later_and_later() -> None:
    """It alone, and not more often than once in a while if it cannot start; whoever looks at
    the log sees why."""
    clock = Starting()
    processes = Processes(clock, 2, ["x"], {})
    processes.startService()
    waits = [*BACKOFF_S[1:], BACKOFF_S[-1], BACKOFF_S[-1]]
    with capturedLogs() as log:
        for number, wait_s in enumerate(waits):
            clock.started[-1].end(ended())
            clock.advance(wait_s - 0.01)
            assert len(clock.started) == 2 + number
            clock.advance(0.02)
            assert len(clock.started) == 3 + number
            assert clock.started[-1].words[-1] == "2"
    assert [each["after_s"] for each in log if "after_s" in each] == waits
    # one that has worked for a while begins anew
    clock.advance(STARTED_S)
    clock.started[-1].end(ended(0))
    clock.advance(BACKOFF_S[0] + 0.01)
    assert len(clock.started) == 3 + len(waits)


def test_stopping_tells_all_and_waits() -> None:
    """One that is just waiting to be started again is not started any more."""
    clock = Starting()
    processes = Processes(clock, 3, ["x"], {})
    processes.startService()
    clock.started[2].end(ended())
    stopped = processes.stopService()
    assert [each.signals for each in clock.started] == [["TERM"], ["TERM"], []]
    clock.started[0].end(ended(0))
    assert not stopped.called
    clock.started[1].end(ended(0))
    assert stopped.called
    clock.advance(1000)
    assert len(clock.started) == 3


# ---------------------------------------------------------------------- real processes


@define
class Family:
    """A parent with two children, as the machine runs them."""

    folder: Path
    process: "subprocess.Popen[bytes]"

    def there(self) -> dict[str, int]:
        """The processes that said that they are there and live, by their numbers."""
        found = [each.name.split("-") for each in self.folder.iterdir() if each.name[0] in "12"]
        return {number: int(pid) for number, pid in found if _lives(int(pid))}

    def both(self) -> dict[str, int]:
        """The same, once both are."""
        wait_until(lambda: len(self.there()) == 2, 30, "both")
        return self.there()

    def left(self) -> set[int]:
        """Those that have left in order."""
        return {int(each.name.rpartition("-")[2]) for each in self.folder.glob("left-*")}


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    """A parent, of which nothing is left at the end."""
    child = tmp_path / "child.py"
    child.write_text(CHILD)
    said = tmp_path / "said"
    said.mkdir()
    process = subprocess.Popen([sys.executable, "-c", PARENT, str(child), str(said)])
    made = Family(said, process)
    yield made
    process.kill()
    process.wait()
    for pid in made.there().values():
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_child_that_is_killed_is_there_again(family: Family) -> None:
    """The other one works on."""
    before = family.both()
    os.kill(before["1"], signal.SIGKILL)
    wait_until(lambda: not _lives(before["1"]), 10, "it is gone")
    after = family.both()
    assert after["2"] == before["2"]
    assert after["1"] != before["1"]


@pytest.mark.slow
def test_term_has_all_of_them_leave(family: Family) -> None:
    """In order, and the parent last."""
    pids = set(family.both().values())
    family.process.terminate()
    assert family.process.wait(20) == 0
    assert family.left() == pids
    assert family.there() == {}


@pytest.mark.slow
def test_children_go_with_their_parent(family: Family) -> None:
    """Whatever happens to it: those that were left would keep addresses and slots."""
    pids = set(family.both().values())
    family.process.kill()
    family.process.wait(10)
    wait_until(lambda: family.left() == pids, 20, "they left")
    wait_until(lambda: family.there() == {}, 20, "they are gone")
