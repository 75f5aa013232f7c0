"""What a simulated charger does when the cloud wants something."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chargecloud.domain.charger import LockOut
from chargecloud.domain.commands import (
    ChangeCharge,
    ComeBack,
    Command,
    Locate,
    LockOutCharger,
    NewKey,
    Query,
    Question,
    Say,
    SetParameters,
    SetTime,
    ShowPrices,
    ShowText,
    StartCharge,
    StopCharge,
    UpdateCards,
)
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
    if charger.memory.is_locked_out(port.number):
        return "locked-out"
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


def change(charger: "SimulatedCharger", command: ChangeCharge) -> str | None:
    """Give a running order other limits."""
    try:
        port = charger.port(command.port)
    except LookupError:
        return "no-such-port"
    if port.charge is None or port.charge.order_id != command.order_id:
        return "refused"
    port.charge.change(command, port.bike.curve if port.bike else None)
    charger.changed()
    return None


def lock_out(charger: "SimulatedCharger", command: LockOutCharger) -> str | None:
    """Keep a port, or all of them, from charging, or lift that; by fire only with the right."""
    lock_outs, at = charger.memory.lock_outs, command.port or 0
    is_fire = command.lock_out is LockOut.FIRE
    if lock_outs.get(at) is LockOut.FIRE and not is_fire and not command.lifts_fire:
        return "locked-out"
    if command.lock_out is LockOut.NONE:
        lock_outs.pop(at, None)
    else:
        lock_outs[at] = command.lock_out
        for port in charger.memory.ports:
            if port.charge is not None and at in (0, port.number):
                charger.end(port, StopReason.SAFETY if is_fire else StopReason.OPERATOR)
    charger.changed()
    return None


def set_time(charger: "SimulatedCharger", command: SetTime) -> str | None:
    """Take the time."""
    charger.set_clock(command.unix_s)
    return None


def set_parameters(charger: "SimulatedCharger", command: SetParameters) -> str | None:
    """Keep what is set."""
    told = {parameter.value: value for parameter, value in command.parameters.items()}
    charger.memory.parameters.update(told)
    charger.changed()
    return None


def new_key(charger: "SimulatedCharger", command: NewKey) -> str | None:
    """Make the next key, which is used from the next connection on."""
    if charger.keys is None or not charger.keys.make(command.generation, command.nonce):
        return "refused"
    charger.changed()
    return None


def query(_charger: "SimulatedCharger", command: Query) -> str | None:
    """Tell something: the session does, behind the answer."""
    return None if command.question is not Question.FIRMWARE else "unknown-command"


def update_cards(charger: "SimulatedCharger", command: UpdateCards) -> str | None:
    """Take the next version of the list of cards."""
    objection = charger.cards.update(command)
    charger.changed()
    return objection


def nothing(_charger: "SimulatedCharger", _command: Command) -> str | None:
    """What is shown, said or blinked: nobody is there to see it.  A charger that is to come
    back later hangs up when it has answered, which is its connection's."""
    return None


#: what is done for each command; it returns the code of an objection
OBEY: Mapping[type[Command], Callable[["SimulatedCharger", Any], str | None]] = {
    StartCharge: start,
    StopCharge: stop,
    ChangeCharge: change,
    LockOutCharger: lock_out,
    SetTime: set_time,
    SetParameters: set_parameters,
    NewKey: new_key,
    UpdateCards: update_cards,
    Query: query,
    ComeBack: nothing,
    Locate: nothing,
    ShowPrices: nothing,
    ShowText: nothing,
    Say: nothing,
}
