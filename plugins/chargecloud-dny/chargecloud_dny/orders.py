"""The platform's commands in DNY, and its order numbers."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from chargecloud.dialects.layouts import Fields
from chargecloud.domain.commands import (
    ChangeCharge,
    Command,
    Locate,
    Query,
    Question,
    Reboot,
    StartCharge,
    StopCharge,
    VendorCall,
)
from chargecloud.domain.errors import Invalid, NotSupported, Refusal
from chargecloud_dny.codes import ANY_PORT, BY_ENERGY, BY_TIME, ONLINE
from chargecloud_dny.frames import MOST_DATA
from chargecloud_dny.messages import BY_NAME, Message

#: 0.01 kWh
MWH_PER_UNIT = 10_000
MOST_U16 = 0xFFFF
MOST_ORDER = 2**63 - 1
#: above it a balance is read as a date
MOST_BALANCE_FEN = 100_000_000
_ORDER = re.compile(rb"[0-9a-f]{16}")
_RESERVED = bytes(3)


def write_order(order_id: int) -> bytes:
    """An order's number on the wire: its id in 16 hexadecimal digits."""
    return f"{order_id:016x}".encode()


def read_order(number: bytes, start_mode: int = ONLINE) -> int | None:
    """The id of an order of ours; C{None} if the device has begun it by itself."""
    if start_mode != ONLINE or not _ORDER.fullmatch(number):
        return None
    order_id = int(number, 16)
    # our ids are positive in 64 bits with a sign: it is none of ours
    return order_id if order_id <= MOST_ORDER else None


def _units(energy_mwh: int) -> int:
    """Energy in 0.01 kWh, never more than is paid for, and at least one, as zero is no limit."""
    return min(MOST_U16, max(1, energy_mwh // MWH_PER_UNIT))


def _start(command: StartCharge) -> tuple[Message, Fields]:
    by_energy = command.limit_energy_mwh is not None
    amount = 0
    if command.limit_energy_mwh is not None:
        amount = _units(command.limit_energy_mwh)
    elif command.limit_duration_s is not None:
        amount = min(MOST_U16, command.limit_duration_s)
    most_s = min(MOST_U16, command.limit_duration_s or 0) if by_energy else 0
    return BY_NAME["charge"], {
        "rate_mode": BY_ENERGY if by_energy else BY_TIME,
        "balance_fen": min(MOST_BALANCE_FEN, command.limit_amount_fen or 0),
        "port": command.port - 1,
        "is_on": 1,
        "amount": amount,
        "order": write_order(command.order_id),
        "most_s": most_s,
        "overload_dw": 0,
        "lamp": 0,
        "long_charge": 0,
        "extra_float_s": 0,
        "skip_short_check": 0,
        "ignore_unplug": 0,
        "stop_when_full": int(command.until_full),
    }


def _stop(command: StopCharge) -> tuple[Message, Fields]:
    return BY_NAME["charge"], {
        "rate_mode": BY_TIME,
        "balance_fen": 0,
        "port": command.port - 1,
        "is_on": 0,
        "amount": 0,
        "order": write_order(command.order_id),
        "most_s": 0,
        "overload_dw": 0,
        "lamp": 0,
        "long_charge": 0,
        "extra_float_s": 0,
    }


def _change(command: ChangeCharge) -> tuple[Message, Fields] | None:
    if command.limit_energy_mwh is not None:
        mode, value = 2, _units(command.limit_energy_mwh)
    elif command.limit_duration_s is not None:
        mode, value = int(command.until_full is not False), command.limit_duration_s
    else:
        # the device knows no money: the platform itself ends the charge at its amount
        return None
    return BY_NAME["change"], {
        "mode": mode,
        "port": command.port - 1,
        "value": min(MOST_U16, value),
    }


def _query(command: Query) -> tuple[Message, Fields]:
    return BY_NAME["tell_limits" if command.question is Question.PARAMETERS else "query"], {}


def _locate(command: Locate) -> tuple[Message, Fields]:
    return BY_NAME["locate"], {"seconds": min(255, command.for_s)}


def _reboot(_command: Reboot) -> tuple[Message, Fields]:
    return BY_NAME["reboot"], {}


def _call(command: VendorCall) -> tuple[Message, Fields]:
    message = BY_NAME.get(command.name)
    if command.dialect != "dny" or message is None:
        raise NotSupported(f"DNY has no {command.name}; it has {', '.join(sorted(BY_NAME))}")
    fields: Fields = {}
    for field in message.layout.fields:
        if field.name == "reserved":
            fields[field.name] = _RESERVED
        elif field.name == "port" and "port" in command.fields:
            if not isinstance(command.fields["port"], int):
                raise Invalid("port must be a whole number")
            # as everywhere above the wire, ports are counted from 1
            fields["port"] = command.fields["port"] - 1
        elif field.name in command.fields:
            given = command.fields[field.name]
            fields[field.name] = _bytes(field.name, given) if field.kind.is_bytes else given
    return message, fields


def _bytes(name: str, given: Any) -> bytes:
    """What JSON has for bytes: their hexadecimal digits."""
    try:
        return bytes.fromhex(given)
    except (TypeError, ValueError):
        raise Invalid(f"{name} must be hexadecimal digits") from None


_WRITE: Mapping[type, Callable[[Any], tuple[Message, Fields] | None]] = {
    StartCharge: _start,
    StopCharge: _stop,
    ChangeCharge: _change,
    Query: _query,
    Locate: _locate,
    Reboot: _reboot,
    VendorCall: _call,
}


def message_of(command: Command) -> tuple[Message, bytes] | None:
    """
    What a command is in DNY, and its data; C{None} for one that is done without the device.

    @raise Refusal: if there is nothing like it, or a value does not fit.
    """
    write = _WRITE.get(type(command))
    if write is None:
        raise NotSupported(f"DNY has no {type(command).__name__}")
    port = getattr(command, "port", None)
    if isinstance(port, int) and not 1 <= port < ANY_PORT:
        raise Refusal(f"DNY has no port {port}")
    written = write(command)
    if written is None:
        return None
    message, fields = written
    try:
        data = message.layout.write(fields)
    except ValueError as error:
        raise Invalid(f"{message.name}: {error}") from error
    if len(data) > MOST_DATA:
        raise Invalid(f"{message.name}: {len(data)} bytes are more than the {MOST_DATA} of a frame")
    return message, data
