"""What is said between the platform and one pile that was let in."""

from collections.abc import Callable, Mapping, Sequence

from attrs import define

from chargecloud.dialects.layouts import Fields, plain
from chargecloud.domain.charger import WallTime
from chargecloud.domain.commands import (
    WAITS_FOR_PLUG,
    Answer,
    ChangeCharge,
    Command,
    StartCharge,
    StopCharge,
)
from chargecloud.domain.errors import BadFrame
from chargecloud.domain.events import (
    ChargeStarted,
    ClockTold,
    Outcome,
    PortsReported,
    PricesAsked,
    Reply,
    TimeAsked,
)
from chargecloud.interfaces import Alive, Answered, Heard, Told
from chargecloud_ykc import facts
from chargecloud_ykc.codes import (
    ALREADY_CHARGING,
    CHARGING,
    DONE,
    FAILED,
    NOT_CHARGING,
    NOT_PLUGGED,
    START_FAILURES,
)
from chargecloud_ykc.frames import PLAIN, Frame
from chargecloud_ykc.messages import BY_NAME, UP, Message
from chargecloud_ykc.orders import messages_of
from chargecloud_ykc.pile import (
    ANSWER_S,
    PRICES_S,
    SECOND_CHANCE_S,
    SEEN_S,
    SENT_S,
    TIME_S,
    Gun,
    NewPrices,
    Outgoing,
    Pile,
    Question,
)
from chargecloud_ykc.prices import NO_MODEL, model_of
from chargecloud_ykc.starters import Starters
from chargecloud_ykc.trades import read_order

#: results of these replies: 0 is done; of all others it is 1
_ZERO_IS_DONE = frozenset({"balance_reply", "update_reply"})
_RECEIVED, _SAME, _OTHER = 0, 0, 1


@define(eq=False)
class Talk:
    """
    @ivar send: sends a frame.
    """

    pile: Pile
    send: Callable[[Frame], None]
    now_s: float

    # -------------------------------------------------------------------------- for the gateway

    def open(self) -> Sequence[Heard]:
        """The pile was let in."""
        self.reply(self.pile.login, {"result": 0})
        self.pile.prices_due_s = self.now_s + PRICES_S
        return self._ask_time()

    def acknowledge(self, ticket: object, reply: Reply) -> None:
        """Answer a fact; what could not be kept is not answered, and said again."""
        if (
            isinstance(ticket, Question)
            and ticket.turn != self.pile.turn
            and ticket.message.name != "record"
        ):
            # it has started anew since, and waits for no answer
            return
        if isinstance(ticket, ChargeStarted):
            if reply.outcome is Outcome.LATER:
                # the next reading tells of it again
                self.pile.gun(ticket.port).told = None
        elif isinstance(ticket, Question) and ticket.message.name in ("ask_start", "ask_parallel"):
            self._starters.answer(ticket, reply)
        elif reply.outcome is Outcome.LATER:
            return
        elif isinstance(ticket, NewPrices):
            self._renew_model(reply)
        elif isinstance(ticket, Question):
            self._answer(ticket, reply)

    def command(self, number: int, command: Command) -> None:
        """
        Send a command, or do without the pile what it has no words for.

        @raise Refusal: if neither can be.
        """
        messages = messages_of(command, self.pile.number, self.pile.guns, self._unix_s)
        if isinstance(command, StopCharge | ChangeCharge):
            gun = self.pile.gun(command.port)
            if isinstance(command, StopCharge) and not gun.is_known and gun.starting is None:
                # a stop names no order: whose charge it would end is asked first
                gun.stops[command.order_id] = number, command, self.now_s + ANSWER_S
                self.say("query", {"gun": command.port})
                return
            if gun.is_free_of(command.order_id):
                self._settle(number, _not_there(gun))
                return
        elif isinstance(command, StartCharge) and self._starters.take(number, command):
            return
        if not messages:
            self._settle(number, Answer(True))
            return
        if isinstance(command, StartCharge):
            due_s = self.now_s + SECOND_CHANCE_S
            self.pile.gun(command.port).begin(command.order_id, due_s)
        self._order(messages, number, command)

    # ----------------------------------------------------------------------------- what is heard

    def hear(self, frame: Frame) -> Sequence[Heard]:
        """A frame has come, from a pile that was let in."""
        message = UP.get(frame.kind)
        if message is None or frame.encryption != PLAIN:
            return (Alive(self.pile.number),)
        try:
            fields = message.read(frame.body)
        except BadFrame:
            # its check was right: it is a pile that we do not know the like of
            return (Alive(self.pile.number),)
        question = Question(message, fields, frame.sequence, self.pile.turn)
        hear = _HEAR.get(message.name)
        if hear is not None:
            return hear(self, question)
        outgoing = self.pile.answered(frame, fields)
        if outgoing is not None:
            return self._answered(outgoing, message, fields)
        if message.name == "start_reply":
            return self._started_late(fields)
        event = facts.vendor_event(message.name, fields)
        return (Told(self.pile.number, event),)

    def look_after(self) -> Sequence[Heard]:
        """Tell and give up what is due."""
        self.pile.give_up(self.now_s)
        for each in self.pile.out:
            if each.number is not None and (each.sent_due_s or self.now_s + 1) <= self.now_s:
                self._settle(each.number, Answer(True))
                each.number = None
        self._starters.give_up(self.now_s)
        heard: list[Heard] = []
        if self.pile.time_due_s <= self.now_s:
            heard += self._ask_time()
        if self.pile.prices_due_s <= self.now_s:
            self.pile.prices_due_s = self.now_s + PRICES_S
            heard.append(Told(self.pile.number, PricesAsked(), NewPrices()))
        return heard

    def _hear_login(self, question: Question) -> Sequence[Heard]:
        """It has started anew, and kept its connection."""
        self.pile.forget()
        question.turn = self.pile.turn
        self.pile.login = question
        return [Alive(self.pile.number), *self.open()]

    def _hear_heartbeat(self, question: Question) -> Sequence[Heard]:
        self.reply(question, {"gun": question.gun, "status": 0})
        return (Alive(self.pile.number),)

    def _hear_asks_prices(self, question: Question) -> Sequence[Heard]:
        return (Told(self.pile.number, PricesAsked(), question),)

    def _hear_reading(self, question: Question) -> Sequence[Heard]:
        fields, gun = question.fields, self.pile.gun(question.gun)
        read = facts.reading(fields)
        gun.is_known, gun.state = True, fields["state"]
        heard: list[Heard] = []
        gun.order_id = read.order_id
        if gun.order_id is not None and gun.state == CHARGING:
            heard += self._tell_start(gun.order_id, question.gun)
        heard.append(Told(self.pile.number, PortsReported(None, (read,))))
        heard += [
            Told(self.pile.number, event)
            for event in facts.hazards(question.gun, gun.faults, fields["faults"], self._unix_s)
        ]
        gun.faults = fields["faults"]
        asked = [each for each in self.pile.out if self._asks_for(each, question.gun)]
        for each in asked:
            heard += self._answered(each, question.message, fields)
        stops, gun.stops = gun.stops, {}
        for number, stop, _ in stops.values():
            self.command(number, stop)
        return heard

    def _asks_for(self, outgoing: Outgoing, gun: int) -> bool:
        return outgoing.message.name == "query" and outgoing.fields["gun"] == gun

    def _hear_record(self, question: Question) -> Sequence[Heard]:
        order_id = read_order(question.fields["trade"], self.pile.number)
        if order_id is not None:
            self.pile.gun(question.gun).has_ended(order_id)
        ended, odd = facts.record(question.fields), facts.odd_record(question.fields)
        told = [Told(self.pile.number, ended, question)]
        if ended.at is not None:
            # most records are told at once; those that are not say nothing of the clock, as no
            # two of them are late by the same
            told.append(Told(self.pile.number, ClockTold(ended.at)))
        if odd is not None:
            told.append(Told(self.pile.number, odd))
        return told

    def _hear_asks_start(self, question: Question) -> Sequence[Heard]:
        return self._starters.ask(question)

    def _answered(self, outgoing: Outgoing, message: Message, fields: Fields) -> Sequence[Heard]:
        if isinstance(outgoing.command, StartCharge):
            return self._start_answered(outgoing, outgoing.command, fields)
        self.pile.out.remove(outgoing)
        answer = _answer_of(message, fields)
        if message.name == "set_model_reply" and answer.accepted:
            self.pile.model = outgoing.fields["model"]
        if isinstance(outgoing.command, StopCharge) and answer.accepted:
            self._start_no_more(outgoing.command)
        if answer.accepted and outgoing.rest:
            self._order(outgoing.rest, outgoing.number, outgoing.command)
            return (Alive(self.pile.number),)
        heard: list[Heard] = []
        if message.name == "time_reply" and fields["at"] is not None:
            heard.append(Told(self.pile.number, ClockTold(WallTime(fields["at"]))))
        if outgoing.number is None:
            return heard or (Alive(self.pile.number),)
        return (*heard, Answered(self.pile.number, outgoing.number, answer))

    # ------------------------------------------------------------------------------------ starts

    def _start_answered(
        self, outgoing: Outgoing, command: StartCharge, fields: Fields
    ) -> Sequence[Heard]:
        gun, reason = self.pile.gun(command.port), fields["reason"]
        number, outgoing.number = outgoing.number, None
        heard: list[Heard] = []
        if fields["result"] == DONE:
            # that it charges is told by its reading: both are wanted (protocol V1.6, 13.3(1))
            answer = Answer(True)
            gun.begin(command.order_id, self.now_s + SEEN_S)
        elif reason == NOT_PLUGGED:
            answer = Answer(True, WAITS_FOR_PLUG)
        elif reason == ALREADY_CHARGING and gun.order_id == command.order_id:
            # it was heard before, and its answer lost
            answer = Answer(True)
        else:
            answer = Answer(False, START_FAILURES.get(reason, "refused"))
        if answer.code != WAITS_FOR_PLUG:
            self.pile.out.remove(outgoing)
        if not answer.accepted:
            gun.begins_no_more(command.order_id)
        if number is not None:
            heard.insert(0, Answered(self.pile.number, number, answer))
        return heard or (Alive(self.pile.number),)

    def _start_no_more(self, command: StopCharge) -> None:
        """A start that waited for its plug is taken back."""
        self.pile.gun(command.port).begins_no_more(command.order_id)
        self.pile.out = [each for each in self.pile.out if each.starts != command.order_id]

    def _started_late(self, fields: Fields) -> Sequence[Heard]:
        """A gun says after all that it has started: its reading tells for whom, and the platform
        ends what nobody would pay for."""
        if fields["result"] == DONE:
            self.say("query", {"gun": fields["gun"]})
        return (Alive(self.pile.number),)

    def _tell_start(self, order_id: int, port: int) -> Sequence[Heard]:
        """Tell once that a charge has begun."""
        gun = self.pile.gun(port)
        if gun.starting == order_id:
            gun.begins_no_more(order_id)
        if gun.told == order_id:
            return ()
        gun.told = order_id
        started = ChargeStarted(order_id, port, 0, None)
        return (Told(self.pile.number, started, started),)

    # ------------------------------------------------------------------------------ what is said

    def say(self, name: str, fields: Mapping[str, object], sequence: bytes | None = None) -> bytes:
        """Send a message; its sequence."""
        message = BY_NAME[name]
        if sequence is None:
            sequence = self.pile.next_sequence()
        body = message.layout.write({"pile": self.pile.number, **fields})
        self.send(Frame(message.kind, body, sequence, PLAIN, self.pile.is_high_first))
        return sequence

    def reply(self, question: Question, fields: Mapping[str, object]) -> None:
        """Answer a message."""
        assert question.message.answer is not None
        self.say(_NAMES[question.message.answer], fields, question.sequence)

    def _order(
        self,
        messages: Sequence[tuple[Message, Fields]],
        number: int | None,
        command: Command | None,
    ) -> None:
        (message, fields), *rest = messages
        sequence = self.say(message.name, fields)
        if message.answer is None:
            if number is not None:
                # it has no answer: it is done when it is said
                self._settle(number, Answer(True))
            return
        is_start = isinstance(command, StartCharge)
        due_s = self.now_s + (SECOND_CHANCE_S if is_start else ANSWER_S)
        sent_due_s = self.now_s + SENT_S if is_start else None
        outgoing = Outgoing(message, fields, sequence, due_s, number, command, rest, sent_due_s)
        self.pile.out.append(outgoing)

    def _answer(self, question: Question, reply: Reply) -> None:
        """Answer what the platform has kept, or has found out."""
        if question.message.name == "record":
            # received, not settled: a pile that hears "illegal" may keep it for ever
            self.reply(question, {"trade": question.fields["trade"], "result": _RECEIVED})
            return
        model = model_of(reply.prices, self._unix_s)
        if question.message.name == "check_model":
            held = self.pile.model = question.fields["model"]
            result = _SAME if held == model.number else _OTHER
            self.reply(question, {"model": held, "result": result})
        else:
            self.pile.model = model.number
            self.reply(question, model.fields(self.pile.number))

    def _renew_model(self, reply: Reply) -> None:
        """Give a pile the prices of the next day; it takes them only while nothing charges."""
        model = model_of(reply.prices, self._unix_s)
        if self.pile.model in (NO_MODEL, model.number) or not self.pile.is_idle:
            return
        self._order([(BY_NAME["set_model"], model.fields(self.pile.number))], None, None)

    def _ask_time(self) -> Sequence[Heard]:
        self.pile.time_due_s = self.now_s + TIME_S
        return (Told(self.pile.number, TimeAsked()),)

    def _settle(self, number: int, answer: Answer) -> None:
        self.pile.settled.append(Answered(self.pile.number, number, answer))

    @property
    def _starters(self) -> Starters:
        return Starters(self.pile, self.reply, self._settle, self.now_s)

    @property
    def _unix_s(self) -> int:
        return self.pile.unix_s(self.now_s)


_NAMES = {message.kind: message.name for message in BY_NAME.values()}
_HEAR: Mapping[str, Callable[[Talk, Question], Sequence[Heard]]] = {
    "login": Talk._hear_login,
    "heartbeat": Talk._hear_heartbeat,
    "check_model": Talk._hear_asks_prices,
    "ask_model": Talk._hear_asks_prices,
    "reading": Talk._hear_reading,
    "record": Talk._hear_record,
    "ask_start": Talk._hear_asks_start,
    "ask_parallel": Talk._hear_asks_start,
}


def _not_there(gun: Gun) -> Answer:
    """What becomes of a stop for an order that the gun does not charge for."""
    return Answer(True) if gun.order_id is None else Answer(False, "busy")


def _answer_of(message: Message, fields: Fields) -> Answer:
    """What a pile's reply says to the platform."""
    told = plain(fields)
    if message.name == "stop_reply" and fields["reason"] == NOT_CHARGING:
        return Answer(True, "ok", told)
    result = fields.get("result", DONE)
    is_done = (result == FAILED) if message.name in _ZERO_IS_DONE else (result == DONE)
    return Answer(is_done, "ok" if is_done else "refused", told)
