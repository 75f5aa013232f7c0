"""
A platform at work under charges, with bad peers at its gates: a charger that floods it, one that
logs in a hundred times a second, one with a wrong key, 5,000 idle connections of one address, slow
senders, and noise.  A good charger is asked all the while how long it waits: alone, beside the
flood, and under all of it.  The books are gone through as after kills: nothing may have been lost.

C{make soak} does it under 300 charges.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from attrs import asdict

from tests.soak.kills import Trial
from tests.soak.peers import (
    Account,
    at_work,
    flood,
    hammer,
    idle,
    latencies_s,
    noise,
    registered,
    slow,
    strange,
)

#: what the names of chargers begin with that are none of the fleet
PEERS = "SIEGE"
IDLE_CONNECTIONS = 5_000
SLOW_SENDERS = 100
#: what the flood may make of others' 99th percentile
MOST_TIMES = 2.0


class Siege(Trial):
    """
    One run, in a folder.

    @ivar waits_ms: of the good charger, by what went on: median, 99th percentile and longest.
    """

    def __init__(self, folder: Path, boxes: int, seed: int, lasting_s: float) -> None:
        super().__init__(folder, boxes, seed)
        self.lasting_s = lasting_s
        self.waits_ms: dict[str, list[float]] = {}

    def boxes(self) -> list[Any]:
        return [each for each in super().boxes() if not each["identity"].startswith(PEERS)]

    def end_it(self, *, orderly: bool) -> None:
        """Nothing ends: it is besieged instead."""
        port = self.live.chargers
        good, flooding, hasty, slow_one = registered(self.live, 4, PEERS)
        self.found.running.append(self._running())
        self._measure("alone", good)
        with at_work(flood(port, flooding)):
            self._measure("beside a flood", good)
        with at_work(
            flood(port, flooding),
            hammer(port, hasty),
            strange(port, good.identity),
            idle(port, IDLE_CONNECTIONS),
            slow(port, slow_one, SLOW_SENDERS),
            noise(port),
        ):
            self._measure("under siege", good, 3 * self.lasting_s)
        self.found.running.append(self._running())
        self._see_that_they_were_held_off()

    def _measure(self, when: str, account: Account, lasting_s: float | None = None) -> None:
        # what came before has settled
        self._pause.wait(3)
        took = latencies_s(self.live.chargers, account, lasting_s or self.lasting_s)
        shares = (took[len(took) // 2], took[len(took) * 99 // 100], took[-1])
        self.waits_ms[when] = [round(each * 1_000, 2) for each in shares]

    def _see_that_they_were_held_off(self) -> None:
        text = self.live.text("/metrics")
        for name in ("logins_put_off_total", "reading_paused_total"):
            begins = f"chargecloud_{name}"
            line = next(each for each in text.splitlines() if each.startswith(begins))
            if float(line.split()[-1]) == 0:
                self.found.faults.append(f"nobody was held off: {line}")
        if "charger-flapping" not in self.live.log.read_text(errors="replace"):
            self.found.faults.append("no alarm for who logs in all the time")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--charges", type=int, default=300)
    parser.add_argument("--boxes", type=int, default=90)
    parser.add_argument("--seconds", type=float, default=30, help="of each measurement")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to leave the files")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="siege-"))
    folder.mkdir(parents=True, exist_ok=True)
    siege = Siege(folder, given.boxes, given.seed, given.seconds)
    began_s = time.monotonic()
    found = siege.run(1, given.charges)
    times = siege.waits_ms["beside a flood"][1] / siege.waits_ms["alone"][1]
    if times >= MOST_TIMES:
        found.faults.append(f"beside a flood others wait {times:.1f} times as long")
    more = {"waits_ms": siege.waits_ms, "flood_times": round(times, 2)}
    more["took_s"] = round(time.monotonic() - began_s)
    sys.stdout.write(json.dumps(asdict(found) | more, indent=2) + "\n")
    return bool(found.faults)


if __name__ == "__main__":
    sys.exit(main())
