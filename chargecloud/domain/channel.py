"""What a payment channel is asked, and what it tells: values without any channel's own words.

Money is in fen.  Our ids go to a channel as the merchant's numbers, in decimal digits.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from attrs import field, frozen

from chargecloud.domain.payment_value import PayMethod


@frozen(kw_only=True)
class Opening:
    """
    A payment that a channel is to take.

    @ivar number: the merchant's order number; to open it again is to open it once.
    @ivar subject: what is paid for, as the payer sees it.
    @ivar expires_s: Unix time from which on nobody may pay it.
    @ivar notice_url: where notices of it are to be sent.
    @ivar payer: who pays, by the channel's own id of them; only for C{PayMethod.IN_APP}.
    @ivar client_ip: the address of the payer's phone, if it is known.
    @ivar return_url: where a browser goes after it.
    @ivar splits: whether parts of it may go to others later (L{SplitAt}); some channels freeze it
        until then, and split no payment that was opened without.
    """

    tenant_id: int
    merchant: str
    number: str
    method: PayMethod
    amount_fen: int
    subject: str
    expires_s: int
    notice_url: str
    payer: str | None = None
    client_ip: str | None = None
    return_url: str | None = None
    splits: bool = False


@frozen
class ToPay:
    """
    What the payer's phone needs.

    @ivar url: to be shown as a code, or to be opened.
    @ivar values: what the channel's app is called with.
    """

    url: str | None = None
    values: Mapping[str, str] = field(factory=dict)


@frozen
class PaymentAt:
    """A payment, by what a channel knows it by."""

    tenant_id: int
    merchant: str
    number: str


@frozen(kw_only=True)
class RefundAt:
    """
    A refund that a channel is to make, or has made.

    @ivar number: the merchant's refund number; to ask for it again is to ask once.
    @ivar total_fen: what was paid.
    """

    payment: PaymentAt
    number: str
    amount_fen: int
    total_fen: int
    reason: str
    notice_url: str


class PaymentWord(Enum):
    """What a channel says of a payment."""

    #: it may still be paid
    WAITING = "waiting"
    #: it was paid, whatever may have gone back since
    PAID = "paid"
    #: it was not paid, and cannot be any more
    CLOSED = "closed"
    #: the channel does not know it
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class PaymentFact:
    """
    What a channel says of a payment, verified.

    @ivar amount_fen: what was to be paid; C{transaction} and C{at} are there if it was.
    """

    merchant: str
    number: str
    word: PaymentWord
    amount_fen: int | None = None
    transaction: str | None = None
    at: datetime | None = None


class RefundWord(Enum):
    """What a channel says of a refund."""

    #: it is on its way
    UNDER_WAY = "under_way"
    #: the payer has it
    DONE = "done"
    #: it was not made, and never will be
    FAILED = "failed"
    #: the channel does not know it
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class RefundFact:
    """What a channel says of a refund, verified.

    @ivar why: what keeps it from being made, if it failed.
    """

    merchant: str
    number: str
    word: RefundWord
    amount_fen: int | None = None
    transaction: str | None = None
    at: datetime | None = None
    why: str = "failed"


class BillKind(Enum):
    """Which way money went."""

    PAYMENT = "payment"
    REFUND = "refund"


@frozen(kw_only=True)
class BillRow:
    """A line of a channel's bill of a day: what came, or what went back.

    @ivar number: the merchant's number of the payment, or of the refund.
    """

    kind: BillKind
    number: str
    transaction: str
    amount_fen: int
    at: datetime


# --------------------------------------------------------------- what is paid goes to several


class ReceiverKind(Enum):
    """What a receiver's account at a channel is."""

    MERCHANT = "merchant"
    PERSON = "person"


@frozen
class Receiver:
    """
    Who may be given a part of a payment.

    @ivar account: the channel's own number or id of them, 64 characters at the most.
    @ivar name: as the channel knows them, where it wants that to be sure.
    """

    kind: ReceiverKind
    account: str
    name: str | None = None


@frozen(kw_only=True)
class SplitPart:
    """What one receiver gets; each receiver has one part of a split at the most."""

    receiver: Receiver
    amount_fen: int
    subject: str


@frozen(kw_only=True)
class SplitAt:
    """
    A split of a payment that a channel is to make, or has made.

    @ivar number: the merchant's number of the split; to ask for it again is to ask once.
    @ivar transaction: the channel's own number of the payment.
    @ivar paid_fen: what was paid.
    """

    payment: PaymentAt
    transaction: str
    number: str
    paid_fen: int
    parts: tuple[SplitPart, ...]


class PartWord(Enum):
    """What a channel says of a part."""

    #: it is on its way
    UNDER_WAY = "under_way"
    #: the receiver has it
    DONE = "done"
    #: the receiver does not get it, and the merchant has it
    FAILED = "failed"


@frozen(kw_only=True)
class PartFact:
    """What a channel says of a part of a split.

    @ivar why: what keeps it from the receiver, if it failed.
    """

    account: str
    amount_fen: int
    word: PartWord
    why: str = "failed"


@frozen(kw_only=True)
class SplitFact:
    """
    What a channel says of a split; not all its parts need to end alike.

    @ivar is_known: C{False} if the channel does not know the split: it can be asked for again.
    @ivar parts: empty if it is not known.
    """

    merchant: str
    number: str
    is_known: bool = True
    parts: tuple[PartFact, ...] = ()


@frozen(kw_only=True)
class SplitBackAt:
    """
    What is to come back of a part of a split, or has, since what was split was refunded.

    @ivar number: the merchant's number of it; to ask for it again is to ask once.
    """

    split: SplitAt
    number: str
    receiver: Receiver
    amount_fen: int
    reason: str


@frozen(kw_only=True)
class SplitBackFact:
    """What a channel says of what is to come back; its words are those of a refund."""

    merchant: str
    number: str
    word: RefundWord
    amount_fen: int | None = None
    why: str = "failed"
