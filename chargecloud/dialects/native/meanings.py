"""What the fields of messages mean: facts and commands, each written and read side by side.

The names of fields are those of the domain's values, so that most pass as they are.
"""

from collections.abc import Callable, Mapping

from attrs import asdict

from chargecloud.dialects.fields import Fields
from chargecloud.dialects.native.codes import ANSWER_CODES
from chargecloud.dialects.native.messages import (
    ENDED,
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
from chargecloud.domain.events import (
    ChargeEnded,
    ChargerEvent,
    ChargeStarted,
    PortReading,
    PortsReported,
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
    """Fields of a STARTED or ENDED that the charger keeps under this number."""
    return {"record": record, **_plain(event), **_plain(event.at)}


def _reported(fields: Fields, boot: int) -> PortsReported:
    readings = tuple([PortReading(**port) for port in fields["ports"]])
    return PortsReported(ChargerTime(boot, fields["uptime_s"]), readings)


def _started(fields: Fields, _boot: int) -> ChargeStarted:
    return ChargeStarted(
        order_id=fields["order_id"],
        port=fields["port"],
        start_meter_mwh=fields["start_meter_mwh"],
        at=ChargerTime(fields["boot"], fields["uptime_s"]),
    )


def _ended(fields: Fields, _boot: int) -> ChargeEnded:
    return ChargeEnded(
        order_id=fields["order_id"],
        port=fields["port"],
        start_meter_mwh=fields["start_meter_mwh"],
        end_meter_mwh=fields["end_meter_mwh"],
        duration_s=fields["duration_s"],
        reason=fields["reason"],
        at=ChargerTime(fields["boot"], fields["uptime_s"]),
    )


def _time_asked(_fields: Fields, _boot: int) -> TimeAsked:
    return TimeAsked()


#: messages that tell a fact, and how it is read from their fields and the connection's boot
FACTS: Mapping[Message, Callable[[Fields, int], ChargerEvent]] = {
    REPORT: _reported,
    STARTED: _started,
    ENDED: _ended,
    TIME_WANTED: _time_asked,
}

# -- commands and answers

#: commands and their messages; a message has the command's fields and a C{number}
COMMANDS: Mapping[type[Command], Message] = {
    StartCharge: START,
    StopCharge: STOP,
    SetTime: TIME,
}
_COMMANDS_OF = {message: command for command, message in COMMANDS.items()}


def command_fields(number: int, command: Command) -> Fields:
    """Fields of the message for a command, which its answer will refer to by number."""
    return {"number": number, **_plain(command)}


def read_command(message: Message, fields: Fields) -> tuple[int, Command]:
    """The number and the command that a message from the cloud asks for."""
    plain = dict(fields)
    return plain.pop("number"), _COMMANDS_OF[message](**plain)


def answer_fields(number: int, answer: Answer) -> Fields:
    """Fields of an ANSWER; a reason that has no number is a plain refusal."""
    code = answer.code if answer.code in ANSWER_CODES.values() else "refused"
    return {"number": number, "code": code}


def read_answer(fields: Fields) -> tuple[int, Answer]:
    """The number of a command, and what was said to it."""
    code = fields["code"]
    return fields["number"], Answer(accepted=code == "ok", code=code)
