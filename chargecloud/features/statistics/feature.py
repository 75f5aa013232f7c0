"""The feature, as the platform sees it."""

from pathlib import Path

from attrs import frozen
from zope.interface import implementer

from chargecloud.domain.fields import whole
from chargecloud.features.statistics.api import statistics_route
from chargecloud.features.statistics.service import DailySums
from chargecloud.interfaces import FeatureParts, IFeature, Platform


@frozen(kw_only=True)
class StatisticsSettings:
    """C{[statistics]}"""

    carbon_g_per_kwh: int = whole(
        "carbon dioxide that is counted for a kWh, in g", default=785, most=10_000
    )


@implementer(IFeature)
@frozen
class StatisticsFeature:
    """Counts what was charged."""

    name: str = "statistics"
    settings: type = StatisticsSettings
    migrations: Path | None = Path(__file__).parent / "migrations"

    def build(self, settings: StatisticsSettings, platform: Platform) -> FeatureParts:
        """Make its route and its follower."""
        return FeatureParts(
            routes=(statistics_route(platform, settings.carbon_g_per_kwh),),
            followers=(DailySums(),),
        )
