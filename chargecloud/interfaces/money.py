"""What things cost, and how they are paid."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from zope.interface import Attribute, Interface

from chargecloud.domain.channel import (
    BillRow,
    Opening,
    PaymentAt,
    PaymentFact,
    Receiver,
    RefundAt,
    RefundFact,
    SplitAt,
    SplitBackAt,
    SplitBackFact,
    SplitFact,
    ToPay,
)
from chargecloud.domain.commands import Price
from chargecloud.domain.payment_value import PayMethod
from chargecloud.domain.tariff import BillLine, Remark, Usage

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred


class ITariff(Interface):
    """A way to price a charge.  Pure: the same terms and usage give the same lines for ever.

    C{terms} are the plain JSON that L{check} returned; a tariff stores nothing else.
    """

    kind: str = Attribute("its name in C{POST /tariffs}, for example C{'time_of_use'}")

    def check(terms: Mapping[str, Any]) -> Mapping[str, Any]:
        """
        The terms in their canonical form, defaults filled in.

        @raise TariffError: naming every fault with its place.
        """

    def boundaries(
        terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[datetime]:
        """Instants within (after, until] at which a price changes, in order: meter
        readings on both sides of these decide how energy is split."""

    def prices(
        terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[Price] | None:
        """What a kWh costs from C{after} to C{until}, with all that belongs to it: a charger
        shows it, and ends by it when the platform is away.  C{None} where energy has no
        price of its own (a tariff by time)."""

    def lines(terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """The lines of the bill for what was used."""


class IRemarks(Interface):
    """A tariff that has something to say of its terms; beside L{ITariff}, for those that do."""

    def remarks(terms: Mapping[str, Any]) -> Sequence[Remark]:
        """What the one who uses them should know."""


class IPaymentChannel(Interface):
    """A way in which money comes from payers and goes back to them.

    Never called on the gateway's way.  Each method that gives a Deferred has a deadline, after
    which the Deferred is cancelled, and nobody knows what the far side has done: so whatever is
    asked may be asked again, and must have its effect once, by the merchant's number.

    A failure with L{ChannelRefused} is the channel's final word to what it was to do; before it is
    believed, the channel is asked whether it has done it when it was asked before.  To a question,
    it is no word of what was asked after.  L{ChannelAway} says that nobody knows yet, and that the
    channel is well; any other failure says nothing, and counts against the channel.
    """

    name: str = Attribute("its name in API, database and ledger: a-z, 0-9 and _, 16 at the most")
    real_money: bool = Attribute("whether what is paid is real; a scaled calendar is none for it")
    methods: frozenset[PayMethod] = Attribute("how payers may pay by it")
    notice_answer: str = Attribute("the text that it takes for a notice's receipt; may be empty")

    def merchant(tenant_id: int) -> str | None:
        """The merchant's number that a tenant's payments go to; C{None} if it has none."""

    def open(opening: Opening) -> "Deferred[ToPay]":
        """Have a payment taken."""

    def read_notice(
        headers: Mapping[str, str], body: bytes
    ) -> "Deferred[PaymentFact | RefundFact]":
        """
        Read a notice that somebody has sent.

        @param headers: by their names in small letters.
        @param body: as it came, byte by byte.
        @raise NoticeRefused: as a failure, if it is not the channel's, or is stale.
        """

    def query(payment: PaymentAt) -> "Deferred[PaymentFact]":
        """Ask what became of a payment."""

    def close(payment: PaymentAt) -> "Deferred[None]":
        """
        See that nobody can pay it any more; one that the channel does not know is closed.

        @raise ChannelRefused: as a failure, if it was paid.
        """

    def refund(refund: RefundAt) -> "Deferred[RefundFact]":
        """Send money back the way it came."""

    def query_refund(refund: RefundAt) -> "Deferred[RefundFact]":
        """Ask what became of a refund."""

    def bill(tenant_id: int, merchant: str, day: date) -> "Deferred[Sequence[BillRow]]":
        """All that came and went back on a day in China (UTC+8); it may take minutes, and is large:
        it is to be read in a thread."""


class ISplittingChannel(IPaymentChannel):
    """
    A payment channel that gives parts of what was paid to others than the merchant.

    Its methods have the manners of those of L{IPaymentChannel}: a deadline each, their effect once
    by the merchant's number, and L{ChannelRefused} as the final word.  Nobody sends notices of
    splits: they are asked after.  What is to be refunded of what was split is called back first.
    """

    most_receivers: int = Attribute("of one split, at the most")
    most_splits: int = Attribute("of one payment, at the most")
    most_split_percent: int = Attribute(
        "of what was paid, in whole percent, that may go to others than the merchant, by all splits"
    )
    split_within_days: int = Attribute("after it was paid, or the merchant has it")

    def add_receiver(tenant_id: int, merchant: str, receiver: Receiver) -> "Deferred[None]":
        """
        Make a receiver known, before the first split that gives them something; one that is known
        stays so.

        @raise ChannelRefused: as a failure, if there is no such account.
        """

    def split(split: SplitAt) -> "Deferred[SplitFact]":
        """
        Give parts of a payment to receivers.  What is left of it stays frozen, where a channel
        freezes it, until L{finish_split}.
        """

    def query_split(split: SplitAt) -> "Deferred[SplitFact]":
        """Ask what became of a split."""

    def split_back(back: SplitBackAt) -> "Deferred[SplitBackFact]":
        """Call back a part, or some of it, from its receiver to the merchant."""

    def query_split_back(back: SplitBackAt) -> "Deferred[SplitBackFact]":
        """Ask what became of what was called back."""

    def finish_split(
        payment: PaymentAt, transaction: str, number: str, reason: str
    ) -> "Deferred[None]":
        """
        Say that no more is split of a payment: what is left of it is the merchant's to use.

        @param transaction: the channel's own number of the payment.
        @param number: the merchant's number of this, as of a split.
        """
