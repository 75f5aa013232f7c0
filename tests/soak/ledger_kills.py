"""
The platform is killed while money moves: top-ups, gifts, transfers, payments, refunds, withdrawals
and settlements over HTTP, the holds, captures and releases of charges, and bills that are lowered
after they were split.

After each kill the books are gone through as they lie there, against the heads of the time before.
In the end each request has had its effect once: all are sent again under their keys, and what came
into the wallets is what was asked for, and of what charges have paid each party has its share by
the rule, to the fen (L{tests.soak.shares}).

C{make soak} does it 200 times.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import redirect_stdout
from http.client import HTTPException
from io import StringIO
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

from attrs import define, field

from chargecloud.cli import main as chargecloud
from tests.live import Live, LiveFleet, wait_until
from tests.soak.kills import CONFIG, DEAR
from tests.soak.report import Report
from tests.soak.shares import FourParties, Shares

_MORE = """
[payments]
public_url = "http://127.0.0.1:8080"

[sandbox]
payments = true
pays_after_s = 1
"""
PORTS, CUSTOMERS = 10, 6
#: people who move money at the same time
TILLS = 4
#: of what they do, so much is to lower a bill
LOWERED = 0.1
#: some kills come while the platform still starts its work, some after so long
WORK_S = 6.0


@define(frozen=True)
class Asked:
    """A request, as it is sent again under its key."""

    key: str
    path: str
    body: dict[str, Any]


@define(eq=False)
class Till:
    """
    Somebody who moves money all the time.

    @ivar asked: what was sent, whether an answer came or not.
    """

    live: Live
    customers: list[str]
    random: Random
    name: str
    asked: list[Asked] = field(factory=list)
    statuses: Counter[int] = field(factory=Counter)
    _stop: Event = field(factory=Event)
    _thread: Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._stop.clear()
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, as soon as the request that is under way has."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            is_first = not self.asked
            lowered = self._lowered() if is_first or self.random.random() < LOWERED else None
            asked = lowered or self._next()
            self.asked.append(asked)
            self.send(asked)

    def _lowered(self) -> Asked | None:
        """Half of what one of the last bills was for; C{None} if there is none, or no answer."""
        try:
            found = self.live.ask("GET", "/orders?state=settled&limit=50")["items"]
        except (OSError, HTTPException):
            return None
        found = [order for order in found if order["amount_fen"]]
        if not found:
            return None
        order = self.random.choice(found)
        body = {
            "action": "adjust",
            "energy_wh": order["energy_mwh"] // 2000,
            "reason": "a trial",
        }
        return Asked(f"{self.name}-{len(self.asked)}", f"/orders/{order['id']}/resolve", body)

    def _next(self) -> Asked:
        mine, other = self.random.sample(self.customers, 2)
        amount_fen = self.random.randint(1, 300)
        body: dict[str, Any] = {"amount_fen": amount_fen}
        what = self.random.choice(
            ["top-ups", "top-ups", "transfers", "withdrawals", "payments", "settlements"]
        )
        if what == "top-ups":
            body["gift_fen"] = self.random.choice([0, amount_fen // 5])
        elif what == "transfers":
            body["to_customer_id"] = other
        elif what == "withdrawals":
            body["reason"] = "a trial"
        path = f"/wallets/{mine}/{what}"
        if what == "payments":
            path = "/payments"
            body |= {"channel": "sandbox", "customer_id": mine, "subject": "a trial"}
        elif what == "settlements":
            path, body = "/settlements", {}
        return Asked(f"{self.name}-{len(self.asked)}", path, body)

    def send(self, asked: Asked) -> int:
        """Send it; the status, 0 if nobody answered."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.live.web}/api/v1{asked.path}",
            data=json.dumps(asked.body).encode(),
            headers={
                "Authorization": f"Bearer {self.live.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": asked.key,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status: int = response.status
        except urllib.error.HTTPError as refused:
            status = refused.code
        except (OSError, HTTPException):
            status = 0
            self._stop.wait(0.05)
        self.statuses[status] += 1
        return status


class Trial:
    """One run, in a folder."""

    def __init__(self, folder: Path, seed: int, boxes: int = 8) -> None:
        self.live = Live(folder, CONFIG + _MORE)
        self.fleet = LiveFleet(self.live, boxes, PORTS, seed)
        self.random = Random(seed)
        self.report = Report()
        self._heads = folder / "heads"
        self._pause = Event()

    def run(self, kills: int, charges: int = 20) -> Report:
        """
        Kill it so often, and go through the books each time.

        @param charges: how many are paid when it is first killed.
        """
        began_s = time.monotonic()
        self.live.start()
        self.fleet.start("hasty")
        faults: list[str] = []
        try:
            wait_until(lambda: self.live.all("/tariffs"), 60, "the sites are there")
            for tariff in self.live.all("/tariffs"):
                terms = {"terms": DEAR[tariff["kind"]]}
                self.live.ask("POST", f"/tariffs/{tariff['id']}/versions", terms)
            rule = self._rule()
            customers = [
                self.live.ask("POST", "/customers", {"name": str(number)})["id"]
                for number in range(CUSTOMERS)
            ]
            tills = [
                Till(self.live, customers, Random(self.random.random()), f"till-{number}")
                for number in range(TILLS)
            ]
            enough = f"{charges} charges are paid"
            wait_until(lambda: len(self._paid()) >= charges, 120, enough, 1.0)
            # what is lowered from now on is called back
            found = Shares(self.live, rule)
            wait_until(found.has_any, 120, "what is paid is split", 1.0)
            free = {"action": "adjust", "energy_wh": 0, "reason": "a trial"}
            for order_id in found.of_orders:
                self.live.ask("POST", f"/orders/{order_id}/resolve", free)
            for number in range(kills):
                for till in tills:
                    till.start()
                self._pause.wait(self.random.choice((self.random.uniform(0.05, 2.5), WORK_S)))
                self.live.stop(signal.SIGKILL)
                for till in tills:
                    till.stop()
                faults += [f"kill {number}: {fault}" for fault in self._verify()]
                self.live.start()
            # nobody charges any more: what is paid stays as it is
            self.fleet.stop()
            self._resend(tills)
            self._count(customers, tills)
            self._count_shares(found)
        finally:
            self.fleet.stop()
            self.live.stop(signal.SIGTERM)
        faults += self._verify()
        self.report.check_none("the books are sound after each kill", faults)
        self.report.figures["kills"] = kills
        self.report.figures["seconds"] = round(time.monotonic() - began_s)
        return self.report

    def _paid(self) -> list[Any]:
        settled = self.live.all("/orders?state=settled")
        return [order for order in settled if order["amount_fen"]]

    def _rule(self) -> FourParties:
        """What is earned is split among four."""
        parties = [
            self.live.ask("POST", "/parties", {"level": level, "name": level})["id"]
            for level in ("platform", "operator", "owner", "agent")
        ]
        rule = FourParties(*map(int, parties))
        about = {"name": "four", "valid_from": "2020-01-01", "every": "daily", "terms": rule.terms}
        self.live.ask("POST", "/split-rules", about)
        return rule

    def _count_shares(self, found: Shares) -> None:
        """Each order is split as the rule says, and each account has what that comes to."""
        wait_until(found.are_settled, 120, "all that is paid is split", 1.0)
        self.report.figures |= {
            "settlements": len(found.settlements),
            "orders_split": len(found.of_orders),
            "orders_held": dict(Counter(found.held.values())),
            "called_back": found.called_back,
            "shares_fen": dict(found.of_parties),
        }
        self.report.check_none("each order is split by the rule", found.wrong_orders())
        self.report.check_none("each account has its shares", found.wrong_accounts())
        self.report.check("orders were split", holds=bool(found.of_orders), otherwise="none was")
        self.report.check(
            "shares were called back", holds=found.called_back > 0, otherwise="none was"
        )

    def _verify(self) -> list[str]:
        """Go through the books as they lie there, and keep where they end."""
        config = ["--config", str(self.live.config)]
        since = ["--since-head", str(self._heads)] if self._heads.exists() else []
        status, said = _said("ledger", "verify", *config, *since)
        status_of_head, heads = _said("ledger", "head", *config)
        self._heads.write_text(heads)
        return said.splitlines() if status or status_of_head else []

    def _resend(self, tills: list[Till]) -> None:
        """Whatever was sent is sent once more: what had its effect has none again."""
        refused = [
            f"{asked} -> {status}"
            for till in tills
            for asked in till.asked
            if (status := till.send(asked)) not in (200, 201, 409)
        ]
        self.report.check_none("all requests are answered in the end", refused)

    def _count(self, customers: list[str], tills: list[Till]) -> None:
        moved: Counter[str] = Counter()
        for customer in customers:
            for movement in self.live.all(f"/wallets/{customer}/movements"):
                moved[movement["cause"]] += movement["amount_fen"]
        wanted: Counter[str] = Counter()
        for asked in (asked for till in tills for asked in till.asked):
            if asked.path.endswith("top-ups"):
                wanted["top_up"] += asked.body["amount_fen"]
                wanted["gift"] += asked.body["gift_fen"]
        for cause, fen in wanted.items():
            self.report.check(
                f"each {cause} came once",
                holds=moved[cause] == fen,
                otherwise=f"{moved[cause]} fen came, {fen} were asked for",
            )
        self.report.check(
            "transfers come and go", holds=moved["transfer"] == 0, otherwise=str(moved["transfer"])
        )
        whole_fen = sum(each["balance_fen"] for each in self.live.all("/ledger/accounts"))
        self.report.check(
            "the accounts sum to nothing", holds=whole_fen == 0, otherwise=f"to {whole_fen} fen"
        )
        # also those whose bills were lowered to nothing since
        settled = self.live.all("/orders?state=settled")
        self.report.figures |= {
            "requests": sum(len(till.asked) for till in tills),
            "moved_fen": dict(moved),
            "settled": len(settled),
            "postings": len(self.live.all("/ledger")),
        }
        self.report.check("charges were paid", holds=bool(settled), otherwise="none was")


def _said(*words: str) -> tuple[int, str]:
    out = StringIO()
    with redirect_stdout(out):
        status = chargecloud(words)
    return status, out.getvalue()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to leave the files")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="ledger-"))
    folder.mkdir(parents=True, exist_ok=True)
    return Trial(folder, given.seed).run(given.kills).tell()


if __name__ == "__main__":
    sys.exit(main())
