"""The platform's commands in YKC."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from chargecloud.dialects.layouts import Fields
from chargecloud.domain.charger import LockOut
from chargecloud.domain.commands import (
    ChangeCharge,
    Command,
    LockOutCharger,
    Query,
    Question,
    Reboot,
    SetTime,
    ShowPrices,
    StartCharge,
    StopCharge,
    VendorCall,
)
from chargecloud.domain.errors import Invalid, NotSupported, Refusal
from chargecloud_ykc.codes import AT_ONCE, FULL_POWER_PERCENT, LOCKED, WHEN_IDLE, WORKS
from chargecloud_ykc.facts import NAME
from chargecloud_ykc.frames import MOST_BODY
from chargecloud_ykc.kinds import MOST_GUNS
from chargecloud_ykc.messages import BY_NAME, DOWN, Message
from chargecloud_ykc.prices import model_of
from chargecloud_ykc.trades import write_trade

#: a charge without a limit of money: more than any car takes (0.01 yuan)
NO_LIMIT_FEN = 9_999_999
NO_CARD = bytes(8)
_PILE_BYTES = 7


def balance_fen(command: StartCharge) -> int:
    """What a pile is told that somebody may spend."""
    if command.limit_amount_fen is None:
        return NO_LIMIT_FEN
    return min(NO_LIMIT_FEN, command.limit_amount_fen)


def _start(command: StartCharge, _guns: int, _now_s: int) -> list[tuple[str, Fields]]:
    return [
        (
            "start",
            {
                "trade": write_trade(command.order_id),
                "gun": command.port,
                "logical_card": NO_CARD,
                "card": NO_CARD,
                "balance_fen": balance_fen(command),
            },
        )
    ]


def _stop(command: StopCharge, _guns: int, _now_s: int) -> list[tuple[str, Fields]]:
    return [("stop", {"gun": command.port})]


def _change(command: ChangeCharge, _guns: int, _now_s: int) -> list[tuple[str, Fields]]:
    if command.limit_amount_fen is None:
        # a pile knows nothing but money: the platform itself ends the charge at the others
        return []
    balance = min(NO_LIMIT_FEN, command.limit_amount_fen)
    return [("balance", {"gun": command.port, "card": NO_CARD, "balance_fen": balance})]


def _query(command: Query, guns: int, _now_s: int) -> list[tuple[str, Fields]]:
    if command.question is not Question.PORTS:
        raise NotSupported("a YKC pile tells of its guns, and of nothing else")
    return [("query", {"gun": gun}) for gun in range(1, guns + 1)]


def _time(command: SetTime, _guns: int, _now_s: int) -> list[tuple[str, Fields]]:
    return [("time", {"at": datetime.fromtimestamp(command.unix_s, UTC)})]


def _reboot(command: Reboot, _guns: int, _now_s: int) -> list[tuple[str, Fields]]:
    return [("reboot", {"when": WHEN_IDLE if command.when_idle else AT_ONCE})]


def _lock_out(command: LockOutCharger, guns: int, _now_s: int) -> list[tuple[str, Fields]]:
    if command.port is not None and guns > 1:
        raise NotSupported("a YKC pile is locked out as a whole")
    locked = WORKS if command.lock_out is LockOut.NONE else LOCKED
    return [("work", {"is_locked": locked, "most_power_percent": FULL_POWER_PERCENT})]


def _prices(command: ShowPrices, _guns: int, now_s: int) -> list[tuple[str, Fields]]:
    fields = model_of(command.prices, now_s).fields("")
    return [("set_model", fields)]


def _call(command: VendorCall, _guns: int, _now_s: int) -> list[tuple[str, Fields]]:
    message = BY_NAME.get(command.name)
    if command.dialect != NAME or message is None or message.kind not in DOWN:
        names = ", ".join(sorted(each.name for each in DOWN.values()))
        raise NotSupported(f"YKC has no {command.name}; it has {names}")
    given = dict(command.fields)
    if "port" in given:
        given["gun"] = given.pop("port")
    fields: Fields = {}
    for field in message.layout.fields:
        if field.name in given:
            fields[field.name] = _taken(field.name, field.kind.is_bytes, given[field.name])
    if message.list_of is None:
        return [(message.name, fields)]
    return [(message.name, {**fields, **part}) for part in _parts(message, fields)]


def _parts(message: Message, fields: Fields) -> list[Fields]:
    """A list in as many messages as it takes: the document's own counts do not fit a frame."""
    name = message.list_of
    listed = fields.get(name) if name else None
    if name is None or not isinstance(listed, tuple) or not listed:
        raise Invalid(f"{message.name} needs {name}")
    size = next(field.kind.size for field in message.layout.fields if field.name == name)
    most = (MOST_BODY - _PILE_BYTES - 1) // (size or 1)
    parts = [listed[at : at + most] for at in range(0, len(listed), most)]
    return [{"count": len(part), name: part} for part in parts]


def _taken(name: str, is_bytes: bool, given: Any) -> Any:
    """A value as JSON has it: bytes are hexadecimal digits."""
    if isinstance(given, list):
        return tuple([_taken(name, is_bytes, each) for each in given])
    if not is_bytes:
        return given
    try:
        return bytes.fromhex(given)
    except (TypeError, ValueError):
        raise Invalid(f"{name} must be hexadecimal digits") from None


_WRITE: Mapping[type, Callable[[Any, int, int], list[tuple[str, Fields]]]] = {
    StartCharge: _start,
    StopCharge: _stop,
    ChangeCharge: _change,
    Query: _query,
    SetTime: _time,
    Reboot: _reboot,
    LockOutCharger: _lock_out,
    ShowPrices: _prices,
    VendorCall: _call,
}


def messages_of(
    command: Command, pile: str, guns: int, now_s: int
) -> Sequence[tuple[Message, Fields]]:
    """
    What a command is in YKC: messages of which each waits for the answer to the one before; none,
    for what is done without the pile.

    @param guns: how many the pile has.
    @param now_s: Unix time.
    @raise Refusal: if there is nothing like it, or a value does not fit.
    """
    write = _WRITE.get(type(command))
    if write is None:
        raise NotSupported(f"YKC has no {type(command).__name__}")
    port = getattr(command, "port", None)
    if isinstance(port, int) and not 1 <= port <= MOST_GUNS:
        raise Refusal(f"a pile has no gun {port}")
    written = []
    for name, fields in write(command, guns, now_s):
        message = BY_NAME[name]
        whole = {**fields, "pile": pile}
        try:
            body = message.layout.write(whole)
        except ValueError as error:
            raise Invalid(f"{name}: {error}") from error
        if len(body) > MOST_BODY:
            raise Invalid(f"{name}: {len(body)} bytes are more than the {MOST_BODY} of a frame")
        written.append((message, whole))
    return written
