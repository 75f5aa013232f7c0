"""What an idle charger takes: resident memory of the whole platform for each that is logged in and
has given ten heartbeats, its frames in the flight recorder.

C{python -m bench.memory [--chargers 4000]}
"""

import argparse
import os

from bench.lines import NativeLine
from bench.results import keep
from bench.served import LOAD_CORE, MORE_FROM_ONE, Platform, Registered, platform

HEARTBEATS = 10
#: these log in before it is counted, so that what is made once is there
BEFORE = 100


def bytes_each(live: Platform, count: int) -> float:
    """Bytes for each of so many."""
    names = [f"idle-{number:05}" for number in range(BEFORE + count)]
    registered = live.register(live.site(), "native", names, 10)
    lines = _beating(live, registered[:BEFORE])
    before = live.rss_bytes
    lines += _beating(live, registered[BEFORE:])
    return (live.rss_bytes - before) / count


def _beating(live: Platform, registered: list[Registered]) -> list[NativeLine]:
    lines = [NativeLine(live.chargers, each) for each in registered]
    for line in lines:
        # the first was given with the login
        line.make(HEARTBEATS - 1)
        while line.frames:
            line.ask(line.frames.popleft())
    return lines


def main() -> None:
    """Measure it, and keep the figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--chargers", type=int, default=4_000)
    given = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    with platform(**MORE_FROM_ONE) as live:
        found = bytes_each(live, given.chargers)
    keep("memory", {"bytes_per_idle_charger": round(found)}, {"chargers": given.chargers})


if __name__ == "__main__":
    main()
