"""C{[alipay]}: the channel, with its keys read."""

from pathlib import Path
from urllib.parse import urlsplit

from attrs import frozen
from zope.interface import implementer

from chargecloud.fetching import in_thread_of
from chargecloud.interfaces import FeatureParts, IFeature, Platform
from chargecloud.references import resolve
from chargecloud_pay_alipay.accounts import Account, Accounts
from chargecloud_pay_alipay.bills import MOST_ZIP
from chargecloud_pay_alipay.channel import AlipayChannel
from chargecloud_pay_alipay.fetching import Fetcher
from chargecloud_pay_alipay.gateway import MOST_ANSWER, Gateway
from chargecloud_pay_alipay.keys import Keys, by_certificates, by_public_key
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
        """
        Make its channel, if there are accounts.

        @raise ValueError: if a key cannot be used; it names the account, and not the key.
        """
        if not settings.accounts:
            return FeatureParts()
        reactor = platform.reactor
        host = urlsplit(settings.gateway_url).hostname or ""
        channel = AlipayChannel(
            accounts=Accounts(tuple(map(_account, settings.accounts))),
            gateway=Gateway(settings.gateway_url, Fetcher(reactor, MOST_ANSWER), reactor.seconds),
            fetch_bill=Fetcher(reactor, MOST_ZIP),
            in_thread=in_thread_of(reactor),
            notice_url=settings.notify_url,
            real_money=not (is_local(host) or host.endswith(f".{SANDBOX_HOST}")),
        )
        return FeatureParts(payment_channels=(channel,))


def _account(given: AccountSettings) -> Account:
    try:
        keys = _keys(given)
    except ValueError as error:
        raise ValueError(f"alipay: app {given.app_id}: {error}") from error
    tenants = None if given.tenants is None else frozenset(given.tenants)
    return Account(given.app_id, given.seller_id, keys, tenants, given.freezes)


def _keys(given: AccountSettings) -> Keys:
    certificates = (given.app_certificate, given.alipay_certificate, given.root_certificate)
    there = [each for each in certificates if each is not None]
    app = resolve(given.private_key)
    if given.alipay_public_key is not None and not there:
        return by_public_key(app, resolve(given.alipay_public_key))
    if given.alipay_public_key is None and len(there) == len(certificates):
        return by_certificates(app, *map(resolve, there))
    raise ValueError("needs either alipay_public_key, or all three certificates")
