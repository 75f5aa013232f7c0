"""The smart charging profile: how much power, and when."""

from chargecloud_ocpp.messages.fields import (
    Action,
    Choice,
    Fraction,
    Instant,
    ListOf,
    Sender,
    Structure,
    Whole,
    may,
    must,
    status,
)
from chargecloud_ocpp.messages.values import CONNECTOR_OR_ALL

_PURPOSE = Choice(
    "ChargingProfilePurposeType", ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")
)
_RATE_UNIT = Choice("ChargingRateUnitType", ("A", "W"))

CHARGING_SCHEDULE = Structure(
    "ChargingSchedule",
    (
        may("duration", Whole(), "s; without end if it is left out"),
        may("startSchedule", Instant(), "of an absolute or recurring one"),
        must("chargingRateUnit", _RATE_UNIT, "of the limits"),
        must(
            "chargingSchedulePeriod",
            ListOf(
                Structure(
                    "ChargingSchedulePeriod",
                    (
                        must("startPeriod", Whole(), "s from the schedule's start"),
                        must("limit", Fraction(), "in the schedule's unit"),
                        may("numberPhases", Whole(), "3 if it is left out"),
                    ),
                )
            ),
        ),
        may("minChargingRate", Fraction(), "below which charging is inefficient"),
    ),
)
#: section 7.8 of the first edition, 7.9 of the second
CHARGING_PROFILE = Structure(
    "ChargingProfile",
    (
        must("chargingProfileId", Whole()),
        may("transactionId", Whole(), "of a TxProfile"),
        must("stackLevel", Whole(), "from 0; the highest counts"),
        must("chargingProfilePurpose", _PURPOSE),
        must(
            "chargingProfileKind",
            Choice("ChargingProfileKindType", ("Absolute", "Recurring", "Relative")),
        ),
        may("recurrencyKind", Choice("RecurrencyKindType", ("Daily", "Weekly"))),
        may("validFrom", Instant()),
        may("validTo", Instant()),
        must("chargingSchedule", CHARGING_SCHEDULE),
    ),
)

SMART_CHARGING = (
    Action(
        "ClearChargingProfile",
        Sender.CENTRAL_SYSTEM,
        "5.5",
        (
            may("id", Whole(), "of one profile; else those that fit all the rest"),
            may("connectorId", Whole(), CONNECTOR_OR_ALL),
            may("chargingProfilePurpose", _PURPOSE),
            may("stackLevel", Whole()),
        ),
        status("ClearChargingProfileStatus", "Accepted", "Unknown"),
    ),
    Action(
        "GetCompositeSchedule",
        Sender.CENTRAL_SYSTEM,
        "5.7",
        (
            must("connectorId", Whole(), CONNECTOR_OR_ALL),
            must("duration", Whole(), "s"),
            may("chargingRateUnit", _RATE_UNIT),
        ),
        (
            *status("GetCompositeScheduleStatus", "Accepted", "Rejected"),
            may("connectorId", Whole(), CONNECTOR_OR_ALL),
            may("scheduleStart", Instant()),
            may("chargingSchedule", CHARGING_SCHEDULE),
        ),
    ),
    Action(
        "SetChargingProfile",
        Sender.CENTRAL_SYSTEM,
        "5.16",
        (
            must("connectorId", Whole(), CONNECTOR_OR_ALL),
            must("csChargingProfiles", CHARGING_PROFILE),
        ),
        status("ChargingProfileStatus", "Accepted", "Rejected", "NotSupported"),
    ),
)
