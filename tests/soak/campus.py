"""
The campus day: 200 boxes of ten ports, 4,000 charges, about 6,000 kWh, in accelerated time
through the real gateway; once as it is, and once without cutting off full batteries.

Two things are checked.  I{Truth}: what the platform says of orders, energy, money, carbon and
saving is what the chargers' own books say, to the mWh and the fen.  I{The case}: the day is
the reference's, and what the platform says it saved is what the other run drew more.

The last line of the standard output is JSON with the figures and each check; the exit status
is 0 only if all hold.  C{make campus} runs it; docs/campus.rst explains it.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from attrs import frozen

from chargecloud.cli import main as chargecloud
from chargecloud.domain.units import divide_half_up
from chargecloud.simulator.campus import LASTS_S, OPENS_HOUR
from chargecloud.simulator.provisioning import CAMPUS_SITES
from tests.live import Live, LiveFleet, wait_until
from tests.soak.report import Report

#: full batteries that are held for a day are never cut off
NEVER_S = 86_400
DAY_START = "2026-03-02T02:00:00+08:00"
CARBON_G_PER_KWH = 785
#: of the reference: charges, kWh, kg, and what cutting off full batteries saves
CHARGES, ENERGY_KWH, CARBON_KG = 4_000, 6_000, 4_710
SAVED_KWH, SAVED_KG = 400, 314
WITHIN_PERCENT, SAVING_WITHIN_PERCENT, NEAR_PERCENT = 1, 5, 10
OVER = {"settled", "cancelled", "failed"}


def config(speed: int, hold_s: int) -> str:
    """The configuration of a run."""
    return f"""
[node]
data_dir = "var"
reserve_mb = 0

[calendar]
start = {DAY_START}
speed = {speed}

[listen.web]
endpoint = "tcp:8080:interface=127.0.0.1"

[[listen.chargers]]
endpoint = "tcp:9010:interface=127.0.0.1"

# nobody's charge of a night is stopped for having lasted too long
[charging]
longest_charge_s = {NEVER_S}

[charging.cut_off.ebike]
float_hold_s = {hold_s}
"""


@frozen
class Books:
    """A day by the chargers' own books, or as the platform tells it."""

    charges: int
    energy_mwh: int
    amount_fen: int
    carbon_g: int
    saved_mwh: int


class Day:
    """One run of the day, in a folder."""

    def __init__(self, folder: Path, boxes: int, seed: int, speed: int, hold_s: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.live = Live(folder, config(speed, hold_s))
        self.fleet = LiveFleet(self.live, boxes, 10, seed)
        self._boxes, self._speed = boxes, speed
        self.orders: list[Any] = []
        self.statistics: dict[str, Any] = {}

    def run(self) -> None:
        """Let everybody come and go, and take what the platform says in the end."""
        self.live.start()
        self.fleet.start("campus")
        try:
            wait_until(lambda: len(self.live.all("/chargers")) == self._boxes, 120, "registered")
            opening = _opening(self._now())
            lasts_s = ((opening - self._now()).total_seconds() + LASTS_S) / self._speed
            wait_until(lambda: self._is_over(opening), lasts_s + 60, "the day is over")
            self.orders = self.live.all("/orders")
            days = "from=2026-03-01&to=2026-03-05"
            wait_until(lambda: self._counted(days) >= len(self._settled), 60, "all are counted")
            self.statistics = self.live.ask("GET", f"/statistics?{days}")
        finally:
            self.fleet.stop()
            self.live.stop()

    @property
    def _settled(self) -> list[Any]:
        return [order for order in self.orders if order["state"] == "settled"]

    def _now(self) -> datetime:
        ready = self.live.ask("GET", "/readyz", base="")
        return datetime.fromisoformat(ready["calendar"]["now"])

    def _is_over(self, opening: datetime) -> bool:
        """Whether everybody has gone home, and nothing is open."""
        if (self._now() - opening).total_seconds() < LASTS_S:
            return False
        return not any(
            self.live.ask("GET", f"/orders?state={state}&limit=1")["items"]
            for state in ("starting", "charging", "suspended", "ended")
        )

    def _counted(self, days: str) -> int:
        counted: int = self.live.ask("GET", f"/statistics?{days}")["orders"]
        return counted

    # ------------------------------------------------------------------------- the books

    def of_chargers(self) -> Books:
        """By their own books alone: the price is reckoned here."""
        billed = [line for line in self.fleet.book if line["end_meter_mwh"] is not None]
        energies = [line["end_meter_mwh"] - line["start_meter_mwh"] for line in billed]
        energy_mwh = sum(energies)
        return Books(
            charges=len(billed),
            energy_mwh=energy_mwh,
            amount_fen=sum(_price_fen(energy) for energy in energies),
            carbon_g=divide_half_up(energy_mwh * CARBON_G_PER_KWH, 1_000_000),
            saved_mwh=sum(
                each["power_dw"] * self._float_s(each) // 36 for each in self.fleet.stays
            ),
        )

    def _float_s(self, stay: Any) -> int:
        """A float would have ended with the order's own time."""
        order = next(each for each in self.orders if each["id"] == stay["order_id"])
        limit_s = (order["limit"] or {}).get("duration_s")
        stayed_s: int = stay["seconds"]
        return stayed_s if limit_s is None else min(stayed_s, max(0, limit_s - order["charged_s"]))

    def of_platform(self) -> Books:
        """As the platform's statistics say."""
        told = self.statistics
        return Books(
            charges=told["orders"],
            energy_mwh=told["energy_mwh"],
            amount_fen=told["amount_fen"],
            carbon_g=round(told["carbon_kg"] * 1_000),
            saved_mwh=told["saved_mwh"],
        )

    def differences(self) -> list[str]:
        """Orders that are not what the chargers' books say of their charges."""
        by_id = {order["id"]: order for order in self.orders}
        told = Counter(line["order_id"] for line in self.fleet.book)
        faults = [f"order {each} has {count} ends" for each, count in told.items() if count != 1]
        for line in self.fleet.book:
            order = by_id.pop(line["order_id"], None)
            energy_mwh = line["end_meter_mwh"] - line["start_meter_mwh"]
            if order is None:
                faults.append(f"the charge {line} has no order")
            elif (order["energy_mwh"], order["charged_s"]) != (energy_mwh, line["duration_s"]):
                faults.append(f"order {order['id']} is not the charge {line}")
            elif order["state"] == "settled" and order["amount_fen"] != _price_fen(energy_mwh):
                faults.append(f"order {order['id']} of {energy_mwh} mWh costs another amount")
        faults += [f"order {each} is of no charge" for each in by_id]
        faults += [
            f"order {order['id']} is {order['state']}"
            for order in self.orders
            if order["state"] not in OVER
        ]
        return faults


def _opening(now: datetime) -> datetime:
    local = now.astimezone(datetime.fromisoformat(DAY_START).tzinfo)
    opening = local.replace(hour=OPENS_HOUR, minute=0, second=0, microsecond=0)
    assert opening > local, "registering took too long: the day began without the chargers"
    return opening


def _price_fen(energy_mwh: int) -> int:
    """Electricity and service, each rounded half up to whole fen, as the tariff states."""
    rate = CAMPUS_SITES[0].terms["rates"]["day"]
    # rates are 1/100,000 yuan for a kWh: 1,000 of them are a fen
    fees = (Fraction(energy_mwh * rate[fee], 1_000_000 * 1_000) for fee in rate)
    return sum(int(fee + Fraction(1, 2)) for fee in fees)


def is_within(value: float, wanted: float, percent: float) -> bool:
    """Whether a figure is the one that is wanted, within so many per cent."""
    return abs(value - wanted) * 100 <= percent * wanted


def judge(cut: Day, uncut: Day, *, is_full_size: bool) -> Report:
    """Hold the two days against the books and the reference."""
    report = Report()
    own, told, other = cut.of_chargers(), cut.of_platform(), uncut.of_chargers()
    for day, name in ((cut, "orders"), (uncut, "orders_without_cut_off")):
        faults = day.differences()
        report.check_none(f"truth_{name}", faults)
    for figure in ("charges", "energy_mwh", "amount_fen", "carbon_g", "saved_mwh"):
        mine, theirs = getattr(own, figure), getattr(told, figure)
        what = f"{theirs} by the platform, {mine} by the chargers"
        report.check(f"truth_{figure}", holds=mine == theirs, otherwise=what)
    for day in (cut, uncut):
        sound = chargecloud(["ledger", "verify", "--config", str(day.live.config)]) == 0
        report.checks["truth_ledger"] = report.checks.get("truth_ledger", True) and sound
    drawn_more_mwh = other.energy_mwh - own.energy_mwh
    report.check(
        "case_saving",
        holds=is_within(told.saved_mwh, drawn_more_mwh, SAVING_WITHIN_PERCENT),
        otherwise=f"{told.saved_mwh} mWh saved, {drawn_more_mwh} mWh drawn without cut-off",
    )
    report.figures = {
        "charges": told.charges,
        "energy_kwh": told.energy_mwh / 1e6,
        "amount_yuan": told.amount_fen / 100,
        "yuan_a_charge": round(told.amount_fen / 100 / max(1, told.charges), 3),
        "carbon_kg": told.carbon_g / 1e3,
        "saved_kwh": told.saved_mwh / 1e6,
        "saved_kg": round(told.saved_mwh / 1e6 * CARBON_G_PER_KWH / 1e3, 1),
        "energy_kwh_without_cut_off": other.energy_mwh / 1e6,
        "reasons": dict(Counter(line["reason"] for line in cut.fleet.book)),
        "origins": dict(Counter(order["origin"] for order in cut.orders)),
    }
    if is_full_size:
        for name, value, wanted, percent in (
            ("case_charges", told.charges, CHARGES, WITHIN_PERCENT),
            ("case_energy", told.energy_mwh / 1e6, ENERGY_KWH, WITHIN_PERCENT),
            ("case_carbon", told.carbon_g / 1e3, CARBON_KG, WITHIN_PERCENT),
            ("case_saved_kwh", told.saved_mwh / 1e6, SAVED_KWH, NEAR_PERCENT),
            ("case_saved_kg", report.figures["saved_kg"], SAVED_KG, NEAR_PERCENT),
        ):
            holds = is_within(value, wanted, percent)
            report.check(name, holds=holds, otherwise=f"{value} is not {wanted} ± {percent} %")
    return report


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=200, help="fewer are a trial of this trial")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=int, default=200, help="of the calendar")
    parser.add_argument("--folder", type=Path, help="where to leave the files")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="campus-"))
    began_s = time.monotonic()
    days = []
    for name, hold_s in (("day", 3_600), ("day-without-cut-off", NEVER_S)):
        day = Day(folder / name, given.boxes, given.seed, given.speed, hold_s)
        day.run()
        days.append(day)
        sys.stdout.write(f"{name}: {len(day.orders)} orders, {len(day.fleet.book)} charges\n")
    report = judge(*days, is_full_size=given.boxes == 200)
    report.figures |= {"seed": given.seed, "speed": given.speed}
    report.figures["seconds"] = round(time.monotonic() - began_s, 1)
    return report.tell()


if __name__ == "__main__":
    sys.exit(main())
