"""Commands on the wire: what a charger is told to do, written and read side by side, and
its answer."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import asdict

from chargecloud.dialects.fields import Fields
from chargecloud.dialects.native.codes import ANSWER_CODES
from chargecloud.dialects.native.down import (
    CARDS,
    CHANGE,
    COME_BACK,
    FIRMWARE_OFFER,
    FIRMWARE_WITHDRAWAL,
    GO_TO,
    LOCATE,
    LOCK,
    NEW_KEY,
    PRICES,
    QUERY,
    REBOOT,
    SAY,
    SET,
    SHOW,
    START,
    STOP,
    TIME,
)
from chargecloud.dialects.native.facts import parameter_items, plain, read_parameter_items
from chargecloud.dialects.native.messages import Message
from chargecloud.domain.commands import (
    Answer,
    ChangeCharge,
    ComeBack,
    Command,
    GoTo,
    Locate,
    LockOutCharger,
    NewKey,
    OfferFirmware,
    Price,
    Query,
    Reboot,
    Say,
    SetParameters,
    SetTime,
    ShowPrices,
    ShowText,
    StartCharge,
    StopCharge,
    UpdateCards,
    WithdrawFirmware,
)
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.errors import BadFrame

#: commands and their messages; a message has the command's fields and a C{number}
COMMANDS: Mapping[type[Command], Message] = {
    StartCharge: START,
    StopCharge: STOP,
    SetTime: TIME,
    ChangeCharge: CHANGE,
    SetParameters: SET,
    Query: QUERY,
    Reboot: REBOOT,
    Locate: LOCATE,
    LockOutCharger: LOCK,
    ShowPrices: PRICES,
    ShowText: SHOW,
    Say: SAY,
    UpdateCards: CARDS,
    ComeBack: COME_BACK,
    GoTo: GO_TO,
    OfferFirmware: FIRMWARE_OFFER,
    NewKey: NEW_KEY,
    WithdrawFirmware: FIRMWARE_WITHDRAWAL,
}
_COMMANDS_OF = {message: command for command, message in COMMANDS.items()}

#: the rules of a cut-off that a charger is told, where they are not the usual ones
_USUAL = {name: value for name, value in asdict(CutOff()).items() if name in START.record.names}


def _prices(items: list[Fields]) -> tuple[Price, ...]:
    return tuple(Price(**item) for item in items)


#: fields that are more than a number or a text, written and read
_WRITE: Mapping[str, Callable[[Any], Any]] = {
    # an empty list is not said
    "prices": lambda prices: [plain(price) for price in prices] or None,
    "parameters": parameter_items,
    "add": lambda uids: uids or None,
    "remove": lambda uids: uids or None,
}
_READ: Mapping[str, Callable[[Any], Any]] = {
    "prices": _prices,
    "parameters": read_parameter_items,
    "add": tuple,
    "remove": tuple,
}


def command_fields(number: int, command: Command) -> Fields:
    """Fields of the message for a command, which its answer will refer to by number."""
    fields = {"number": number, **plain(command)}
    for name in _WRITE.keys() & fields.keys():
        fields[name] = _WRITE[name](fields[name])
    if isinstance(command, StartCharge) and command.cut_off is not None:
        rules = plain(command.cut_off)
        fields |= {name: rules[name] for name, usual in _USUAL.items() if rules[name] != usual}
    return fields


def read_command(message: Message, fields: Fields) -> tuple[int, Command]:
    """
    The number and the command that a message from the cloud asks for.

    @raise BadFrame: for rules of a cut-off that cannot be.
    """
    given = dict(fields)
    rules = {name: given.pop(name) for name in _USUAL if name in given}
    if rules:
        try:
            given["cut_off"] = CutOff(**rules)
        except ValueError as error:
            raise BadFrame(f"a cut-off that there is not: {error}") from error
    for name in _READ.keys() & given.keys():
        given[name] = _READ[name](given[name])
    return given.pop("number"), _COMMANDS_OF[message](**given)


def answer_fields(number: int, answer: Answer) -> Fields:
    """Fields of an ANSWER; a reason that has no number is a plain refusal."""
    code = answer.code if answer.code in ANSWER_CODES.values() else "refused"
    return {"number": number, "code": code}


def read_answer(fields: Fields) -> tuple[int, Answer]:
    """The number of a command, and what was said to it."""
    code = fields["code"]
    return fields["number"], Answer(accepted=code == "ok", code=code)
