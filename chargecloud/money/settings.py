"""Payments: the C{[payments]} table of the configuration."""

from attrs import frozen

from chargecloud.domain.fields import text, whole


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
