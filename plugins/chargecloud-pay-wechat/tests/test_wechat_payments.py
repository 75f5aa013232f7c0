"""Payments by WeChat, end to end: from the route to the ledger, at a gateway that misbehaves."""

from pathlib import Path

import pytest
from wechat_till import WeChatTill


@pytest.fixture
def till(tmp_path: Path) -> WeChatTill:
    """A platform whose people pay by WeChat."""
    return WeChatTill(tmp_path)


def test_somebody_pays(till: WeChatTill) -> None:
    """The code leads to WeChat; the notice comes over HTTP, and the money is in the wallet."""
    rider = till.world.customer(0)
    payment = till.open(customer_id=rider)
    assert payment["to_pay"]["url"] == f"weixin://wxpay/bizpayurl?pr={payment['id']}"
    assert till.pay(payment)["state"] == "paid"
    assert [status for *_, status in till.posted] == [200]
    assert till.balances() == {"channel_wechat": -500, "wallet": 500}
    assert till.world.platform.channels.refused == {}
