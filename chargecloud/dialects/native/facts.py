"""Facts on the wire: what a charger tells, written and read side by side, and what it is
answered with.

The names of fields are those of the domain's values, so that most pass as they are.
"""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import asdict, frozen

from chargecloud.dialects.fields import Fields
from chargecloud.dialects.native.codes import ANSWER_CODES, CARD_CODES
from chargecloud.dialects.native.down import CARD_ANSWER, FIRMWARE_BLOCK, KEPT
from chargecloud.dialects.native.messages import Message
from chargecloud.dialects.native.up import (
    ALARM,
    CARD,
    ENDED,
    FIRMWARE_STATE,
    FIRMWARE_WANTED,
    PARAMETERS_TOLD,
    PAUSED,
    REPORT,
    STARTED,
    TIME_WANTED,
)
from chargecloud.domain.charger import ChargerTime, PortState, RelayState
from chargecloud.domain.errors import BadFrame
from chargecloud.domain.events import (
    BoxReading,
    CardPresented,
    ChargeEnded,
    ChargePaused,
    ChargerEvent,
    ChargeStarted,
    FirmwareTold,
    FirmwareWanted,
    HazardTold,
    MeterMark,
    OfflineStart,
    Outcome,
    ParametersTold,
    PortReading,
    PortsReported,
    Reply,
    TimeAsked,
)
from chargecloud.domain.parameters import Values

#: what a charger keeps until it is acknowledged
Kept = ChargeStarted | ChargeEnded | HazardTold
#: not said at all: a reader takes what is not there for it
_UNSAID = (PortState.UNKNOWN, RelayState.UNKNOWN, None)


def plain(value: object) -> Fields:
    """The fields of a value, as they are."""
    return asdict(value, recurse=False)  # type: ignore[arg-type]


def parameter_items(parameters: Values) -> list[Fields]:
    """Parameters as the items of a list."""
    return [{"parameter": name, "value": value} for name, value in parameters.items()]


def read_parameter_items(items: list[Fields]) -> Values:
    """Parameters of a list of items; those that are not known here are passed over."""
    return {item["parameter"]: item["value"] for item in items if item["parameter"] is not None}


# -- writing


def report_fields(report: PortsReported) -> Fields:
    """Fields of a REPORT; its boot is the connection's own and is not said again."""
    ports = [
        {name: value for name, value in plain(reading).items() if value not in _UNSAID}
        for reading in report.readings
    ]
    box = None if report.box is None else plain(report.box)
    assert isinstance(report.at, ChargerTime), "a native charger counts its own seconds"
    return {"uptime_s": report.at.uptime_s, "ports": ports, "box": box}


def event_fields(event: Any) -> Fields:
    """Fields of a fact whose names are the message's, with its instant if it has one."""
    fields = plain(event)
    at = fields.pop("at", None)
    return fields if at is None else fields | plain(at)


def record_fields(record: int, event: Kept) -> Fields:
    """
    Fields of a record that the charger keeps under this number.

    @raise ValueError: for a charge that has neither an order nor a number of the charger's.
    """
    fields = {"record": record, **event_fields(event)}
    if isinstance(event, HazardTold):
        return fields
    offline = event.offline
    if event.order_id is None and offline is None:
        raise ValueError("a charge without an order has a number of the charger's own")
    fields["offline"] = None if offline is None else offline.number
    fields["card"] = None if offline is None else offline.card_uid
    fields["code"] = None if offline is None else offline.code
    if isinstance(event, ChargeEnded):
        fields["marks"] = [plain(mark) for mark in event.marks] or None
    return fields


# -- reading


def _reported(fields: Fields, boot: int) -> PortsReported:
    readings = tuple([PortReading(**port) for port in fields["ports"]])
    box = BoxReading(**fields["box"]) if "box" in fields else None
    return PortsReported(ChargerTime(boot, fields["uptime_s"]), readings, box)


def _at(fields: Fields) -> ChargerTime:
    return ChargerTime(fields["boot"], fields["uptime_s"])


def _offline(fields: Fields) -> OfflineStart | None:
    if "offline" in fields:
        return OfflineStart(fields["offline"], fields.get("card"), fields.get("code"))
    if "order_id" not in fields:
        raise BadFrame("a record of neither an order nor a charge of the charger's own")
    return None


def _started(fields: Fields, _boot: int) -> ChargeStarted:
    return ChargeStarted(
        order_id=fields.get("order_id"),
        port=fields["port"],
        start_meter_mwh=fields.get("start_meter_mwh"),
        at=_at(fields),
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
        at=_at(fields),
        offline=_offline(fields),
        marks=tuple(MeterMark(**mark) for mark in fields.get("marks", ())),
    )


def _paused(fields: Fields, _boot: int) -> ChargePaused:
    return ChargePaused(fields["order_id"], fields["port"], fields["why"], _at(fields))


def _hazard(fields: Fields, _boot: int) -> HazardTold:
    return HazardTold(
        hazard=fields["hazard"],
        action=fields["action"],
        at=_at(fields),
        port=fields.get("port"),
        is_over=fields["is_over"],
        value=fields.get("value"),
        limit=fields.get("limit"),
    )


def _card_presented(fields: Fields, boot: int) -> CardPresented:
    at = ChargerTime(boot, fields["uptime_s"])
    return CardPresented(fields["uid"], fields["port"], fields["number"], at)


#: messages that tell a fact, and how it is read from their fields and the connection's boot
FACTS: Mapping[Message, Callable[[Fields, int], ChargerEvent]] = {
    REPORT: _reported,
    STARTED: _started,
    ENDED: _ended,
    TIME_WANTED: lambda _fields, _boot: TimeAsked(),
    CARD: _card_presented,
    PAUSED: _paused,
    ALARM: _hazard,
    PARAMETERS_TOLD: lambda fields, _boot: ParametersTold(
        read_parameter_items(fields["parameters"])
    ),
    FIRMWARE_WANTED: lambda fields, _boot: FirmwareWanted(**fields),
    FIRMWARE_STATE: lambda fields, _boot: FirmwareTold(**fields),
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


@frozen
class BlockTicket:
    """Marks the wish for a block of firmware."""

    image: int
    offset: int


Ticket = RecordTicket | CardTicket | BlockTicket


def ticket_of(message: Message, fields: Fields) -> Ticket | None:
    """What a message's answer will refer to; C{None} if it is not answered."""
    if message is CARD:
        return CardTicket(fields["number"])
    if message is FIRMWARE_WANTED:
        return BlockTicket(fields["image"], fields["offset"])
    return RecordTicket(fields["record"]) if "record" in fields else None


def reply_of(ticket: object, reply: Reply) -> tuple[Message, Fields] | None:
    """The message that answers, and its fields; C{None} for what is to be sent again.
    Whoever stands there with a card is always told something."""
    if isinstance(ticket, CardTicket):
        code = reply.code if reply.code in CARD_CODES.values() else "refused"
        return CARD_ANSWER, {
            "number": ticket.number,
            "code": "not-now" if reply.outcome is Outcome.LATER else code,
            "order_id": reply.order_id,
            "balance_fen": reply.balance_fen,
        }
    if reply.outcome is Outcome.LATER:
        return None
    if isinstance(ticket, BlockTicket):
        fields = plain(ticket) | {"data": reply.block}
        if reply.block is not None:
            return FIRMWARE_BLOCK, fields | {"code": "ok"}
        known = reply.code in ANSWER_CODES.values() and reply.code != "ok"
        return FIRMWARE_BLOCK, fields | {"code": reply.code if known else "refused"}
    if isinstance(ticket, RecordTicket):
        return KEPT, {
            "record": ticket.record,
            "outcome": reply.outcome,
            "order_id": reply.order_id,
        }
    return None
