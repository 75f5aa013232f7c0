"""What is said between the platform and one charge point that was let in."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field
from twisted.logger import Logger

from chargecloud.domain.charger import PortState
from chargecloud.domain.commands import (
    Answer,
    ChangeCharge,
    Command,
    Query,
    Question,
    SetTime,
    StartCharge,
    StopCharge,
)
from chargecloud.domain.errors import Overloaded
from chargecloud.domain.events import (
    CardAsked,
    ChargeEnded,
    ChargePaused,
    ChargeStarted,
    Outcome,
    PauseReason,
    PortsReported,
    Reply,
    TimeAsked,
)
from chargecloud.domain.hazards import Hazard
from chargecloud.interfaces import Alive, Answered, Heard, OrderThere, Seconds, Told
from chargecloud_ocpp import facts
from chargecloud_ocpp.calls import Call, Error, Id, Message, Result, Unreadable, parse
from chargecloud_ocpp.clock import CloudTime
from chargecloud_ocpp.limits import Limits
from chargecloud_ocpp.messages import why_not
from chargecloud_ocpp.messages.faults import told
from chargecloud_ocpp.messages.fields import Sender, moment
from chargecloud_ocpp.messages.reading import read
from chargecloud_ocpp.meters import reading_of
from chargecloud_ocpp.numbers import offline_number, read_order_tag, transaction_id
from chargecloud_ocpp.orders import AT_BOOT, Wanted, answer_of, answer_of_error, calls_of
from chargecloud_ocpp.outstanding import GOOD_FOR_S, MOST_WAITING, Outstanding
from chargecloud_ocpp.transactions import Transaction, Transactions

#: a start that could not be sent by then is wanted by nobody any more
START_GOOD_FOR_S = 15.0
#: calls that wait, beside which we want nothing more by ourselves
MOST_WANTED = MOST_WAITING // 2
#: what a card is told that may not charge (section 7.2)
CARD_STATUS: Mapping[str, str] = {
    "blocked-card": "Blocked",
    "expired-card": "Expired",
    "insufficient-funds": "Blocked",
    "port-busy": "ConcurrentTx",
}
ACCEPTED = {"status": "Accepted"}
INVALID = {"status": "Invalid"}
Values = Mapping[str, Any]


@define(eq=False)
class Ask:
    """
    Calls of ours that belong together.

    @ivar number: of the platform's command; C{None} for what only we want.
    @ivar left: what is still to be called once this is answered.
    """

    number: int | None
    command: Command | None
    action: str
    left: Sequence[Wanted] = ()


@define(eq=False)
class Ticket:
    """
    What a charge point waits for an answer to.

    @ivar is_answered: whether it has one already, and only the platform is still to be told.
    """

    call: Id
    event: CardAsked | ChargeStarted | ChargeEnded
    transaction: Transaction | None = None
    is_answered: bool = False


@define(eq=False)
class Talk:
    """
    @ivar say: sends a message at once.
    @ivar settled: what was heard without the charge point, to be told next.
    """

    identity: str
    say: Callable[[Message], None]
    seconds: Seconds
    heartbeat_s: int
    settled: list[Heard] = field(factory=list, init=False)
    transactions: Transactions = field(factory=Transactions, init=False)
    time: CloudTime = field(factory=CloudTime, init=False)
    calls: Outstanding = field(init=False)
    _limits: Limits = field(factory=Limits, init=False)
    _untold: list[Ticket] = field(factory=list, init=False)
    _time_asked: "deque[Call]" = field(factory=deque, init=False)
    _states: dict[int, PortState] = field(factory=dict, init=False)
    _hazards: dict[int, Hazard] = field(factory=dict, init=False)
    _is_clock_off: bool = field(default=False, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self.calls = Outstanding(self.seconds)

    def know(self, orders: Sequence[OrderThere]) -> None:
        """Take up the charge point's orders, as the platform has them."""
        self.transactions.know(orders)

    # -------------------------------------------------------------------------- for the gateway

    def acknowledge(self, ticket: Ticket, reply: Reply) -> None:
        """Answer a fact.  What could not be kept is not answered, and said again."""
        event = ticket.event
        if isinstance(event, CardAsked):
            if reply.outcome is not Outcome.LATER:
                self._answer(ticket.call, {"idTagInfo": _card_info(reply)})
        elif isinstance(event, ChargeStarted):
            self._acknowledge_start(ticket, reply)
        elif reply.outcome is not Outcome.LATER:
            assert ticket.transaction is not None
            ticket.transaction.has_ended = True
            self._limits.forget(ticket.transaction)
            self._answer(ticket.call, {"idTagInfo": ACCEPTED})

    def _acknowledge_start(self, ticket: Ticket, reply: Reply) -> None:
        transaction = ticket.transaction
        assert transaction is not None
        is_later = reply.outcome is Outcome.LATER
        if transaction.order_id is None:
            if is_later:
                # its number follows from an order that is still to be made
                return
            if reply.order_id is not None:
                transaction.order_id = reply.order_id
                transaction.id = transaction_id(reply.order_id)
        elif is_later:
            # without its number the charge could not be stopped: it gets that, and we tell the
            # platform again
            self._untold.append(ticket)
        if not ticket.is_answered:
            info = INVALID if reply.outcome is Outcome.REFUSED else ACCEPTED
            self._answer(ticket.call, {"idTagInfo": info, "transactionId": transaction.id})
            ticket.is_answered = True

    def command(self, number: int, command: Command) -> None:
        """
        Send a command, or do without the charge point what it has no words for.

        @raise Refusal: if neither can be.
        """
        if isinstance(command, SetTime):
            self._tell_time(command)
        elif not self._is_done(command):
            wanted = calls_of(command, self.transactions)
            if isinstance(command, ChangeCharge):
                self._limits.change(command)
            if isinstance(command, StartCharge):
                self.transactions.of_order(command.order_id, command.port)
                self._limits.order(command)
            if wanted:
                self._ask(number, command, wanted)
                return
        self.settled.append(Answered(self.identity, number, Answer(True)))

    def _is_done(self, command: Command) -> bool:
        """Whether what a command wants is so already: it was said again, or comes too late."""
        if not isinstance(command, StartCharge | StopCharge):
            return False
        transaction = self.transactions.find_order(command.order_id)
        if transaction is None:
            return False
        if isinstance(command, StopCharge):
            # one that the platform has closed by itself may still go on there
            return transaction.end_told
        return self.transactions.at_port(command.port) is transaction

    # ----------------------------------------------------------------------------- what is heard

    def hear(self, text: str) -> Sequence[Heard]:
        """A text has come, from a charge point that was let in."""
        heard = self._hear(parse(text))
        untold, self._untold = self._untold, []
        return [*(Told(self.identity, each.event, each) for each in untold), *heard]

    def _hear(self, message: Message | Unreadable) -> Sequence[Heard]:
        if isinstance(message, Call):
            return self._called(message)
        if isinstance(message, Unreadable) and message.type not in (3, 4):
            self._log.debug("{who}: {why}", who=self.identity, why=message.reason)
            if message.id is not None:
                self.say(Error(message.id, message.code, message.reason))
            return (Alive(self.identity),)
        asked = self.calls.answered(message)
        if asked is None:
            return (Alive(self.identity),)
        assert isinstance(asked.ticket, Ask)
        return self._answered(asked.ticket, message)

    def _called(self, call: Call) -> Sequence[Heard]:
        objection = why_not(call.action, Sender.CHARGE_POINT)
        if objection is not None:
            self.say(Error(call.id, objection, f"{call.action[:50]} is not for this side"))
            return (Alive(self.identity),)
        found = read(call.action, False, call.payload)
        if found.faults:
            why = told(found.faults)
            self._log.debug("{who}: {what}: {why}", who=self.identity, what=call.action, why=why)
        take = _TAKE.get(call.action)
        if take is not None:
            return take(self, call, found.values) or (Alive(self.identity),)
        self._answer(call.id, _ANSWERS.get(call.action, {}))
        return (Told(self.identity, facts.vendor_event(call.action, found.values)),)

    def _booted(self, call: Call, values: Values) -> Sequence[Heard]:
        self.transactions.booted()
        self._is_clock_off = False
        for key, value in AT_BOOT.items():
            self._want("ChangeConfiguration", {"key": key, "value": value})
        return [
            *self._asks_time(call, values),
            Told(self.identity, facts.vendor_event(call.action, values)),
        ]

    def _asks_time(self, call: Call, _values: Values) -> Sequence[Heard]:
        self._time_asked.append(call)
        return (Told(self.identity, TimeAsked()),)

    def _asks_for_card(self, call: Call, values: Values) -> Sequence[Heard]:
        tag = values.get("idTag", "")
        order_id = read_order_tag(tag)
        if tag and order_id is None:
            event = CardAsked(tag.strip())
            return (Told(self.identity, event, Ticket(call.id, event)),)
        # one that asks about the order that it was told to start
        transaction = self.transactions.find_order(order_id)
        is_ours = transaction is not None and not transaction.has_ended
        self._answer(call.id, {"idTagInfo": ACCEPTED if is_ours else INVALID})
        return ()

    def _started(self, call: Call, values: Values) -> Sequence[Heard]:
        at = facts.when(values.get("timestamp"), self._is_clock_off)
        event = facts.started(values, at)
        if event is None:
            number = offline_number(0, values.get("idTag", ""), values.get("meterStart"), None)
            answer = {"idTagInfo": INVALID, "transactionId": transaction_id(number)}
            self._answer(call.id, answer)
            return (Told(self.identity, facts.vendor_event(call.action, values)),)
        transaction = self._transaction_of(event, values)
        if not transaction.end_told:
            self.transactions.take_port(transaction)
        return (Told(self.identity, event, Ticket(call.id, event, transaction)),)

    def _transaction_of(self, event: ChargeStarted, values: Values) -> Transaction:
        """The same one, however often its start is told."""
        if event.order_id is not None:
            transaction = self.transactions.of_order(event.order_id, event.port)
            transaction.port = event.port
        else:
            assert event.offline is not None
            number = event.offline.number
            transaction = self.transactions.find_offline(number) or self.transactions.add(
                Transaction(transaction_id(number), None, event.port, values["idTag"].upper())
            )
        if transaction.begun_s is None:
            transaction.offline = event.offline
            transaction.start_mwh = event.start_meter_mwh
            transaction.started_at = values.get("timestamp")
            transaction.begun_s = self.seconds()
        return transaction

    def _ended(self, call: Call, values: Values) -> Sequence[Heard]:
        transaction = self.transactions.named(values.get("transactionId"), values.get("idTag"))
        is_known = transaction is not None and (transaction.order_id or transaction.offline)
        if transaction is None or not is_known:
            self._answer(call.id, {})
            return (Told(self.identity, facts.vendor_event(call.action, values)),)
        transaction.end_told = True
        self.transactions.leave_port(transaction)
        at = facts.when(values.get("timestamp"), self._is_clock_off)
        event = facts.ended(values, transaction, at)
        return (Told(self.identity, event, Ticket(call.id, event, transaction)),)

    def _metered(self, call: Call, values: Values) -> Sequence[Heard]:
        self._answer(call.id, {})
        port, number = values.get("connectorId"), values.get("transactionId")
        transaction = self.transactions.named(number, None) if number else None
        port = transaction.port if port is None and transaction else port
        if port is None or port < 1:
            # of all of it, which no order is billed by
            return ()
        if transaction is None or transaction.port != port or transaction.end_told:
            # none, or one that is over: what charges there is what was started there
            transaction = self.transactions.at_port(port)
        else:
            self.transactions.take_port(transaction)
        heard: list[Heard] = []
        for each in values.get("meterValue", ()):
            at = facts.when(each["timestamp"], self._is_clock_off)
            reading = self._reading(port, transaction, each["sampledValue"])
            if reading is not None:
                heard.append(Told(self.identity, PortsReported(at, (reading,))))
        return heard

    def _reading(self, port: int, transaction: Transaction | None, samples: Any) -> Any:
        state = PortState.CHARGING if transaction else PortState.UNKNOWN
        reading = reading_of(port, self._states.get(port, state), samples)
        if reading is None or transaction is None:
            return reading
        if reading.meter_mwh is not None:
            meter_mwh = transaction.register_mwh(reading.meter_mwh)
            reading = evolve(reading, meter_mwh=meter_mwh)
        self._limits.read(transaction, reading, self.seconds())
        return evolve(reading, order_id=transaction.order_id)

    def _reported(self, call: Call, values: Values) -> Sequence[Heard]:
        self._answer(call.id, {})
        port, at = values.get("connectorId", 0), values.get("timestamp")
        if at is not None:
            # it is told as it happens, and never later: its clock shows now
            self._is_clock_off = self.time.is_off(at, self.seconds())
        transaction = self.transactions.at_port(port)
        event = facts.status(values, transaction)
        heard: list[Heard] = [Told(self.identity, event)]
        for reading in event.readings:
            self._states[reading.port] = reading.state
            if reading.state is PortState.PAUSED and reading.order_id is not None:
                paused = ChargePaused(reading.order_id, reading.port, PauseReason.LOAD, None)
                heard.append(Told(self.identity, paused))
        for hazard in facts.hazards(values, self._hazards.pop(port, None)):
            heard.append(Told(self.identity, hazard))
        if (found := facts.HAZARDS.get(values.get("errorCode", ""))) is not None:
            self._hazards[port] = found
        return heard

    # ------------------------------------------------------------------------------ what is said

    def look_after(self) -> Sequence[Heard]:
        """What is due without anything new from the charge point."""
        now_s, rate = self.seconds(), self.time.rate
        for transaction, reason in self._limits.stops(self.transactions.running(), rate, now_s):
            transaction.stopped_for = reason
            self._want("RemoteStopTransaction", {"transactionId": transaction.id})
        # nobody has answered: the platform gives its command up by itself
        self.calls.expire()
        settled, self.settled = self.settled, []
        return settled

    @property
    def due_s(self) -> float | None:
        """When L{look_after} has something to do."""
        limits_s = self._limits.due_s(self.transactions.running(), self.time.rate)
        settled_s = self.seconds() if self.settled else None
        dues = [each for each in (self.calls.due_s, limits_s, settled_s) if each is not None]
        return min(dues, default=None)

    def say_next(self) -> None:
        """Send the next call, if none is on its way."""
        if (call := self.calls.next()) is not None:
            self.say(call)

    def _ask(self, number: int | None, command: Command | None, wanted: Sequence[Wanted]) -> None:
        (action, payload), *left = wanted
        is_start = isinstance(command, StartCharge)
        self.calls.ask(
            action,
            payload,
            Ask(number, command, action, left),
            good_for_s=START_GOOD_FOR_S if is_start else GOOD_FOR_S,
        )

    def _want(self, action: str, payload: Mapping[str, Any]) -> None:
        """Have something done that nobody waits for; one that starts anew all the time is not
        told more than it answers."""
        if len(self.calls) < MOST_WANTED:
            self._ask(None, None, [(action, payload)])

    def _answered(self, ask: Ask, message: Result | Error | Unreadable) -> Sequence[Heard]:
        payload: Values = {}
        if isinstance(message, Result):
            payload = read(ask.action, True, message.payload).values
            answer = answer_of(payload)
        elif isinstance(message, Error):
            answer = answer_of_error(message)
        else:
            answer = Answer(False, "refused", {"error": message.reason})
        if answer.accepted and ask.left:
            try:
                self._ask(ask.number, ask.command, ask.left)
            except Overloaded:
                answer = Answer(False, "busy")
            else:
                return (Alive(self.identity),)
        if ask.number is None or ask.command is None:
            return (Alive(self.identity),)
        if not answer.accepted and self._is_done(ask.command):
            # it was told twice, and has done it at the first time
            answer = Answer(True)
        heard: list[Heard] = [Answered(self.identity, ask.number, answer)]
        if ask.command == Query(Question.PARAMETERS) and answer.accepted:
            heard.append(Told(self.identity, facts.parameters(payload)))
        return heard

    def _answer(self, call: Id, payload: Mapping[str, Any]) -> None:
        self.say(Result(call, payload))

    def _tell_time(self, command: SetTime) -> None:
        self.time.told(command.unix_s, self.seconds())
        now = moment(self.time.now(self.seconds()))
        while self._time_asked:
            call = self._time_asked.popleft()
            answer: dict[str, Any] = {"currentTime": now}
            if call.action == "BootNotification":
                answer |= ACCEPTED | {"interval": self.heartbeat_s}
            self._answer(call.id, answer)


def _card_info(reply: Reply) -> Mapping[str, Any]:
    if reply.outcome is Outcome.KEPT:
        return ACCEPTED
    return {"status": CARD_STATUS.get(reply.code, "Invalid")}


#: what is answered besides nothing to what only OCPP has
_ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "DataTransfer": {"status": "UnknownVendorId"},
    "SignCertificate": {"status": "Rejected"},
}
_TAKE: Mapping[str, Callable[[Talk, Call, Values], Sequence[Heard]]] = {
    "Authorize": Talk._asks_for_card,
    "BootNotification": Talk._booted,
    "Heartbeat": Talk._asks_time,
    "MeterValues": Talk._metered,
    "StartTransaction": Talk._started,
    "StatusNotification": Talk._reported,
    "StopTransaction": Talk._ended,
}
