"""What this distribution adds to ChargeCloud."""

from collections.abc import Sequence

from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IFeature
from chargecloud_pay_wechat.feature import WeChatPayFeature

chargecloud_api = 1


@hookimpl
def chargecloud_features() -> Sequence[IFeature]:
    """The payment channel, as it has settings."""
    return [WeChatPayFeature()]
