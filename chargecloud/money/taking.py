"""What channels tell, believed and written down: once in effect, however often it comes."""

from collections.abc import Callable

from attrs import define, field
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.domain import payment as rules
from chargecloud.domain import refund as refund_rules
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.channel import PaymentFact, PaymentWord, RefundFact, RefundWord
from chargecloud.domain.decision import Change, Decision, Row, Stale
from chargecloud.domain.errors import Conflict, NotFound, NoticeRefused
from chargecloud.domain.order_rows import instant_ms, instant_of
from chargecloud.domain.payment_value import Payment, PaymentState, Refund
from chargecloud.money.debts import find_debts
from chargecloud.money.payment_rows import find_payment, find_refund
from chargecloud.routes import read_id
from chargecloud.storage.store import Store

#: a payment that changes under us this often is left to the channel's next notice
MOST_TRIES = 8


@define(eq=False)
class Taking:
    """
    @ivar seconds: Unix time.
    @ivar tell: takes alarms.
    @ivar taken: told of each payment whose money has come.
    @ivar cards_changed: told of a tenant whose cards have changed.
    """

    store: Store
    calendar: Calendar
    seconds: Callable[[], float]
    tell: Callable[[Alarm], None] = lambda _alarm: None
    taken: Callable[[Payment], object] = lambda _payment: None
    cards_changed: Callable[[int], None] = lambda _tenant_id: None
    _log: Logger = field(factory=Logger, init=False)

    async def told(self, channel: str, fact: PaymentFact | RefundFact) -> None:
        """
        Write down what a channel has told; it is committed when this is done.

        @raise NoticeRefused: if it is about nothing of ours, or tells of another amount.
        """
        if isinstance(fact, PaymentFact):
            await self.payment(channel, fact)
        else:
            await self.refund(channel, fact)

    async def payment(self, channel: str, fact: PaymentFact) -> Payment:
        """Write down what a channel has told of a payment."""

        def decide(payment: Payment) -> rules.Step:
            _check(channel, fact.merchant, fact.amount_fen, payment)
            if fact.word is PaymentWord.PAID:
                at = instant_of(instant_ms(fact.at or self.calendar.now()))
                now_s = int(self.seconds())
                if fact.amount_fen is None or not fact.transaction:
                    raise NoticeRefused("it does not say what was paid", "malformed")
                if payment.transaction not in (None, fact.transaction):
                    raise NoticeRefused("it was paid by another transaction before", "differs")
                paid = rules.PaidIn(fact.transaction, at, now_s)
                return rules.decide(payment, paid)
            if fact.word is PaymentWord.CLOSED and payment.state is PaymentState.OPENED:
                return rules.decide(payment, rules.NotPaid())
            # that it may still be paid is no news, and neither is what overtook its payment
            return rules.Step(payment, Decision())

        before, after = await self.advance(_number(fact.number), decide)
        if after.paid_at is not None and before.paid_at is None:
            self.taken(after)
        return after

    async def advance(
        self, payment_id: int, decide: Callable[[Payment], rules.Step]
    ) -> tuple[Payment, Payment]:
        """
        Decide on a payment and commit it; anew, if it has changed meanwhile.

        @return: the payment before and after.
        @raise NoticeRefused: if there is none.
        """
        for _ in range(MOST_TRIES):
            before = await self._find(payment_id)
            step = decide(before)
            collected = await self._collected(before, step.payment)
            decision = step.decision + collected
            try:
                if decision.writes or decision.log:
                    await self.store.writer.decide(decision)
            except Stale:
                continue
            if any(isinstance(write, Change) for write in collected.writes):
                self.cards_changed(before.tenant_id)
            return before, step.payment
        raise Conflict(f"payment {payment_id} changes faster than it can be decided")

    async def _collected(self, before: Payment, after: Payment) -> Decision:
        """What the customer owes, paid with the money that has come; not with what is for an
        order, which could not be placed without it."""
        if after.paid_at is None or before.paid_at is not None or before.wish is not None:
            return Decision()
        debts = await self.store.read(
            lambda connection: find_debts(connection, before.tenant_id, before.customer_id)
        )
        return debts.collect(before.amount_fen)

    async def refund(self, channel: str, fact: RefundFact) -> Refund:
        """Write down what a channel has told of a refund."""
        refund_id = _number(fact.number)
        for _ in range(MOST_TRIES):
            refund = await self._find_refund(refund_id)
            payment = await self._find(refund.payment_id)
            _check(channel, fact.merchant, None, payment)
            if fact.amount_fen not in (None, refund.amount_fen):
                raise NoticeRefused("it tells of another amount than was to go back", "differs")
            if fact.word not in (RefundWord.DONE, RefundWord.FAILED):
                return refund
            at = instant_of(instant_ms(fact.at or self.calendar.now()))
            done: refund_rules.Done | refund_rules.NotDone = refund_rules.NotDone(fact.why, at)
            if fact.word is RefundWord.DONE:
                done = refund_rules.Done(fact.transaction or fact.number, at)
            try:
                step = refund_rules.decide(payment, refund, done)
                if step.decision.writes:
                    await self.store.writer.decide(step.decision)
            except Stale:
                continue
            if fact.word is RefundWord.FAILED and step.refund is not refund:
                self._tell_failed(step.refund)
            return step.refund
        raise Conflict(f"refund {refund_id} changes faster than it can be decided")

    async def _find(self, payment_id: int) -> Payment:
        try:
            return await self.store.read(
                lambda connection: find_payment(connection, None, payment_id)
            )
        except NotFound:
            raise NoticeRefused("it is about no payment of ours", "foreign") from None

    async def _find_refund(self, refund_id: int) -> Refund:
        try:
            return await self.store.read(
                lambda connection: find_refund(connection, None, refund_id)
            )
        except NotFound:
            raise NoticeRefused("it is about no refund of ours", "foreign") from None

    def _tell_failed(self, refund: Refund) -> None:
        self._tell_of("refund-failed", refund, {"why": refund.failure})

    def tell_unanswered(self, refund: Refund, days: int) -> None:
        """People are to know of a refund of which nothing is known for some days: its payer
        waits, and it may have to be asked after with the channel's people."""
        self._tell_of("refund-unanswered", refund, {"days": days})

    def _tell_of(self, rule: str, refund: Refund, evidence: Row) -> None:
        self.tell(
            Alarm(
                rule=rule,
                level=Level.WARNING,
                tenant_id=refund.tenant_id,
                charger_id=None,
                at=self.calendar.now(),
                evidence={
                    "refund_id": str(refund.id),
                    "payment_id": str(refund.payment_id),
                    "amount_fen": refund.amount_fen,
                    **evidence,
                },
            )
        )


def _number(number: str) -> int:
    try:
        return read_id(number)
    except ValueError:
        raise NoticeRefused("its number is none of ours", "foreign") from None


def _check(channel: str, merchant: str, amount_fen: int | None, payment: Payment) -> None:
    if payment.channel != channel or payment.merchant != merchant:
        raise NoticeRefused("it is about another's payment", "foreign")
    if amount_fen not in (None, payment.amount_fen):
        raise NoticeRefused("it tells of another amount than was to be paid", "differs")
