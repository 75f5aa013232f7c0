"""What is said between the platform and one charge point that was let in."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, field
from twisted.logger import Logger

from chargecloud.domain.charger import PortState, WallTime
from chargecloud.domain.commands import Command, SetTime
from chargecloud.domain.events import (
    ChargePaused,
    ClockTold,
    Outcome,
    PauseReason,
    Reply,
    TimeAsked,
)
from chargecloud.interfaces import Heard
from chargecloud_ocpp import facts
from chargecloud_ocpp.asking import Asking
from chargecloud_ocpp.calls import CALL, Call, Error, Unreadable, parse
from chargecloud_ocpp.charges import ACCEPTED, MOST_CONNECTORS, Charges, Ticket
from chargecloud_ocpp.messages import why_not
from chargecloud_ocpp.messages.faults import told
from chargecloud_ocpp.messages.fields import Sender, moment
from chargecloud_ocpp.messages.reading import read
from chargecloud_ocpp.orders import AT_BOOT
from chargecloud_ocpp.point import Point

Values = Mapping[str, Any]


@define(eq=False)
class Talk:
    """
    @ivar heartbeat_s: how often the charge point is to give a sign of life.
    @ivar asking: what is wanted of it.
    @ivar charges: what charges there.
    """

    point: Point
    heartbeat_s: int
    asking: Asking = field(init=False)
    charges: Charges = field(init=False)
    _time_asked: "deque[Call]" = field(factory=deque, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self.asking, self.charges = Asking(self.point), Charges(self.point)

    # -------------------------------------------------------------------------- for the gateway

    def acknowledge(self, ticket: Ticket | Call, reply: Reply) -> None:
        """Answer a fact."""
        if isinstance(ticket, Ticket):
            self.charges.acknowledge(ticket, reply)
            return
        is_signed = reply.outcome is Outcome.KEPT
        self.point.answer(ticket.id, {"status": "Accepted" if is_signed else "Rejected"})

    def command(self, number: int, command: Command) -> None:
        """
        Send a command; the time answers those who have asked for it.

        @raise Refusal: if it cannot be.
        """
        if isinstance(command, SetTime):
            self._tell_time(command)
            self.asking.settle(number)
        else:
            self.asking.command(number, command)

    def hear(self, text: str) -> Sequence[Heard]:
        """A text has come, from a charge point that was let in."""
        heard = self._hear(text)
        return [*self.charges.take_untold(), *heard]

    # ----------------------------------------------------------------------------- what is heard

    def _hear(self, text: str) -> Sequence[Heard]:
        message = parse(text)
        if isinstance(message, Call):
            return self._called(message)
        if not isinstance(message, Unreadable) or message.type not in (CALL, None):
            return self.asking.answered(message)
        self._log.debug("{who}: {why}", who=self.point.identity, why=message.reason)
        if message.id is not None:
            self.point.say(Error(message.id, message.code, message.reason))
        return (self.point.lives,)

    def _called(self, call: Call) -> Sequence[Heard]:
        objection = why_not(call.action, Sender.CHARGE_POINT)
        if objection is not None:
            why = f"{call.action[:50]} is not for this side"
            self.point.say(Error(call.id, objection, why))
            return (self.point.lives,)
        found = read(call.action, False, call.payload)
        if found.faults:
            who, why = self.point.identity, told(found.faults)
            self._log.debug("{who}: {what}: {why}", who=who, what=call.action, why=why)
        take = _TAKE.get(call.action)
        if take is not None:
            return take(self, call, found.values) or (self.point.lives,)
        self.point.answer(call.id, _ANSWERS.get(call.action, {}))
        return (self.point.tells(facts.vendor_event(call.action, found.values)),)

    def _booted(self, call: Call, values: Values) -> Sequence[Heard]:
        self.point.transactions.booted()
        self.point.is_clock_off = False
        for key, value in AT_BOOT.items():
            self.asking.want("ChangeConfiguration", {"key": key, "value": value})
        event = facts.vendor_event(call.action, values)
        return [*self._asks_time(call, values), self.point.tells(event)]

    def _asks_time(self, call: Call, _values: Values) -> Sequence[Heard]:
        self._time_asked.append(call)
        return (self.point.tells(TimeAsked()),)

    def _wants_certificate(self, call: Call, values: Values) -> Sequence[Heard]:
        # whoever signs has it answered; where nobody does, it is refused
        event = facts.CertificateWanted("ocpp", call.action, values)
        return (self.point.tells(event, call),)

    def _reported(self, call: Call, values: Values) -> Sequence[Heard]:
        point = self.point
        point.answer(call.id, {})
        port, at = values.get("connectorId", 0), values.get("timestamp")
        if port > MOST_CONNECTORS:
            return (point.lives,)
        if at is not None:
            # it is told as it happens, and never later: its clock shows now
            point.is_clock_off = point.time.is_off(at, point.seconds())
        event = facts.status(values, point.transactions.at_port(port))
        heard: list[Heard] = [point.tells(event)]
        if at is not None:
            heard.append(point.tells(ClockTold(WallTime(at))))
        for reading in event.readings:
            point.states[reading.port] = reading.state
            if reading.state is PortState.PAUSED and reading.order_id is not None:
                paused = ChargePaused(reading.order_id, reading.port, PauseReason.LOAD, None)
                heard.append(point.tells(paused))
        heard += map(point.tells, facts.hazards(values, point.hazards.pop(port, None)))
        if (found := facts.HAZARDS.get(values.get("errorCode", ""))) is not None:
            point.hazards[port] = found
        return heard

    # ------------------------------------------------------------------------------ what is said

    def _tell_time(self, command: SetTime) -> None:
        now_s = self.point.seconds()
        self.point.time.told(command.unix_s, now_s)
        now = moment(self.point.time.now(now_s))
        while self._time_asked:
            call = self._time_asked.popleft()
            answer: dict[str, Any] = {"currentTime": now}
            if call.action == "BootNotification":
                answer |= ACCEPTED | {"interval": self.heartbeat_s}
            self.point.answer(call.id, answer)


#: what is answered besides nothing to what only OCPP has
_ANSWERS: Mapping[str, Values] = {
    "DataTransfer": {"status": "UnknownVendorId"},
}
_TAKE: Mapping[str, Callable[[Talk, Call, Values], Sequence[Heard]]] = {
    "Authorize": lambda talk, *said: talk.charges.card_asked(*said),
    "BootNotification": Talk._booted,
    "Heartbeat": Talk._asks_time,
    "MeterValues": lambda talk, *said: talk.charges.metered(*said),
    "SignCertificate": Talk._wants_certificate,
    "StartTransaction": lambda talk, *said: talk.charges.started(*said),
    "StatusNotification": Talk._reported,
    "StopTransaction": lambda talk, *said: talk.charges.ended(*said),
}
