"""Withdrawals: what a customer takes back of the money that was paid in, the way it came.

Through the payments by which it came, the newest first, and in cash for what was paid in at a
desk.  Gift money, and what another customer has given, is not paid out.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import asdict, define, evolve, frozen
from sqlalchemy import Connection, func, select

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import Conflict, InsufficientFunds
from chargecloud.domain.ledger import Account, Post
from chargecloud.domain.order_rows import instant_ms, instant_of
from chargecloud.domain.payment_value import TAKEN, Payment, Refund
from chargecloud.domain.refund import Step
from chargecloud.money.payment_rows import payment_of, payments_of, refund_of, refunds_of
from chargecloud.money.refunds import Refunds
from chargecloud.money.taking import MOST_TRIES
from chargecloud.money.wallets import Wallet, find_wallet
from chargecloud.storage.once import RequestKey, known, once
from chargecloud.storage.schema import payments, postings, refunds, withdrawals
from chargecloud.storage.store import Store

#: payments that one withdrawal goes back through: each is asked for by itself
MOST_PAYMENTS = 20


@frozen(kw_only=True)
class Withdrawal:
    """
    Money that was taken out of a wallet.

    @ivar cash_fen: what of it is paid out in cash.
    @ivar by: id of the token that was used.
    @ivar refunds: through which the rest goes back.
    """

    id: int
    tenant_id: int
    customer_id: int
    amount_fen: int
    cash_fen: int
    reason: str
    by: int | None
    created_at: datetime
    refunds: Sequence[Refund] = ()


@frozen
class _Ways:
    """What can go back: through payments, the newest first, and in cash."""

    wallet: Wallet
    paid: Sequence[Payment]
    cash_fen: int


@define(eq=False)
class Withdrawals:
    """The withdrawals of all customers."""

    store: Store
    calendar: Calendar
    refunding: Refunds

    async def ask(
        self,
        request: RequestKey | None,
        tenant_id: int | None,
        customer_id: int,
        amount_fen: int,
        reason: str,
        by: int | None,
    ) -> Withdrawal:
        """
        Take money out of a wallet.

        @param by: id of the token that asks.
        @raise NotFound: if the tenant has no such customer.
        @raise InsufficientFunds: if less was paid in and is still there, or less can go back.
        @raise Conflict: if others move the customer's money all the time.
        """
        if made := await known(self.store, request):
            return await self._get(made.resource_id)
        for _ in range(MOST_TRIES):
            ways = await self.store.read(
                lambda connection: _find_ways(connection, tenant_id, customer_id)
            )
            withdrawal, steps, decision = self._decide(ways, amount_fen, reason, by)
            try:
                made = await once(self.store, request, withdrawal.id, decision)
            except Stale:
                continue
            if not made.repeated:
                for step in steps:
                    await self.refunding.send(step.payment, step.refund)
            return await self._get(made.resource_id)
        raise Conflict("the customer's money moves faster than it can be decided")

    def _decide(
        self, ways: _Ways, amount_fen: int, reason: str, by: int | None
    ) -> tuple[Withdrawal, Sequence[Step], Decision]:
        wallet = ways.wallet
        there_fen = wallet.spendable.paid_in_fen
        if amount_fen > there_fen:
            raise InsufficientFunds(
                f"of what was paid in {there_fen} fen are there", wanted_fen=amount_fen
            )
        withdrawal_id = self.store.ids.next()
        steps, left_fen = [], amount_fen
        for payment in ways.paid:
            part_fen = min(left_fen, payment.refundable_fen)
            if part_fen:
                step = self.refunding.prepare(payment, part_fen, reason, by, withdrawal_id)
                steps.append(step)
                left_fen -= part_fen
        if left_fen > ways.cash_fen:
            can_fen = amount_fen - left_fen + ways.cash_fen
            raise InsufficientFunds(
                f"{can_fen} fen can go back the way they came", returnable_fen=can_fen
            )
        withdrawal = Withdrawal(
            id=withdrawal_id,
            tenant_id=wallet.tenant_id,
            customer_id=wallet.customer_id,
            amount_fen=amount_fen,
            cash_fen=left_fen,
            reason=reason,
            by=by,
            created_at=instant_of(instant_ms(self.calendar.now())),
        )
        row = asdict(withdrawal, filter=lambda attribute, _: attribute.name != "refunds")
        body = {"customer_id": wallet.customer_id, "amount_fen": amount_fen, "cash_fen": left_fen}
        entry = LogEntry("wallet.withdrawn", wallet.tenant_id, body)
        decision = Decision((Insert("withdrawals", row), *_paid_out(withdrawal)), (entry,))
        for step in steps:
            decision += step.decision
        return withdrawal, steps, decision

    async def _get(self, withdrawal_id: int) -> Withdrawal:
        def read(connection: Connection) -> Withdrawal:
            found = select(withdrawals).where(withdrawals.c.id == withdrawal_id)
            row = connection.execute(found).one()
            parts = refunds_of(row.tenant_id).where(refunds.c.withdrawal_id == withdrawal_id)
            went = [refund_of(each) for each in connection.execute(parts.order_by(refunds.c.id))]
            return evolve(Withdrawal(**row._mapping), refunds=went)

        return await self.store.read(read)


def _paid_out(withdrawal: Withdrawal) -> tuple[Post, ...]:
    if not withdrawal.cash_fen:
        return ()
    wallet = Account(withdrawal.tenant_id, "wallet", withdrawal.customer_id)
    cash = Account(withdrawal.tenant_id, "cash")
    return (Post(wallet, cash, withdrawal.cash_fen, "withdrawal", withdrawal.id),)


def _find_ways(connection: Connection, tenant_id: int | None, customer_id: int) -> _Ways:
    wallet = find_wallet(connection, tenant_id, customer_id)
    refundable = payments.c.amount_fen > payments.c.refunded_fen + payments.c.refunding_fen
    found = (
        payments_of(wallet.tenant_id)
        .where(
            payments.c.customer_id == customer_id,
            payments.c.state.in_([state.value for state in TAKEN]),
            refundable,
        )
        .order_by(payments.c.id.desc())
        .limit(MOST_PAYMENTS)
    )
    paid = [payment_of(row) for row in connection.execute(found)]
    return _Ways(wallet, paid, _cash_fen(connection, wallet))


def _cash_fen(connection: Connection, wallet: Wallet) -> int:
    """What was paid in at a desk and not paid out there."""

    def moved(side: str, other: str) -> Any:
        found = select(func.sum(postings.c.amount_fen)).where(
            postings.c.tenant_id == wallet.tenant_id,
            postings.c[f"{side}_kind"] == "wallet",
            postings.c[f"{side}_owner_id"] == wallet.customer_id,
            postings.c[f"{other}_kind"] == "cash",
        )
        return int(connection.execute(found).scalar() or 0)

    return moved("credit", "debit") - moved("debit", "credit")  # type: ignore[no-any-return]
