"""What is said between the platform and one device that was let in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define

from chargecloud.dialects.layouts import Fields, plain
from chargecloud.domain.commands import (
    Answer,
    Command,
    OfferFirmware,
    Query,
    Question,
    Reboot,
    SetTime,
    StartCharge,
    StopCharge,
    VendorCall,
    WithdrawFirmware,
)
from chargecloud.domain.errors import BadFrame, NotSupported, Refusal
from chargecloud.domain.events import ChargeStarted, FirmwareTold, FirmwareWanted, Outcome, Reply
from chargecloud.interfaces import Alive, Answered, Heard, Told
from chargecloud_dny import facts
from chargecloud_dny.codes import (
    ALREADY,
    CARD_REFUSED,
    CARD_STATUS,
    CHANGE_RESULTS,
    CHARGE_RESULTS,
    DONE,
    EXECUTED_ALL_THE_SAME,
)
from chargecloud_dny.device import Device, Outgoing
from chargecloud_dny.frames import Frame
from chargecloud_dny.messages import BY_NAME, DOWN, UP, Message
from chargecloud_dny.messages import Reply as How
from chargecloud_dny.orders import message_of, write_order
from chargecloud_dny.pushing import Push, Wish

_RESERVED = bytes(3)


@define(eq=False)
class Talk:
    """
    @ivar send: sends a frame at once; commands wait in the device's queue.
    @ivar neighbours: physical ids of those on the same connection.
    """

    device: Device
    send: Callable[[Frame], None]
    neighbours: Callable[[], list[int]]

    # -------------------------------------------------------------------------- for the gateway

    def acknowledge(self, ticket: object, reply: Reply) -> None:
        """Answer a fact; what could not be kept is not answered, and said again."""
        if isinstance(ticket, Wish):
            self._send_block(ticket, reply)
            return
        if isinstance(ticket, ChargeStarted):
            # the device will not say it again, but what it measures next names the order
            return
        assert isinstance(ticket, Asked)
        if reply.outcome is Outcome.LATER:
            return
        if ticket.message.name == "card":
            self._answer(ticket.frame, _card_answer(ticket.fields, reply))
        else:
            self._answer(ticket.frame, {"result": DONE, "port": ticket.fields.get("port")})

    def command(self, number: int, command: Command) -> None:
        """
        Send a command, or do without the device what it has no words for.

        @raise Refusal: if neither can be.
        """
        if isinstance(command, SetTime):
            self._tell_time(command)
        elif isinstance(command, Reboot) and command.when_idle:
            raise Refusal("DNY devices start anew at once: say when_idle false, or wait")
        elif isinstance(command, Query) and command.question is Question.FIRMWARE:
            raise NotSupported("a DNY device does not tell how far an image has come")
        elif isinstance(command, OfferFirmware | WithdrawFirmware):
            self._push(number, command)
            return
        elif (written := message_of(command)) is not None:
            self.device.order(*written, number, command)
            return
        self.device.settled.append(Answered(self.device.identity, number, Answer(True)))

    # ----------------------------------------------------------------------------- what is heard

    def hear(self, frame: Frame) -> Sequence[Heard]:
        """A frame has come, from a device that was let in."""
        message = UP.get(frame.command)
        if message is None:
            return self._hear_answer(frame)
        if message.reply is How.AT_ONCE:
            self._answer(frame, {"result": DONE})
        fields = read(message, frame.data)
        if fields is None:
            # its sum was right: it is a device that we do not know the like of
            return (Alive(self.device.identity),)
        if message.name == "asks_slaves":
            self._tell_slaves(frame, fields)
        if message.name == "card":
            event: Any = facts.card(fields, frame.number, self.device.welcomed_s)
        else:
            event = facts.fact(message, fields)
        if message.name in WANTS_FIRMWARE and self.device.push is not None:
            # it was started anew, or has lost its place: what is under way to it is for the old one
            self.device.take_back(self.device.push)
            return self._follow_push(self.device.push, self.device.push.restart())
        if message.answer is TIME_ANSWER:
            self.device.time_asked = frame
        is_answered = message.reply is How.COMMITTED or message.name == "card"
        ticket = Asked(message, frame, fields) if is_answered else None
        told = Told(self.device.identity, event, ticket)
        shown = facts.clock(message, fields)
        return (told,) if shown is None else (told, Told(self.device.identity, shown))

    def _hear_answer(self, frame: Frame) -> Sequence[Heard]:
        outgoing = self.device.answered(frame) if frame.command in DOWN else None
        if outgoing is None:
            return (Alive(self.device.identity),)
        try:
            fields = outgoing.message.read_answer(frame.data)
        except BadFrame:
            fields = {"result": None}
        if outgoing.push is not None:
            return self._go_on(outgoing.push, fields["result"], fields.get("index", 0))
        heard: list[Heard] = []
        command = outgoing.command
        if isinstance(command, StartCharge) and fields["result"] in EXECUTED_ALL_THE_SAME:
            stop = message_of(StopCharge(command.order_id, command.port))
            assert stop is not None
            self.device.order(*stop)
        if outgoing.number is not None:
            answer = _answer_of(outgoing, fields)
            heard.append(Answered(self.device.identity, outgoing.number, answer))
            if answer.accepted:
                heard += self._follow(outgoing, fields)
        return heard or (Alive(self.device.identity),)

    def _follow(self, outgoing: Outgoing, fields: Fields) -> Sequence[Heard]:
        """What an answer tells besides."""
        command = outgoing.command
        if isinstance(command, StartCharge):
            event = facts.answered_start(command.order_id, command.port)
            return (Told(self.device.identity, event, event),)
        if outgoing.message.name == "tell_limits" and not isinstance(command, VendorCall):
            return (Told(self.device.identity, facts.parameters(fields)),)
        return ()

    # ---------------------------------------------------------------------------------- firmware

    def _push(self, number: int, command: OfferFirmware | WithdrawFirmware) -> None:
        """Begin to push an image, or push it no further."""
        answer = Answer(True)
        if isinstance(command, WithdrawFirmware):
            self.device.push = None
        else:
            self.device.push = push = Push.of(command)
            if push is None:
                answer = Answer(False, "other-hardware")
        self.device.settled.append(Answered(self.device.identity, number, answer))
        if self.device.push is not None and answer.accepted and isinstance(command, OfferFirmware):
            self.device.settled += self._follow_push(self.device.push, self.device.push.begin())

    def _send_block(self, wish: Wish, reply: Reply) -> None:
        push = wish.push
        if self.device.push is not push or wish != push.wish:
            return
        if reply.outcome is Outcome.KEPT and reply.block:
            self.device.order(push.transfer.message, push.packet(reply.block), push=push)
        else:
            # it was withdrawn meanwhile
            self.device.push = None

    def _go_on(self, push: Push, result: int | None, index: int) -> Sequence[Heard]:
        """A device has answered a block."""
        if self.device.push is not push:
            return (Alive(self.device.identity),)
        return self._follow_push(push, push.heard(-1 if result is None else result, index))

    def _follow_push(
        self, push: Push, what: FirmwareWanted | FirmwareTold | bytes
    ) -> Sequence[Heard]:
        if isinstance(what, bytes):
            self.device.order(push.transfer.message, what, push=push)
            return (Alive(self.device.identity),)
        if isinstance(what, FirmwareTold):
            self.device.push = None
            return (Told(self.device.identity, what),)
        return (Told(self.device.identity, what, push.wish),)

    # ------------------------------------------------------------------------------ what is said

    def _answer(self, frame: Frame, values: Mapping[str, Any]) -> None:
        layout = UP[frame.command].answer
        assert layout is not None
        self.send(Frame(self.device.id, frame.number, frame.command, layout.write(values)))

    def _tell_time(self, command: SetTime) -> None:
        asked, self.device.time_asked = self.device.time_asked, None
        if asked is None:
            raise Refusal("a DNY device is told the time when it asks for it")
        self._answer(asked, {"unix_s": command.unix_s})

    def _tell_slaves(self, frame: Frame, fields: Fields) -> None:
        """A host asks which boxes it has on the air: all that have come by it."""
        boxes = [each for each in self.neighbours() if each != self.device.id]
        told = {
            "frequency": fields["frequency"],
            "reserved": _RESERVED,
            "count": len(boxes),
            "slaves": boxes,
        }
        message = BY_NAME["set_slaves"]
        self.send(Frame(self.device.id, frame.number, message.command, message.layout.write(told)))


@define(eq=False)
class Asked:
    """What a device waits for an answer to."""

    message: Message
    frame: Frame
    fields: Fields


TIME_ANSWER = UP[0x22].answer
#: messages by which a device asks for an image from its beginning
WANTS_FIRMWARE = frozenset({"wants_firmware", "host_wants_firmware"})


def read(message: Message, data: bytes) -> Fields | None:
    """The values of a device's message; C{None} if its data are not those that we know."""
    try:
        return message.layout.read(data)
    except BadFrame:
        return None


def _card_answer(asked: Fields, reply: Reply) -> Fields:
    is_kept = reply.outcome is Outcome.KEPT
    status = CARD_STATUS.get(reply.code, CARD_REFUSED)
    return {
        "card": asked["card"],
        "status": status if not is_kept else DONE,
        "rate_mode": 0,
        "balance_fen": max(0, reply.balance_fen or 0),
        "port": asked["port"],
    }


def _answer_of(outgoing: Outgoing, fields: Fields) -> Answer:
    """What a device's reply says to the platform."""
    name, result = outgoing.message.name, fields.get("result", DONE)
    told = plain(fields)
    if name == "change":
        accepted, code = CHANGE_RESULTS.get(result, (False, "refused"))
        return Answer(accepted, code, told)
    if name != "charge":
        return Answer(result == DONE, "ok" if result == DONE else "refused", told)
    command = outgoing.command
    if result == ALREADY and isinstance(command, StartCharge):
        # our first try was heard, and its answer lost
        if fields.get("order") == write_order(command.order_id):
            return Answer(True, "ok", told)
        if "order" not in fields and outgoing.tries > 1:
            # an old device does not say whose it is: to take it for another's would be to
            # give this charge away, and what it tells of the port next names the order
            return Answer(True, "ok", told)
    elif result == ALREADY:
        return Answer(True, "ok", told)
    accepted, code = CHARGE_RESULTS.get(result, (False, "refused"))
    return Answer(accepted, code, told)
