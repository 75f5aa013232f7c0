"""Orders that are paid for before they are placed.

Once the money is there the order is placed with it.  What cannot be placed, or does not start,
goes back the way it came; so does what is left over, if nobody knows whose wallet to leave it
in.  What is due is in the payments' rows, so that a restart goes on where the service stopped.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from hashlib import sha256

from attrs import asdict, define, evolve, field, frozen
from sqlalchemy import Connection, update
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from zope.interface import implementer

from chargecloud.charging.placing import Placing, Wish
from chargecloud.charging.terms import find_order
from chargecloud.domain import payment as rules
from chargecloud.domain.decision import Change, Decision, LogEntry, Stale
from chargecloud.domain.errors import Overloaded, PortBusy, Refusal
from chargecloud.domain.order_value import Order, OrderState, Origin
from chargecloud.domain.payment_value import TAKEN, OrderPart, Payment
from chargecloud.interfaces import IFollower
from chargecloud.money.payment_rows import due_payments
from chargecloud.money.payments import NewPayment, Payments
from chargecloud.money.refunds import Refunds
from chargecloud.money.wallets import balance_fen
from chargecloud.registry.tokens import PLATFORM
from chargecloud.storage.once import RequestKey
from chargecloud.storage.schema import payments
from chargecloud.storage.store import Store

#: what an order comes to that changes what is owed back
_OVER = ("order.failed", "order.settled", "order.cancelled", "order.corrected")
_FINAL = frozenset({OrderState.FAILED, OrderState.SETTLED, OrderState.CANCELLED})
#: a payment whose order cannot be placed for reasons of our own is looked at after this
AGAIN_S = 15


#: given a charger and a payment; whether that is another node's
HandOn = Callable[[int, int], Awaitable[bool]]


@define(eq=False)
class Prepaid:
    """
    Payments for orders.

    @ivar hand_on: leaves a payment to the node that holds its charger, if that is another one.
    """

    store: Store
    payments: Payments
    refunds: Refunds
    placing: Placing
    hand_on: HandOn
    _log: Logger = field(factory=Logger, init=False)

    async def open(
        self, request: RequestKey | None, tenant_id: int | None, new: NewPayment, wish: Wish
    ) -> Payment:
        """
        Open a payment for an order; nobody is asked to pay for what cannot be had now.

        @raise Refusal: as L{Placing.place} and L{Payments.open} do.
        """
        if payment := await self.payments.again(request):
            return payment
        found = await self.placing.check(tenant_id, evolve(wish, customer_id=new.customer_id))
        if self.placing.book.on_port(wish.charger_id, wish.port) is not None:
            raise PortBusy(f"port {wish.port} has a running order")
        wanted = asdict(wish) | {"origin": wish.origin.value}
        new = evolve(new, wish=wanted)
        return await self.payments.open(request, found.charger.tenant_id, new)

    async def round(self) -> None:
        """Do what is due."""
        now_s = int(self.payments.seconds())
        due = await self.store.read(lambda connection: due_payments(connection, now_s, *TAKEN))
        await gatherResults([self.go_on(payment) for payment in due])

    def go_on(self, payment: Payment) -> "Deferred[None]":
        """Do what is due for a payment; what fails is done again later."""
        done = Deferred.fromCoroutine(self._go_on(payment.id))
        done.addErrback(
            lambda failure: self._log.failure("payment {id} waits", failure, id=payment.id)
        )
        return done

    async def _go_on(self, payment_id: int) -> None:
        payment = await self.payments.get(None, payment_id)
        try:
            if payment.paid_at is None or payment.wish is None:
                return
            if await self.hand_on(payment.wish["charger_id"], payment.id):
                return
            if payment.order_part is OrderPart.WANTED:
                await self._place(payment)
            elif payment.order_id is not None:
                await self._look(payment, payment.order_id)
        except Stale:
            # somebody else has decided meanwhile, or the money is still held: it is due still
            return

    async def _place(self, payment: Payment) -> None:
        assert payment.wish is not None, "what is wanted is written down"
        wish = Wish(
            **{
                **payment.wish,
                "origin": Origin(payment.wish["origin"]),
                "customer_id": payment.customer_id,
                "prepaid_fen": payment.amount_fen,
                "start_key": f"payment-{payment.id}",
            }
        )
        # of a form that no caller's key has: an order is placed once for it
        key = f"payment {payment.id}"
        request = RequestKey(PLATFORM, key, sha256(key.encode()).hexdigest())
        try:
            order = await self.placing.place(request, payment.tenant_id, wish)
        except Overloaded:
            await self._later(payment)
        except Refusal as refusal:
            step = rules.decide(payment, rules.OrderRefused(refusal.code))
            await self._give_back(step, payment.amount_fen, f"no order: {refusal.code}")
        else:
            placed = rules.decide(payment, rules.OrderPlaced(order.id))
            await self.store.writer.decide(placed.decision)

    async def _look(self, payment: Payment, order_id: int) -> None:
        """See whether its order has ended, and what is to go back then."""

        def read(connection: Connection) -> tuple[Order, int]:
            order = find_order(connection, payment.tenant_id, order_id)
            return order, balance_fen(connection, payment.wallet)

        order, left_fen = await self.store.read(read)
        if order.state not in _FINAL:
            await self._at(payment, None)
            return
        back_fen = 0
        if order.state is OrderState.FAILED and payment.order_part is OrderPart.PLACED:
            back_fen = payment.amount_fen
        elif payment.is_guest:
            back_fen = left_fen
        step = rules.decide(payment, rules.OrderOver())
        await self._give_back(step, min(back_fen, left_fen), f"order {order.state.value}")

    async def _give_back(self, step: rules.Step, amount_fen: int, why: str) -> None:
        """Commit a decision together with the refund that follows from it."""
        amount_fen = min(amount_fen, step.payment.refundable_fen)
        if not amount_fen:
            await self.store.writer.decide(step.decision)
            return
        asked = self.refunds.prepare(step.payment, amount_fen, why)
        await self.store.writer.decide(step.decision + asked.decision)
        await self.refunds.send(asked.payment, asked.refund)

    async def _later(self, payment: Payment) -> None:
        await self._at(payment, int(self.payments.seconds()) + AGAIN_S)

    async def _at(self, payment: Payment, due_s: int | None) -> None:
        expect = {"version": payment.version, "due_s": payment.due_s}
        change = Change("payments", {"id": payment.id}, {"due_s": due_s}, expect)
        await self.store.writer.decide(Decision((change,)))


@implementer(IFollower)
@frozen
class PrepaidOrders:
    """Marks the payments whose orders have come to their end."""

    name: str = "prepaid"

    def apply(self, connection: Connection, entries: Sequence[tuple[datetime, LogEntry]]) -> None:
        """They are due at once."""
        ended = [entry.order_id for _, entry in entries if entry.kind in _OVER]
        if ended:
            connection.execute(
                update(payments).where(payments.c.order_id.in_(ended)).values(due_s=0)
            )
