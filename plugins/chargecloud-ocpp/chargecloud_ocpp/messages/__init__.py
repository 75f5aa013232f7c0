"""The messages of OCPP 1.6, as tables by profile, and what is read and checked by them."""

from collections.abc import Mapping

from chargecloud_ocpp.codes import ErrorCode
from chargecloud_ocpp.messages.core import CORE
from chargecloud_ocpp.messages.fields import Action, Sender, Table
from chargecloud_ocpp.messages.firmware import FIRMWARE
from chargecloud_ocpp.messages.local_list import LOCAL_LIST
from chargecloud_ocpp.messages.remote_trigger import REMOTE_TRIGGER
from chargecloud_ocpp.messages.reservation import RESERVATION
from chargecloud_ocpp.messages.security import SECURITY
from chargecloud_ocpp.messages.smart_charging import SMART_CHARGING

#: by the name of the profile, as C{SupportedFeatureProfiles} has it
PROFILES: Mapping[str, Table] = {
    "Core": CORE,
    "FirmwareManagement": FIRMWARE,
    "LocalAuthListManagement": LOCAL_LIST,
    "Reservation": RESERVATION,
    "SmartCharging": SMART_CHARGING,
    "RemoteTrigger": REMOTE_TRIGGER,
    "Security": SECURITY,
}

ACTIONS: Mapping[str, Action] = {row.name: row for table in PROFILES.values() for row in table}


def why_not(action: str, sender: Sender) -> ErrorCode | None:
    """What a call of that action from that side is answered with; C{None} if it may be made."""
    row = ACTIONS.get(action)
    if row is None:
        return ErrorCode.NOT_IMPLEMENTED
    # known, but not as something that this side asks for
    return None if row.sender in (sender, Sender.EITHER) else ErrorCode.NOT_SUPPORTED
