"""A platform in memory whose people pay by Alipay, at the local gateway."""

from functools import cache
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.task import Clock

from alipay_gateway import APP, SELLER, URL, LocalAlipay, keypair
from chargecloud_pay_alipay.accounts import Account, Accounts
from chargecloud_pay_alipay.channel import AlipayChannel
from chargecloud_pay_alipay.gateway import Gateway, Unanswered
from chargecloud_pay_alipay.keys import Keys, by_public_key
from tests.harness import clock_at, result_of
from tests.paying import Till

#: to the next sending of a notice that was not received
AGAIN_S = (240, 600, 600, 3_600, 7_200, 21_600, 54_000)


@cache
def our_keys() -> Keys:
    """Those of the app, without certificates."""
    return by_public_key(keypair("app")[0], keypair("alipay")[1])


def account(**more: Any) -> Account:
    """Ours, at the local gateway."""
    return Account(**{"app_id": APP, "seller_id": SELLER, "keys": our_keys(), **more})


def channel_at(alipay: LocalAlipay, clock: Clock, *accounts: Account) -> AlipayChannel:
    """A channel whose questions go straight to the local gateway."""

    def fetch(url: str, form: bytes | None) -> "Deferred[bytes]":
        try:
            status, body = alipay.fetch(url, form)
        except Exception as lost:
            return fail(lost)
        if status != 200:
            return fail(Unanswered(f"status {status}"))
        if not alipay.manners.late_s:
            return succeed(body)
        late: Deferred[bytes] = Deferred()
        clock.callLater(alipay.manners.late_s, lambda: late.called or late.callback(body))
        return late

    return AlipayChannel(
        accounts=Accounts(accounts or (account(),)),
        gateway=Gateway(URL, fetch, clock.seconds),
        fetch_bill=fetch,
        in_thread=maybeDeferred,
        real_money=False,
    )


class AlipayTill(Till):
    """
    @ivar alipay: the local gateway; its notices are sent a second after they are made.
    """

    def __init__(self, folder: Path, **about: Any) -> None:
        clock = clock_at()
        self.alipay = LocalAlipay(clock.seconds)
        self.channel = channel_at(self.alipay, clock, account(**about))
        self.answers: list[tuple[int, bytes]] = []
        super().__init__(folder, clock, {"alipay": self.channel})

    def open(self, amount_fen: int = 500, key: str | None = None, **more: Any) -> Any:
        """Open a payment."""
        return super().open(amount_fen, key, **{"channel": "alipay", **more})

    def pay(self, payment: Any, wait_s: float = 2) -> Any:
        """Pay one, and see what became of it."""
        self.alipay.pay(payment["id"])
        self.send(1)
        self.wait(wait_s)
        return self.shown(payment)

    def send(self, after_s: float = 0, times: int = 1) -> None:
        """Send what notices there are, in a while, and again until they are received."""
        for url, form in self.alipay.notices:
            for _ in range(times):
                self.clock.callLater(after_s, self._deliver, url, form, 0)
        self.alipay.notices.clear()

    def _deliver(self, url: str, form: bytes, tried: int) -> None:
        if self.post(form, url) != (200, b"success") and tried < len(AGAIN_S):
            self.clock.callLater(AGAIN_S[tried], self._deliver, url, form, tried + 1)

    def post(self, form: bytes, url: str | None = None) -> tuple[int, bytes]:
        """Send a notice: the status of the answer, and its text."""
        path = url or "http://127.0.0.1:8080/api/v1/payments/notices/alipay"
        kind = {"Content-Type": ["application/x-www-form-urlencoded; charset=utf-8"]}
        asked = self._treq.post(path, headers=kind, data=form)
        self._treq.flush()
        response = result_of(asked)
        read = response.content()
        self._treq.flush()
        self.answers.append((response.code, result_of(read)))
        return self.answers[-1]

    def refused(self) -> dict[str, int]:
        """How many notices were not believed, by reason."""
        counted = self.world.platform.channels.refused
        return {why: count for (name, why), count in counted.items() if name == "alipay"}

    def asked(self, method: str) -> list[Any]:
        """What Alipay was asked by a method."""
        return [content for asked, content in self.alipay.asked if asked == f"alipay.{method}"]
