"""The client for boards charges against the real platform: a process each, and sockets between."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

import pytest

from tests.live import Live, free_port, wait_until
from tests.reference_c.building import built
from tests.test_starting import PLAIN
from tests.world import FLAT

pytestmark = pytest.mark.slow(lasts_s=30)

#: a thousand mWh a second, so that energy limits are met exactly
WATTS = 3_600


class Board:
    """C{cc-host} in a process of its own, and what it tells."""

    def __init__(self, live: Live, identity: str, key: str, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._words: list[str | Path] = [
            built("sanitized") / "cc-host-sanitized",
            "127.0.0.1",
            str(live.chargers),
            identity,
            key,
            str(folder),
            str(WATTS),
        ]
        self._faults = folder / "faults"
        self.start()

    def start(self) -> "Board":
        """Switch it on."""
        self._lines: Queue[list[str]] = Queue()
        self._told: list[list[str]] = []
        with self._faults.open("ab") as faults:
            self._process = subprocess.Popen(
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=faults,
                text=True,
                bufsize=1,
            )
        Thread(target=self._read, args=(self._process.stdout, self._lines), daemon=True).start()
        return self

    @staticmethod
    def _read(told: Any, lines: "Queue[list[str]]") -> None:
        for line in told:
            lines.put(line.split())

    def say(self, line: str) -> None:
        """Do something to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")

    def wait(self, what: str, within_s: float = 30) -> int:
        """Wait until it tells something, or has told it and nobody waited; its value."""
        try:
            while True:
                for each in self._told:
                    if each[0] == what:
                        self._told.remove(each)
                        return int(each[2])
                self._told.append(self._lines.get(timeout=within_s))
        except Empty:
            raise AssertionError(f"{what} was not told: {self._faults.read_text()}") from None

    def kill(self) -> None:
        """Its power is cut, without a warning."""
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        """End it; the sanitizers have found nothing."""
        self.kill()
        assert self._faults.read_text() == ""


class Station:
    """A platform with a board at it and somebody who pays."""

    def __init__(self, folder: Path) -> None:
        self.live = Live(folder, PLAIN).start()
        ask = self.live.ask
        tariff = ask("POST", "/tariffs", {"name": "t", "kind": "time_of_use", "terms": FLAT})
        place = {"name": "yard", "time_zone": "Asia/Shanghai", "tariff_id": tariff["id"]}
        site = ask("POST", "/sites", place)
        charger = {
            "site_id": site["id"],
            "dialect": "native",
            "identity": "CC-0001",
            "name": "board",
            "ports": 4,
            "kind": "ebike",
            "rated_w": 4 * WATTS,
        }
        made = ask("POST", "/chargers", charger)
        self.charger_id, self.key = made["id"], made["key"]
        self.customer_id = ask("POST", "/customers", {"name": "Li Wei"})["id"]
        ask("POST", f"/wallets/{self.customer_id}/top-ups", {"amount_fen": 10_000})
        self.board = Board(self.live, "CC-0001", self.key, folder / "board")
        # its first login is over when it has come back with a key of its own
        while self.board.wait("welcomed", 40) < 2:
            pass
        self.wait_online()

    def wait_online(self) -> None:
        """Until the platform has it."""
        path = f"/chargers/{self.charger_id}"
        wait_until(lambda: self.live.ask("GET", path)["online"], 30, "the board is online")

    def order(self, port: int, **limit: object) -> str:
        """Somebody orders a charge; the order's id."""
        wanted = {
            "charger_id": self.charger_id,
            "port": port,
            "customer_id": self.customer_id,
            "limit": limit,
        }
        order_id: str = self.live.ask("POST", "/orders", wanted)["id"]
        return order_id

    def over(self, order_id: str) -> Any:
        """The order, once it is settled; or cancelled, if nothing was drawn yet."""
        path = f"/orders/{order_id}"

        def look() -> Any:
            order = self.live.ask("GET", path)
            return order if order["state"] in ("settled", "cancelled") else None

        return wait_until(look, 40, f"order {order_id} is over")


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """All of it."""
    made = Station(tmp_path)
    yield made
    made.board.stop()
    made.live.stop()


def test_a_board_charges(station: Station) -> None:
    """From the order to the bill, to the mWh and the fen; and the next by STOP."""
    order_id = station.order(2, energy_wh=3)
    began_mwh = station.board.wait("closed")
    assert station.board.wait("opened") - began_mwh == 3_000
    order = station.over(order_id)
    assert (order["energy_wh"], order["stop_reason"]) == (3, "limit_energy")

    order_id = station.order(3, duration_s=600)
    station.board.wait("closed")
    station.live.ask("POST", f"/orders/{order_id}/stop")
    station.board.wait("opened")
    assert station.over(order_id)["stop_reason"] == "user"


def test_a_cut_connection_and_a_cut_power_lose_nothing(station: Station) -> None:
    """The charge goes on while there is no connection, and after the power is back; its records
    come when they can, once."""
    # long enough to be still under way when all that follows has happened
    order_id = station.order(1, energy_wh=30)
    began_mwh = station.board.wait("closed")
    station.board.say("cut")
    station.board.wait("welcomed")
    station.board.kill()
    station.board.start()
    station.board.wait("welcomed")
    # it waits a moment at random, so that not all boards of a street go on at once
    station.board.wait("closed")
    assert station.board.wait("opened", 60) - began_mwh == 30_000
    assert station.over(order_id)["energy_wh"] == 30
    assert station.live.ask("GET", "/orders/unmatched")["items"] == []
    assert station.live.ask("GET", "/orders/disputes")["items"] == []


def test_what_is_hot_is_cut_and_fire_locks_out(station: Station) -> None:
    """By the board itself; and the lock-out is there after a restart, and stays without the
    right to lift it."""
    hot, other = station.order(1, duration_s=600), station.order(2, duration_s=600)
    station.board.wait("closed")
    station.board.wait("closed")
    station.board.say("heat 1 900")
    station.board.wait("opened")
    assert station.over(hot)["stop_reason"] == "safety"

    station.board.say("fire 1")
    station.board.wait("opened")
    assert station.over(other)["stop_reason"] == "safety"
    station.board.kill()
    station.board.start()
    station.board.wait("welcomed")
    station.wait_online()
    failed = station.order(3, duration_s=600)
    path = f"/orders/{failed}"
    wait_until(lambda: station.live.ask("GET", path)["state"] == "failed", 20, "it is refused")
    commands = f"/chargers/{station.charger_id}/commands"
    lifted = {"name": "lift_lock_out", "args": {"fire": True}}
    assert station.live.ask("POST", commands, lifted)["accepted"]
    station.order(3, energy_wh=1)
    station.board.wait("closed")


def test_a_start_code_works_without_a_connection(station: Station) -> None:
    """A code that is sold for the board's own key begins one charge; it becomes an order of the
    one who bought it."""
    wanted = {"customer_id": station.customer_id, "port": 4}
    sold = station.live.ask("POST", f"/chargers/{station.charger_id}/start-codes", wanted)
    station.board.say(f"code {sold['code']}")
    assert station.board.wait("code") == 1
    station.board.say(f"code {sold['code']}")
    assert station.board.wait("code") == 0
    station.board.say(f"code {'1' * 16}")
    assert station.board.wait("code") == 0

    def orders() -> Any:
        return [order for order in station.live.all("/orders") if order["port"] == 4]

    (order,) = wait_until(orders, 20, "the charge has an order")
    assert (order["origin"], order["customer_id"]) == ("offline", station.customer_id)


def test_a_board_goes_elsewhere_and_comes_back_when_nobody_is_there(station: Station) -> None:
    """After so many connections that came to nothing it is at the factory's address again."""
    commands = f"/chargers/{station.charger_id}/commands"
    elsewhere = {"host": "127.0.0.1", "port": free_port(), "tries": 2}
    assert station.live.ask("POST", commands, {"name": "go_to", "args": elsewhere})["accepted"]
    station.board.say("cut")
    station.board.wait("not-reached")
    station.board.wait("not-reached")
    station.board.wait("welcomed", 60)
    station.wait_online()
