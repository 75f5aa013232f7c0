"""What a simulated charge point does for the central system, and how it answers."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import define, field, frozen

from chargecloud.domain.charger import LockOut
from chargecloud.domain.commands import (
    Answer,
    Command,
    LockOutCharger,
    StartCharge,
    StopCharge,
    UpdateCards,
)
from chargecloud.domain.events import OfflineStart
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.memory import Port
from chargecloud_ocpp.codes import ErrorCode
from chargecloud_ocpp.messages.fields import moment
from chargecloud_ocpp.numbers import read_order_tag
from chargecloud_ocpp.own_certificate import OwnCertificate

#: never past: a start of OCPP has no end of its validity
_FOR_EVER = 2**40
Values = Mapping[str, Any]
#: what an operation is answered with; a code if that is an error
Answered = dict[str, Any] | ErrorCode

#: what can be read and set, as it comes from the factory
CONFIGURATION: Mapping[str, str] = {
    "AuthorizeRemoteTxRequests": "false",
    "ClockAlignedDataInterval": "0",
    "ConnectionTimeOut": "60",
    "CpoName": "ChargeCloud",
    "HeartbeatInterval": "60",
    "LightIntensity": "80",
    "LocalAuthorizeOffline": "true",
    "MeterValueSampleInterval": "60",
    "MeterValuesSampledData": "Energy.Active.Import.Register",
}
READ_ONLY: Mapping[str, str] = {
    "NumberOfConnectors": "",
    "SupportedFeatureProfiles": (
        "Core,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
    ),
}


@define(eq=False)
class Remembered:
    """
    What a charge point keeps over its connections, and the simulator's memory has no place for.

    @ivar boot: the start that it has told of.
    @ivar transactions: numbers of its charges, by what L{charge_key} makes of each.
    @ivar reserved: connectors by the number of their reservation.
    @ivar profiles: charging profiles by their number.
    @ivar certificate: its own.
    """

    boot: int | None = None
    transactions: dict[tuple[int | None, int | None], int] = field(factory=dict)
    configuration: dict[str, str] = field(factory=lambda: dict(CONFIGURATION))
    reserved: dict[int, int] = field(factory=dict)
    profiles: dict[int, Values] = field(factory=dict)
    certificate: OwnCertificate = field(factory=OwnCertificate)


def charge_key(order_id: int | None, offline: OfflineStart | None) -> tuple[int | None, int | None]:
    """What tells one charge of a charger from all others."""
    return (None, offline.number) if offline is not None else (order_id, None)


@frozen
class Station:
    """
    @ivar now: the calendar's.
    @ivar trigger: has a message said soon; whether there is such a one.
    """

    charger: SimulatedCharger
    remembered: Remembered
    now: Callable[[], datetime]
    trigger: Callable[[str], bool]

    def answer(self, action: str, values: Values) -> Answered:
        """Do what an operation wants; its answer."""
        do = _DO.get(action)
        return ErrorCode.NOT_IMPLEMENTED if do is None else do(self, values)

    def obey(self, command: Command) -> Answer:
        """What the charger itself says."""
        return self.charger.obey(command, self.now())

    def transaction_of(self, port: Port) -> int | None:
        """The number of what charges at a port."""
        charge = port.charge
        if charge is None:
            return None
        return self.remembered.transactions.get(charge_key(charge.order_id, charge.offline))

    def _start(self, values: Values) -> Answered:
        order_id, port = read_order_tag(values["idTag"]), values.get("connectorId", 1)
        if order_id is None:
            return _REJECTED
        # it charges until somebody ends it: a pile does not look for the end by itself
        start = StartCharge(order_id, port, _FOR_EVER, until_full=False)
        return _status(self.obey(start))

    def _stop(self, values: Values) -> Answered:
        for port in self.charger.memory.ports:
            if self.transaction_of(port) == values["transactionId"]:
                assert port.charge is not None
                if port.charge.order_id is not None:
                    return _status(self.obey(StopCharge(port.charge.order_id, port.number)))
        return _REJECTED

    def _availability(self, values: Values) -> Answered:
        port = values["connectorId"]
        if port > len(self.charger.memory.ports):
            return _REJECTED
        is_out = values["type"] == "Inoperative"
        lock_out = LockOut.OPERATOR if is_out else LockOut.NONE
        return _status(self.obey(LockOutCharger(lock_out, port or None)))

    def _configure(self, values: Values) -> Answered:
        key, configuration = values["key"], self.remembered.configuration
        if key in READ_ONLY:
            return _REJECTED
        if key not in configuration:
            return {"status": "NotSupported"}
        configuration[key] = values["value"]
        return _ACCEPTED

    def _configuration(self, values: Values) -> Answered:
        ports = {"NumberOfConnectors": str(len(self.charger.memory.ports))}
        all_of_it = {**self.remembered.configuration, **READ_ONLY, **ports}
        asked = values.get("key") or list(all_of_it)
        known = [
            {"key": key, "readonly": key in READ_ONLY, "value": all_of_it[key]}
            for key in asked
            if key in all_of_it
        ]
        return {
            "configurationKey": known,
            "unknownKey": [key for key in asked if key not in all_of_it],
        }

    def _trigger(self, values: Values) -> Answered:
        is_there = self.trigger(values["requestedMessage"])
        return _ACCEPTED if is_there else {"status": "NotImplemented"}

    def _unlock(self, values: Values) -> Answered:
        is_there = values["connectorId"] <= len(self.charger.memory.ports)
        return {"status": "Unlocked" if is_there else "NotSupported"}

    def _list_version(self, _values: Values) -> Answered:
        return {"listVersion": self.charger.memory.list_version}

    def _list(self, values: Values) -> Answered:
        entries = values.get("localAuthorizationList", ())
        is_full = values["updateType"] == "Full"
        from_version = 0 if is_full else self.charger.memory.list_version
        if not is_full and values["listVersion"] <= from_version:
            return {"status": "VersionMismatch"}
        command = UpdateCards(
            from_version,
            values["listVersion"],
            tuple(each["idTag"] for each in entries if each.get("idTagInfo")),
            tuple(each["idTag"] for each in entries if not each.get("idTagInfo")),
        )
        return _ACCEPTED if self.obey(command).accepted else {"status": "Failed"}

    def _reserve(self, values: Values) -> Answered:
        port = values["connectorId"]
        if port in self.remembered.reserved.values():
            return {"status": "Occupied"}
        self.remembered.reserved[values["reservationId"]] = port
        return _ACCEPTED

    def _cancel(self, values: Values) -> Answered:
        was_there = self.remembered.reserved.pop(values["reservationId"], None) is not None
        return _ACCEPTED if was_there else _REJECTED

    def _set_profile(self, values: Values) -> Answered:
        profile = values["csChargingProfiles"]
        self.remembered.profiles[profile["chargingProfileId"]] = profile
        return _ACCEPTED

    def _clear_profile(self, values: Values) -> Answered:
        profiles = self.remembered.profiles
        gone = [number for number in profiles if values.get("id") in (None, number)]
        for number in gone:
            del profiles[number]
        return _ACCEPTED if gone else {"status": "Unknown"}

    def _schedule(self, values: Values) -> Answered:
        return {
            "status": "Accepted",
            "connectorId": values["connectorId"],
            "scheduleStart": moment(self.now()),
        }

    def _install(self, values: Values) -> Answered:
        is_ours = self.remembered.certificate.install(values["certificateChain"])
        return _ACCEPTED if is_ours else _REJECTED

    def _accept(self, _values: Values) -> Answered:
        return _ACCEPTED


_ACCEPTED: dict[str, Any] = {"status": "Accepted"}
_REJECTED: dict[str, Any] = {"status": "Rejected"}


def _status(answer: Answer) -> dict[str, Any]:
    return _ACCEPTED if answer.accepted else _REJECTED


_DO: Mapping[str, Callable[[Station, Values], Answered]] = {
    "CancelReservation": Station._cancel,
    "CertificateSigned": Station._install,
    "ChangeAvailability": Station._availability,
    "ChangeConfiguration": Station._configure,
    "ClearCache": Station._accept,
    "ClearChargingProfile": Station._clear_profile,
    "ExtendedTriggerMessage": Station._trigger,
    "GetCompositeSchedule": Station._schedule,
    "GetConfiguration": Station._configuration,
    "GetLocalListVersion": Station._list_version,
    "RemoteStartTransaction": Station._start,
    "RemoteStopTransaction": Station._stop,
    "ReserveNow": Station._reserve,
    "Reset": Station._accept,
    "SendLocalList": Station._list,
    "SetChargingProfile": Station._set_profile,
    "TriggerMessage": Station._trigger,
    "UnlockConnector": Station._unlock,
}
