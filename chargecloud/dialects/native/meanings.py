"""What the fields of messages mean: facts and commands, each written and read side by side.

The names of fields are those of the domain's values, so that most pass as they are.
"""

from collections.abc import Callable, Mapping

from attrs import asdict, frozen

from chargecloud.dialects.fields import Fields
from chargecloud.dialects.native.codes import ANSWER_CODES, CARD_CODES
from chargecloud.dialects.native.messages import (
    CARD,
    CARD_ANSWER,
    ENDED,
    KEPT,
    REPORT,
    START,
    STARTED,
    STOP,
    TIME,
    TIME_WANTED,
    Message,
)
from chargecloud.domain.charger import ChargerTime, PortState
from chargecloud.domain.commands import Answer, Command, SetTime, StartCharge, StopCharge
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.errors import BadFrame
from chargecloud.domain.events import (
    CardPresented,
    ChargeEnded,
    ChargerEvent,
    ChargeStarted,
    OfflineStart,
    Outcome,
    PortReading,
    PortsReported,
    Reply,
    TimeAsked,
)


def _plain(value: object) -> Fields:
    return asdict(value, recurse=False)  # type: ignore[arg-type]


# -- facts


def report_fields(report: PortsReported) -> Fields:
    """Fields of a REPORT; its boot is the connection's own and is not said again."""
    ports = [
        {name: value for name, value in _plain(reading).items() if value is not PortState.UNKNOWN}
        for reading in report.readings
    ]
    return {"uptime_s": report.at.uptime_s, "ports": ports}


def record_fields(record: int, event: ChargeStarted | ChargeEnded) -> Fields:
    """
    Fields of a STARTED or ENDED that the charger keeps under this number.

    @raise ValueError: for a charge that has neither an order nor a number of the charger's.
    """
    if event.order_id is None and event.offline is None:
        raise ValueError("a charge without an order has a number of the charger's own")
    fields = {"record": record, **_plain(event), **_plain(event.at)}
    offline = event.offline
    fields["offline"] = None if offline is None else offline.number
    fields["card"] = None if offline is None else offline.card_uid
    return fields


def _reported(fields: Fields, boot: int) -> PortsReported:
    readings = tuple([PortReading(**port) for port in fields["ports"]])
    return PortsReported(ChargerTime(boot, fields["uptime_s"]), readings)


def _offline(fields: Fields) -> OfflineStart | None:
    if "offline" in fields:
        return OfflineStart(fields["offline"], fields.get("card"))
    if "order_id" not in fields:
        raise BadFrame("a record of neither an order nor a charge of the charger's own")
    return None


def _started(fields: Fields, _boot: int) -> ChargeStarted:
    return ChargeStarted(
        order_id=fields.get("order_id"),
        port=fields["port"],
        start_meter_mwh=fields.get("start_meter_mwh"),
        at=ChargerTime(fields["boot"], fields["uptime_s"]),
        offline=_offline(fields),
    )


def _ended(fields: Fields, _boot: int) -> ChargeEnded:
    return ChargeEnded(
        order_id=fields.get("order_id"),
        port=fields["port"],
        start_meter_mwh=fields.get("start_meter_mwh"),
        end_meter_mwh=fields.get("end_meter_mwh"),
        duration_s=fields.get("duration_s"),
        reason=fields["reason"],
        at=ChargerTime(fields["boot"], fields["uptime_s"]),
        offline=_offline(fields),
    )


def _card_presented(fields: Fields, boot: int) -> CardPresented:
    at = ChargerTime(boot, fields["uptime_s"])
    return CardPresented(fields["uid"], fields["port"], fields["number"], at)


def _time_asked(_fields: Fields, _boot: int) -> TimeAsked:
    return TimeAsked()


#: messages that tell a fact, and how it is read from their fields and the connection's boot
FACTS: Mapping[Message, Callable[[Fields, int], ChargerEvent]] = {
    REPORT: _reported,
    STARTED: _started,
    ENDED: _ended,
    TIME_WANTED: _time_asked,
    CARD: _card_presented,
}

# -- what facts are answered with


@frozen
class RecordTicket:
    """Marks a record by its number."""

    record: int


@frozen
class CardTicket:
    """Marks the question about a card by its number."""

    number: int


def ticket_of(message: Message, fields: Fields) -> RecordTicket | CardTicket | None:
    """What a message's answer will refer to; C{None} if it is not answered."""
    if message is CARD:
        return CardTicket(fields["number"])
    return RecordTicket(fields["record"]) if "record" in fields else None


def reply_of(ticket: object, reply: Reply) -> tuple[Message, Fields] | None:
    """The message that answers, and its fields; C{None} for a record that is to be sent
    again.  Whoever stands there with a card is always told something."""
    if isinstance(ticket, CardTicket):
        code = reply.code if reply.code in CARD_CODES.values() else "refused"
        return CARD_ANSWER, {
            "number": ticket.number,
            "code": "not-now" if reply.outcome is Outcome.LATER else code,
            "order_id": reply.order_id,
            "balance_fen": reply.balance_fen,
        }
    if reply.outcome is Outcome.LATER or not isinstance(ticket, RecordTicket):
        return None
    fields = {"record": ticket.record, "outcome": reply.outcome, "order_id": reply.order_id}
    return KEPT, fields


# -- commands and answers

#: commands and their messages; a message has the command's fields and a C{number}
COMMANDS: Mapping[type[Command], Message] = {
    StartCharge: START,
    StopCharge: STOP,
    SetTime: TIME,
}
_COMMANDS_OF = {message: command for command, message in COMMANDS.items()}


#: the rules of a cut-off that a charger is told, where they are not the usual ones
_USUAL = {name: value for name, value in asdict(CutOff()).items() if name in START.record.names}


def command_fields(number: int, command: Command) -> Fields:
    """Fields of the message for a command, which its answer will refer to by number."""
    fields = {"number": number, **_plain(command)}
    if isinstance(command, StartCharge) and command.cut_off is not None:
        rules = _plain(command.cut_off)
        fields |= {name: rules[name] for name, usual in _USUAL.items() if rules[name] != usual}
    return fields


def read_command(message: Message, fields: Fields) -> tuple[int, Command]:
    """The number and the command that a message from the cloud asks for."""
    plain = dict(fields)
    rules = {name: plain.pop(name) for name in _USUAL if name in plain}
    if rules:
        try:
            plain["cut_off"] = CutOff(**rules)
        except ValueError as error:
            raise BadFrame(f"a cut-off that there is not: {error}") from error
    return plain.pop("number"), _COMMANDS_OF[message](**plain)


def answer_fields(number: int, answer: Answer) -> Fields:
    """Fields of an ANSWER; a reason that has no number is a plain refusal."""
    code = answer.code if answer.code in ANSWER_CODES.values() else "refused"
    return {"number": number, "code": code}


def read_answer(fields: Fields) -> tuple[int, Answer]:
    """The number of a command, and what was said to it."""
    code = fields["code"]
    return fields["number"], Answer(accepted=code == "ok", code=code)
