"""Frames in a second of authenticated chargers, each with one under way, against a bare Twisted
echo of frames of the same size, and against the C{ocpp} library, in the same run.

All is measured in turn on one core, several times; ratios are those of a turn, and the median
of them counts.

C{python -m bench.heartbeats [--seconds 2] [--rounds 3] [--only native,echo]}
"""

import argparse
import itertools
import os
from collections.abc import Sequence
from typing import Any

from bench.lines import DeltaLine, DnyLine, EchoLine, NativeLine, OcppLine, ReportLine, YkcLine
from bench.load import Round, load, middle, spread
from bench.results import keep
from bench.served import LOAD_CORE, MORE_FROM_ONE, Platform, Registered, peer, platform

FEW, MANY = 200, 2_000
#: the figure, what is measured for it, and on how many connections
MEASURED = (
    ("twisted_echo_per_s", "echo", FEW),
    ("heartbeats_per_s", "native", FEW),
    ("twisted_echo_2000_per_s", "echo", MANY),
    ("heartbeats_2000_per_s", "native", MANY),
    ("reports_per_s", "report", FEW),
    ("delta_reports_per_s", "delta", FEW),
    ("ocpp_lib_heartbeats_per_s", "library", FEW),
    ("ocpp_dialect_heartbeats_per_s", "ocpp", FEW),
    ("dny_frames_per_s", "dny", FEW),
    ("ykc_frames_per_s", "ykc", FEW),
)
#: what is told of two figures
RATIOS = (
    ("heartbeats_to_echo", "heartbeats_per_s", "twisted_echo_per_s"),
    ("heartbeats_2000_to_echo", "heartbeats_2000_per_s", "twisted_echo_2000_per_s"),
    ("reports_to_echo", "reports_per_s", "twisted_echo_per_s"),
    ("delta_reports_to_echo", "delta_reports_per_s", "twisted_echo_per_s"),
    ("heartbeats_to_ocpp_lib", "heartbeats_per_s", "ocpp_lib_heartbeats_per_s"),
    ("ocpp_dialect_to_ocpp_lib", "ocpp_dialect_heartbeats_per_s", "ocpp_lib_heartbeats_per_s"),
    ("dny_to_native", "dny_frames_per_s", "heartbeats_per_s"),
    ("ykc_to_native", "ykc_frames_per_s", "heartbeats_per_s"),
)


def _identity(kind: str, number: int) -> str:
    if kind == "dny":
        return f"{0x04_00_00_00 + 2_000_000 + number:08X}"
    return f"3201{number:010}" if kind == "ykc" else f"{kind}-{number:05}"


#: the class of each kind's lines, and the dialect that they speak
KINDS: dict[str, tuple[Any, str]] = {
    "native": (NativeLine, "native"),
    "report": (ReportLine, "native"),
    "delta": (DeltaLine, "native"),
    "ocpp": (OcppLine, "ocpp"),
    "dny": (DnyLine, "dny"),
    "ykc": (YkcLine, "ykc"),
}


def connect(live: Platform, kinds: set[str]) -> dict[str, list[Any]]:
    """Everybody that is measured at the platform, logged in."""
    site, lines = live.site(), {}
    for kind in kinds & KINDS.keys():
        made, dialect = KINDS[kind]
        count = max(count for _, measured, count in MEASURED if measured == kind)
        ports = 4 if dialect == "native" else 2 if dialect == "dny" else 1
        names = [_identity(kind, number) for number in range(count)]
        registered = live.register(site, dialect, names, ports)
        lines[kind] = [made(live.chargers, each) for each in registered]
    return lines


def measure(seconds: float, rounds: int, kinds: set[str]) -> dict[str, list[Round]]:
    """Some rounds of each."""
    limits = {**MORE_FROM_ONE}
    with platform(**limits) as live, peer("echo") as echo, peer("ocpp") as library:
        lines = connect(live, kinds)
        lines["echo"] = [EchoLine(echo.port) for _ in range(MANY)]
        nobody = [Registered(f"lib-{number}", "", b"") for number in range(FEW)]
        lines["library"] = [OcppLine(library.port, each) for each in nobody]
        assert live.pid is not None
        pids = {"echo": echo.pid, "library": library.pid}
        wanted = [each for each in MEASURED if each[1] in kinds]
        for _figure, kind, count in wanted:
            # warm
            load(pids.get(kind, live.pid), lines[kind][:count], seconds / 4)
        found: dict[str, list[Round]] = {figure: [] for figure, _, _ in wanted}
        for _, (figure, kind, count) in itertools.product(range(rounds), wanted):
            found[figure].append(load(pids.get(kind, live.pid), lines[kind][:count], seconds))
        return found


def ratios(found: dict[str, list[Round]]) -> dict[str, Sequence[float]]:
    """Turn by turn."""
    return {
        name: [a.a_second / b.a_second for a, b in zip(found[this], found[that], strict=True)]
        for name, this, that in RATIOS
        if this in found and that in found
    }


def main() -> None:
    """Measure all in turn, print a table, and keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join({kind for _, kind, _ in MEASURED}))
    given = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    found = measure(given.seconds, given.rounds, set(given.only.split(",")))
    compared = ratios(found)
    figures = {name: middle([each.a_second for each in rounds]) for name, rounds in found.items()}
    figures |= {name: middle(rounds, 3) for name, rounds in compared.items()}
    about: dict[str, object] = {
        "under_way": "one on each of 200 connections; 2000 where the name says so",
        "rounds": given.rounds,
        **{f"{name}_spread": spread(rounds, 3) for name, rounds in compared.items()},
        # near 1 the server was the limit, and the load was not while its own is below
        "server_cpu_least": round(
            min(each.served for turns in found.values() for each in turns), 2
        ),
        "load_cpu_most": round(max(each.loaded for turns in found.values() for each in turns), 2),
    }
    keep("heartbeats", figures, about)


if __name__ == "__main__":
    main()
