"""The room's settings: the C{[charging]} table of the configuration."""

from collections.abc import Mapping

from attrs import frozen

from chargecloud.domain.charger import ChargerKind
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.fields import choice, whole
from chargecloud.domain.units import DAY, HOUR

#: what an EV draws when it is full, or waits, is more than a whole e-bike does
_PILE = CutOff(full_w=300, plateau_percent=5, float_hold_s=1_800, no_load_dw=300)


@frozen(kw_only=True)
class CutOffs:
    """C{[charging.cut_off]}: how charges are cut off, for each kind of charger; a site may
    have other rules."""

    ebike: CutOff = choice("of boxes for e-bikes", default=CutOff())
    etrike: CutOff = choice("of those for e-trikes", default=CutOff(full_w=40, no_load_dw=30))
    ac: CutOff = choice("of AC piles", default=_PILE)
    dc: CutOff = choice("of DC piles", default=_PILE)

    @property
    def by_kind(self) -> Mapping[ChargerKind, CutOff]:
        """The same, to be looked up."""
        return {kind: getattr(self, kind.value) for kind in ChargerKind}


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
    cut_off: CutOffs = choice("how charges are cut off", default=CutOffs())
