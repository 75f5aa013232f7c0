"""The core profile: booting, cards, transactions, meter values, configuration."""

from chargecloud_ocpp.messages.fields import (
    Action,
    Choice,
    Field,
    Flag,
    Instant,
    ListOf,
    Sender,
    Structure,
    Text,
    Whole,
    may,
    must,
    status,
)
from chargecloud_ocpp.messages.smart_charging import CHARGING_PROFILE
from chargecloud_ocpp.messages.values import (
    CONNECTOR,
    CONNECTOR_OR_ALL,
    ID_TAG,
    ID_TAG_INFO,
    METER_VALUES,
    TRANSACTION_DATA,
)

_KEY = Text(50)

CHARGE_POINT_ERROR = Choice(
    "ChargePointErrorCode",
    (
        "ConnectorLockFailure",
        "EVCommunicationError",
        "GroundFailure",
        "HighTemperature",
        "InternalError",
        "LocalListConflict",
        "NoError",
        "OtherError",
        "OverCurrentFailure",
        "OverVoltage",
        "PowerMeterFailure",
        "PowerSwitchFailure",
        "ReaderFailure",
        "ResetFailure",
        "UnderVoltage",
        "WeakSignal",
    ),
)
CHARGE_POINT_STATUS = Choice(
    "ChargePointStatus",
    (
        "Available",
        "Preparing",
        "Charging",
        "SuspendedEVSE",
        "SuspendedEV",
        "Finishing",
        "Reserved",
        "Unavailable",
        "Faulted",
    ),
)
STOP_REASON = Choice(
    "Reason",
    (
        "DeAuthorized",
        "EmergencyStop",
        "EVDisconnected",
        "HardReset",
        "Local",
        "Other",
        "PowerLoss",
        "Reboot",
        "Remote",
        "SoftReset",
        "UnlockCommand",
    ),
)

_BOOT = (
    must("chargePointVendor", Text(20)),
    must("chargePointModel", Text(20)),
    may("chargePointSerialNumber", Text(25)),
    may("chargeBoxSerialNumber", Text(25), "deprecated"),
    may("firmwareVersion", Text(50)),
    may("iccid", Text(20), "of the SIM card"),
    may("imsi", Text(20), "of the SIM card"),
    may("meterType", Text(25)),
    may("meterSerialNumber", Text(25)),
)
_BOOTED = (
    must("status", Choice("RegistrationStatus", ("Accepted", "Pending", "Rejected"))),
    must("currentTime", Instant(), "of the central system"),
    must("interval", Whole(), "s between heartbeats, or until it asks again"),
)
_CONNECTOR_STATUS = (
    must("connectorId", Whole(), CONNECTOR_OR_ALL),
    must("errorCode", CHARGE_POINT_ERROR),
    may("info", Text(50), "of the error, for people"),
    must("status", CHARGE_POINT_STATUS),
    may("timestamp", Instant(), "of the change; else it is now"),
    may("vendorId", Text(255), "of vendorErrorCode"),
    may("vendorErrorCode", Text(50)),
)
_START = (
    must("connectorId", Whole(), CONNECTOR),
    must("idTag", ID_TAG),
    must("meterStart", Whole(), "Wh"),
    may("reservationId", Whole(), "that ends with it"),
    must("timestamp", Instant(), "of the start"),
)
_STOP = (
    may("idTag", ID_TAG, "of who stops it"),
    must("meterStop", Whole(), "Wh"),
    must("timestamp", Instant(), "of the stop"),
    must("transactionId", Whole()),
    may("reason", STOP_REASON, "Local if it is left out"),
    may("transactionData", TRANSACTION_DATA),
)
_CONFIGURATION = (
    may(
        "configurationKey",
        ListOf(
            Structure(
                "KeyValue",
                (must("key", _KEY), must("readonly", Flag()), may("value", Text(500))),
            )
        ),
    ),
    may("unknownKey", ListOf(_KEY)),
)
_DATA: tuple[Field, ...] = (
    must("vendorId", Text(255)),
    may("messageId", Text(50)),
    may("data", Text(), "as vendor and central system have agreed"),
)
_DATA_TAKEN = (
    must(
        "status",
        Choice(
            "DataTransferStatus", ("Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId")
        ),
    ),
    may("data", Text()),
)

#: either side's answer to what it may refuse
_REMOTE = status("RemoteStartStopStatus", "Accepted", "Rejected")

FROM_CHARGE_POINT = (
    Action(
        "Authorize",
        Sender.CHARGE_POINT,
        "4.1",
        (must("idTag", ID_TAG),),
        (must("idTagInfo", ID_TAG_INFO),),
    ),
    Action("BootNotification", Sender.CHARGE_POINT, "4.2", _BOOT, _BOOTED),
    Action("DataTransfer", Sender.EITHER, "4.3, 5.6", _DATA, _DATA_TAKEN),
    Action("Heartbeat", Sender.CHARGE_POINT, "4.6", (), (must("currentTime", Instant()),)),
    Action(
        "MeterValues",
        Sender.CHARGE_POINT,
        "4.7",
        (
            must("connectorId", Whole(), CONNECTOR_OR_ALL),
            may("transactionId", Whole()),
            must("meterValue", METER_VALUES),
        ),
    ),
    Action(
        "StartTransaction",
        Sender.CHARGE_POINT,
        "4.8",
        _START,
        (must("idTagInfo", ID_TAG_INFO), must("transactionId", Whole())),
    ),
    Action("StatusNotification", Sender.CHARGE_POINT, "4.9", _CONNECTOR_STATUS),
    Action("StopTransaction", Sender.CHARGE_POINT, "4.10", _STOP, (may("idTagInfo", ID_TAG_INFO),)),
)

FROM_CENTRAL_SYSTEM = (
    Action(
        "ChangeAvailability",
        Sender.CENTRAL_SYSTEM,
        "5.2",
        (
            must("connectorId", Whole(), CONNECTOR_OR_ALL),
            must("type", Choice("AvailabilityType", ("Inoperative", "Operative"))),
        ),
        status("AvailabilityStatus", "Accepted", "Rejected", "Scheduled"),
    ),
    Action(
        "ChangeConfiguration",
        Sender.CENTRAL_SYSTEM,
        "5.3",
        (must("key", _KEY), must("value", Text(500))),
        status("ConfigurationStatus", "Accepted", "Rejected", "RebootRequired", "NotSupported"),
    ),
    Action(
        "ClearCache",
        Sender.CENTRAL_SYSTEM,
        "5.4",
        (),
        status("ClearCacheStatus", "Accepted", "Rejected"),
    ),
    Action(
        "GetConfiguration",
        Sender.CENTRAL_SYSTEM,
        "5.8",
        (may("key", ListOf(_KEY), "all if it is left out"),),
        _CONFIGURATION,
    ),
    Action(
        "RemoteStartTransaction",
        Sender.CENTRAL_SYSTEM,
        "5.11",
        (
            may("connectorId", Whole(), CONNECTOR),
            must("idTag", ID_TAG),
            may("chargingProfile", CHARGING_PROFILE, "a TxProfile"),
        ),
        _REMOTE,
    ),
    Action(
        "RemoteStopTransaction",
        Sender.CENTRAL_SYSTEM,
        "5.12",
        (must("transactionId", Whole()),),
        _REMOTE,
    ),
    Action(
        "Reset",
        Sender.CENTRAL_SYSTEM,
        "5.14",
        (must("type", Choice("ResetType", ("Hard", "Soft"))),),
        status("ResetStatus", "Accepted", "Rejected"),
    ),
    Action(
        "UnlockConnector",
        Sender.CENTRAL_SYSTEM,
        "5.18",
        (must("connectorId", Whole(), CONNECTOR),),
        status("UnlockStatus", "Unlocked", "UnlockFailed", "NotSupported"),
    ),
)

CORE = (*FROM_CHARGE_POINT, *FROM_CENTRAL_SYSTEM)
