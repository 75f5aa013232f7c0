"""Frames in words: C{decode} and C{replay}."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from chargecloud.cli.parsing import Parsers, command
from chargecloud.domain.errors import BadFrame, Invalid, RemoteError
from chargecloud.interfaces import IDialect
from chargecloud.plugins import load_plugins


def wire_commands(rooms: Parsers) -> None:
    """Declare them."""
    made = command(
        rooms,
        "decode",
        decode,
        example="chargecloud decode --dialect native c303010105",
        configured=False,
    )
    made.add_argument(
        "--dialect",
        required=True,
        metavar="NAME",
        help="what is spoken, as `plugins list` names it",
    )
    made.add_argument(
        "hex",
        metavar="HEX",
        help="bytes in hexadecimal, spaces allowed; - reads a line after the other from the "
        "standard input",
    )
    made = command(
        rooms, "replay", replay, example="chargecloud replay frames.json", configured=False
    )
    made.add_argument(
        "file",
        metavar="FILE",
        help="what GET /api/v1/chargers/ID/frames answered, or one frame of it a line; "
        "- is the standard input",
    )


def decode(arguments: argparse.Namespace) -> int:
    """Put bytes from the wire into words: for each line of hexadecimal, one line of JSON with
    its frames.  A line is valid only if all of it decodes.  What a frame keeps sealed
    stays sealed: the flight recorder shows it.  The exit status is 1 if any line is not
    valid."""
    spoken = _dialect(arguments.dialect)
    lines = sys.stdin if arguments.hex == "-" else [arguments.hex]
    valid = True
    for line in lines:
        told = _decoded(spoken, line)
        print(json.dumps(told, ensure_ascii=False), flush=True)
        valid = valid and told["valid"]
    return 0 if valid else 1


def _dialect(name: str) -> IDialect:
    dialects = load_plugins().dialects
    if name not in dialects:
        raise Invalid(f"no dialect {name!r}; there is {', '.join(sorted(dialects))}")
    return dialects[name]


def _decoded(spoken: IDialect, line: str) -> dict[str, Any]:
    try:
        data = bytes.fromhex(line)
        if not data:
            raise BadFrame("no bytes")
        frames = [asdict(frame) for frame in spoken.decode(data)]
    except (ValueError, RemoteError) as error:
        return {"valid": False, "frames": [], "error": str(error)}
    return {"valid": True, "frames": frames, "error": None}


@frozen
class Replayed:
    """A frame of a recording, and what this version reads in it."""

    recorded: dict[str, Any]
    kind: str | None
    fields: Any
    fault: str | None

    @property
    def is_same(self) -> bool:
        """Whether it reads what was read when it was recorded."""
        recorded = self.recorded
        return (self.kind, self.fields) == (recorded["kind"], recorded["fields"])


def replay(arguments: argparse.Namespace) -> int:
    """Read a recording of the flight recorder again, with the dialects as they are installed
    here: a line for each frame, the oldest first.  A frame in which this version reads
    something else than was read when it was recorded is marked with !, and makes the exit
    status 1: so a recording from the field is a test of a dialect."""
    text = sys.stdin.read() if arguments.file == "-" else Path(arguments.file).read_text()
    dialects, same = load_plugins().dialects, True
    for recorded in _recorded(text):
        name = recorded["dialect"]
        if name not in dialects:
            raise Invalid(f"no dialect {name!r} is installed here")
        frame = _replayed(dialects[name], recorded)
        same = same and frame.is_same
        mark = " " if frame.is_same else "!"
        what = frame.fault or json.dumps(frame.fields, ensure_ascii=False)
        print(f"{mark} {recorded['at']} {recorded['way']:4} {frame.kind or '?'} {what}")
    return 0 if same else 1


def _recorded(text: str) -> Iterator[dict[str, Any]]:
    """The frames of a recording, the oldest first."""
    needed = {"at", "way", "dialect", "hex", "opened_hex", "size", "kind", "fields", "fault"}
    try:
        if text.lstrip().startswith('{"items"'):
            frames = json.loads(text)["items"][::-1]
        else:
            frames = [json.loads(line) for line in text.splitlines() if line.strip()]
        for number, frame in enumerate(frames, start=1):
            if missing := needed - frame.keys():
                raise Invalid(f"frame {number} lacks {', '.join(sorted(missing))}")
            yield frame
    except (ValueError, TypeError, AttributeError) as error:
        raise Invalid(f"this is no recording of the flight recorder: {error}") from error


def _replayed(spoken: IDialect, recorded: dict[str, Any]) -> Replayed:
    raw = bytes.fromhex(recorded["hex"])
    sealed = recorded["opened_hex"]
    if recorded["fault"] is not None or len(raw) != recorded["size"]:
        return Replayed(recorded, recorded["kind"], recorded["fields"], recorded["fault"])
    opened = None if sealed is None else bytes.fromhex(sealed)
    try:
        frame = spoken.describe(recorded["way"] == "up", raw, opened)
    except BadFrame as error:
        return Replayed(recorded, None, {}, str(error))
    return Replayed(recorded, frame.kind, json.loads(json.dumps(dict(frame.fields))), None)
