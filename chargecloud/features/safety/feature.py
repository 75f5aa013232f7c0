"""The feature, as the platform sees it."""

from pathlib import Path

from attrs import frozen
from zope.interface import implementer

from chargecloud.domain.fields import whole
from chargecloud.features.safety.model import PortHot
from chargecloud.interfaces import FeatureParts, IFeature, Platform


@frozen(kw_only=True)
class SafetySettings:
    """C{[safety]}"""

    port_hot_c: int = whole(
        "a port as hot as this, in °C, has its charge stopped", default=75, least=40, most=120
    )


@implementer(IFeature)
@frozen
class SafetyFeature:
    """Stops charges at hot ports, and raises an alarm."""

    name: str = "safety"
    settings: type = SafetySettings
    migrations: Path | None = None

    def build(self, settings: SafetySettings, platform: Platform) -> FeatureParts:
        """Make its watch."""
        return FeatureParts(watches=(PortHot(settings.port_hot_c * 10),))
