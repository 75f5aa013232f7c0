"""C{[alipay]}: the channel, with its keys read."""

from pathlib import Path
from urllib.parse import urlsplit

from attrs import frozen
from zope.interface import implementer

from chargecloud.fetching import in_thread_of
from chargecloud.interfaces import FeatureParts, IFeature, Platform
from chargecloud_pay_alipay.accounts import Account, Accounts
from chargecloud_pay_alipay.bills import MOST_ZIP
from chargecloud_pay_alipay.channel import AlipayChannel
from chargecloud_pay_alipay.fetching import Fetcher
from chargecloud_pay_alipay.gateway import MOST_ANSWER, Gateway
from chargecloud_pay_alipay.settings import (
    SANDBOX_HOST,
    AccountSettings,
    AlipaySettings,
    is_local,
)


@implementer(IFeature)
@frozen
class AlipayFeature:
    """The payment channel C{alipay}."""

    name: str = "alipay"
    settings: type = AlipaySettings
    migrations: Path | None = None

    def build(self, settings: AlipaySettings, platform: Platform) -> FeatureParts:
        """Make its channel, if there are accounts."""
        if not settings.accounts:
            return FeatureParts()
        reactor = platform.reactor
        host = urlsplit(settings.gateway_url).hostname or ""
        channel = AlipayChannel(
            accounts=Accounts(tuple(map(_account, settings.accounts))),
            gateway=Gateway(settings.gateway_url, Fetcher(reactor, MOST_ANSWER), reactor.seconds),
            fetch_bill=Fetcher(reactor, MOST_ZIP),
            in_thread=in_thread_of(reactor),
            real_money=not (is_local(host) or host.endswith(f".{SANDBOX_HOST}")),
        )
        return FeatureParts(payment_channels=(channel,))


def _account(given: AccountSettings) -> Account:
    tenants = None if given.tenants is None else frozenset(given.tenants)
    keys = given.keys(is_checked=True)
    return Account(given.app_id, given.seller_id, keys, tenants, given.freezes)
