"""A platform in memory whose people pay by WeChat, at a gateway on this machine."""

import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import evolve, field, frozen
from treq.testing import StubTreq
from twisted.internet.defer import fail
from twisted.internet.error import ConnectionLost

from chargecloud_pay_wechat.channel import WeChatPay
from chargecloud_pay_wechat.feature import channel_of
from chargecloud_pay_wechat.settings import MerchantSettings, WeChatPaySettings
from tests.harness import clock_at
from tests.paying import Till
from wechat_gateway import (
    API_V3_KEY,
    APP,
    MERCHANT,
    MERCHANT_SERIAL,
    PUBLIC_KEY_ID,
    Gateway,
    GatewayResource,
)
from wechat_keys import key, private_pem, public_pem


def merchant_settings(folder: Path, **more: Any) -> MerchantSettings:
    """The gateway's merchant, whose keys are in files."""
    for name, text in (
        ("apiclient_key.pem", private_pem(key("merchant"))),
        ("api_v3_key", API_V3_KEY),
        ("pub_key.pem", public_pem(key("public"))),
    ):
        (folder / name).write_text(text)
    given: dict[str, Any] = {
        "merchant_id": MERCHANT,
        "app_id": APP,
        "certificate_serial": MERCHANT_SERIAL,
        "private_key": f"file:{folder}/apiclient_key.pem",
        "api_v3_key": f"file:{folder}/api_v3_key",
    }
    return MerchantSettings(**{**given, **more})


def with_public_key(settings: MerchantSettings, folder: Path) -> MerchantSettings:
    """The same merchant, after WeChat has given it a public key."""
    public_key = f"file:{folder}/pub_key.pem"
    return evolve(settings, public_key_id=PUBLIC_KEY_ID, public_key=public_key)


@frozen(eq=False)
class Wire:
    """Between a channel and the gateway, without sockets; it loses what the gateway is to lose."""

    gateway: Gateway
    _treq: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_treq", StubTreq(GatewayResource(self.gateway)))

    def request(self, *given: Any, **named: Any) -> Any:
        """As treq's."""
        manners = self.gateway.manners
        if manners.questions_lost:
            manners.questions_lost -= 1
            return fail(ConnectionLost())
        lost, manners.answers_lost = manners.answers_lost, 0
        answered = self._treq.request(*given, **named)
        if lost:
            manners.answers_lost = lost - 1
            answered.addBoth(lambda _answer: fail(ConnectionLost()))
        return answered


@cache
def usual_settings() -> MerchantSettings:
    """The gateway's merchant: to check a key takes a twentieth of a second."""
    with TemporaryDirectory() as folder:
        for name, value in (("KEY", private_pem(key("merchant"))), ("API_V3_KEY", API_V3_KEY)):
            os.environ[f"WECHAT_TEST_{name}"] = value
        return merchant_settings(
            Path(folder),
            private_key="env:WECHAT_TEST_KEY",
            api_v3_key="env:WECHAT_TEST_API_V3_KEY",
        )


def channel(gateway: Gateway) -> WeChatPay:
    """A channel that asks the gateway."""
    settings = WeChatPaySettings(merchants=(usual_settings(),))
    return channel_of(settings, gateway.clock, Wire(gateway))


class WeChatTill(Till):
    """A world whose people pay by WeChat."""

    def __init__(self, folder: Path) -> None:
        clock = clock_at()
        self.gateway = Gateway(clock, self._post)
        self.channel = channel(self.gateway)
        super().__init__(folder, clock, {"wechat": self.channel})

    def open(self, amount_fen: int = 500, key: str | None = None, **more: Any) -> Any:
        """Open a payment."""
        body = {"channel": "wechat", "amount_fen": amount_fen, **more}
        return self.world.make("/payments", body, key)

    def pay(self, payment: Any, wait_s: float = 2) -> Any:
        """Pay one, and see what became of it."""
        self.gateway.pay(payment["id"])
        self.wait(wait_s)
        return self.shown(payment)

    def wait(self, seconds: float) -> None:
        """Let time pass; of a long while some rounds are enough."""
        while seconds > 0:
            step = min(5.0 if seconds <= 60 else 50.0, seconds)
            self.clock.advance(step)
            seconds -= step


PAID = {"channel_wechat": -500, "wallet": 500}


def paid(till: WeChatTill) -> Any:
    """A payment that was paid."""
    payment = till.open(customer_id=till.world.customer(0))
    assert till.pay(payment)["state"] == "paid"
    return payment


def send_back(till: WeChatTill, payment: Any, **more: Any) -> Any:
    """All of it, if nothing else is said."""
    return till.world.make(f"/payments/{payment['id']}/refunds", {"reason": "a", **more})
