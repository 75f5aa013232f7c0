"""What is measured, in processes of their own on a core of their own: the platform, as a sysadmin
starts it, and its peers."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.live import Live

#: whatever is measured has one of the two, and those who measure it the other
SERVER_CORE, LOAD_CORE = 0, 1
SAMPLE = Path(__file__).parent.parent / "etc" / "single.toml"

#: a load stands for the chargers of a city, and has one address for thousands of them
MORE_FROM_ONE = {"limits": "connections_an_address = 20000\nbytes_a_second = 100000"}


class Platform(Live):
    """C{twistd chargecloud} with C{etc/single.toml}, and what a measurement needs changed."""

    COMMAND = ("twistd", "--pidfile=", "-n")

    def __init__(self, folder: Path, changed: Mapping[str, str]) -> None:
        text = SAMPLE.read_text().replace("/var/lib/chargecloud", f"{folder}/var")
        for table, settings in changed.items():
            text = text.replace(f"# [{table}]\n", f"[{table}]\n{settings}\n", 1)
        super().__init__(folder, text)

    def restart(self) -> None:
        """End it, and start it anew: it remembers nothing that is not written down."""
        self.stop()
        with on_core(SERVER_CORE):
            self.start()

    @property
    def rss_bytes(self) -> int:
        """Its resident memory."""
        assert self.pid is not None
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def site(self) -> str:
        """A place with a tariff, for chargers."""
        terms = {
            "rates": {"day": {"electricity": 60_000, "service": 40_000}},
            "day": [{"from": "00:00", "rate": "day"}],
        }
        tariff = {"name": "bench", "kind": "time_of_use", "terms": terms}
        tariff_id = self.ask("POST", "/tariffs", tariff)["id"]
        site = {"name": "bench", "address": "here", "time_zone": "Asia/Shanghai"}
        made: str = self.ask("POST", "/sites", {**site, "tariff_id": tariff_id})["id"]
        return made

    def register(
        self, site: str, dialect: str, identities: Sequence[str], ports: int
    ) -> "list[Registered]":
        """Chargers, from a table."""
        made: list[Registered] = []
        for first in range(0, len(identities), 2_500):
            some = identities[first : first + 2_500]
            heading = "site_id,dialect,identity,name,ports,kind,rated_w"
            lines = [f"{site},{dialect},{each},{each},{ports},ebike,8000" for each in some]
            report = self.post_text("/chargers/import", "\n".join((heading, *lines)))
            assert not report["refused"], report["lines"][0]
            made += [
                Registered(each["identity"], each["id"], bytes.fromhex(each["key"] or ""))
                for each in report["lines"]
            ]
        return made


class Registered:
    """A charger that the platform knows."""

    def __init__(self, identity: str, charger_id: str, key: bytes) -> None:
        self.identity, self.id, self.key = identity, charger_id, key


@contextmanager
def platform(**changed: str) -> Iterator[Platform]:
    """
    The platform on its core, on a new database.

    @param changed: settings by the table of the sample that they are written into.
    """
    with TemporaryDirectory(prefix="bench-") as folder:
        made = Platform(Path(folder), changed)
        made.restart()
        try:
            yield made
        finally:
            made.stop()


class Peer:
    """A peer that listens."""

    def __init__(self, port: int, pid: int) -> None:
        self.port, self.pid = port, pid


@contextmanager
def peer(name: str) -> Iterator[Peer]:
    """One of C{bench.peers} on the server's core, in turn with what it is held against."""
    with on_core(SERVER_CORE):
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "bench.peers", name], stdout=subprocess.PIPE, text=True
        )
    assert process.stdout is not None
    try:
        yield Peer(int(process.stdout.readline()), process.pid)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started within it stays on this core, with all of its threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(process: int) -> float:
    """CPU seconds of a process so far."""
    fields: Any = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
