"""The platform's commands as calls of the central system, and what is answered to them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chargecloud.domain.charger import LockOut
from chargecloud.domain.commands import (
    Answer,
    ChangeCharge,
    Command,
    LockOutCharger,
    Query,
    Question,
    Reboot,
    SetParameters,
    StartCharge,
    StopCharge,
    UpdateCards,
    VendorCall,
)
from chargecloud.domain.errors import Conflict, Invalid, NotSupported
from chargecloud.domain.parameters import Parameter
from chargecloud_ocpp.calls import Error
from chargecloud_ocpp.codes import ErrorCode
from chargecloud_ocpp.facts import KEYS, plain
from chargecloud_ocpp.messages import ACTIONS
from chargecloud_ocpp.messages.checking import check
from chargecloud_ocpp.messages.fields import Sender
from chargecloud_ocpp.numbers import order_tag, transaction_id
from chargecloud_ocpp.transactions import Transactions

#: an action, and its payload
Wanted = tuple[str, Mapping[str, Any]]

#: of the answers' statuses, those that mean yes; one without a status is a yes
ACCEPTED = frozenset({"Accepted", "AcceptedCanceled", "RebootRequired", "Scheduled", "Unlocked"})
#: why not, in the platform's words
CODES: Mapping[str, str] = {
    "Faulted": "fault",
    "NotImplemented": "unknown-command",
    "NotSupported": "unknown-command",
    "Occupied": "busy",
    "UnknownMessageId": "unknown-command",
    "UnknownVendorId": "unknown-command",
    "Unavailable": "locked-out",
    "VersionMismatch": "other-version",
}
_NOT_THERE = frozenset({ErrorCode.NOT_IMPLEMENTED, ErrorCode.NOT_SUPPORTED})
#: parameters that are a flag there
_FLAGS = frozenset({Parameter.OFFLINE_CARDS})

#: what a charge point is set to when it was started: it gives up a start that nobody plugs in
#: for before the platform does, and tells what a charge is watched by
AT_BOOT: Mapping[str, str] = {
    "ConnectionTimeOut": "45",
    "MeterValuesSampledData": (
        "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage"
    ),
    "MeterValueSampleInterval": "60",
    # an end must not grow with its charge until it does not fit any more
    "StopTxnSampledData": "",
    "StopTxnAlignedData": "",
}

#: the central system's operations, in the tables' order
OPERATIONS = tuple(name for name, row in ACTIONS.items() if row.sender is not Sender.CHARGE_POINT)


def _start(command: StartCharge, _there: Transactions) -> Sequence[Wanted]:
    tag = order_tag(command.order_id)
    return [("RemoteStartTransaction", {"connectorId": command.port, "idTag": tag})]


def _stop(command: StopCharge, _there: Transactions) -> Sequence[Wanted]:
    number = transaction_id(command.order_id)
    return [("RemoteStopTransaction", {"transactionId": number})]


def _change(command: ChangeCharge, there: Transactions) -> Sequence[Wanted]:
    if there.find_order(command.order_id) is None:
        raise Conflict(f"no order {command.order_id} is known to charge here")
    # limits are kept on this side: OCPP 1.6 has no words for an energy
    return []


def _query(command: Query, _there: Transactions) -> Sequence[Wanted]:
    if command.question is Question.PARAMETERS:
        return [("GetConfiguration", {"key": list(KEYS.values())})]
    if command.question is Question.FIRMWARE:
        return [("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})]
    told = ("StatusNotification", "MeterValues")
    return [("TriggerMessage", {"requestedMessage": each}) for each in told]


def _reboot(command: Reboot, there: Transactions) -> Sequence[Wanted]:
    if command.when_idle and any(there.running()):
        raise Conflict("a port charges: say when_idle false, or wait", code="charging")
    # a soft one ends what charges in good order, too
    return [("Reset", {"type": "Soft" if command.when_idle else "Hard"})]


def _lock_out(command: LockOutCharger, there: Transactions) -> Sequence[Wanted]:
    wanted: list[Wanted] = []
    if command.lock_out is LockOut.FIRE:
        # it would wait for the end of what charges there
        wanted += [
            ("RemoteStopTransaction", {"transactionId": each.id})
            for each in there.running(command.port)
        ]
    kind = "Operative" if command.lock_out is LockOut.NONE else "Inoperative"
    return [*wanted, ("ChangeAvailability", {"connectorId": command.port or 0, "type": kind})]


def _set(command: SetParameters, _there: Transactions) -> Sequence[Wanted]:
    unknown = [each.value for each in command.parameters if each not in KEYS]
    if unknown:
        known = ", ".join(each.value for each in KEYS)
        raise NotSupported(f"OCPP has no {', '.join(unknown)}; it has {known}")
    return [
        ("ChangeConfiguration", {"key": KEYS[each], "value": _written(each, value)})
        for each, value in command.parameters.items()
    ]


def _written(parameter: Parameter, value: int) -> str:
    return ("true" if value else "false") if parameter in _FLAGS else str(value)


def _update_cards(command: UpdateCards, _there: Transactions) -> Sequence[Wanted]:
    accepted: dict[str, Any] = {"status": "Accepted"}
    entries: list[dict[str, Any]] = [{"idTag": uid, "idTagInfo": accepted} for uid in command.add]
    is_full = command.from_version == 0
    if not is_full:
        entries += [{"idTag": uid} for uid in command.remove]
    payload = {
        "listVersion": command.to_version,
        "localAuthorizationList": entries,
        "updateType": "Full" if is_full else "Differential",
    }
    return [("SendLocalList", payload)]


def _call(command: VendorCall, _there: Transactions) -> Sequence[Wanted]:
    if command.dialect != "ocpp" or command.name not in OPERATIONS:
        raise NotSupported(f"OCPP has no {command.name}; it has {', '.join(OPERATIONS)}")
    return [(command.name, command.fields)]


_WRITE: Mapping[type, Callable[[Any, Transactions], Sequence[Wanted]]] = {
    StartCharge: _start,
    StopCharge: _stop,
    ChangeCharge: _change,
    Query: _query,
    Reboot: _reboot,
    LockOutCharger: _lock_out,
    SetParameters: _set,
    UpdateCards: _update_cards,
    VendorCall: _call,
}


def calls_of(command: Command, there: Transactions) -> Sequence[Wanted]:
    """
    The calls that a command takes, one after the other; none for what is done without the charge
    point.

    @raise Refusal: if there is nothing like it, or a value does not fit.
    """
    write = _WRITE.get(type(command))
    if write is None:
        raise NotSupported(f"OCPP has no {type(command).__name__}")
    port = getattr(command, "port", None)
    if isinstance(port, int) and port < 1:
        raise Invalid(f"OCPP has no connector {port} that charges")
    wanted = write(command, there)
    for action, payload in wanted:
        if faults := check(action, False, payload):
            errors = [{"pointer": each.path, "detail": each.detail} for each in faults]
            raise Invalid(f"{action} cannot have that payload", errors=errors)
    return wanted


def answer_of(payload: Mapping[str, Any]) -> Answer:
    """What a charge point's result says to the platform."""
    status = payload.get("status")
    accepted = status is None or status in ACCEPTED
    code = "ok" if accepted else CODES.get(str(status), "refused")
    return Answer(accepted, code, plain(payload))


def answer_of_error(error: Error) -> Answer:
    """What its refusal to do anything says."""
    code = "unknown-command" if error.code in _NOT_THERE else "refused"
    return Answer(False, code, {"error": error.code, "description": error.description})
