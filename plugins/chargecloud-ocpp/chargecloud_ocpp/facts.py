"""What charge points say, as the platform's facts."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.charger import FIRST_YEAR, LockOut, PortState, Told, WallTime
from chargecloud.domain.events import (
    BoxReading,
    ChargeEnded,
    ChargeStarted,
    HazardTold,
    LoggedIn,
    OfflineStart,
    ParametersTold,
    PortReading,
    PortsReported,
    StopReason,
    VendorEvent,
)
from chargecloud.domain.hazards import Hazard, SafetyAction
from chargecloud.domain.parameters import BOUNDS, Parameter
from chargecloud_ocpp.messages.fields import moment
from chargecloud_ocpp.numbers import offline_number, read_order_tag
from chargecloud_ocpp.transactions import Transaction

Values = Mapping[str, Any]
MWH_PER_WH = 1_000

#: section 7.7
PORT_STATES: Mapping[str, PortState] = {
    "Available": PortState.IDLE,
    "Preparing": PortState.PLUGGED,
    "Charging": PortState.CHARGING,
    "SuspendedEVSE": PortState.PAUSED,
    # whether it is full or waits is for its readings to tell
    "SuspendedEV": PortState.CHARGING,
    "Finishing": PortState.PLUGGED,
    "Reserved": PortState.IDLE,
    "Unavailable": PortState.FAULT,
    "Faulted": PortState.FAULT,
}
#: states in which a transaction has its port
WITH_TRANSACTION = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})
#: section 7.6; what is not here is dangerous to nobody
HAZARDS: Mapping[str, Hazard] = {
    "GroundFailure": Hazard.LEAKAGE,
    "HighTemperature": Hazard.OVER_TEMPERATURE,
    "OverCurrentFailure": Hazard.OVER_CURRENT,
    "OverVoltage": Hazard.OVER_VOLTAGE,
    "PowerMeterFailure": Hazard.METER_FAULT,
    "PowerSwitchFailure": Hazard.RELAY_STUCK,
    "UnderVoltage": Hazard.UNDER_VOLTAGE,
}
#: section 7.36
STOP_REASONS: Mapping[str, StopReason] = {
    "DeAuthorized": StopReason.OPERATOR,
    "EmergencyStop": StopReason.SAFETY,
    "EVDisconnected": StopReason.UNPLUGGED,
    "HardReset": StopReason.CHARGER,
    "Local": StopReason.USER,
    "Other": StopReason.UNKNOWN,
    "PowerLoss": StopReason.POWER_CUT,
    "Reboot": StopReason.CHARGER,
    "Remote": StopReason.REMOTE,
    "SoftReset": StopReason.CHARGER,
    "UnlockCommand": StopReason.OPERATOR,
}
#: what can be set, by the configuration key of section 9 that it has there
KEYS: Mapping[Parameter, str] = {
    Parameter.REPORT_S: "MeterValueSampleInterval",
    Parameter.FULL_REPORT_S: "ClockAlignedDataInterval",
    Parameter.OFFLINE_CARDS: "LocalAuthorizeOffline",
    Parameter.BRIGHTNESS_PERCENT: "LightIntensity",
}
_FLAGS = {"true": 1, "false": 0}
#: a register that no charge point comes to
MOST_WH = 10**12
#: of a number in a configuration
_MOST_DIGITS = 9
#: characters of an idTag
MOST_TAG = 20


@frozen
class CertificateWanted(VendorEvent):
    """A charge point asks for its certificate to be signed (SignCertificate)."""


def login(values: Values) -> LoggedIn:
    """Who connects, by its BootNotification, if it sent one.  OCPP counts no starts."""
    vendor, model = (values.get(f"chargePoint{name}", "") for name in ("Vendor", "Model"))
    return LoggedIn(
        boot=0,
        uptime_s=0,
        firmware=values.get("firmwareVersion") or None,
        hardware=f"{vendor} {model}".strip() or None,
        iccid=values.get("iccid") or None,
    )


def when(told: datetime | None, is_off: bool) -> Told:
    """When something was; C{None} where the clock is known to be wrong, or was not read."""
    return None if told is None or is_off else WallTime(told)


def started(values: Values, at: Told, before: int) -> ChargeStarted | None:
    """
    A transaction has begun; C{None} if it is not said where or for whom.

    @param before: how many charges of that card have ended at that connector: they tell one from
        the next, where the charge point has no clock.
    """
    port, meter_wh = values.get("connectorId"), values.get("meterStart")
    tag = str(values.get("idTag", "")).strip()
    if not 0 < len(tag) <= MOST_TAG or not isinstance(port, int) or port < 1:
        return None
    order_id = read_order_tag(tag)
    offline = None
    if order_id is None:
        told = values.get("timestamp")
        has_time = told is not None and told.year >= FIRST_YEAR
        number = offline_number(port, tag.upper(), meter_wh, told if has_time else before)
        offline = OfflineStart(number, card_uid=tag)
    return ChargeStarted(order_id, port, register(meter_wh), at, offline)


def ended(values: Values, transaction: Transaction, at: Told, is_clock_off: bool) -> ChargeEnded:
    """
    A transaction has ended.  Its seconds are those between both timestamps, whatever the clock
    shows: only its going matters.

    @param is_clock_off: whether it shows the wrong time now; one that did otherwise as the
        charge began was set meanwhile, and tells nothing.
    """
    reason = STOP_REASONS.get(values.get("reason", "Local"), StopReason.UNKNOWN)
    if reason is StopReason.REMOTE and transaction.stopped_for is not None:
        reason = transaction.stopped_for
    return ChargeEnded(
        order_id=transaction.order_id,
        port=transaction.port,
        start_meter_mwh=transaction.start_mwh,
        end_meter_mwh=register(values.get("meterStop")),
        duration_s=None
        if transaction.was_clock_off is not is_clock_off
        else _seconds(transaction.started_at, values.get("timestamp")),
        reason=reason,
        at=at,
        offline=None if transaction.order_id is not None else transaction.offline,
    )


def lost_end(values: Values, at: Told) -> ChargeEnded:
    """The end of a transaction that nobody knows, for a person to look at."""
    tag = str(values.get("idTag", "")).strip()[:MOST_TAG]
    number = offline_number(0, tag.upper(), values.get("meterStop"), values.get("timestamp"))
    return ChargeEnded(
        order_id=None,
        port=0,
        start_meter_mwh=None,
        end_meter_mwh=register(values.get("meterStop")),
        duration_s=None,
        reason=StopReason.UNKNOWN,
        at=at,
        offline=OfflineStart(number, card_uid=tag or None),
    )


def _seconds(started_at: datetime | None, ended_at: datetime | None) -> int | None:
    if started_at is None or ended_at is None:
        return None
    seconds = int((ended_at - started_at).total_seconds())
    # a clock that was set meanwhile tells nothing
    was_set = (started_at.year < FIRST_YEAR) is not (ended_at.year < FIRST_YEAR)
    return None if was_set or seconds < 0 else seconds


def register(wh: int | None) -> int | None:
    """A register of Wh; C{None} for what no meter shows."""
    return wh * MWH_PER_WH if wh is not None and 0 <= wh <= MOST_WH else None


def status(values: Values, transaction: Transaction | None) -> PortsReported:
    """A connector's state, or that of the charge point itself (connector 0)."""
    port, state = values.get("connectorId", 0), values.get("status", "")
    if port < 1:
        lock_out = LockOut.OPERATOR if state == "Unavailable" else LockOut.NONE
        return PortsReported(None, (), BoxReading(lock_out=lock_out))
    order_id = transaction.order_id if transaction and state in WITH_TRANSACTION else None
    reading = PortReading(port, PORT_STATES.get(state, PortState.UNKNOWN), order_id=order_id)
    return PortsReported(None, (reading,))


def hazards(values: Values, before: Hazard | None) -> Iterator[HazardTold]:
    """What an error code says that is new: what is over, and what is dangerous now."""
    found = HAZARDS.get(values.get("errorCode", ""))
    port = values.get("connectorId", 0) or None
    if before not in (None, found):
        yield HazardTold(before, SafetyAction.NONE, None, port, is_over=True)
    if found not in (None, before):
        is_cut = values.get("status") == "Faulted"
        action = SafetyAction.PORT_CUT if is_cut else SafetyAction.NONE
        yield HazardTold(found, action, None, port)


def parameters(configuration: Values) -> ParametersTold:
    """What is set, of the answer to GetConfiguration: those keys that the platform has a name
    for."""
    names = {key: parameter for parameter, key in KEYS.items()}
    told: dict[Parameter, int] = {}
    for entry in configuration.get("configurationKey", ()):
        parameter, text = names.get(entry["key"]), str(entry.get("value", "")).strip().lower()
        value = _FLAGS.get(text, _number(text))
        if parameter is not None and value is not None:
            bounds = BOUNDS[parameter]
            if bounds.least <= value <= bounds.most:
                told[parameter] = value
    return ParametersTold(told)


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None


def vendor_event(action: str, values: Values) -> VendorEvent:
    """What only OCPP has."""
    return VendorEvent("ocpp", action, {name: plain(value) for name, value in values.items()})


def plain(value: Any) -> Any:
    """A value that was read, as plain JSON."""
    if isinstance(value, datetime):
        return moment(value.astimezone(UTC))
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value if isinstance(value, bool | int | str | None) else str(value)
