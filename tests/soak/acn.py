"""
The real sessions of a garage for cars (ACN-Data, Caltech), repeated by the platform.

I{The week}, over sockets: C{twist chargecloud} with C{etc/acn.toml}, as anyone would start it.
I{All of them}, in memory on clocks: every session of four windows of two years.  Of both,
every session's energy has to arrive exactly, in mWh, and the statistics' sum with it.

The last line of the standard output is JSON with the figures and each check; the exit status
is 0 only if all hold.  C{make acn} runs it.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from chargecloud.simulator.acn.sessions import WEEK, ChargingSession, all_sessions, sessions_of_week
from chargecloud.simulator.scenarios import ACN_WEEK
from chargecloud.storage.audit import ledger_faults
from tests.garage import Garage
from tests.harness import result_of
from tests.live import Live, wait_until
from tests.soak.report import Report

CONFIG = Path(__file__).parents[2] / "etc" / "acn.toml"
#: what the week needs at its speed, and for the last cars to be gone
WEEK_REAL_S = 400
#: of all sessions; the statistics tell a year at once
PERIODS = (
    "from=2019-04-30&to=2020-01-01",
    "from=2020-01-01&to=2021-01-01",
    "from=2021-01-01&to=2021-09-03",
)
COUNTED = ("orders", "energy_mwh", "amount_fen", "carbon_kg")


def live_week(folder: Path, report: Report) -> None:
    """The week over sockets."""
    folder.mkdir(parents=True, exist_ok=True)
    sessions = sessions_of_week(ACN_WEEK)
    live = Live(folder, CONFIG.read_text()).start()
    try:
        wait_until(lambda: _is_over(live), WEEK_REAL_S, "the week is over")
        chargers = {each["id"]: each["identity"] for each in live.all("/chargers")}
        orders = live.all("/orders")
        wait_until(lambda: _counted(live) >= len(orders), 60, "all are counted")
        told = _of_all_years(lambda path: live.ask("GET", path))
    finally:
        live.stop()
    by_station: dict[str, list[Any]] = {}
    for order in sorted(orders, key=lambda each: int(each["id"])):
        by_station.setdefault(chargers[order["charger_id"]], []).append(order)
    report.check_none("week_sessions", _differences(sessions, by_station))
    _check_sums("week", sessions, orders, told, report)


def all_on_clock(folder: Path, sessions: Sequence[ChargingSession], report: Report) -> None:
    """Sessions in memory, each car's whole stay."""
    folder.mkdir(parents=True, exist_ok=True)
    garage = Garage(folder, sessions).play()
    orders = garage.orders()
    own = {
        each.id: [orders[order_id] for order_id in garage.drivers.done[each.id]]
        for each in sessions
    }
    faults = []
    for each in sessions:
        energies = [order["energy_mwh"] for order in own[each.id]]
        if energies != [each.energy_mwh]:
            faults.append(f"session {each.id} of {each.energy_mwh} mWh has orders of {energies}")
    report.check_none("clock_sessions", faults)
    unsound = result_of(garage.world.store.read(lambda books: list(ledger_faults(books))))
    report.check_none("clock_ledger", unsound)
    _check_settled("clock", sessions, list(orders.values()), report)


def _differences(
    sessions: Sequence[ChargingSession], by_station: dict[str, list[Any]]
) -> list[str]:
    """Sessions whose energy is not that of the station's next order or orders."""
    faults = []
    for session in sessions:
        left_mwh, orders = session.energy_mwh, by_station.get(session.station, [])
        while left_mwh > 0 and orders:
            left_mwh -= orders.pop(0)["energy_mwh"]
        if left_mwh:
            faults.append(f"session {session.id} lacks {left_mwh} of {session.energy_mwh} mWh")
    faults += [f"order {each['id']} is of no car" for rest in by_station.values() for each in rest]
    return faults


def _of_all_years(get: Callable[[str], Any]) -> Counter[str]:
    """The statistics, by all that they count."""
    told: Counter[str] = Counter()
    for period in PERIODS:
        counted = get(f"/statistics?{period}")
        told.update({name: counted[name] for name in COUNTED})
    return told


def _check_sums(
    name: str, sessions: Sequence[ChargingSession], orders: list[Any], told: Any, report: Report
) -> None:
    energy_mwh = sum(each.energy_mwh for each in sessions)
    report.check(
        f"{name}_energy",
        holds=told["energy_mwh"] == energy_mwh,
        otherwise=f"{told['energy_mwh']} mWh by the statistics, {energy_mwh} by the data",
    )
    amount_fen = sum(order["amount_fen"] for order in orders)
    report.check(
        f"{name}_money",
        holds=told["amount_fen"] == amount_fen,
        otherwise=f"{told['amount_fen']} fen by the statistics, {amount_fen} by the orders",
    )
    report.figures[f"{name}_carbon_kg"] = round(told["carbon_kg"], 3)
    _check_settled(name, sessions, orders, report)


def _check_settled(
    name: str, sessions: Sequence[ChargingSession], orders: list[Any], report: Report
) -> None:
    unsettled = [
        f"order {each['id']} is {each['state']}" for each in orders if each["state"] != "settled"
    ]
    report.check_none(f"{name}_settled", unsettled)
    report.figures |= {
        f"{name}_sessions": len(sessions),
        f"{name}_orders": len(orders),
        f"{name}_energy_kwh": sum(each.energy_mwh for each in sessions) / 1e6,
        f"{name}_amount_yuan": sum(order["amount_fen"] for order in orders) / 100,
    }


def _is_over(live: Live) -> bool:
    """Whether the week has passed, and nothing is open."""
    ready = live.ask("GET", "/readyz", base="")
    now = datetime.fromisoformat(ready["calendar"]["now"])
    if now < ACN_WEEK + WEEK + timedelta(days=1):
        return False
    return not any(
        live.ask("GET", f"/orders?state={state}&limit=1")["items"]
        for state in ("starting", "charging", "suspended", "ended")
    )


def _counted(live: Live) -> int:
    return _of_all_years(lambda path: live.ask("GET", path))["orders"]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth on clocks")
    parser.add_argument("--folder", type=Path, help="where to leave the files")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="acn-"))
    report = Report()
    began_s = time.monotonic()
    live_week(folder / "week", report)
    sys.stdout.write(f"the week: {report.figures['week_orders']} orders\n")
    all_on_clock(folder / "clock", all_sessions()[:: given.every], report)
    report.figures["seconds"] = round(time.monotonic() - began_s, 1)
    return report.tell()


if __name__ == "__main__":
    sys.exit(main())
