"""The inputs that are kept: one file for each target, one input in each line, in hexadecimal."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

FOLDER = Path(__file__).parent / "corpus"

#: where one line of ours follows another
Arc = tuple[str, int, int]


def read(target: str) -> list[bytes]:
    """The inputs of a target."""
    path = FOLDER / f"{target}.txt"
    return [bytes.fromhex(line) for line in path.read_text().split()] if path.exists() else []


def write(target: str, inputs: Iterable[bytes]) -> None:
    """Keep these inputs of a target, and no other."""
    lines = [f"{each.hex()}\n" for each in sorted(inputs, key=_small)]
    (FOLDER / f"{target}.txt").write_text("".join(lines))


def minimised(run: Callable[[bytes], None], inputs: Iterable[bytes]) -> list[bytes]:
    """Of some inputs, the small ones that go where no smaller one does."""
    been: set[Arc] = set()
    kept = []
    for each in sorted(set(inputs), key=_small):
        arcs = _arcs_of(run, each)
        if not arcs <= been:
            been |= arcs
            kept.append(each)
    return kept


def _small(data: bytes) -> tuple[int, bytes]:
    return len(data), data


def _arcs_of(run: Callable[[bytes], None], data: bytes) -> set[Arc]:
    arcs: set[Arc] = set()
    last: dict[int, int] = {}

    def trace(frame: FrameType, event: str, _given: Any) -> Any:
        name = frame.f_code.co_filename
        if "/dialects/" not in name and "/chargecloud_" not in name:
            return None
        line = frame.f_lineno
        arcs.add((name, last.get(id(frame), 0), line))
        last[id(frame)] = line
        if event == "return":
            del last[id(frame)]
        return trace

    sys.settrace(trace)
    try:
        run(data)
    finally:
        sys.settrace(None)
    return arcs
