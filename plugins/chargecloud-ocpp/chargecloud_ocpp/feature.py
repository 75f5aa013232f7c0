"""What OCPP has beside charging, as the platform sees it."""

from pathlib import Path

from attrs import frozen
from zope.interface import implementer

from chargecloud.interfaces import FeatureParts, IFeature, Platform
from chargecloud_ocpp.operations import routes


@frozen(kw_only=True)
class OcppSettings:
    """C{[ocpp]}: nothing is to be set."""


@implementer(IFeature)
@frozen
class OcppFeature:
    """Every operation of the central system, by hand."""

    name: str = "ocpp"
    settings: type = OcppSettings
    migrations: Path | None = Path(__file__).parent / "migrations"

    def build(self, settings: OcppSettings, platform: Platform) -> FeatureParts:
        """Make its routes."""
        return FeatureParts(routes=tuple(routes(platform)))
