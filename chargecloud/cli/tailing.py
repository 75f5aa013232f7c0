"""C{tail}: the frames of a charger, as they come."""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from chargecloud.cli.parsing import Parsers, command
from chargecloud.domain.errors import Invalid

#: how often is looked, and how many frames at a time
LOOK_S = 1.0
AT_ONCE = 200
ANSWER_S = 30.0


def tail_commands(rooms: Parsers) -> None:
    """Declare it."""
    made = command(rooms, "tail", tail, example="chargecloud tail 4102", configured=False)
    made.add_argument("charger", metavar="ID", help="of the charger, as the API has it")
    made.add_argument("--api", default="http://127.0.0.1:8080", help="(default: %(default)s)")
    made.add_argument(
        "--token", help="for the API (if not given: CHARGECLOUD_TOKEN of the environment)"
    )
    made.add_argument(
        "--looks", type=int, default=0, help="end after so many looks (default: with Ctrl-C)"
    )


def tail(arguments: argparse.Namespace) -> int:
    """Show what a charger says and is told, frame by frame as it comes, in its dialect's words:
    the last ones first, and then each new one.  It reads the flight recorder over the API, so
    that it works from anywhere; cards are masked as they are there."""
    token = arguments.token or os.environ.get("CHARGECLOUD_TOKEN")
    if not token:
        raise Invalid("--token or CHARGECLOUD_TOKEN must be given")
    source = Source(arguments.api.rstrip("/"), token, arguments.charger)
    seen: Sequence[Any] = ()
    looks = 0
    try:
        while True:
            frames = source.frames()
            for frame in new_ones(seen, frames):
                print(line_of(frame), flush=True)
            seen, looks = frames, looks + 1
            if looks == arguments.looks:
                return 0
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        return 0


@frozen
class Source:
    """The flight recorder of a charger, over the API."""

    api: str
    token: str
    charger: str

    def frames(self) -> Sequence[Any]:
        """The last frames, the oldest first."""
        url = f"{self.api}/api/v1/chargers/{self.charger}/frames?limit={AT_ONCE}"
        if not url.startswith(("http://", "https://")):
            raise Invalid("--api must begin with http:// or https://")
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as response:  # noqa: S310
                items: list[Any] = json.load(response)["items"]
        except urllib.error.HTTPError as error:
            told = error.read().decode("utf-8", "replace")
            raise Invalid(f"{url}: {error.code} {_detail(told)}") from error
        except (urllib.error.URLError, TimeoutError, ValueError, KeyError) as error:
            raise Invalid(f"{url}: {error}") from error
        return items[::-1]


def _detail(told: str) -> str:
    try:
        return str(json.loads(told)["detail"])
    except (ValueError, KeyError, TypeError):
        return told[:200]


def new_ones(seen: Sequence[Any], frames: Sequence[Any]) -> Iterator[Any]:
    """Those of a look that the one before did not have.  The oldest ones have left the ring
    meanwhile; if all of them have, some may have been missed, and that is told."""
    if not seen:
        yield from frames
        return
    newest = seen[-1]
    at = next((n for n in range(len(frames) - 1, -1, -1) if frames[n] == newest), None)
    if at is None:
        sys.stderr.write("some frames may have been missed: they came faster than is looked\n")
    yield from frames[0 if at is None else at + 1 :]


def line_of(frame: Any) -> str:
    """A frame as a line."""
    arrow = "->" if frame["way"] == "up" else "<-"
    what = frame["fault"] or json.dumps(frame["fields"], ensure_ascii=False)
    return f"{frame['at']} {arrow} {frame['kind'] or '?'} {what}"
