"""Settlements at the command line: made, gone on with, and seen on their way."""

import argparse
import sys
import time
from datetime import datetime

from chargecloud.cli.opening import open_store, result_of
from chargecloud.cli.parsing import Parsers, command
from chargecloud.cli.whose import tenant_of
from chargecloud.domain.alarm import Alarm
from chargecloud.money.settlement.settlements import Settlements
from chargecloud.money.settlement.value import Settlement

#: of the bar, in characters
WIDTH = 40


class Progress:
    """A bar on the terminal; where the output is none, a line at each tenth."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._began_at: int | None = None
        self._shown = -1

    def __call__(self, settlement: Settlement) -> None:
        """Show how far it is."""
        if self._began_at is None:
            self._began_at = settlement.seen
        done = min(1.0, settlement.seen / settlement.expected) if settlement.expected else 1.0
        text = bar(settlement, done, self._left_s(settlement))
        if sys.stderr.isatty():
            end = "\n" if settlement.finished_at else ""
            print(f"\r{text}", end=end, file=sys.stderr, flush=True)
        elif int(done * 10) > self._shown:
            self._shown = int(done * 10)
            print(text, file=sys.stderr, flush=True)

    def _left_s(self, settlement: Settlement) -> float | None:
        seen = settlement.seen - (self._began_at or 0)
        if not seen:
            return None
        took_s = time.monotonic() - self._began_s
        return max(0, settlement.expected - settlement.seen) * took_s / seen


def bar(settlement: Settlement, done: float, left_s: float | None) -> str:
    """How far a settlement is, in a line."""
    filled = round(done * WIDTH)
    left = "" if left_s is None else f", {left_s:.0f} s left"
    counted = f"{settlement.seen:,} of {settlement.expected:,} orders"
    return f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done:4.0%} {counted}{left} "


def settle(arguments: argparse.Namespace) -> int:
    """Settle the orders of a tenant that are due, of all its rules, and see how far it is.  It may
    be stopped at any time: the service goes on with it, or the same command with --resume."""
    with open_store(arguments) as (store, calendar, _setup):
        settlements = Settlements(store, calendar, time.time, _tell)
        if arguments.resume is not None:
            settlement_id = arguments.resume
        else:
            tenant_id = tenant_of(store, arguments)
            made = result_of(settlements.make(None, tenant_id, arguments.until, None))
            settlement_id = made.id
        done = result_of(settlements.run(settlement_id, Progress()))
    print(f"settlement {done.id}: {done.orders} orders are split, {done.held} are held")
    return 0


def _tell(alarm: Alarm) -> None:
    facts = ", ".join(f"{name} {value}" for name, value in alarm.evidence.items())
    print(f"{alarm.rule}: {facts}", file=sys.stderr)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant


def settle_command(rooms: Parsers) -> None:
    """C{settle}."""
    made = command(rooms, "settle", settle, example="chargecloud settle --tenant 3830590")
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("--tenant", type=int, metavar="ID", help="whose orders")
    which.add_argument(
        "--resume", type=int, metavar="ID", help="go on with this settlement instead"
    )
    made.add_argument(
        "--until",
        type=_instant,
        metavar="TIME",
        help="orders that ended before, as 2026-12-01T00:00:00+08:00; now if not given",
    )
