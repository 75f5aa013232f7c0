"""Payments and settlements: their tables of the configuration."""

from zoneinfo import ZoneInfo

from attrs import frozen

from chargecloud.domain.fields import checked, text, whole


@frozen(kw_only=True)
class PaymentSettings:
    """C{[payments]}"""

    public_url: str = text(
        "where payment channels reach this service: they send their notices there",
        default="http://127.0.0.1:8080",
    )
    expire_s: int = whole(
        "a payment that nobody has paid is closed after this", default=900, least=60, most=86_400
    )

    def notice_url(self, channel: str) -> str:
        """Where a channel sends its notices."""
        return f"{self.public_url.rstrip('/')}/api/v1/payments/notices/{channel}"


def _zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone") from None


@frozen(kw_only=True)
class SettlementSettings:
    """C{[settlements]}"""

    time_zone: str = checked(
        "IANA time zone at whose midnights days, weeks and months end",
        _zone,
        default="Asia/Shanghai",
    )
    from_hour: int = whole(
        "settlements that are due are made from this hour on", default=2, least=0, most=23
    )
