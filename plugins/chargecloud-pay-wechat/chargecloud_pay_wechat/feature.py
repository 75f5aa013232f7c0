"""C{[wechat_pay]}: the channel, for whichever merchants there are."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from attrs import frozen
from treq.client import HTTPClient
from twisted.internet.interfaces import IReactorCore
from twisted.web.client import Agent, HTTPConnectionPool
from zope.interface import implementer

from chargecloud.fetching import in_thread_of
from chargecloud.interfaces import FeatureParts, IFeature, Platform
from chargecloud_pay_wechat.asking import Asking
from chargecloud_pay_wechat.channel import WeChatPay
from chargecloud_pay_wechat.settings import WeChatPaySettings

CONNECT_S = 5.0
#: a connection that is not used is closed by us, before WeChat does and a request gets lost in it
IDLE_S = 20


def http_client(reactor: Any) -> Any:
    """A client that keeps connections: each one costs as much time as an answer."""
    pool = HTTPConnectionPool(reactor)
    pool.cachedConnectionTimeout = IDLE_S
    # in memory there is a clock only, which never shuts down
    if IReactorCore.providedBy(reactor):
        reactor.addSystemEventTrigger("before", "shutdown", pool.closeCachedConnections)
    return HTTPClient(Agent(reactor, connectTimeout=CONNECT_S, pool=pool))


def channel_of(
    settings: WeChatPaySettings,
    clock: Any,
    http: Any,
    nonce: Callable[[], str] = lambda: uuid4().hex,
) -> WeChatPay:
    """The channel of some settings."""
    merchants = {each.merchant_id: each.merchant() for each in settings.merchants}
    asking: Mapping[str, Asking] = {
        number: Asking(merchant, settings.server, http, clock, nonce)
        for number, merchant in merchants.items()
    }
    tenants = {
        tenant: each.merchant_id for each in settings.merchants for tenant in each.tenants or ()
    }
    others = [each.merchant_id for each in settings.merchants if each.tenants is None]
    return WeChatPay(
        asking,
        tenants,
        others[0] if others else None,
        in_thread_of(clock),
        most_split_percent=settings.most_split_percent,
        relation=settings.split_relation,
    )


@implementer(IFeature)
@frozen
class WeChatPayFeature:
    """People pay by WeChat."""

    name: str = "wechat_pay"
    settings: type = WeChatPaySettings
    migrations: Path | None = None

    def build(self, settings: WeChatPaySettings, platform: Platform) -> FeatureParts:
        """The channel, if there is a merchant."""
        if not settings.merchants:
            return FeatureParts()
        http = http_client(platform.reactor)
        return FeatureParts(payment_channels=(channel_of(settings, platform.reactor, http),))
