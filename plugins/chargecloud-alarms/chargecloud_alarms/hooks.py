"""What this distribution adds to ChargeCloud."""

from collections.abc import Sequence

from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IFeature
from chargecloud_alarms.feature import AlarmsFeature

chargecloud_api = 1


@hookimpl
def chargecloud_features() -> Sequence[IFeature]:
    """Alarm sinks with settings."""
    return [AlarmsFeature()]
