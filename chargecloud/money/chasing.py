"""Payments and refunds of which nobody has told: asked after until they are final.

What is due is in their rows, so that a restart goes on where the service stopped.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, field
from sqlalchemy import Connection
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.logger import Logger

from chargecloud.domain import payment as rules
from chargecloud.domain.channel import PaymentAt
from chargecloud.domain.decision import Change, Decision, Stale
from chargecloud.domain.errors import ChannelAway, ChannelRefused, Conflict, NoticeRefused
from chargecloud.domain.payment_value import Payment, PaymentState, Refund
from chargecloud.money.channels import Channels
from chargecloud.money.overdue import days_over, next_wait_s
from chargecloud.money.payment_rows import due_payments, due_refunds, find_payment
from chargecloud.money.refunds import Refunds
from chargecloud.money.taking import Taking
from chargecloud.storage.store import Store

#: questions at a time: a channel limits them, and we have one core
AT_A_TIME = 8


@define(eq=False)
class Chasing:
    """
    @ivar seconds: Unix time.
    """

    store: Store
    seconds: Callable[[], float]
    channels: Channels
    taking: Taking
    refunds: Refunds
    _log: Logger = field(factory=Logger, init=False)

    async def round(self) -> None:
        """Do what is due."""
        now_s = int(self.seconds())

        def read(connection: Connection) -> tuple[list[Payment], list[tuple[Payment, Refund]]]:
            opened = due_payments(connection, now_s, PaymentState.OPENED)
            going = [
                (find_payment(connection, None, refund.payment_id), refund)
                for refund in due_refunds(connection, now_s)
            ]
            return opened, going

        opened, going = await self.store.read(read)
        gate = DeferredSemaphore(AT_A_TIME)
        work = [gate.run(self._run, self._payment(payment), payment) for payment in opened]
        work += [gate.run(self._run, self.refunds.look(*each), each[1]) for each in going]
        await gatherResults(work)

    def _run(self, work: Awaitable[None], what: Payment | Refund) -> "Deferred[None]":
        async def run() -> None:
            try:
                await work
            except NoticeRefused as refused:
                # it is a case of the next reconciliation
                self._log.critical(
                    "the channel {name} tells of {id} what cannot be: {why}",
                    name=what.channel,
                    id=what.id,
                    why=refused.detail,
                )
            except (ChannelAway, ChannelRefused, Conflict) as error:
                self._log.info("{id} is asked after later: {why}", id=what.id, why=error.detail)
            except Exception:
                # one that fails must not keep the others
                self._log.failure("{id} could not be asked after", id=what.id)
            try:
                await self._later(what)
            except Exception:
                # it is due still
                self._log.failure("{id} is asked after at once again", id=what.id)

        return Deferred.fromCoroutine(run())

    async def _payment(self, payment: Payment) -> None:
        at = PaymentAt(payment.tenant_id, payment.merchant, str(payment.id))
        fact = await self.channels.ask(payment.channel, lambda asked: asked.query(at))
        if fact.number != at.number:
            raise NoticeRefused("it was asked after another payment", "differs")
        after = await self.taking.payment(payment.channel, fact)
        if after.state is PaymentState.OPENED and after.expires_s <= self.seconds():
            # the channel first: what it has closed, nobody pays any more
            await self.channels.have(payment.channel, lambda asked: asked.close(at))
            await self.taking.advance(payment.id, _not_paid)

    async def _later(self, what: Payment | Refund) -> None:
        """It is asked after again, if it has not come to its end meanwhile."""
        now_s = int(self.seconds())
        due_s = now_s + next_wait_s(what.tries)
        if isinstance(what, Payment) and now_s < what.expires_s:
            due_s = min(due_s, what.expires_s)
        row: dict[str, Any] = {"due_s": due_s, "tries": what.tries + 1}
        expect = {"version": what.version, "due_s": what.due_s}
        table = "payments" if isinstance(what, Payment) else "refunds"
        try:
            await self.store.writer.decide(Decision((Change(table, {"id": what.id}, row, expect),)))
        except Stale:
            return
        if isinstance(what, Refund) and what.due_s is not None:
            now = self.taking.calendar.now()
            if days := days_over(what.created_at, now, now_s, what.due_s, what.tries):
                self.taking.tell_unanswered(what, days)


def _not_paid(payment: Payment) -> rules.Step:
    if payment.state is PaymentState.OPENED:
        return rules.decide(payment, rules.NotPaid())
    return rules.Step(payment, Decision())
