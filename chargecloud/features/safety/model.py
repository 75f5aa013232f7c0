"""When a reading is dangerous: pure rules."""

from datetime import datetime

from attrs import frozen
from zope.interface import implementer

from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.charger import Admission
from chargecloud.domain.events import PortReading
from chargecloud.interfaces import IReadingWatch


@implementer(IReadingWatch)
@frozen
class PortHot:
    """
    A port that is hotter than its plug and socket stand.

    Vendors' cut-offs lie between 65 and 85 °C; a charger cuts by itself as well, and this
    is for the one that does not.

    @ivar limit_dc: in 0.1 °C.
    """

    limit_dc: int
    name: str = "port-hot"

    def watch(self, admission: Admission, reading: PortReading, at: datetime) -> Alarm | None:
        """An alarm, if the port is too hot.  A port without a sensor says nothing."""
        if reading.temperature_dc is None or reading.temperature_dc < self.limit_dc:
            return None
        return Alarm(
            rule=self.name,
            level=Level.CRITICAL,
            tenant_id=admission.tenant_id,
            charger_id=admission.charger_id,
            port=reading.port,
            at=at,
            order_id=reading.order_id,
            evidence={"temperature_dc": reading.temperature_dc, "limit_dc": self.limit_dc},
        )
