"""C{/wallets/{customer_id}/withdrawals}"""

from datetime import datetime

from attrs import frozen

from chargecloud.domain.errors import Conflict, InsufficientFunds, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.money.withdrawals import Withdrawal, Withdrawals
from chargecloud.routes import Call, Id, Method, Route
from chargecloud.web.resources.customers import MOST_TOP_UP_FEN
from chargecloud.web.resources.payment_bodies import RefundShown, show_refund
from chargecloud.web.resources.shared import request_key


@frozen(kw_only=True)
class NewWithdrawal:
    """Money that a customer takes back."""

    amount_fen: int = whole("how much, in fen", least=1, most=MOST_TOP_UP_FEN, example=2000)
    reason: str = text("why, for people", longest=80, example="moves away")


@frozen(kw_only=True)
class WithdrawalShown:
    """Money that was taken out of a wallet."""

    id: Id = choice("its id")
    customer_id: Id = choice("whose it was")
    amount_fen: int = whole("how much, in fen")
    cash_fen: int = whole("what of it is to be paid out in cash, in fen")
    reason: str = text("why")
    created_at: datetime = choice("when")
    refunds: tuple[RefundShown, ...] = choice("through which the rest goes back the way it came")


def show(withdrawal: Withdrawal) -> WithdrawalShown:
    """A withdrawal as it is answered."""
    return WithdrawalShown(
        id=withdrawal.id,
        customer_id=withdrawal.customer_id,
        amount_fen=withdrawal.amount_fen,
        cash_fen=withdrawal.cash_fen,
        reason=withdrawal.reason,
        created_at=withdrawal.created_at,
        refunds=tuple(map(show_refund, withdrawal.refunds)),
    )


def routes(withdrawals: Withdrawals) -> list[Route]:
    """The routes of withdrawals."""

    async def withdraw(call: Call) -> WithdrawalShown:
        body: NewWithdrawal = call.body
        asked = await withdrawals.ask(
            request_key(call),
            call.caller.tenant_id,
            call.id("customer_id"),
            body.amount_fen,
            body.reason,
            call.caller.token_id,
        )
        return show(asked)

    return [
        Route(
            method=Method.POST,
            path="/wallets/{customer_id}/withdrawals",
            summary="Take money out of a wallet, back the way it came",
            permission="wallets:write",
            body=NewWithdrawal,
            answer=WithdrawalShown,
            status=201,
            run=withdraw,
            tag="wallets",
            refusals=(NotFound, Conflict, InsufficientFunds),
        ),
    ]
