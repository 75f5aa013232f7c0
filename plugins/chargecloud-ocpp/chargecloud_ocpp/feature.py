"""What OCPP has beside charging, as the platform sees it."""

from datetime import timedelta
from pathlib import Path

from attrs import frozen
from zope.interface import implementer

from chargecloud.interfaces import FeatureParts, IFeature, Platform
from chargecloud_ocpp.certifying import CertificateDesk
from chargecloud_ocpp.operations import routes
from chargecloud_ocpp.settings import OcppSettings


@implementer(IFeature)
@frozen
class OcppFeature:
    """Every operation of the central system, by hand, and an authority, if one is configured."""

    name: str = "ocpp"
    settings: type = OcppSettings
    migrations: Path | None = Path(__file__).parent / "migrations"

    def build(self, settings: OcppSettings, platform: Platform) -> FeatureParts:
        """Make its routes, and the desk that signs."""
        made, given = tuple(routes(platform)), settings.authority
        if given is None:
            return FeatureParts(routes=made)
        renewal = None if given.renew_days is None else timedelta(days=given.renew_days)
        desk = CertificateDesk(platform, given.open(), renewal, given.wishes_an_hour)
        return FeatureParts(routes=made, desks=(desk,), each_minute=(desk.each_minute,))
