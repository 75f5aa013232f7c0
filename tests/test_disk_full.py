"""A full disk loses nothing: no charge begins that could not be written down to its end, and
what runs is kept, by the platform or by its charger, until there is room."""

import errno
import json
import re
import resource
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from chargecloud.calendar import Anchor, Calendar
from chargecloud.dialects.native.charger import Facts, NativeCharger
from chargecloud.dialects.native.received import CardAnswered, Received
from chargecloud.domain.charger import Secret
from chargecloud.domain.errors import RemoteError
from chargecloud.domain.events import ChargeEnded, StopReason
from chargecloud.domain.units import divide_half_up, wh
from chargecloud.simulator.bikes import KINDS, Bike
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.liveness import Liveness
from chargecloud.simulator.memory import Memory
from chargecloud.simulator.session import Session
from tests import live
from tests.live import BIN, Live, wait_until

CONFIG = """
[node]
data_dir = "var"
reserve_mb = 0

# a second is a minute, so that some seconds make a bill
[calendar]
start = 2026-11-23T09:30:00+08:00
speed = 60.0

[listen.web]
endpoint = "tcp:8080:interface=127.0.0.1"

[[listen.chargers]]
endpoint = "tcp:9010:interface=127.0.0.1"
"""
#: 100 yuan a kWh for electricity and as much for service
RATE = {"electricity": 10_000_000, "service": 10_000_000}
TERMS = {"rates": {"flat": RATE}, "day": [{"from": "00:00", "rate": "flat"}]}
MWH_PER_FEN = 100
PAID_IN_FEN = 100_000
HELD_FEN = 20_000
UID = "0480A1B2C3D4E5F6"
#: so much is never free
BEYOND_MB = 10**9
DISK_MB, RESERVE_MB = 32, 16
#: the charger's own seconds in a real one: it sends again after 3 s and not after 30
HASTE = 10


# ------------------------------------------------------------------------------ full disks


class Refused:
    """A process that may not write to any file any more: the kernel refuses it as a full
    disk does, and what is in the files stays there."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]

    def fill(self) -> None:
        """From now on."""
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (0, self._most))

    def free(self) -> None:
        """Until now."""
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (self._most, self._most))


class SmallDisk:
    """
    A disk of its own, in memory; where the kernel lets everybody mount one.

    It is in a name space of its own, so that commands have to be run from within; SQLite
    follows no way into it from outside.

    @ivar folder: where it is for those within.
    @ivar bin: a folder with the commands that run within.
    @ivar is_there: whether the kernel does.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder / "disk", folder / "bin"
        self.folder.mkdir()
        self.bin.mkdir()
        mount = f"mount -t tmpfs -o size={DISK_MB}m disk '{self.folder}' && echo mounted && cat"
        self._holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._holder.stdout is not None
        self.is_there = self._holder.stdout.readline() == b"mounted\n"
        within = f"nsenter --target {self._holder.pid} --user --mount --preserve-credentials"
        for name in ("twist", "chargecloud"):
            command = self.bin / name
            command.write_text(f"#!/bin/sh\nexec {within} --wd=. '{BIN / name}' \"$@\"\n")
            command.chmod(0o755)
        self._seen = Path(f"/proc/{self._holder.pid}/root{self.folder}")

    def fill(self, left_mb: int = 0) -> None:
        """Leave so much, or nothing at all."""
        with (self._seen / "filler").open("ab", buffering=0) as filler:
            while not left_mb or shutil.disk_usage(self._seen).free >= left_mb * 1_000_000:
                try:
                    filler.write(bytes(4096))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return

    def free(self) -> None:
        """Take the filling away."""
        (self._seen / "filler").unlink()

    def close(self) -> None:
        """Its files go with it."""
        self._holder.communicate()


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """A small disk on which the platform lives, or else no test."""
    if not all(map(shutil.which, ("unshare", "nsenter"))):
        pytest.skip("no unshare here")
    disk = SmallDisk(tmp_path)
    if not disk.is_there:
        disk.close()
        pytest.skip("only root may mount a disk here")
    monkeypatch.setattr(live, "BIN", disk.bin)
    yield disk
    disk.close()


# --------------------------------------------------------------------------- who takes part


@define(eq=False)
class Overheard(NativeCharger):
    """The charger's side of a connection, which notes what is said.

    @ivar heard: by the cloud.
    @ivar told: numbers of the records of ends, whenever one is sent.
    """

    heard: list[Received] = field(factory=list)
    told: list[int] = field(factory=list)

    def receive(self, data: bytes) -> Sequence[Received]:
        """Take bytes."""
        received = super().receive(data)
        self.heard += received
        return received

    def ended(self, record: int, event: ChargeEnded) -> None:
        """Tell of an end."""
        self.told.append(record)
        super().ended(record, event)


class Box:
    """A simulated charger at a real socket: whoever looks at it lets it say what is due."""

    def __init__(self, platform: Live, made: Mapping[str, Any]) -> None:
        self.id = made["id"]
        self.ends: list[ChargeEnded] = []
        self.heard: list[Received] = []
        self._told: list[int] = []
        self._platform = platform
        self._secret = Secret(bytes.fromhex(made["key"]), 1)
        self._connections = 0
        self._socket: socket.socket | None = None
        self._calendar = _calendar_of(platform)
        memory, now = Memory.new(made["ports"]), self._calendar.now()
        self.charger = SimulatedCharger(
            made["identity"], memory, now, lambda ended, _at: self.ends.append(ended)
        )
        for port in memory.ports:
            kind = KINDS["lithium 48V12Ah"]
            self.charger.plug(port.number, Bike(kind.name, kind.plateau_w * 1_000, 0), now)

    def look(self) -> "Box":
        """Carry bytes both ways, and come back if the connection has gone."""
        try:
            self._carry()
        except (RemoteError, ConnectionError):
            self.close()
        return self

    def _carry(self) -> None:
        if self._socket is None:
            self._connect()
        assert self._socket is not None
        try:
            data = self._socket.recv(65_536)
        except BlockingIOError:
            pass
        else:
            if not data:
                raise ConnectionError
            self._session.receive(data)
        self._session.work()
        self._socket.sendall(self._session.data_to_send())

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._platform.chargers), 5)
        self._socket.setblocking(False)
        line = Overheard(
            self.charger.identity,
            self._secret,
            boot=self.charger.memory.boot,
            connection=self._connections,
            facts=Facts("1.0", "T4"),
            heard=self.heard,
            told=self._told,
        )
        self._connections += 1
        self._session = Session(self.charger, line, self._calendar, Liveness(), 1)
        self._session.open()

    def cut_power(self) -> None:
        """It has no power, and no time passes for it."""
        self.charger.cut_power(self._calendar.now())
        self.close()

    def power_up(self) -> None:
        """It has power again, and goes on with what it charged."""
        self._calendar = _calendar_of(self._platform)
        self.charger.power_up(self._calendar.now())

    def close(self) -> None:
        """The connection goes."""
        if self._socket is not None:
            self._socket.close()
            self._session.close()
            self._socket = None

    def end(self, port: int) -> ChargeEnded:
        """Somebody ends a charge at the charger."""
        self.charger.advance(self._calendar.now())
        self.charger.end(self.charger.port(port), StopReason.USER)
        return self.ends[-1]

    def present_card(self, port: int) -> None:
        """Somebody holds a card to it."""
        self.charger.present_card(port, UID, self._calendar.now())

    def times_told(self, ended: ChargeEnded) -> int:
        """How often the record of an end was sent that still waits to be kept."""
        records = self.charger.memory.records
        return self._told.count(next(key for key, record in records.items() if record is ended))


def _seconds() -> float:
    return time.monotonic() * HASTE


def _calendar_of(platform: Live) -> Calendar:
    told = platform.ask("GET", "/readyz", base="")["calendar"]
    anchor = Anchor(_seconds(), datetime.fromisoformat(told["now"]), told["speed"] / HASTE)
    return Calendar(_seconds, anchor)


class Street:
    """A platform, a box with four ports, and a customer with a card."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        self.live = Live(folder, config)

    @property
    def pid(self) -> int:
        """Of the platform's process."""
        assert self.live._process is not None
        return self.live._process.pid

    def open(self) -> "Street":
        """Start the platform, and register all of it."""
        ask = self.live.start().ask
        tariff = ask("POST", "/tariffs", {"name": "t", "kind": "time_of_use", "terms": TERMS})
        site = {"name": "x", "time_zone": "Asia/Shanghai", "tariff_id": tariff["id"]}
        box = {"dialect": "native", "identity": "EB-1", "name": "x", "ports": 4, "kind": "ebike"}
        box |= {"site_id": ask("POST", "/sites", site)["id"], "rated_w": 2400}
        self.box = Box(self.live, ask("POST", "/chargers", box))
        self.customer = ask("POST", "/customers", {"name": "x", "phone": "13900000000"})["id"]
        ask("POST", f"/wallets/{self.customer}/top-ups", {"amount_fen": PAID_IN_FEN})
        ask("POST", "/cards", {"uid": UID, "customer_id": self.customer, "status": "active"})
        self.wait_for_box()
        return self

    def close(self) -> None:
        """Stop the platform."""
        self.box.close()
        self.live.stop()

    def cut_power(self, sign: signal.Signals = signal.SIGINT) -> None:
        """The whole street is without power, but perhaps the platform is told in time."""
        self.box.cut_power()
        self.live.stop(sign)

    def power_up(self, reserve_mb: int) -> None:
        """The power is back; and so much is kept free from now on."""
        config = self.live.config.read_text()
        self.live.config.write_text(re.sub("reserve_mb = .*", f"reserve_mb = {reserve_mb}", config))
        self.live.start()
        self.box.power_up()
        self.wait_for_box()

    def wait(self, holds: Callable[[], Any], what: str) -> Any:
        """Let the box say what is due until something holds."""
        return wait_until(lambda: self.box.look() and holds(), 20, what)

    def wait_for_box(self) -> None:
        """Until it is connected."""
        path = f"/chargers/{self.box.id}"
        self.wait(lambda: self.live.ask("GET", path)["online"], "the box is online")

    def place(self, port: int) -> tuple[int, Any]:
        """Order a charge, the same one whenever it is tried; status and JSON of the answer."""
        body = {"charger_id": self.box.id, "port": port, "customer_id": self.customer}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.live.web}/api/v1/orders",
            data=json.dumps(body | {"prepaid_fen": HELD_FEN}).encode(),
            headers={
                "Authorization": f"Bearer {self.live.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": f"port-{port}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def begin(self, port: int) -> str:
        """Order a charge, and see it draw; the order's id."""
        status, order = self.place(port)
        assert status == 201, order
        order_id: str = order["id"]
        self.wait(lambda: self.order(order_id)["energy_mwh"] > 0, "it charges")
        return order_id

    def order(self, order_id: str) -> Any:
        """An order as it is."""
        return self.live.ask("GET", f"/orders/{order_id}")

    def wallet(self) -> tuple[int, int]:
        """What is free in it and what is held, in fen."""
        wallet = self.live.ask("GET", f"/wallets/{self.customer}")
        return wallet["balance_fen"], wallet["held_fen"]

    def spooled(self) -> int:
        """How many records wait in the spool."""
        found = re.search(r"^chargecloud_spool_records (\S+)$", self.live.text("/metrics"), re.M)
        assert found is not None
        return int(float(found[1]))

    def readiness(self) -> tuple[bool, str]:
        """Whether it is ready, and what it lacks."""
        try:
            return self.live.ask("GET", "/readyz", base="")["ready"], ""
        except urllib.error.HTTPError as refused:
            return False, "; ".join(json.load(refused)["missing"])

    # ---------------------------------------------------------------------- what must hold

    def refuses_starts(self, why: str) -> None:
        """Neither an app nor a card begins a charge at the third port, and nothing is left
        of the attempt."""
        orders, wallet = self.live.all("/orders"), self.wallet()
        status, problem = self.place(3)
        assert (status, problem["type"]) == (507, "/problems/storage-full"), problem
        assert problem["detail"].startswith("no charge can begin: ")
        assert why in problem["detail"]
        answered = len(self._card_answers())
        self.box.present_card(3)
        self.wait(lambda: len(self._card_answers()) > answered, "the card is answered")
        assert self._card_answers()[-1] == "not-now"
        assert self.wallet() == wallet
        assert [each["id"] for each in self.live.all("/orders")] == [each["id"] for each in orders]
        assert self.box.charger.port(3).charge is None

    def _card_answers(self) -> list[str]:
        return [each.code for each in self.box.heard if isinstance(each, CardAnswered)]

    def stays_at_its_charger(self, order_id: str, port: int) -> ChargeEnded:
        """A charge ends while nothing can be written: its charger tells it again and again,
        the order and the wallet are as they were, and the platform lives and says why."""
        wallet = self.wallet()
        ended = self.box.end(port)
        self.wait(lambda: self.box.times_told(ended) >= 2, "it is told again")
        ready, lacks = self.readiness()
        assert not ready
        assert "the database cannot be written" in lacks
        assert self.live.ask("GET", "/healthz", base="")["alive"]
        assert self.order(order_id)["state"] == "charging"
        assert self.wallet() == wallet
        return ended

    def waits_in_the_spool(self, order_id: str, port: int) -> ChargeEnded:
        """A charge ends while only the database has no room: its charger may forget it, and the
        order and the wallet are as they were."""
        wallet = self.wallet()
        ended = self.box.end(port)
        self.wait(lambda: not self.box.charger.memory.records, "the box may forget it")
        assert self.spooled() == 1
        assert self.order(order_id)["state"] == "charging"
        assert self.wallet() == wallet
        return ended

    def settles(self, order_id: str, ended: ChargeEnded) -> int:
        """An order is settled once, by what its charger measured; what it cost, in fen."""
        self.wait(lambda: self.order(order_id)["state"] == "settled", "it is settled")
        self.wait(lambda: not self.box.charger.memory.records, "the box may forget it")
        order = self.order(order_id)
        assert ended.start_meter_mwh is not None
        assert ended.end_meter_mwh is not None
        energy_mwh = ended.end_meter_mwh - ended.start_meter_mwh
        assert order["energy_mwh"] == energy_mwh > 0
        assert order["end_meter_wh"] == wh(ended.end_meter_mwh)
        assert order["charged_s"] == ended.duration_s
        assert order["amount_fen"] == 2 * divide_half_up(energy_mwh, MWH_PER_FEN)
        kinds = [each["kind"] for each in self._events(order_id)]
        assert (kinds.count("order.ended"), kinds.count("order.settled")) == (1, 1)
        return int(order["amount_fen"])

    def _events(self, order_id: str) -> list[Any]:
        return list(self.live.ask("GET", f"/orders/{order_id}/events")["items"])

    def goes_on_and_closes(self, amount_fen: int) -> None:
        """There is room again: the third port charges, by the very request that was refused,
        and all books agree in the end."""
        third = self.begin(3)
        amount_fen += self.settles(third, self.box.end(3))
        assert self.readiness() == (True, "")
        assert self.wallet() == (PAID_IN_FEN - amount_fen, 0)
        ended = {str(each.order_id) for each in self.box.ends}
        assert {each["id"] for each in self.live.all("/orders")} == ended
        assert self.live.all("/orders/disputes") == self.live.all("/orders/unmatched") == []
        self.close()
        command = str(live.BIN / "chargecloud")
        verify = [command, "ledger", "verify", "--config", str(self.live.config)]
        assert subprocess.run(verify, cwd=self.live.folder, check=False).returncode == 0


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    """A street on the disk that all tests are on."""
    street = Street(tmp_path).open()
    yield street
    street.close()


# -------------------------------------------------------------------------------- the tests


@pytest.mark.slow(lasts_s=20)
def test_the_reserve_is_kept_for_what_runs(street: Street) -> None:
    """With less room than is to be kept no charge begins; what runs goes on, and ends, and is
    billed."""
    first, second = street.begin(1), street.begin(2)
    street.cut_power()
    street.power_up(reserve_mb=BEYOND_MB)
    street.refuses_starts(f"{BEYOND_MB} MB are kept for running charges")
    amount_fen = street.settles(first, street.box.end(1))
    energy_mwh = street.order(second)["energy_mwh"]
    street.wait(lambda: street.order(second)["energy_mwh"] > energy_mwh, "the second goes on")
    street.refuses_starts(f"{BEYOND_MB} MB are kept for running charges")
    street.cut_power()
    street.power_up(reserve_mb=0)
    amount_fen += street.settles(second, street.box.end(2))
    street.goes_on_and_closes(amount_fen)


@pytest.mark.slow(lasts_s=20)
def test_what_cannot_be_written_stays_with_its_charger(street: Street) -> None:
    """While the database refuses all writes nothing begins, and nothing is acknowledged; the
    end is told again until there is room, and settled once."""
    first, second = street.begin(1), street.begin(2)
    refused = Refused(street.pid)
    refused.fill()
    street.refuses_starts("the database cannot be written")
    ended = street.stays_at_its_charger(first, port=1)
    assert {each["id"] for each in street.live.all("/orders?state=charging")} == {first, second}
    refused.free()
    amount_fen = street.settles(first, ended)
    amount_fen += street.settles(second, street.box.end(2))
    street.goes_on_and_closes(amount_fen)


@pytest.mark.slow(lasts_s=20)
def test_a_disk_that_runs_full(tmp_path: Path, small_disk: SmallDisk) -> None:
    """
    A real disk, little by little.  Below the reserve nothing begins, and what ends is kept;
    without any room what ends stays with its charger, until there is room, and also if the
    platform is killed before.
    """
    config = CONFIG.replace('"var"', f'"{small_disk.folder}/var"')
    street = Street(tmp_path, config.replace("mb = 0", f"mb = {RESERVE_MB}")).open()
    try:
        first, second, fourth = street.begin(1), street.begin(2), street.begin(4)
        small_disk.fill(left_mb=RESERVE_MB)
        street.refuses_starts(f"{RESERVE_MB} MB are kept for running charges")
        amount_fen = street.settles(fourth, street.box.end(4))
        small_disk.fill()
        ended = street.stays_at_its_charger(first, port=1)
        small_disk.free()
        amount_fen += street.settles(first, ended)
        small_disk.fill()
        ended = street.stays_at_its_charger(second, port=2)
        street.cut_power(signal.SIGKILL)
        small_disk.free()
        street.power_up(RESERVE_MB)
        amount_fen += street.settles(second, ended)
        street.goes_on_and_closes(amount_fen)
    finally:
        street.close()


@pytest.mark.slow(lasts_s=30)
def test_a_database_on_a_full_disk_of_its_own(tmp_path: Path, small_disk: SmallDisk) -> None:
    """Nothing begins; what ends waits in the spool on the other disk until there is room, and also
    if the platform is killed before."""
    url = f"sqlite:///{small_disk.folder}/chargecloud.db"
    street = Street(tmp_path, CONFIG + f'\n[database]\nurl = "{url}"\n').open()
    try:
        first, second = street.begin(1), street.begin(2)
        small_disk.fill()
        street.refuses_starts("the database cannot be written")
        ended = street.waits_in_the_spool(first, port=1)
        small_disk.free()
        amount_fen = street.settles(first, ended)
        assert street.spooled() == 0
        small_disk.fill()
        ended = street.waits_in_the_spool(second, port=2)
        street.cut_power(signal.SIGKILL)
        small_disk.free()
        street.power_up(reserve_mb=0)
        amount_fen += street.settles(second, ended)
        street.goes_on_and_closes(amount_fen)
    finally:
        street.close()
