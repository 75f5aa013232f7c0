"""Bills in a second: a charge by time of use with 60 readings, priced on one core.

Each bill is made from terms and readings as an order has them, anew; nothing of one is used for
the next but what the engine itself keeps of the terms.  The charge crosses three changes of price.

C{python -m bench.quotes [--seconds 3] [--rounds 3]}
"""

import argparse
import os
import statistics
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bench.results import keep
from chargecloud.domain.tariff import Bill, Mark, Usage
from chargecloud.interfaces import ITariff
from chargecloud.money.composed.kind import Composed
from chargecloud.money.ocpi.kind import Ocpi
from chargecloud.money.time_of_use import TimeOfUse

READINGS = 60
START = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
RATES = {
    name: {"electricity": price, "service": 40_000}
    for name, price in (("valley", 40_000), ("flat", 70_000), ("peak", 110_000))
}
#: by the site's clock; the charge lasts from 06:30 to 16:20
DAY = (("00:00", "valley"), ("07:00", "flat"), ("10:00", "peak"), ("15:00", "flat"))
PERIODS = [{"from": start, "rate": rate} for start, rate in DAY]


def _ocpi() -> dict[str, object]:
    ends = [*[start for start, _ in DAY[1:]], "00:00"]
    elements = [
        {
            "price_components": [
                {"type": "ENERGY", "price": sum(RATES[rate].values()) / 100_000, "step_size": 1}
            ],
            "restrictions": {"start_time": start, "end_time": end},
        }
        for (start, rate), end in zip(DAY, ends, strict=True)
    ]
    head = {"country_code": "CN", "party_id": "BEN", "id": "1", "currency": "CNY"}
    return {**head, "elements": elements, "last_updated": "2026-11-01T00:00:00Z"}


#: the figure that each is kept under, its kind and its terms
PRICED: tuple[tuple[str, ITariff, dict[str, object]], ...] = (
    ("quotes_per_s", TimeOfUse(), {"rates": RATES, "day": PERIODS}),
    (
        "composed_per_s",
        Composed(),
        {"rates": RATES, "days": {"any": PERIODS}, "calendar": [{"day": "any"}]},
    ),
    ("ocpi_per_s", Ocpi(), _ocpi()),
)


def usage() -> Usage:
    """A charge at 7 kW, read every ten minutes."""
    marks = [
        Mark(START + number * timedelta(minutes=10), 5_000 + number * 1_166_667)
        for number in range(READINGS)
    ]
    return Usage(ZoneInfo("Asia/Shanghai"), (READINGS - 1) * 600, tuple(marks))


def bills_per_s(kind: ITariff, terms: dict[str, object], seconds: float) -> float:
    """Make bills for so long."""
    checked, used, made = kind.check(terms), usage(), 0
    began = time.perf_counter()
    while (gone := time.perf_counter() - began) < seconds:
        for _ in range(100):
            Bill(1, 1, tuple(kind.lines(checked, used)))
        made += 100
    return made / gone


def main() -> None:
    """Measure each kind in turn, print a table, and keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.sched_setaffinity(0, {0})
    rounds = [
        [bills_per_s(kind, terms, given.seconds / len(PRICED)) for _, kind, terms in PRICED]
        for _ in range(given.rounds)
    ]
    figures: dict[str, object] = {"readings": READINGS}
    for (name, _, _), measured in zip(PRICED, zip(*rounds, strict=True), strict=True):
        figures[name] = round(statistics.median(measured))
    keep("quotes", figures)


if __name__ == "__main__":
    main()
