"""The sandbox: a payment channel that takes no money, and is otherwise like a real one.

What it knows is in its memory: a sandbox that starts anew knows nothing.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import TypeVar

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from chargecloud.calendar import Calendar
from chargecloud.domain.channel import (
    BillKind,
    BillRow,
    Opening,
    PaymentAt,
    PaymentFact,
    PaymentWord,
    Receiver,
    RefundAt,
    RefundFact,
    RefundWord,
    SplitAt,
    SplitBackAt,
    SplitBackFact,
    SplitFact,
    ToPay,
)
from chargecloud.domain.errors import ChannelRefused, NotFound
from chargecloud.domain.payment_value import PayMethod
from chargecloud.features.sandbox import signing, splitting
from chargecloud.features.sandbox.manners import Manners
from chargecloud.features.sandbox.splitting import Splits
from chargecloud.interfaces import ISplittingChannel

T = TypeVar("T")

#: sends a notice to a URL, with headers and body; fires with the status of the answer
Post = Callable[[str, Mapping[str, str], bytes], "Deferred[int]"]

#: to the next try of a notice that was not received; then it is given up, as by a real one
AGAIN_S = (15.0, 15.0, 30.0, 180.0, 600.0, 1_200.0, 1_800.0)
CHINA = timezone(timedelta(hours=8))


class Lost(Exception):
    """The network has lost a question, or its answer."""


@define
class Sale:
    """A payment that the sandbox was asked to take."""

    opening: Opening
    word: PaymentWord = PaymentWord.WAITING
    transaction: str | None = None
    at: datetime | None = None
    refunds: dict[str, BillRow] = field(factory=dict)
    splits: Splits = field(factory=Splits)

    def fact(self) -> PaymentFact:
        """What there is to tell of it."""
        return PaymentFact(
            merchant=self.opening.merchant,
            number=self.opening.number,
            word=self.word,
            amount_fen=self.opening.amount_fen,
            transaction=self.transaction,
            at=self.at,
        )

    def refund_fact(self, number: str) -> RefundFact:
        """What there is to tell of a refund of it."""
        merchant = self.opening.merchant
        row = self.refunds.get(number)
        if row is None:
            return RefundFact(merchant=merchant, number=number, word=RefundWord.UNKNOWN)
        return RefundFact(
            merchant=merchant,
            number=number,
            word=RefundWord.DONE,
            amount_fen=row.amount_fen,
            transaction=row.transaction,
            at=row.at,
        )


@implementer(ISplittingChannel)
@define(eq=False)
class SandboxChannel:
    """
    @ivar post: sends notices.
    @ivar since: what happened before, and on that day, may be forgotten.
    @ivar pays_after_s: a payment is paid by itself after this; 0: only when somebody pays it.
    """

    clock: IReactorTime
    calendar: Calendar
    post: Post
    pays_after_s: float = 0.0
    since: datetime | None = None
    manners: Manners = field(factory=Manners)
    name: str = "sandbox"
    real_money: bool = False
    methods: frozenset[PayMethod] = frozenset(PayMethod)
    notice_answer: str = "success"
    most_receivers: int = splitting.MOST_RECEIVERS
    most_splits: int = splitting.MOST_SPLITS
    most_split_percent: int = splitting.MOST_PERCENT
    split_within_days: int = splitting.WITHIN_DAYS
    _key: bytes = field(factory=lambda: secrets.token_bytes(32), init=False, repr=False)
    _sales: dict[str, Sale] = field(factory=dict, init=False)
    _receivers: set[str] = field(factory=set, init=False)
    _log: Logger = field(factory=Logger, init=False)

    # ------------------------------------------------------------------------ as a channel

    def merchant(self, tenant_id: int) -> str | None:
        """Everybody has an account."""
        return f"sandbox-{tenant_id}"

    def open(self, opening: Opening) -> "Deferred[ToPay]":
        """Take a payment."""
        return self._asked(lambda: self._open(opening))

    def read_notice(
        self, headers: Mapping[str, str], body: bytes
    ) -> "Deferred[PaymentFact | RefundFact]":
        """Read one of our own notices."""
        return maybeDeferred(signing.read, self._key, headers, body, self.clock.seconds())

    def query(self, payment: PaymentAt) -> "Deferred[PaymentFact]":
        """Tell of a payment."""
        unknown = PaymentFact(
            merchant=payment.merchant, number=payment.number, word=PaymentWord.UNKNOWN
        )
        sale = self._sales.get(payment.number)
        return self._asked(lambda: unknown if sale is None else sale.fact())

    def close(self, payment: PaymentAt) -> "Deferred[None]":
        """Have nobody pay it any more."""
        return self._asked(lambda: self._close(payment.number))

    def refund(self, refund: RefundAt) -> "Deferred[RefundFact]":
        """Send money back, at once."""
        return self._asked(lambda: self._refund(refund))

    def query_refund(self, refund: RefundAt) -> "Deferred[RefundFact]":
        """Tell of a refund."""
        unknown = RefundFact(
            merchant=refund.payment.merchant, number=refund.number, word=RefundWord.UNKNOWN
        )
        sale = self._sales.get(refund.payment.number)
        return self._asked(lambda: unknown if sale is None else sale.refund_fact(refund.number))

    def bill(self, tenant_id: int, merchant: str, day: date) -> "Deferred[Sequence[BillRow]]":
        """All of a day, in the order in which it was opened."""
        return self._asked(lambda: self._bill(merchant, day))

    # ------------------------------------------------------------------------ as one that splits

    def add_receiver(self, tenant_id: int, merchant: str, receiver: Receiver) -> "Deferred[None]":
        """Everybody has an account."""
        return self._asked(lambda: self._receivers.add(receiver.account))

    def split(self, split: SplitAt) -> "Deferred[SplitFact]":
        """Give parts, at once."""
        return self._asked(lambda: self._split(split))

    def query_split(self, split: SplitAt) -> "Deferred[SplitFact]":
        """Tell of a split."""
        return self._asked(lambda: self._splits(split.payment).fact(split))

    def split_back(self, back: SplitBackAt) -> "Deferred[SplitBackFact]":
        """Call a part back, at once."""
        return self._asked(lambda: self._sale(back.split.payment.number).splits.back(back))

    def query_split_back(self, back: SplitBackAt) -> "Deferred[SplitBackFact]":
        """Tell of what was called back."""
        return self._asked(lambda: self._splits(back.split.payment).back_fact(back))

    def finish_split(
        self, payment: PaymentAt, transaction: str, number: str, reason: str
    ) -> "Deferred[None]":
        """No more is split of it."""
        return self._asked(lambda: setattr(self._sale(payment.number).splits, "is_finished", True))

    # ------------------------------------------------------------------------ as the payer

    def pay(self, tenant_id: int | None, number: str) -> PaymentFact:
        """
        Pay, as somebody who has scanned the code.

        @raise NotFound: if the tenant has no such payment here.
        @raise ChannelRefused: if it cannot be paid any more.
        """
        sale = self._sales.get(number)
        if sale is None or tenant_id not in (None, sale.opening.tenant_id):
            raise NotFound(f"the sandbox has no payment {number}")
        is_late = self.clock.seconds() >= sale.opening.expires_s
        if sale.word is PaymentWord.CLOSED or (is_late and sale.word is PaymentWord.WAITING):
            raise ChannelRefused("it cannot be paid any more", why="closed")
        if sale.word is PaymentWord.WAITING:
            sale.word = PaymentWord.PAID
            sale.transaction = _transaction()
            sale.at = self.calendar.now()
            self._notify(sale.opening.notice_url, sale.fact())
        return sale.fact()

    def sale(self, number: str) -> Sale | None:
        """What the sandbox knows of a payment."""
        return self._sales.get(number)

    def give_back(self, payment: str, amount_fen: int, number: str = "by-hand") -> None:
        """Send money back, as somebody does by hand at the channel's own site."""
        self._sale(payment).refunds[number] = BillRow(
            kind=BillKind.REFUND,
            number=number,
            transaction=_transaction(),
            amount_fen=amount_fen,
            at=self.calendar.now(),
        )

    # --------------------------------------------------------------------------- its parts

    def _asked(self, answer: Callable[[], T]) -> "Deferred[T]":
        """The answer to a question, unless the network is to lose something."""
        if self.manners.questions_lost:
            self.manners.questions_lost -= 1
            return fail(Lost("the question"))
        answered = maybeDeferred(answer)
        if self.manners.answers_lost:
            self.manners.answers_lost -= 1
            # whatever it was: nobody hears it
            answered.addBoth(lambda _answer: fail(Lost("the answer")))
        return answered

    def _open(self, opening: Opening) -> ToPay:
        sale = self._sales.setdefault(opening.number, Sale(opening))
        if sale.word is PaymentWord.CLOSED:
            raise ChannelRefused("it was closed", why="closed")
        if self.pays_after_s and sale.word is PaymentWord.WAITING:
            self.clock.callLater(self.pays_after_s, self._pay_by_itself, opening.number)
        return ToPay(url=f"sandbox://pay/{opening.number}")

    def _pay_by_itself(self, number: str) -> None:
        try:
            self.pay(None, number)
        except ChannelRefused:
            self._log.info("sandbox: {number} was closed before it was paid", number=number)

    def _close(self, number: str) -> None:
        sale = self._sales.get(number)
        if sale is None:
            return
        if sale.word is PaymentWord.PAID:
            raise ChannelRefused("it was paid", why="paid")
        sale.word = PaymentWord.CLOSED

    def _refund(self, refund: RefundAt) -> RefundFact:
        sale = self._sale(refund.payment.number)
        back_fen = sum(row.amount_fen for row in sale.refunds.values())
        if refund.number not in sale.refunds:
            if back_fen + refund.amount_fen > sale.opening.amount_fen:
                raise ChannelRefused("more than was paid", why="too-much")
            self.give_back(refund.payment.number, refund.amount_fen, refund.number)
            self._notify(refund.notice_url, sale.refund_fact(refund.number))
        return sale.refund_fact(refund.number)

    def _split(self, split: SplitAt) -> SplitFact:
        sale = self._sale(split.payment.number)
        if not sale.opening.splits:
            raise ChannelRefused("it was opened to be split by nobody", why="not-splitting")
        back_fen = sum(row.amount_fen for row in sale.refunds.values())
        return sale.splits.split(split, sale.opening.amount_fen - back_fen, self._receivers)

    def _bill(self, merchant: str, day: date) -> Sequence[BillRow]:
        if self.since is not None and day <= self.since.astimezone(CHINA).date():
            raise ChannelRefused("the sandbox was started anew since", why="forgotten")
        return [
            row
            for sale in self._sales.values()
            if sale.opening.merchant == merchant
            for row in _rows(sale)
            if row.at.astimezone(CHINA).date() == day
        ]

    def _sale(self, number: str) -> Sale:
        sale = self._sales.get(number)
        if sale is None or sale.word is not PaymentWord.PAID:
            raise ChannelRefused("it was not paid", why="not-paid")
        return sale

    def _splits(self, payment: PaymentAt) -> Splits:
        sale = self._sales.get(payment.number)
        return Splits() if sale is None else sale.splits

    def _notify(self, url: str, fact: PaymentFact | RefundFact) -> None:
        for _ in range(self.manners.notice_times):
            self.clock.callLater(self.manners.notice_after_s, self._send, url, fact, 0)

    def _send(self, url: str, fact: PaymentFact | RefundFact, tried: int) -> None:
        now_s = int(self.clock.seconds())
        body = signing.write(fact)
        headers = {"Content-Type": "application/json"}
        headers |= signing.sign(self._key, now_s, secrets.token_hex(8), body)
        if self.manners.is_tampered:
            body = signing.write(evolve(fact, amount_fen=1_000_000))
        sent = maybeDeferred(self.post, url, headers, body)
        sent.addErrback(lambda _failure: 0)
        sent.addCallback(self._sent, url, fact, tried)

    def _sent(self, status: int, url: str, fact: PaymentFact | RefundFact, tried: int) -> None:
        if status // 100 != 2 and tried < len(AGAIN_S):
            self.clock.callLater(AGAIN_S[tried], self._send, url, fact, tried + 1)


def _rows(sale: Sale) -> Sequence[BillRow]:
    if sale.at is None or sale.transaction is None:
        return ()
    paid = BillRow(
        kind=BillKind.PAYMENT,
        number=sale.opening.number,
        transaction=sale.transaction,
        amount_fen=sale.opening.amount_fen,
        at=sale.at,
    )
    return (paid, *sale.refunds.values())


def _transaction() -> str:
    return secrets.token_hex(14)
