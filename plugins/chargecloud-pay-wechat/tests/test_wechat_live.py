"""A real process that is paid by WeChat: notices come over HTTP to its own port."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
import treq
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.threads import deferToThread
from twisted.web.server import Site

from tests.live import Live, wait_until
from wechat_gateway import APP, MERCHANT, MERCHANT_SERIAL, Gateway, GatewayResource
from wechat_till import merchant_settings

CONFIG = """
[node]
data_dir = "var"

[listen.web]
endpoint = "tcp:8080:interface=127.0.0.1"

[[listen.chargers]]
endpoint = "tcp:9010:interface=127.0.0.1"

[payments]
public_url = "http://127.0.0.1:8080"

[wechat_pay]
server = "SERVER"

[[wechat_pay.merchants]]
merchant_id = "MERCHANT"
app_id = "APP"
certificate_serial = "SERIAL"
private_key = "file:FOLDER/apiclient_key.pem"
api_v3_key = "file:FOLDER/api_v3_key"
"""


def post(url: str, headers: Mapping[str, str], body: bytes) -> "Deferred[int]":
    """Send a notice."""

    async def send() -> int:
        response: Any = await treq.post(url, headers=dict(headers), data=body, persistent=False)
        await treq.content(response)
        return int(response.code)

    return Deferred.fromCoroutine(send())


def pay_and_get_back(live: Live, gateway: Gateway) -> None:
    """As people do, in a thread of their own."""
    rider = live.ask("POST", "/customers", {"name": "Li"})["id"]
    body = {"channel": "wechat", "amount_fen": 700, "customer_id": rider}
    payment = live.ask("POST", "/payments", body)
    path = f"/payments/{payment['id']}"

    def becomes(state: str) -> None:
        wait_until(lambda: live.ask("GET", path)["state"] == state, 10, state)

    gateway.manners.tampers = lambda sent: sent.replace(b"TRANSACTION", b"REFUND")
    reactor.callFromThread(gateway.pay, payment["id"])
    refused = 'chargecloud_payment_notices_refused_total{channel="wechat",why="bad-signature"} 1.0'
    wait_until(lambda: refused in live.text("/metrics"), 10, "refused")
    gateway.manners.tampers = None
    told = gateway.transaction(payment["id"])
    url = gateway.orders[payment["id"]]["told"]["notify_url"]
    # the first question is asked after 15 s: it is the notice that has told
    reactor.callFromThread(gateway.notify, url, "TRANSACTION.SUCCESS", told, "transaction")
    becomes("paid")
    live.ask("POST", f"{path}/refunds", {"reason": "changed my mind"})
    becomes("refunded")
    assert live.ask("GET", f"/wallets/{rider}")["balance_fen"] == 0


@pytest.mark.slow(8)
@pytest_twisted.ensureDeferred
async def test_somebody_pays_and_gets_it_back(tmp_path: Path) -> None:
    """From the plugin's entry point to the ledger; its log tells no key."""
    gateway = Gateway(reactor, post)
    resource = Site(GatewayResource(gateway))
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(resource)
    merchant_settings(tmp_path)
    given = {
        "SERVER": f"http://127.0.0.1:{port.getHost().port}",
        "MERCHANT": MERCHANT,
        "APP": APP,
        "SERIAL": MERCHANT_SERIAL,
        "FOLDER": str(tmp_path),
    }
    config = CONFIG
    for name, value in given.items():
        config = config.replace(f'"{name}"', f'"{value}"').replace(
            f"file:{name}/", f"file:{value}/"
        )
    live = Live(tmp_path, config)
    try:
        await deferToThread(live.start)
        await deferToThread(pay_and_get_back, live, gateway)
    finally:
        await deferToThread(live.stop)
        await port.stopListening()
    log = live.log.read_text()
    assert "k" * 32 not in log
    assert "Authorization" not in log
