"""What a simulated charger does when the cloud wants something."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chargecloud.domain.commands import Command, SetTime, StartCharge, StopCharge
from chargecloud.domain.events import StopReason
from chargecloud.simulator.charge import Charge

if TYPE_CHECKING:
    from chargecloud.simulator.charger import SimulatedCharger


def start(charger: "SimulatedCharger", command: StartCharge) -> str | None:
    """Close the relay, or say why not."""
    try:
        port = charger.port(command.port)
    except LookupError:
        return "no-such-port"
    if port.charge is not None and port.charge.order_id == command.order_id:
        # the start was sent again
        return None
    if port.is_faulty:
        return "fault"
    if charger.is_past(command.valid_until_s):
        return "expired"
    if port.charge is not None:
        return "busy"
    if port.bike is None:
        return "not-plugged"
    if port.last_order_id == command.order_id or not charger.memory.has_room:
        return "refused"
    charger.begin(port, Charge.ordered(command, port.meter_mwh))
    return None


def stop(charger: "SimulatedCharger", command: StopCharge) -> str | None:
    """Open the relay, if it is closed for that order."""
    try:
        port = charger.port(command.port)
    except LookupError:
        return "no-such-port"
    if port.charge is None:
        # an order that has ended already has told so by its record
        return None
    if port.charge.order_id != command.order_id:
        return "refused"
    charger.end(port, StopReason.REMOTE)
    return None


def set_time(charger: "SimulatedCharger", command: SetTime) -> str | None:
    """Take the time."""
    charger.set_clock(command.unix_s)
    return None


#: what is done for each command; it returns the code of an objection
OBEY: Mapping[type[Command], Callable[["SimulatedCharger", Any], str | None]] = {
    StartCharge: start,
    StopCharge: stop,
    SetTime: set_time,
}
