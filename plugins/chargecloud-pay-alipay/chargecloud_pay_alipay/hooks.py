"""What this distribution adds to ChargeCloud."""

from collections.abc import Sequence

from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IFeature
from chargecloud_pay_alipay.feature import AlipayFeature

chargecloud_api = 1


@hookimpl
def chargecloud_features() -> Sequence[IFeature]:
    """The payment channel C{alipay}, if it has accounts."""
    return [AlipayFeature()]
