"""What a charger cannot say and be right.

A rival billed 910 kWh for 0.083: the register was taken from an absent value.  A record
that fails here is held for a person, with the reason; it is never billed silently.
"""

from chargecloud.domain.events import ChargeEnded

#: chargers measure within a few per cent, and their seconds are rounded
TOLERANCE_PERCENT = 10
TOLERANCE_S = 60


def most_mwh(rated_w: int, seconds: int) -> int:
    """The most energy that can be believed to have flowed in so many seconds.

    @param rated_w: what the charger can give at the most.
    """
    # 1 W for 3600 s is 1000 mWh
    given_mwh = rated_w * (seconds + TOLERANCE_S) * 1000 // 3600
    return given_mwh * (100 + TOLERANCE_PERCENT) // 100


def doubt(
    record: ChargeEnded, *, told_start_mwh: int | None, rated_w: int, age_s: int
) -> str | None:
    """
    Why an end record cannot be right; C{None} if nothing speaks against it.

    @param told_start_mwh: the register that the charger told when it started.
    @param rated_w: what the charger can give at the most.
    @param age_s: seconds from the order to its record, by our calendar.
    """
    if record.end_meter_mwh < record.start_meter_mwh:
        return "meter-went-back"
    if told_start_mwh is not None and record.start_meter_mwh != told_start_mwh:
        return "start-meter-differs"
    if record.duration_s > age_s * (100 + TOLERANCE_PERCENT) // 100 + TOLERANCE_S:
        return "longer-than-its-order"
    if record.end_meter_mwh - record.start_meter_mwh > most_mwh(rated_w, record.duration_s):
        return "more-than-rated-power"
    return None
