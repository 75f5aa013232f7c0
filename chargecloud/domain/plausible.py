"""What a charger cannot say and be right, and by which rule it is billed then.

A rival billed 910 kWh for 0.083: the register was taken from an absent value.  Here a
figure is the charger's, or it is taken by a rule that is named beside it (its I{basis}), or
the order is held for a person, with the reason; it is never billed silently.

Registers (mWh) are cumulative: a charge's energy is its end less its start.  Some chargers
count each charge from 0; both are understood, and which it is follows from the port's
register at the end of the charge before.
"""

from collections.abc import Sequence

from attrs import frozen

from chargecloud.domain.events import ChargeEnded
from chargecloud.domain.tariff import Mark
from chargecloud.domain.units import MWH_PER_WH

#: chargers measure within a few per cent, and their seconds are rounded
TOLERANCE_PERCENT = 10
TOLERANCE_S = 60
#: readings of power, summed up, tell energy only roughly; below this they tell nothing
LEAST_DRAWN_MWH = 100 * MWH_PER_WH
#: a meter that counted less than this share of what the readings of power come to stood still
LEAST_SHARE_PERCENT = 10

#: the register stood there at the end of the charge before
REGISTER_BEFORE = "register-before"
#: the first reading that could be believed
FIRST_READING = "first-reading"
#: the last reading; the charger told no end
LAST_READING = "last-reading"
#: a person's figures
BY_HAND = "by-hand"


def most_mwh(rated_w: int, seconds: int) -> int:
    """The most energy that can be believed to have flowed in so many seconds.

    @param rated_w: what the charger can give at the most.
    """
    # 1 W for 3600 s is 1000 mWh
    given_mwh = rated_w * (seconds + TOLERANCE_S) * 1000 // 3600
    return given_mwh * (100 + TOLERANCE_PERCENT) // 100


def longest_s(age_s: int) -> int:
    """The longest that a charge can be believed to have lasted, by the age of its order."""
    return age_s * (100 + TOLERANCE_PERCENT) // 100 + TOLERANCE_S


def is_told(start_mwh: int | None) -> bool:
    """Whether the register that a charge began with can be taken as it was told.

    Zero is what a charger says that counts each charge anew, or has just been built, and
    also one that has not read its meter yet: only a later reading tells which.
    """
    return start_mwh is not None and start_mwh > 0


def believed_start(
    told_mwh: int | None, known_mwh: int | None, later_mwh: int, most: int
) -> tuple[int, str | None] | None:
    """
    The register that a charge began with, seen from a later reading; C{None} if none of
    those that it may have been is possible.

    @param told_mwh: what the charger said.
    @param known_mwh: the port's register at the end of the charge before.
    @param most: the most that can have flowed until the later reading, in mWh.
    @return: with the rule that it was taken by, C{None} for the charger's own word.
    """

    def fits(start_mwh: int | None) -> bool:
        return start_mwh is not None and 0 <= later_mwh - start_mwh <= most

    # a register that was left above zero and has gone on since did not begin at zero
    went_on = bool(known_mwh) and not told_mwh and fits(known_mwh)
    if told_mwh is not None and fits(told_mwh) and not went_on:
        return told_mwh, None
    if known_mwh is not None and fits(known_mwh):
        return known_mwh, REGISTER_BEFORE
    return None


@frozen(kw_only=True)
class Known:
    """What we know of a charge, besides its record.

    @ivar told_start_mwh: the register that the charger told when it started.
    @ivar start_known: whether it told of a start at all.
    @ivar register_before_mwh: the port's, at the end of the charge before.
    @ivar marks: readings that were believed, the first one being the start.
    @ivar basis: the rule that the first of them was taken by.
    @ivar drawn_mwh: what the readings of power come to; roughly.
    @ivar rated_w: what the charger can give at the most.
    @ivar age_s: seconds from the order to its record, by our calendar.
    @ivar own_s: seconds of charging by our own account.
    """

    told_start_mwh: int | None = None
    start_known: bool = False
    register_before_mwh: int | None = None
    marks: Sequence[Mark] = ()
    basis: str | None = None
    drawn_mwh: int = 0
    rated_w: int
    age_s: int
    own_s: int


@frozen
class Figures:
    """What a charge is billed by.

    @ivar start_mwh: C{None} if nothing is known of it; such figures are always doubted.
    @ivar basis: the rule that they were taken by, if they are not just the record's.
    @ivar doubt: why they cannot be right; C{None} if nothing speaks against them.
    """

    start_mwh: int | None
    end_mwh: int | None
    charged_s: int
    basis: str | None = None
    doubt: str | None = None


def judge(record: ChargeEnded, known: Known) -> Figures:
    """The figures that an end record comes to, with all that is known besides."""
    charged_s = known.own_s if record.duration_s is None else record.duration_s
    end_mwh, basis = record.end_meter_mwh, known.basis
    if end_mwh is None and known.marks:
        end_mwh, basis = known.marks[-1].meter_mwh, LAST_READING
    start_mwh: int | None = None
    if known.marks:
        start_mwh = known.marks[0].meter_mwh
    elif end_mwh is not None:
        told_mwh = record.start_meter_mwh
        found = believed_start(
            told_mwh, known.register_before_mwh, end_mwh, most_mwh(known.rated_w, charged_s)
        )
        start_mwh, basis = found or (told_mwh, None)
    doubt = _doubt(record, known, start_mwh, end_mwh, charged_s)
    return Figures(start_mwh, end_mwh, max(0, min(charged_s, longest_s(known.age_s))), basis, doubt)


def _doubt(
    record: ChargeEnded, known: Known, start_mwh: int | None, end_mwh: int | None, charged_s: int
) -> str | None:
    if start_mwh is None:
        return "no-start-meter"
    if end_mwh is None:
        return "no-end-meter"
    told = (record.start_meter_mwh, known.told_start_mwh)
    if known.start_known and None not in told and told[0] != told[1]:
        return "start-meter-differs"
    if end_mwh < start_mwh:
        return "meter-went-back"
    if charged_s < 0 or charged_s > longest_s(known.age_s):
        return "longer-than-its-order"
    energy_mwh = end_mwh - start_mwh
    if energy_mwh > most_mwh(known.rated_w, charged_s):
        return "more-than-rated-power"
    drawn_mwh = known.drawn_mwh
    if drawn_mwh >= LEAST_DRAWN_MWH and energy_mwh * 100 < drawn_mwh * LEAST_SHARE_PERCENT:
        return "meter-stood-still"
    return None


def drew_nothing(energy_mwh: int, charged_s: int, no_load_dw: int) -> bool:
    """Whether a charge took no more than what a port without a load seems to take: such a
    charge costs nothing, whatever its tariff.

    @param no_load_dw: the power below which nothing is drawn.
    """
    # 0.1 W for 36 s is 1 mWh
    return energy_mwh <= no_load_dw * max(charged_s, 0) // 36
