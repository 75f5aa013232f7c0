"""The charges of one charge point, as it tells of them: cards, starts, readings, ends."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, evolve, field

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import (
    UNMATCHED,
    CardAsked,
    ChargeEnded,
    ChargeStarted,
    Outcome,
    PortReading,
    PortsReported,
    Reply,
)
from chargecloud.interfaces import Heard
from chargecloud_ocpp import facts
from chargecloud_ocpp.calls import Call, Id
from chargecloud_ocpp.meters import Samples, reading_of
from chargecloud_ocpp.numbers import offline_number, plain_tag, read_order_tag, transaction_id
from chargecloud_ocpp.point import Point
from chargecloud_ocpp.transactions import Transaction

#: what a card is told that may not charge (section 7.2)
CARD_STATUS: Mapping[str, str] = {
    "blocked-card": "Blocked",
    "expired-card": "Expired",
    "insufficient-funds": "Blocked",
    "port-busy": "ConcurrentTx",
}
#: seconds until a start that could not be kept is told to the platform again
RETOLD_S = 60.0
#: no charge point has more
MOST_CONNECTORS = 64
ACCEPTED = {"status": "Accepted"}
INVALID = {"status": "Invalid"}
Values = Mapping[str, Any]


@define(eq=False)
class Ticket:
    """
    What a charge point waits for an answer to.

    @ivar is_answered: whether it has one already, and only the platform is still to be told; and
        when that is to be done again.
    @ivar is_unwanted: whether it is to be stopped, whatever becomes of it.
    """

    call: Id
    event: CardAsked | ChargeStarted | ChargeEnded
    transaction: Transaction | None = None
    is_answered: bool = False
    retold_s: float = 0.0
    is_unwanted: bool = False


@define(eq=False)
class Charges:
    """
    @ivar untold: starts that could not be kept yet.
    """

    point: Point
    untold: list[Ticket] = field(factory=list, init=False)

    # ------------------------------------------------------------------------------ acknowledged

    def acknowledge(self, ticket: Ticket, reply: Reply) -> None:
        """Answer a fact.  What could not be kept is not answered, and said again."""
        event = ticket.event
        if isinstance(event, ChargeStarted):
            self._acknowledge_start(ticket, reply)
        elif reply.outcome is Outcome.LATER:
            return
        elif isinstance(event, CardAsked):
            self.point.answer(ticket.call, {"idTagInfo": _card_info(reply)})
        elif ticket.transaction is not None:
            ticket.transaction.has_ended = True
            self.point.limits.forget(ticket.transaction)
            self.point.answer(ticket.call, {"idTagInfo": ACCEPTED})
        else:
            self.point.answer(ticket.call, {})

    def _acknowledge_start(self, ticket: Ticket, reply: Reply) -> None:
        """
        A start has its number, in any case: without it the charge could not be stopped, and what
        the charge point has to tell behind it would wait for ever.  Where the platform could not
        keep it yet, it is told again.
        """
        transaction = ticket.transaction
        assert transaction is not None
        if reply.order_id is not None and transaction.order_id is None:
            self.point.transactions.is_of(transaction, reply.order_id)
            if not ticket.is_answered:
                transaction.id = transaction_id(reply.order_id)
        if reply.outcome is Outcome.LATER:
            ticket.retold_s = self.point.seconds() + RETOLD_S
            others = [each for each in self.untold if each.transaction is not transaction]
            self.untold = [*others, ticket]
        elif not (ticket.is_unwanted or transaction.end_told or transaction.has_ended):
            self.point.transactions.take_port(transaction)
        if not ticket.is_answered:
            ticket.is_answered = True
            is_unwanted = (
                ticket.is_unwanted or reply.outcome is Outcome.REFUSED or reply.code == UNMATCHED
            )
            info = INVALID if is_unwanted else ACCEPTED
            if is_unwanted:
                # it need not stop by itself for that
                self.point.unwanted.append(transaction.id)
            answer = {"idTagInfo": info, "transactionId": transaction.id}
            self.point.answer(ticket.call, answer)

    def take_untold(self) -> Sequence[Heard]:
        """Starts that are to be told to the platform again, and whose charges still run."""
        now_s = self.point.seconds()
        due = [each for each in self.untold if each.retold_s <= now_s]
        self.untold = [each for each in self.untold if each.retold_s > now_s]
        return [
            self.point.tells(each.event, each)
            for each in due
            if each.transaction is not None and not each.transaction.end_told
        ]

    # ------------------------------------------------------------------------------------- heard

    def card_asked(self, call: Call, values: Values) -> Sequence[Heard]:
        """Whether a card may charge, or the order that it was told to start (Authorize)."""
        tag = values.get("idTag", "")
        order_id = read_order_tag(tag)
        if tag and order_id is None:
            event = CardAsked(tag.strip())
            return (self.point.tells(event, Ticket(call.id, event)),)
        transaction = self.point.transactions.find_order(order_id)
        is_ours = transaction is not None and not transaction.has_ended
        self.point.answer(call.id, {"idTagInfo": ACCEPTED if is_ours else INVALID})
        return ()

    def started(self, call: Call, values: Values) -> Sequence[Heard]:
        """A transaction has begun (StartTransaction)."""
        known = self.point.transactions
        tag = str(values.get("idTag", "")).strip()
        ordered = known.find_order(read_order_tag(tag))
        if ordered is not None and not values.get("connectorId"):
            # a charge point of one connector may call it 0
            values = {**values, "connectorId": ordered.port}
        at = facts.when(values.get("timestamp"), self.point.is_clock_off)
        before = known.ended_count(values.get("connectorId", 0), tag)
        event = facts.started(values, at, before)
        if event is None:
            number = offline_number(0, tag, values.get("meterStart"), None)
            answer = {"idTagInfo": INVALID, "transactionId": transaction_id(number)}
            self.point.answer(call.id, answer)
            self.point.unwanted.append(transaction_id(number))
            return (self.point.tells(facts.vendor_event(call.action, values)),)
        ticket = Ticket(call.id, event)
        if ordered is not None and ordered.has_ended and _is_another(ordered, event, values):
            # its order is paid already: nobody would pay for this one
            ticket.is_unwanted = True
        ticket.transaction = self._transaction_of(event, values)
        if event.order_id is not None and not (ticket.is_unwanted or ticket.transaction.end_told):
            known.take_port(ticket.transaction)
        return (self.point.tells(event, ticket),)

    def _transaction_of(self, event: ChargeStarted, values: Values) -> Transaction:
        """The same one, however often its start is told."""
        known = self.point.transactions
        if event.order_id is not None:
            transaction = known.of_order(event.order_id, event.port)
            transaction.port = event.port
        else:
            assert event.offline is not None
            number = event.offline.number
            transaction = known.find_offline(number) or known.add(
                Transaction(transaction_id(number), None, event.port, plain_tag(values["idTag"]))
            )
        if transaction.begun_s is None:
            transaction.offline = event.offline
            transaction.start_mwh = event.start_meter_mwh
            transaction.started_at = values.get("timestamp") or transaction.started_at
            transaction.was_clock_off = self.point.is_clock_off
            transaction.begun_s = self.point.seconds()
        return transaction

    def ended(self, call: Call, values: Values) -> Sequence[Heard]:
        """A transaction has ended (StopTransaction)."""
        known, is_off = self.point.transactions, self.point.is_clock_off
        told = values.get("timestamp")
        at = facts.when(told, is_off)
        transaction = known.numbered(values.get("transactionId")) or known.of_tag(
            values.get("idTag"), None if is_off else told, facts.register(values.get("meterStop"))
        )
        if transaction is None or not (transaction.order_id or transaction.offline):
            lost = facts.lost_end(values, at)
            return (self.point.tells(lost, Ticket(call.id, lost)),)
        transaction.end_told = True
        known.leave_port(transaction)
        event = facts.ended(values, transaction, at, is_off)
        return (self.point.tells(event, Ticket(call.id, event, transaction)),)

    def metered(self, call: Call, values: Values) -> Sequence[Heard]:
        """What meters show (MeterValues)."""
        self.point.answer(call.id, {})
        known = self.point.transactions
        port, number = values.get("connectorId"), values.get("transactionId")
        transaction = known.numbered(number) if number else None
        port = transaction.port if port is None and transaction else port
        if port is None or not 1 <= port <= MOST_CONNECTORS:
            # of all of it, which no order is billed by
            return ()
        is_over = transaction is not None and (transaction.end_told or transaction.has_ended)
        if transaction is None or transaction.port != port or is_over:
            # none, or one that is over: what charges there is what was started there
            transaction = known.at_port(port)
        else:
            known.take_port(transaction)
        heard: list[Heard] = []
        for each in values.get("meterValue", ()):
            told = each["timestamp"]
            if is_over and transaction is not None and not transaction.can_have(told, None):
                # it was late, or is told again: it says nothing of what charges now
                continue
            at = facts.when(told, self.point.is_clock_off)
            reading = self._reading(port, transaction, each["sampledValue"])
            if reading is not None:
                heard.append(self.point.tells(PortsReported(at, (reading,))))
        return heard

    def _reading(
        self, port: int, transaction: Transaction | None, samples: Samples
    ) -> PortReading | None:
        state = PortState.CHARGING if transaction else PortState.UNKNOWN
        reading = reading_of(port, self.point.states.get(port, state), samples)
        if reading is None or transaction is None:
            return reading
        if transaction.order_id is None:
            # it is of a charge that has no order yet, and of no other's
            return None
        if reading.meter_mwh is not None:
            meter_mwh = transaction.register_mwh(reading.meter_mwh)
            reading = evolve(reading, meter_mwh=meter_mwh)
        self.point.limits.read(transaction, reading, self.point.seconds())
        return evolve(reading, order_id=transaction.order_id)


def _is_another(ended: Transaction, event: ChargeStarted, values: Values) -> bool:
    """Whether a start is not the one of a transaction that has ended, told again."""
    told = values.get("timestamp")
    started_at = ended.started_at
    if told is not None and started_at is not None and told > started_at:
        return True
    return event.start_meter_mwh != ended.start_mwh


def _card_info(reply: Reply) -> Mapping[str, Any]:
    if reply.outcome is Outcome.KEPT:
        return ACCEPTED
    return {"status": CARD_STATUS.get(reply.code, "Invalid")}
