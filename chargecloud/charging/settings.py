"""The room's settings: the C{[charging]} table of the configuration."""

from attrs import frozen

from chargecloud.routes import whole


@frozen(kw_only=True)
class ChargingSettings:
    """Seconds are of the reactor's clock, but for those that are said to be the calendar's."""

    default_hold_fen: int = whole(
        "held from a wallet for an order that names no amount", default=500, least=1
    )
    start_deadline_s: int = whole(
        "a charger answers a start within this, and refuses it later", default=15, least=1, most=600
    )
    confirm_deadline_s: int = whole(
        "from the start to the charger's word that it charges", default=60, least=5, most=3600
    )
    checkpoint_s: int = whole(
        "how often the readings of a running order are written down, in seconds of the calendar",
        default=300,
        least=30,
    )
