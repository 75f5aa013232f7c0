"""The room's settings: the C{[charging]} table of the configuration."""

from collections.abc import Mapping
from enum import Enum

from attrs import frozen

from chargecloud.domain.charger import ChargerKind
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.fields import choice, whole
from chargecloud.domain.units import DAY, HOUR


@frozen(kw_only=True)
class EtrikeCutOff(CutOff):
    """What is different for boxes for e-trikes, whose chargers are larger."""

    full_w: int = whole(
        "a battery that draws less than this counts as full", default=40, least=1, most=10_000
    )
    no_load_dw: int = whole(
        "below this, in tenths of a watt, nothing is drawn at all", default=30, least=1, most=10_000
    )


@frozen(kw_only=True)
class PileCutOff(CutOff):
    """What is different for piles: what an EV draws when it is full, or waits, is more than a
    whole e-bike does."""

    full_w: int = whole(
        "a battery that draws less than this counts as full", default=300, least=1, most=10_000
    )
    plateau_percent: int = whole(
        "or less than this share of what it drew at its most", default=5, least=1, most=90
    )
    float_hold_s: int = whole(
        "it is then floated for this long before it is cut off",
        default=1_800,
        least=0,
        most=86_400,
    )
    no_load_dw: int = whole(
        "below this, in tenths of a watt, nothing is drawn at all",
        default=300,
        least=1,
        most=10_000,
    )


@frozen(kw_only=True)
class CutOffs:
    """C{[charging.cut_off]}: how charges are cut off, for each kind of charger; a site may
    have other rules."""

    ebike: CutOff = choice("of boxes for e-bikes", default=CutOff())
    etrike: EtrikeCutOff = choice("of those for e-trikes", default=EtrikeCutOff())
    ac: PileCutOff = choice("of AC piles", default=PileCutOff())
    dc: PileCutOff = choice("of DC piles", default=PileCutOff())

    @property
    def by_kind(self) -> Mapping[ChargerKind, CutOff]:
        """The same, to be looked up."""
        return {kind: getattr(self, kind.value) for kind in ChargerKind}


class WhenAway(Enum):
    """What becomes of a card that is presented while the database is away."""

    #: it is told that it cannot charge now
    REFUSE = "refuse"
    #: a charge begins, if card and wallet were good at the last look
    ALLOW = "allow"


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
        "from the start to the charger's word that it charges", default=90, least=5, most=3600
    )
    checkpoint_s: int = whole(
        "how often the readings of a running order are written down, in seconds of the calendar",
        default=300,
        least=30,
    )
    suspend_after_s: int = whole(
        "a charger that is away for so long has its charges suspended", default=60, least=5
    )
    forgotten_after_s: int = whole(
        "a charge that its charger has not named for so long is closed by its last reading, in"
        " seconds of the calendar",
        default=600,
        least=60,
    )
    lost_after_s: int = whole(
        "the same, for a charger that stays away", default=DAY, least=600, most=30 * DAY
    )
    longest_charge_s: int = whole(
        "a charge is stopped after this, in seconds of the calendar",
        default=12 * HOUR,
        least=HOUR,
        most=30 * DAY,
    )
    hold_deadline_s: int = whole(
        "money is held for no longer than this whatever becomes of the order, in seconds of the"
        " calendar",
        default=3 * DAY,
        least=HOUR,
    )
    clock_warned_s: int = whole(
        "people are warned of a charger's clock that is off by more, where prices go by the time",
        default=5,
        least=1,
        most=HOUR,
    )
    clock_distrusted_s: int = whole(
        "and by one that is off by more nothing is billed: ours counts",
        default=180,
        least=1,
        most=DAY,
    )
    when_database_away: WhenAway = choice(
        "whether cards begin charges while the database is away: `refuse` or `allow`",
        default=WhenAway.REFUSE,
    )
    away_limit_fen: int = whole(
        "what one that begins so may cost", default=300, least=1, most=100_000
    )
    cut_off: CutOffs = choice("how charges are cut off", default=CutOffs())
