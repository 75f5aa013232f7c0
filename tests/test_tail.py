"""C{chargecloud tail}: frames as they come, over the API."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.cli import main, tailing
from chargecloud.cli.tailing import new_ones


def frame(number: int, way: str = "up") -> dict[str, Any]:
    """A frame, as the API has it."""
    return {
        "at": f"2026-11-27T09:30:{number:02}+00:00",
        "way": way,
        "kind": "heartbeat",
        "fields": {"number": number},
        "fault": None,
    }


class Api(ThreadingHTTPServer):
    """An API whose flight recorder has one look after the other, the newest frame first."""

    def __init__(self, looks: list[list[Any]]) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.looks = looks
        self.asked: list[tuple[str, str | None]] = []


class Answering(BaseHTTPRequestHandler):
    """Answers a look."""

    server: Api

    def do_GET(self) -> None:
        """The next look, or that there is no such charger."""
        self.server.asked.append((self.path, self.headers["Authorization"]))
        found = bool(self.server.looks)
        body = {"items": self.server.looks.pop(0)[::-1]} if found else {"detail": "no charger 7"}
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quietly."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An API."""
    monkeypatch.setattr(tailing, "LOOK_S", 0.0)
    server = Api([[frame(1), frame(2, "down")], [frame(1), frame(2, "down"), frame(3)]])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_frame_is_shown_once(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """The last ones, and then those that are new; and what went wrong at last, in a line."""
    where = f"http://127.0.0.1:{api.server_address[1]}"
    words = ["tail", "7", "--api", where, "--token", "t"]
    assert main([*words, "--looks", "2"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        '2026-11-27T09:30:01+00:00 -> heartbeat {"number": 1}',
        '2026-11-27T09:30:02+00:00 <- heartbeat {"number": 2}',
        '2026-11-27T09:30:03+00:00 -> heartbeat {"number": 3}',
    ]
    assert set(api.asked) == {("/api/v1/chargers/7/frames?limit=200", "Bearer t")}
    assert main(words) == 1
    assert "404 no charger 7" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--token", "t", "--api", "http://127.0.0.1:1"], "Connection refused"),
        (["--token", "t", "--api", "file:///etc"], "must begin with http"),
        ([], "--token or CHARGECLOUD_TOKEN"),
    ],
)
def test_what_cannot_be_asked(
    words: list[str],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a line."""
    monkeypatch.delenv("CHARGECLOUD_TOKEN", raising=False)
    assert main(["tail", "7", *words]) == 1
    assert why in capsys.readouterr().err


@given(st.integers(0, 30), st.integers(0, 12), st.integers(1, 10))
def test_nothing_is_shown_twice_or_left_out(first: int, more: int, ring: int) -> None:
    """As long as not all of the ring has been written anew between two looks."""
    every = [frame(number) for number in range(first + more)]
    before, after = every[:first][-ring:], every[-ring:]
    shown = list(new_ones(before, after))
    if more < ring or not before:
        assert shown == (every[first:] if before else after)
    else:
        assert shown == after
