"""Alipay, as the platform asks it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlsplit

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from zope.interface import implementer

from chargecloud.domain.channel import (
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
from chargecloud.domain.errors import ChannelRefused
from chargecloud.domain.fields import one_line
from chargecloud.domain.payment_value import PayMethod
from chargecloud.interfaces import ISplittingChannel
from chargecloud_pay_alipay import refunds, royalties
from chargecloud_pay_alipay.accounts import Account, Accounts
from chargecloud_pay_alipay.bills import read_bill, store_of
from chargecloud_pay_alipay.gateway import Fetch, Gateway, Unanswered
from chargecloud_pay_alipay.notices import read_notice
from chargecloud_pay_alipay.trades import fact_of
from chargecloud_pay_alipay.wording import beijing, yuan

T = TypeVar("T")

#: before somebody has scanned the code, or opened the page, there is no trade
_NO_TRADE = "ACQ.TRADE_NOT_EXIST"
_PAID_BEFORE = "ACQ.TRADE_HAS_SUCCESS"
#: nothing came or went back on that day
_NO_BILL = "isp.bill_not_exist"
#: what is to be closed waits for its payer no more: it was paid, or closed before
_NOT_WAITING = frozenset(
    {
        "ACQ.REASON_TRADE_STATUS_INVALID",
        "ACQ.REASON_ILLEGAL_STATUS",
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.TRADE_HAS_SUCCESS",
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.TRADE_HAS_CLOSE",
    }
)
#: Alipay refuses the first three in what the payer reads, and what is longer; the others would part
#: a line of its bill
_NOT_IN_SUBJECT = str.maketrans('/=&,"', "   \N{FULLWIDTH COMMA} ")
MOST_SUBJECT = 256


@implementer(ISplittingChannel)
@define(eq=False)
class AlipayChannel:
    """
    @ivar fetch_bill: fetches the zip of a bill, which is large.
    @ivar in_thread: runs a function in a thread, and fires with its result.
    @ivar real_money: whether it is Alipay itself, and not a sandbox.
    """

    accounts: Accounts
    gateway: Gateway
    fetch_bill: Fetch
    in_thread: Callable[..., "Deferred[Any]"]
    real_money: bool = True
    name: str = "alipay"
    methods: frozenset[PayMethod] = frozenset({PayMethod.QR, PayMethod.BROWSER})
    notice_answer: str = "success"
    most_receivers: int = royalties.MOST_RECEIVERS
    most_splits: int = royalties.MOST_SPLITS
    most_split_percent: int = royalties.MOST_PERCENT
    split_within_days: int = royalties.WITHIN_DAYS
    _log: Logger = field(factory=Logger, init=False)

    def merchant(self, tenant_id: int) -> str | None:
        """The PID of the account that the tenant is paid through."""
        account = self.accounts.of_tenant(tenant_id)
        return None if account is None else account.seller_id

    # ---------------------------------------------------------------------------- payments

    def open(self, opening: Opening) -> "Deferred[ToPay]":
        """Have a code made, or a page."""
        return Deferred.fromCoroutine(self._open(opening))

    async def _open(self, opening: Opening) -> ToPay:
        account = self.accounts.of_seller(opening.merchant)
        content: dict[str, Any] = {
            "out_trade_no": opening.number,
            "total_amount": yuan(opening.amount_fen),
            "subject": one_line(opening.subject).translate(_NOT_IN_SUBJECT)[:MOST_SUBJECT],
            "seller_id": account.seller_id,
            "store_id": store_of(opening.tenant_id),
            "time_expire": beijing(opening.expires_s),
        }
        if account.freezes and opening.splits:
            content["extend_params"] = {"royalty_freeze": "true"}
        notice_url = opening.notice_url
        if opening.method is PayMethod.BROWSER:
            content["product_code"] = "QUICK_WAP_WAY"
            method, back = "alipay.trade.wap.pay", opening.return_url
            return ToPay(url=self.gateway.page(account, method, content, notice_url, back))
        try:
            told = await self.gateway.ask(account, "alipay.trade.precreate", content, notice_url)
        except ChannelRefused as refused:
            if refused.facts["why"] == _PAID_BEFORE:
                # our first asking was not answered, and its code was paid: it is asked after
                return ToPay()
            raise
        _about(opening.number, told)
        code = told.get("qr_code")
        if not isinstance(code, str) or not code:
            raise Unanswered("precreate: no code")
        return ToPay(url=code)

    def read_notice(
        self, headers: Mapping[str, str], body: bytes
    ) -> "Deferred[PaymentFact | RefundFact]":
        """Read a form that Alipay has sent."""
        return maybeDeferred(read_notice, self.accounts, body, self.gateway.seconds())

    def query(self, payment: PaymentAt) -> "Deferred[PaymentFact]":
        """Ask after a trade."""
        return Deferred.fromCoroutine(self._query(payment))

    async def _query(self, payment: PaymentAt) -> PaymentFact:
        account = self.accounts.of_seller(payment.merchant)
        content = {"out_trade_no": payment.number}
        try:
            told = await self.gateway.ask(account, "alipay.trade.query", content)
        except ChannelRefused as refused:
            if refused.facts["why"] != _NO_TRADE:
                raise
            word = PaymentWord.UNKNOWN
            return PaymentFact(merchant=payment.merchant, number=payment.number, word=word)
        _about(payment.number, told)
        return _readable(fact_of, account.seller_id, told)

    def close(self, payment: PaymentAt) -> "Deferred[None]":
        """Close a trade; of a code that nobody has scanned there is none, and its time is over."""
        return Deferred.fromCoroutine(self._close(payment))

    async def _close(self, payment: PaymentAt) -> None:
        account = self.accounts.of_seller(payment.merchant)
        try:
            await self.gateway.ask(account, "alipay.trade.close", {"out_trade_no": payment.number})
        except ChannelRefused as refused:
            why = refused.facts["why"]
            if why == _NO_TRADE:
                return
            if why not in _NOT_WAITING:
                raise
            fact = await self._query(payment)
            if fact.word is PaymentWord.PAID:
                raise ChannelRefused("it was paid", why="paid") from None
            if fact.word is not PaymentWord.CLOSED:
                raise Unanswered(f"close: {why}, and it is {fact.word.value}") from None

    # ----------------------------------------------------------------------------- refunds

    def refund(self, refund: RefundAt) -> "Deferred[RefundFact]":
        """Send money back; C{out_request_no} is our refund's, so it goes back once."""
        return Deferred.fromCoroutine(self._refund(refund))

    async def _refund(self, refund: RefundAt) -> RefundFact:
        account = self.accounts.of_seller(refund.payment.merchant)
        content = {
            "out_trade_no": refund.payment.number,
            "refund_amount": yuan(refund.amount_fen),
            "out_request_no": refund.number,
            "refund_reason": refund.reason[:MOST_SUBJECT],
            "store_id": store_of(refund.payment.tenant_id),
        }
        told = await self.gateway.ask(account, "alipay.trade.refund", content)
        _about(refund.payment.number, told)
        done = _readable(refunds.made, account.seller_id, refund.number, told)
        if done is not None:
            return done
        fact = await self._query_refund(refund)
        if fact.word is not RefundWord.UNKNOWN:
            return fact
        return RefundFact(
            merchant=account.seller_id, number=refund.number, word=RefundWord.UNDER_WAY
        )

    def query_refund(self, refund: RefundAt) -> "Deferred[RefundFact]":
        """Ask after a refund."""
        return Deferred.fromCoroutine(self._query_refund(refund))

    async def _query_refund(self, refund: RefundAt) -> RefundFact:
        account = self.accounts.of_seller(refund.payment.merchant)
        told = await self._ask_after_refund(account, refund.payment.number, refund.number)
        return _readable(refunds.queried, account.seller_id, refund.number, told)

    async def _ask_after_refund(
        self, account: Account, number: str, refund: str
    ) -> Mapping[str, Any]:
        """What is told of a refund; nothing, if there is no such trade."""
        content = {
            "out_trade_no": number,
            "out_request_no": refund,
            "query_options": ["gmt_refund_pay"],
        }
        return await _known(self.gateway.ask(account, "alipay.trade.fastpay.refund.query", content))

    # --------------------------------------------------------------------------- royalties

    def add_receiver(self, tenant_id: int, merchant: str, receiver: Receiver) -> "Deferred[None]":
        """Bind a receiver to the merchant."""
        return Deferred.fromCoroutine(self._add_receiver(merchant, receiver))

    async def _add_receiver(self, merchant: str, receiver: Receiver) -> None:
        account = self.accounts.of_seller(merchant)
        content = royalties.binding(merchant, receiver)
        told = await self.gateway.ask(account, "alipay.trade.royalty.relation.bind", content)
        if told.get("result_code", "SUCCESS") != "SUCCESS":
            raise ChannelRefused("the receiver cannot be bound", why=str(told["result_code"]))

    def split(self, split: SplitAt) -> "Deferred[SplitFact]":
        """Settle a trade with royalties."""
        return Deferred.fromCoroutine(self._split(split))

    async def _split(self, split: SplitAt) -> SplitFact:
        account = self.accounts.of_seller(split.payment.merchant)
        await self.gateway.ask(account, "alipay.trade.order.settle", royalties.settling(split))
        return royalties.under_way(split)

    def query_split(self, split: SplitAt) -> "Deferred[SplitFact]":
        """Ask after each royalty of a split."""
        return Deferred.fromCoroutine(self._query_split(split))

    async def _query_split(self, split: SplitAt) -> SplitFact:
        account = self.accounts.of_seller(split.payment.merchant)
        content = {"out_request_no": split.number, "trade_no": split.transaction}
        told = await _known(self.gateway.ask(account, "alipay.trade.order.settle.query", content))
        return _readable(royalties.queried, split, told)

    def split_back(self, back: SplitBackAt) -> "Deferred[SplitBackFact]":
        """Call a royalty back, or a part of it."""
        return Deferred.fromCoroutine(self._split_back(back))

    async def _split_back(self, back: SplitBackAt) -> SplitBackFact:
        account = self.accounts.of_seller(back.split.payment.merchant)
        await self.gateway.ask(account, "alipay.trade.refund", royalties.returning(back))
        fact = await self._query_split_back(back)
        if fact.word is not RefundWord.UNKNOWN:
            return fact
        return SplitBackFact(
            merchant=account.seller_id, number=back.number, word=RefundWord.UNDER_WAY
        )

    def query_split_back(self, back: SplitBackAt) -> "Deferred[SplitBackFact]":
        """Ask after what was called back."""
        return Deferred.fromCoroutine(self._query_split_back(back))

    async def _query_split_back(self, back: SplitBackAt) -> SplitBackFact:
        payment = back.split.payment
        account = self.accounts.of_seller(payment.merchant)
        told = await self._ask_after_refund(account, payment.number, back.number)
        return _readable(royalties.returned, back, told)

    def finish_split(
        self, payment: PaymentAt, transaction: str, number: str, reason: str
    ) -> "Deferred[None]":
        """Unfreeze what is left, if the account freezes anything."""
        return Deferred.fromCoroutine(self._finish_split(payment, transaction, number))

    async def _finish_split(self, payment: PaymentAt, transaction: str, number: str) -> None:
        account = self.accounts.of_seller(payment.merchant)
        if account.freezes:
            content = royalties.finishing(number, transaction)
            await self.gateway.ask(account, "alipay.trade.order.settle", content)

    # -------------------------------------------------------------------------------- bills

    def bill(self, tenant_id: int, merchant: str, day: date) -> "Deferred[Sequence[BillRow]]":
        """Fetch the bill of a day, and read it in a thread."""
        return Deferred.fromCoroutine(self._bill(tenant_id, merchant, day))

    async def _bill(self, tenant_id: int, merchant: str, day: date) -> Sequence[BillRow]:
        account = self.accounts.of_seller(merchant)
        method = "alipay.data.dataservice.bill.downloadurl.query"
        content = {"bill_type": "trade", "bill_date": day.isoformat()}
        try:
            told = await self.gateway.ask(account, method, content)
        except ChannelRefused as refused:
            if refused.facts["why"] != _NO_BILL:
                raise
            return ()
        url = str(told.get("bill_download_url"))
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unanswered("the bill has no URL")
        data = await self.fetch_bill(url, None)
        odd: set[str] = set()
        rows: Sequence[BillRow] = await self.in_thread(read_bill, data, tenant_id, odd.add)
        if odd:
            self._log.warn("the bill of {day} also has {odd}", day=day, odd=sorted(odd))
        return rows


async def _known(asking: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The answer to a question; nothing, if it is about what does not exist."""
    try:
        return await asking
    except ChannelRefused as refused:
        if str(refused.facts["why"]).endswith(("_NOT_EXIST", "_NOT_FOUND")):
            return {}
        # a no to the question says nothing of what was asked after
        raise Unanswered(refused.detail) from refused


def _about(number: str, told: Mapping[str, Any]) -> None:
    if told.get("out_trade_no") != number:
        raise Unanswered(f"an answer about {told.get('out_trade_no')}, and not {number}")


def _readable(read: Callable[..., T], *given: Any) -> T:
    """What Alipay tells, read; what cannot be read is no answer."""
    try:
        return read(*given)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Unanswered(f"an answer that cannot be read: {error}") from error
