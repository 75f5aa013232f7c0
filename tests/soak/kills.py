"""
The platform is killed again and again under running charges, and comes back: no charge is
lost, none is settled twice, and energy and money are those of the chargers' own books.

C{make soak} does it 50 times under 300 charges; C{tests/test_kills.py} does it a few times.
The chargers are a process of their own that lives on: they reconnect, resend what was not
acknowledged, lose their power now and then, and begin charges by cards while nobody answers.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
import urllib.error
from collections import Counter
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

from attrs import asdict, define, field

from chargecloud.cli import main as chargecloud
from chargecloud.domain.units import wh
from tests.live import Live, LiveFleet, wait_until

CONFIG = """
[node]
data_dir = "var"
reserve_mb = 0

[listen.web]
endpoint = "tcp:8080:interface=127.0.0.1"

[[listen.chargers]]
endpoint = "tcp:9010:interface=127.0.0.1"

# people who pull the plug of a charge of a minute do not put it back
[charging.cut_off.ebike]
replug_grace_s = 5
"""
PORTS = 10
#: one of so many ends is orderly: SIGTERM, after which nothing is open
ORDERLY_ONE_IN = 6
#: 200 yuan a kWh: what is charged in half a minute comes to some fen
_RATE = {"electricity": 10_000_000, "service": 10_000_000}
DEAR = {
    "time_of_use": {"rates": {"flat": _RATE}, "day": [{"from": "00:00", "rate": "flat"}]},
    "by_time": {"price_fen": 40, "block_s": 20, "step_s": 5, "electricity": 60_000},
}
#: what is asked is work for a platform that is busy with its chargers
LOOK_EVERY_S = 1.0
#: states in which an order is over
OVER = {"settled", "cancelled", "failed"}


@define
class Findings:
    """
    What came out.

    @ivar killed: how often by SIGKILL; C{stopped} by SIGTERM.
    @ivar running: how many charges ran at each end of the platform.
    @ivar faults: whatever is not as it should be, in words.
    @ivar undecided: what waits for a person, by why; it is kept and not billed.
    """

    killed: int = 0
    stopped: int = 0
    running: list[int] = field(factory=list)
    states: dict[str, int] = field(factory=dict)
    origins: dict[str, int] = field(factory=dict)
    reasons: dict[str, int] = field(factory=dict)
    undecided: dict[str, int] = field(factory=dict)
    charges: int = 0
    energy_mwh: int = 0
    meters_mwh: int = 0
    amount_fen: int = 0
    seconds: float = 0.0
    faults: list[str] = field(factory=list)


class Trial:
    """One run, in a folder."""

    def __init__(self, folder: Path, boxes: int, seed: int, live: Live | None = None) -> None:
        self.live = live or Live(folder, CONFIG)
        self.fleet = LiveFleet(self.live, boxes, PORTS, seed)
        self.found = Findings()
        self.random = Random(seed)
        self._pause = Event()

    def run(
        self, kills: int, charges: int, scenario: str = "hasty", lasting_s: float = 0.0
    ) -> Findings:
        """
        Kill the platform so often, let all charges end, and go through the books.

        @param charges: how many are to run when it is first killed.
        @param lasting_s: for how long the scenario is to go on before that.
        """
        began_s = time.monotonic()
        self.live.start()
        self.fleet.start(scenario)
        try:
            self._raise_prices()
            enough = f"{charges} charges"
            wait_until(lambda: self._running() >= charges, 120, enough, LOOK_EVERY_S)
            self._pause.wait(lasting_s)
            for number in range(kills):
                self.end_it(orderly=number % ORDERLY_ONE_IN == ORDERLY_ONE_IN - 1)
            self._wind_down()
            self._go_through_the_books()
        finally:
            self.fleet.stop()
            self.live.stop(signal.SIGTERM)
        if chargecloud(["ledger", "verify", "--config", str(self.live.config)]):
            self.found.faults.append("the ledger is not sound")
        self.found.seconds = round(time.monotonic() - began_s, 1)
        return self.found

    # -------------------------------------------------------------------------- the run

    def _raise_prices(self) -> None:
        """So that what is charged in half a minute costs something."""
        wait_until(lambda: self.live.all("/chargers"), 30, "the sites are there")
        for tariff in self.live.all("/tariffs"):
            terms = {"terms": DEAR[tariff["kind"]]}
            self.live.ask("POST", f"/tariffs/{tariff['id']}/versions", terms)

    def _running(self) -> int:
        return len(self.live.all("/orders?state=charging"))

    def end_it(self, *, orderly: bool) -> None:
        """Some seconds of work, an end at any moment, and a new start.  Now and then it
        comes while the chargers of the last one are still coming back."""
        self.wait_for_work()
        self.live.stop(signal.SIGTERM if orderly else signal.SIGKILL)
        self.count_end(orderly=orderly)
        self._pause.wait(self.random.uniform(0, 1))
        self.live.start()

    def wait_for_work(self) -> None:
        """Some seconds of work."""
        self._pause.wait(self.random.choice((self.random.uniform(0, 2), 8)))
        self.found.running.append(self._running())
        self._pause.wait(self.random.uniform(0, 0.5))

    def count_end(self, *, orderly: bool) -> None:
        """The platform, or a part of it, was ended."""
        if orderly:
            self.found.stopped += 1
        else:
            self.found.killed += 1

    def _wind_down(self) -> None:
        """People go home, all chargers have power and a connection, and all charges end."""
        self.fleet.stop()
        self.fleet.start("quiet")
        wait_until(self._are_back, 90, "all are back", LOOK_EVERY_S)
        wait_until(self._is_over, 180, "all charges are over", LOOK_EVERY_S)
        self.fleet.stop()

    def boxes(self) -> list[Any]:
        """The fleet's, as the platform sees them."""
        return self.live.all("/chargers")

    def _are_back(self) -> bool:
        return all(box["online"] for box in self.boxes())

    def _is_over(self) -> bool:
        """Stop what still runs; whether nothing does, and the chargers have told all."""
        running = [
            order
            for state in ("starting", "charging", "suspended", "ended")
            for order in self.live.all(f"/orders?state={state}")
        ]
        for order in running:
            if order["state"] in ("charging", "suspended"):
                self._stop(order["id"])
        memories = [charger["memory"] for charger in self.fleet.flash["chargers"]]
        open_ends = any(memory["records"] for memory in memories) or any(
            port["charge"] for memory in memories for port in memory["ports"]
        )
        return not running and not open_ends

    def _stop(self, order_id: str) -> None:
        try:
            self.live.ask("POST", f"/orders/{order_id}/stop")
        except urllib.error.HTTPError as refused:
            # it has ended meanwhile, or is still starting
            if refused.code != 409:
                raise

    # ------------------------------------------------------------------------- the books

    def _go_through_the_books(self) -> None:
        orders = self.live.all("/orders")
        disputes = self.live.all("/orders/disputes")
        unmatched = self.live.all("/orders/unmatched")
        found = self.found
        found.states = dict(Counter(order["state"] for order in orders))
        found.origins = dict(Counter(order["origin"] for order in orders))
        found.reasons = dict(Counter(str(order["stop_reason"]) for order in orders))
        found.undecided = dict(
            Counter(f"dispute: {each['why']}" for each in disputes)
            + Counter(f"unmatched: {each['why']}" for each in unmatched)
            + Counter(f"held: {each['failure']}" for each in orders if each["state"] == "held")
        )
        self._compare_charges(orders, disputes)
        self._compare_money(orders)
        self._look_at_histories(orders)

    def _compare_charges(self, orders: list[Any], disputes: list[Any]) -> None:
        """Each charge of the chargers' books has one order with its very figures, or is
        kept as a dispute of an order that bills nothing; and the other way round."""
        found, faults = self.found, self.found.faults
        chargers = self.fleet.flash["chargers"]
        identities = {charger["charger_id"]: charger["identity"] for charger in chargers}
        billed = Counter(
            _figures(
                identities[order["charger_id"]],
                order["port"],
                (order["start_meter_wh"], order["end_meter_wh"]),
                order["energy_mwh"],
                order["charged_s"],
            )
            for order in orders
            if order["state"] not in ("failed", "starting")
        )
        refused = Counter(
            _of_record(identities[each["charger_id"]], each["record"] | {"port": each["port"]})
            for each in disputes
        )
        charged = Counter(_of_record(line["charger"], line) for line in self.fleet.book)
        kept = billed + refused
        faults += [f"charge {each} is not in the orders" for each in charged - kept]
        faults += [f"order of {each} is of no charge" for each in kept - charged]
        by_id = {order["id"]: order for order in orders}
        for line in self.fleet.book:
            if line["order_id"] is not None and line["order_id"] not in by_id:
                faults.append(f"the order of {line} is not there")
        found.charges = charged.total()
        found.energy_mwh = sum(each[-2] * times for each, times in kept.items())
        found.meters_mwh = sum(
            port["meter_mwh"] for charger in chargers for port in charger["memory"]["ports"]
        )
        if found.energy_mwh != found.meters_mwh:
            faults.append("the orders' energy is not that of the meters")

    def _compare_money(self, orders: list[Any]) -> None:
        """What left the wallets is what was billed, and nothing is held any more."""
        amount_fen = sum(each["amount_fen"] for each in orders if each["state"] == "settled")
        customers = self.live.all("/customers")
        wallets = [self.live.ask("GET", f"/wallets/{each['id']}") for each in customers]
        moved = Counter[str]()
        for wallet in wallets:
            path = f"/wallets/{wallet['customer_id']}/movements"
            for movement in self.live.all(path):
                moved[movement["cause"]] += movement["amount_fen"]
        balance_fen = sum(wallet["balance_fen"] for wallet in wallets)
        paid_in_fen = moved["top_up"]
        if balance_fen != paid_in_fen - amount_fen:
            self.found.faults.append(
                f"wallets hold {balance_fen} fen: {paid_in_fen} paid in, {amount_fen} billed"
            )
        if any(wallet["held_fen"] for wallet in wallets):
            self.found.faults.append("money is still held")
        self.found.amount_fen = amount_fen

    def _look_at_histories(self, orders: list[Any]) -> None:
        """Each order has come to an end, once."""
        for order in orders:
            events = self.live.ask("GET", f"/orders/{order['id']}/events")["items"]
            kinds = Counter(event["kind"] for event in events)
            ends = [kinds[f"order.{state}"] for state in OVER]
            if order["state"] in OVER and (sum(ends) != 1 or kinds["order.placed"] != 1):
                self.found.faults.append(f"order {order['id']} has the history {dict(kinds)}")
            elif order["state"] not in OVER:
                self.found.faults.append(f"order {order['id']} is {order['state']}")


#: a charge as both sides know it: charger, port, registers in Wh, energy in mWh, seconds
Figures = tuple[str, int, tuple[int, int], int, int]


def _figures(
    identity: str, port: int, meters_wh: tuple[int, int], energy_mwh: int, charged_s: int
) -> Figures:
    return identity, port, meters_wh, energy_mwh, charged_s


def _of_record(identity: str, record: Any) -> Figures:
    start_mwh, end_mwh = record["start_meter_mwh"], record["end_meter_mwh"]
    meters_wh = (wh(start_mwh), wh(end_mwh))
    return _figures(identity, record["port"], meters_wh, end_mwh - start_mwh, record["duration_s"])


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--charges", type=int, default=300)
    parser.add_argument("--boxes", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to leave the files")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    found = Trial(folder, given.boxes, given.seed).run(given.kills, given.charges)
    sys.stdout.write(json.dumps(asdict(found), indent=2) + "\n")
    return bool(found.faults)


if __name__ == "__main__":
    sys.exit(main())
