"""What is said of payments and refunds over HTTP, and how."""

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.payment_value import (
    OrderPart,
    Payment,
    PaymentState,
    PayMethod,
    Refund,
    RefundState,
)
from chargecloud.routes import Id, Paging
from chargecloud.web.resources.customers import MOST_TOP_UP_FEN
from chargecloud.web.resources.order_bodies import Limit


@frozen(kw_only=True)
class PaidOrder:
    """A charge that is placed once it is paid for."""

    charger_id: Id = choice("at which charger")
    port: int = whole("at which port", least=1, most=64, example=3)
    tariff_id: Id | None = choice("at which price; the site's if not given", default=None)
    limit: Limit = choice("when to end", default=Limit())


@frozen(kw_only=True)
class NewPayment:
    """Money that somebody wants to pay: into a wallet, or for a charge."""

    channel: str = text("by which payment channel", longest=16, example="sandbox")
    amount_fen: int = whole("how much, in fen", least=1, most=MOST_TOP_UP_FEN, example=500)
    method: PayMethod = choice("how they come to pay", default=PayMethod.QR)
    payer: str | None = text(
        "who pays, by the channel's own id of them; for in_app", default=None, longest=128
    )
    client_ip: str | None = text(
        "address of the payer's phone, if known; some channels want it for browser",
        default=None,
        longest=45,
    )
    return_url: str | None = text("where a browser goes after it", default=None, longest=500)
    subject: str = text("what is paid for, as the payer sees it", default="Charging", longest=120)
    customer_id: Id | None = choice("whose wallet it is for", default=None)
    order: PaidOrder | None = choice("the charge that it is for", default=None)

    def __attrs_post_init__(self) -> None:
        if self.customer_id is None and self.order is None:
            raise ValueError("a payment is for a customer_id, for an order, or for both")


@frozen(kw_only=True)
class ToPayShown:
    """What the payer's phone needs."""

    url: str | None = text("to be shown as a code (qr), or to be opened (browser)", longest=2_000)
    values: Mapping[str, str] = choice("what the channel's app is called with (in_app)")


@frozen(kw_only=True)
class PaymentShown:
    """A payment."""

    id: Id = choice("its id, which is the merchant's order number at the channel")
    tenant_id: Id = choice("whom it is paid to")
    channel: str = text("by which payment channel")
    merchant: str = text("whose account at the channel")
    method: PayMethod = choice("how the payer comes to pay")
    customer_id: Id = choice("whose wallet it is for")
    is_guest: bool = choice("whether that wallet is there for this payment alone")
    amount_fen: int = whole("how much, in fen")
    refunding_fen: int = whole("of which is on its way back")
    refunded_fen: int = whole("of which went back")
    subject: str = text("what is paid for")
    state: PaymentState = choice("where it is in its life")
    failure: str | None = text("why the channel did not take it")
    to_pay: ToPayShown | None = choice("what the payer's phone needs, as long as it can be paid")
    transaction: str | None = text("the channel's own number of it")
    order_part: OrderPart | None = choice("what became of its order; null if it is for none")
    order_id: Id | None = choice("its order, once that is placed")
    order_failure: str | None = text("why that could not be placed")
    created_at: datetime = choice("when it was opened")
    paid_at: datetime | None = choice("when it was paid")


@frozen(kw_only=True)
class PaymentQuery(Paging):
    """Which payments."""

    state: PaymentState | None = choice("in this state", default=None)
    customer_id: Id | None = choice("into this customer's wallet", default=None)
    order_id: Id | None = choice("for this order", default=None)


@frozen(kw_only=True)
class NewRefund:
    """Money that is to go back."""

    amount_fen: int | None = whole(
        "how much, in fen; all that has not gone back if not given", default=None, least=1
    )
    reason: str = text("why", longest=80, example="charger out of order")


@frozen(kw_only=True)
class RefundShown:
    """Money that goes back the way it came."""

    id: Id = choice("its id, which is the merchant's refund number at the channel")
    tenant_id: Id = choice("who pays it back")
    payment_id: Id = choice("of which payment")
    channel: str = text("by which payment channel")
    amount_fen: int = whole("how much, in fen")
    reason: str = text("why")
    by: Id | None = choice("id of the token that asked; null if it goes back by itself")
    state: RefundState = choice("where it is in its life")
    failure: str | None = text("why the channel did not do it")
    transaction: str | None = text("the channel's own number of it")
    created_at: datetime = choice("when it was asked")
    ended_at: datetime | None = choice("when it went back, or failed")


@frozen(kw_only=True)
class RefundQuery(Paging):
    """Which refunds."""

    payment_id: Id | None = choice("of this payment", default=None)


def show(payment: Payment) -> PaymentShown:
    """A payment as it is answered."""
    to_pay = None
    if payment.to_pay is not None and payment.state is PaymentState.OPENED:
        to_pay = ToPayShown(url=payment.to_pay["url"], values=payment.to_pay["values"])
    return PaymentShown(
        id=payment.id,
        tenant_id=payment.tenant_id,
        channel=payment.channel,
        merchant=payment.merchant,
        method=payment.method,
        customer_id=payment.customer_id,
        is_guest=payment.is_guest,
        amount_fen=payment.amount_fen,
        refunding_fen=payment.refunding_fen,
        refunded_fen=payment.refunded_fen,
        subject=payment.subject,
        state=payment.state,
        failure=payment.failure,
        to_pay=to_pay,
        transaction=payment.transaction,
        order_part=payment.order_part,
        order_id=payment.order_id,
        order_failure=payment.order_failure,
        created_at=payment.created_at,
        paid_at=payment.paid_at,
    )


def show_refund(refund: Refund) -> RefundShown:
    """A refund as it is answered."""
    return RefundShown(
        id=refund.id,
        tenant_id=refund.tenant_id,
        payment_id=refund.payment_id,
        channel=refund.channel,
        amount_fen=refund.amount_fen,
        reason=refund.reason,
        by=refund.by,
        state=refund.state,
        failure=refund.failure,
        transaction=refund.transaction,
        created_at=refund.created_at,
        ended_at=refund.ended_at,
    )
