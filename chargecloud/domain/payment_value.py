"""Payments and refunds as values, and their states.  What becomes of them is in
L{chargecloud.domain.payment} and L{chargecloud.domain.refund}."""

from datetime import datetime
from enum import Enum

from attrs import frozen

from chargecloud.domain.decision import Row
from chargecloud.domain.ledger import Account


class PaymentState(Enum):
    """Where a payment is in its life."""

    #: written down; the channel was told, or is being told
    OPENED = "opened"
    #: the channel has the money, and the wallet too
    PAID = "paid"
    #: nobody paid in time, and nobody can any more
    CLOSED = "closed"
    #: the channel did not take it
    FAILED = "failed"
    #: a part or the whole is on its way back
    REFUNDING = "refunding"
    #: a part went back
    PART_REFUNDED = "part_refunded"
    #: the whole went back
    REFUNDED = "refunded"


#: states in which the channel has told that it was paid
TAKEN = frozenset(
    {
        PaymentState.PAID,
        PaymentState.REFUNDING,
        PaymentState.PART_REFUNDED,
        PaymentState.REFUNDED,
    }
)


class PayMethod(Enum):
    """How the payer comes to pay."""

    #: a code that they scan
    QR = "qr"
    #: within the channel's app, which knows who they are
    IN_APP = "in_app"
    #: from a browser on their phone
    BROWSER = "browser"


class OrderPart(Enum):
    """What became of the order that a payment is for."""

    #: it is placed once it is paid for
    WANTED = "wanted"
    #: it was placed
    PLACED = "placed"
    #: it could not be placed; the money goes back
    REFUSED = "refused"
    #: it has ended; what goes back is on its way
    OVER = "over"


@frozen(kw_only=True)
class Payment:
    """
    Money that somebody pays through a channel.

    @ivar id: also the merchant's order number at the channel.
    @ivar merchant: whose account at the channel it is paid to.
    @ivar customer_id: whose wallet it is for.
    @ivar is_guest: whether that customer is there for this payment alone.
    @ivar payer: who the channel says that they are, where C{method} needs it.
    @ivar client_ip: the address of their phone, and C{return_url} where its browser goes after
        it, where the channel wants to know.
    @ivar wish: the order that it is for, in plain values.
    @ivar expires_s: Unix time from which on it is closed unless it was paid.
    @ivar to_pay: what the payer's phone needs; C{None} before the channel has answered.
    @ivar transaction: the channel's own number of it, once it is paid.
    @ivar due_s: Unix time at which something is to be done for it; C{None}: nothing.
    @ivar tries: how often that was done in vain.
    """

    id: int
    tenant_id: int
    channel: str
    merchant: str
    customer_id: int
    is_guest: bool
    method: PayMethod
    payer: str | None
    client_ip: str | None
    return_url: str | None
    amount_fen: int
    subject: str
    created_at: datetime
    expires_s: int
    state: PaymentState = PaymentState.OPENED
    version: int = 1
    to_pay: Row | None = None
    transaction: str | None = None
    paid_at: datetime | None = None
    refunding_fen: int = 0
    refunded_fen: int = 0
    failure: str | None = None
    wish: Row | None = None
    order_part: OrderPart | None = None
    order_id: int | None = None
    order_failure: str | None = None
    due_s: int | None = None
    tries: int = 0

    @property
    def refundable_fen(self) -> int:
        """What of it may still go back."""
        if self.state not in TAKEN:
            return 0
        return self.amount_fen - self.refunded_fen - self.refunding_fen

    @property
    def wallet(self) -> Account:
        """Where the money goes."""
        return Account(self.tenant_id, "wallet", self.customer_id)

    @property
    def taken(self) -> Account:
        """What the channel holds for us."""
        return channel_account(self.tenant_id, self.channel)


class RefundState(Enum):
    """Where a refund is in its life."""

    #: the money has left the wallet; the channel was told, or is being told
    ASKED = "asked"
    #: the payer has it
    DONE = "done"
    #: the channel did not do it; the money is in the wallet again
    FAILED = "failed"


@frozen(kw_only=True)
class Refund:
    """
    Money that goes back the way it came.

    @ivar id: also the merchant's refund number at the channel.
    @ivar reason: why, for people.
    @ivar by: id of the token that asked; C{None} if it goes back by itself.
    @ivar withdrawal_id: that it is a part of, if it is.
    """

    id: int
    tenant_id: int
    payment_id: int
    channel: str
    amount_fen: int
    reason: str
    by: int | None
    created_at: datetime
    state: RefundState = RefundState.ASKED
    version: int = 1
    transaction: str | None = None
    ended_at: datetime | None = None
    failure: str | None = None
    due_s: int | None = None
    tries: int = 0
    withdrawal_id: int | None = None


#: as long as the column lets the name of a channel's account be
LONGEST_CHANNEL = 16


def channel_account(tenant_id: int, channel: str) -> Account:
    """The account of what a channel holds for a tenant: below zero, like cash."""
    return Account(tenant_id, f"channel_{channel}")
