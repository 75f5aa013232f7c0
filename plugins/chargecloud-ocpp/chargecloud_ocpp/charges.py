"""The charges of one charge point, as it tells of them: cards, starts, readings, ends."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, evolve, field

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import (
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
ACCEPTED = {"status": "Accepted"}
INVALID = {"status": "Invalid"}
Values = Mapping[str, Any]


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
        else:
            assert ticket.transaction is not None
            ticket.transaction.has_ended = True
            self.point.limits.forget(ticket.transaction)
            self.point.answer(ticket.call, {"idTagInfo": ACCEPTED})

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
            self.untold.append(ticket)
        if not ticket.is_answered:
            info = INVALID if reply.outcome is Outcome.REFUSED else ACCEPTED
            answer = {"idTagInfo": info, "transactionId": transaction.id}
            self.point.answer(ticket.call, answer)
            ticket.is_answered = True

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
        at = facts.when(values.get("timestamp"), self.point.is_clock_off)
        event = facts.started(values, at)
        if event is None:
            number = offline_number(0, values.get("idTag", ""), values.get("meterStart"), None)
            answer = {"idTagInfo": INVALID, "transactionId": transaction_id(number)}
            self.point.answer(call.id, answer)
            return (self.point.tells(facts.vendor_event(call.action, values)),)
        transaction = self._transaction_of(event, values)
        if not transaction.end_told:
            self.point.transactions.take_port(transaction)
        return (self.point.tells(event, Ticket(call.id, event, transaction)),)

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
            transaction.started_at = values.get("timestamp")
            transaction.begun_s = self.point.seconds()
        return transaction

    def ended(self, call: Call, values: Values) -> Sequence[Heard]:
        """A transaction has ended (StopTransaction)."""
        known = self.point.transactions
        transaction = known.named(values.get("transactionId"), values.get("idTag"))
        if transaction is None or not (transaction.order_id or transaction.offline):
            self.point.answer(call.id, {})
            return (self.point.tells(facts.vendor_event(call.action, values)),)
        transaction.end_told = True
        known.leave_port(transaction)
        at = facts.when(values.get("timestamp"), self.point.is_clock_off)
        event = facts.ended(values, transaction, at)
        return (self.point.tells(event, Ticket(call.id, event, transaction)),)

    def metered(self, call: Call, values: Values) -> Sequence[Heard]:
        """What meters show (MeterValues)."""
        self.point.answer(call.id, {})
        known = self.point.transactions
        port, number = values.get("connectorId"), values.get("transactionId")
        transaction = known.named(number, None) if number else None
        port = transaction.port if port is None and transaction else port
        if port is None or port < 1:
            # of all of it, which no order is billed by
            return ()
        if transaction is None or transaction.port != port or transaction.end_told:
            # none, or one that is over: what charges there is what was started there
            transaction = known.at_port(port)
        else:
            known.take_port(transaction)
        heard: list[Heard] = []
        for each in values.get("meterValue", ()):
            at = facts.when(each["timestamp"], self.point.is_clock_off)
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
        if reading.meter_mwh is not None:
            meter_mwh = transaction.register_mwh(reading.meter_mwh)
            reading = evolve(reading, meter_mwh=meter_mwh)
        self.point.limits.read(transaction, reading, self.point.seconds())
        return evolve(reading, order_id=transaction.order_id)


def _card_info(reply: Reply) -> Mapping[str, Any]:
    if reply.outcome is Outcome.KEPT:
        return ACCEPTED
    return {"status": CARD_STATUS.get(reply.code, "Invalid")}
