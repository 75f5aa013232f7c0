"""Over real sockets: the local gateway in a thread, asked by python-alipay-sdk as well as by us,
and by the platform in a process of its own."""

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest
import pytest_twisted
from attrs import define
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from alipay_gateway import APP, SELLER, LocalAlipay, Lost, keypair, sdk_of
from alipay_till import account
from chargecloud.domain.errors import ChannelRefused
from chargecloud_pay_alipay.fetching import Fetcher
from chargecloud_pay_alipay.gateway import MOST_ANSWER, Gateway, Unanswered
from tests.live import Live

CONFIG = """
[node]
data_dir = "var"

[listen.web]
endpoint = "tcp:8080:interface=127.0.0.1"

[[listen.chargers]]
endpoint = "tcp:9010:interface=127.0.0.1"

[payments]
public_url = "http://127.0.0.1:8080"
"""


@define
class Served:
    """The local gateway, and where it is."""

    alipay: LocalAlipay
    url: str


@pytest.fixture
def served() -> Iterator[Served]:
    """A gateway that listens."""
    # the SDK takes the clock of the machine for that of Beijing
    alipay = LocalAlipay(time.time, patience_s=24 * 3_600)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            try:
                status, body = alipay.fetch(self.path, self.rfile.read(size))
            except Lost:
                # the connection is closed without a word
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_given: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield Served(alipay, f"http://127.0.0.1:{server.server_port}/gateway.do")
    server.shutdown()
    thread.join()
    server.server_close()


def gateway(served: Served, most: int = MOST_ANSWER) -> Gateway:
    """Ours, which asks it over a socket."""
    return Gateway(served.url, Fetcher(reactor, most), time.time)


def answer_of(asking: Any) -> "Deferred[Any]":
    """What is asked, as something to wait for."""
    return Deferred.fromCoroutine(asking)


CONTENT = {
    "out_trade_no": "42",
    "total_amount": "1.00",
    "subject": "充电 1 kWh",
    "time_expire": "2999-01-01 00:00:00",
}


@pytest_twisted.inlineCallbacks
def test_the_sdk_and_we_are_the_same_to_alipay(served: Served) -> Any:
    """What one of us opens, the other one asks after, and gets the same answer."""
    ours = account()
    notify = "https://we.test/notices"
    opened = yield answer_of(gateway(served).ask(ours, "alipay.trade.precreate", CONTENT, notify))
    assert opened["qr_code"] == "https://qr.alipay.com/42"
    assert served.alipay.trades["42"].notify_url == notify
    served.alipay.pay("42")
    sdk = sdk_of(keypair("app")[0], keypair("alipay")[1])
    sdk._gateway = served.url
    theirs = yield deferToThread(sdk.api_alipay_trade_query, out_trade_no="42")
    asked = {"out_trade_no": "42"}
    told = yield answer_of(gateway(served).ask(ours, "alipay.trade.query", asked))
    assert theirs == told
    assert told["trade_status"] == "TRADE_SUCCESS"


@pytest_twisted.inlineCallbacks
def test_what_a_network_does(served: Served) -> Any:
    """Nothing of that is an answer; and what is one, is read after all."""
    asked = {"out_trade_no": "42"}
    ours, method = account(), "alipay.trade.query"
    for bad in ("questions_lost", "answers_lost", "failures", "late_failures", "tampered"):
        setattr(served.alipay.manners, bad, 1)
        with pytest.raises(Exception) as caught:  # noqa: PT011
            yield answer_of(gateway(served).ask(ours, method, asked))
        assert not isinstance(caught.value, ChannelRefused), bad
    with pytest.raises(Unanswered, match="more than 20 bytes"):
        yield answer_of(gateway(served, 20).ask(ours, method, asked))
    with pytest.raises(ChannelRefused) as refused:
        yield answer_of(gateway(served).ask(ours, method, asked))
    assert refused.value.facts["why"] == "ACQ.TRADE_NOT_EXIST"


def post(url: str, form: bytes) -> str:
    """A notice, sent as Alipay does; the text of the answer."""
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    request = Request(url, data=form, headers={"Content-Type": kind})
    with urlopen(request, timeout=10) as response:
        return str(response.read().decode())


@pytest.mark.slow(6)
def test_a_whole_platform(tmp_path: Path, served: Served) -> None:
    """From the code to the wallet and back, by a notice that comes three times; and no
    key is in the log."""
    for whose, key in (("app", keypair("app")[0]), ("alipay", keypair("alipay")[1])):
        (tmp_path / f"{whose}.pem").write_text(key)
    table = f"""
[alipay]
gateway_url = "{served.url}"

[[alipay.accounts]]
app_id = "{APP}"
seller_id = "{SELLER}"
private_key = "file:{tmp_path}/app.pem"
alipay_public_key = "file:{tmp_path}/alipay.pem"
"""
    live = Live(tmp_path, CONFIG + table).start()
    try:
        rider = live.ask("POST", "/customers", {"name": "Li"})["id"]
        body = {"channel": "alipay", "amount_fen": 700, "customer_id": rider}
        payment = live.ask("POST", "/payments", body)
        served.alipay.pay(payment["id"])
        ((url, form),) = served.alipay.notices
        assert [post(url, form) for _ in range(3)] == ["success"] * 3
        assert live.ask("GET", f"/wallets/{rider}")["balance_fen"] == 700
        refund = live.ask("POST", f"/payments/{payment['id']}/refunds", {"reason": "a"})
        assert refund["state"] == "done"
        assert live.ask("GET", f"/payments/{payment['id']}")["state"] == "refunded"
        logged = live.log.read_text()
        assert "PRIVATE KEY" not in logged
        assert "biz_content" not in logged
    finally:
        live.stop()
