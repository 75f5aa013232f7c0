"""A thousand open live feeds, over real sockets to a real process."""

import resource
import socket
from pathlib import Path

from tests.live import Live, wait_until

FEEDS = 1_000
CONFIG = """
[node]
data_dir = "var"

[listen.web]
endpoint = "tcp:8080:interface=127.0.0.1"

[[listen.chargers]]
endpoint = "tcp:9010:interface=127.0.0.1"
"""


def _open(live: Live) -> socket.socket:
    feed = socket.create_connection(("127.0.0.1", live.web), timeout=30)
    feed.sendall(
        b"GET /api/v1/live?kind=site. HTTP/1.1\r\nHost: x\r\n"
        b"Authorization: Bearer %s\r\n\r\n" % live.token.encode()
    )
    return feed


def _read_until(feed: socket.socket, wanted: bytes) -> bytes:
    read = b""
    while wanted not in read:
        more = feed.recv(4096)
        assert more, f"it ended: {read!r}"
        read += more
    return read


def _listeners(live: Live) -> int:
    lines = live.text("/metrics").splitlines()
    (line,) = [each for each in lines if each.startswith("chargecloud_live_listeners ")]
    return int(float(line.split()[1]))


def test_a_thousand_listen(tmp_path: Path) -> None:
    """Each is told, the platform answers others meanwhile, and those who go are forgotten."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4_096), hard))
    live = Live(tmp_path, CONFIG).start()
    feeds = []
    try:
        feeds = [_open(live) for _ in range(FEEDS)]
        for feed in feeds:
            _read_until(feed, b"retry:")
        assert _listeners(live) == FEEDS
        live.ask("POST", "/sites", {"name": "North", "time_zone": "Asia/Shanghai"})
        for feed in feeds:
            assert b"event: site.created" in _read_until(feed, b"\n\n\r\n")
        for feed in feeds[1:]:
            feed.close()
        wait_until(lambda: _listeners(live) == 1, 30, "the others are forgotten")
    finally:
        for feed in feeds:
            feed.close()
        live.stop()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
