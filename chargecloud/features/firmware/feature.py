"""The feature, as the platform sees it."""

from pathlib import Path

from attrs import frozen
from zope.interface import implementer

from chargecloud.features.firmware.api import routes
from chargecloud.features.firmware.desk import FirmwareDesk
from chargecloud.interfaces import FeatureParts, IFeature, Platform


@frozen(kw_only=True)
class FirmwareSettings:
    """C{[firmware]}: each campaign says itself how carefully it goes."""


@implementer(IFeature)
@frozen
class FirmwareFeature:
    """Brings vendors' images to chargers."""

    name: str = "firmware"
    settings: type = FirmwareSettings
    migrations: Path | None = Path(__file__).parent / "migrations"

    def build(self, settings: FirmwareSettings, platform: Platform) -> FeatureParts:
        """Make its routes and its desk."""
        desk = FirmwareDesk(platform)
        return FeatureParts(
            routes=tuple(routes(platform, desk)),
            desks=(desk,),
            each_minute=(desk.each_minute,),
        )
