"""The feature, as the platform sees it."""

from pathlib import Path

from attrs import frozen
from zope.interface import implementer

from chargecloud.features.metering.api import routes
from chargecloud.features.metering.auditing import Auditing, Ends
from chargecloud.features.metering.model import MeteringSettings
from chargecloud.features.metering.sessions import Expiring
from chargecloud.interfaces import FeatureParts, IFeature, Platform


@implementer(IFeature)
@frozen
class MeteringFeature:
    """Looks at what chargers measure, and keeps what is measured against them."""

    name: str = "metering"
    settings: type = MeteringSettings
    migrations: Path | None = Path(__file__).parent / "migrations"

    def build(self, settings: MeteringSettings, platform: Platform) -> FeatureParts:
        """Make its routes, its follower, and what one node does for all."""
        return FeatureParts(
            routes=tuple(routes(platform, settings)),
            followers=(Ends(),),
            shared_minute={
                "audit meters": Auditing(platform, settings).round,
                "tell of certificates": Expiring(platform, settings).round,
            },
        )
