"""WeChat Pay as a payment channel: what the platform asks, put to WeChat."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import date
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote, urlencode

from attrs import define, field
from twisted.internet.defer import Deferred
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
from chargecloud.domain.errors import ChannelAway, ChannelRefused
from chargecloud.domain.payment_value import PayMethod
from chargecloud.interfaces import ISplittingChannel
from chargecloud_pay_wechat import bills, errors, splits
from chargecloud_pay_wechat.asking import Asking
from chargecloud_pay_wechat.errors import NoAnswer, SaidNo
from chargecloud_pay_wechat.notices import read_notice
from chargecloud_pay_wechat.orders import WAYS, order
from chargecloud_pay_wechat.sealing import for_wechat
from chargecloud_pay_wechat.signing import app_values
from chargecloud_pay_wechat.words import CURRENCY, payment_fact, refund_fact

P = ParamSpec("P")
T = TypeVar("T")

PAYMENTS = "/v3/pay/transactions/out-trade-no"
REFUNDS = "/v3/refund/domestic/refunds"
TRADE_BILL = "/v3/bill/tradebill"
#: characters of a refund's C{reason}
LONGEST_REASON = 80


def _deferred(
    method: "Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]",
) -> "Callable[Concatenate[Any, P], Deferred[T]]":
    @wraps(method)
    def run(self: Any, /, *given: P.args, **named: P.kwargs) -> "Deferred[T]":
        return Deferred.fromCoroutine(method(self, *given, **named))

    return run


@implementer(ISplittingChannel)
@define(eq=False)
class WeChatPay:
    """
    @ivar asking: by the merchants' numbers; also of those who take no new payments.
    @ivar tenants: their merchants' numbers.
    @ivar others: the merchant of all other tenants.
    @ivar in_thread: runs a function in a thread, and fires with its result.
    @ivar relation: what receivers are to the merchant, in WeChat's words.
    """

    asking: Mapping[str, Asking]
    tenants: Mapping[int, str]
    others: str | None
    in_thread: Callable[..., "Deferred[Any]"]
    most_split_percent: int = 30
    relation: str = "PARTNER"
    name: str = "wechat"
    real_money: bool = True
    methods: frozenset[PayMethod] = frozenset(WAYS)
    notice_answer: str = ""
    most_receivers: int = splits.MOST_RECEIVERS
    most_splits: int = splits.MOST_SPLITS
    split_within_days: int = splits.WITHIN_DAYS
    _log: Logger = field(factory=Logger, init=False)

    def merchant(self, tenant_id: int) -> str | None:
        """The merchant's number that a tenant's payments go to; C{None} if it has none."""
        return self.tenants.get(tenant_id, self.others)

    # --------------------------------------------------------------------------- payments

    @_deferred
    async def open(self, opening: Opening) -> ToPay:
        """Have an order taken.  WeChat takes the same one again, until it is paid or closed."""
        asking = self._asking(opening.merchant)
        values = order(opening, asking.merchant)
        try:
            told = await asking.post(WAYS[opening.method].path, values)
        except SaidNo as no:
            if no.code == errors.PAID:
                # there is nothing to pay any more; that it is paid comes by notice or query
                return ToPay()
            raise _word(no) from no
        try:
            if opening.method is PayMethod.IN_APP:
                now_s = int(asking.clock.seconds())
                prepaid = str(told["prepay_id"])
                return ToPay(values=app_values(asking.merchant, prepaid, now_s, asking.nonce()))
            if opening.method is PayMethod.QR:
                return ToPay(url=told["code_url"])
            back = opening.return_url
            return ToPay(url=told["h5_url"] + (f"&redirect_url={quote(back, '')}" if back else ""))
        except KeyError as error:
            raise NoAnswer("an order without a way to pay it") from error

    @_deferred
    async def read_notice(
        self, headers: Mapping[str, str], body: bytes
    ) -> PaymentFact | RefundFact:
        """Read a notice that somebody has sent."""
        asking = list(self.asking.values())
        return await read_notice(asking, headers, body, asking[0].clock.seconds())

    @_deferred
    async def query(self, payment: PaymentAt) -> PaymentFact:
        """Ask what became of an order."""
        asking = self._asking(payment.merchant)
        query = urlencode({"mchid": payment.merchant})
        try:
            told = await asking.get(f"{PAYMENTS}/{payment.number}?{query}")
        except SaidNo as no:
            if no.code not in errors.UNKNOWN:
                raise
            word = PaymentWord.UNKNOWN
            return PaymentFact(merchant=payment.merchant, number=payment.number, word=word)
        return payment_fact(told)

    @_deferred
    async def close(self, payment: PaymentAt) -> None:
        """See that nobody can pay an order any more."""
        asking = self._asking(payment.merchant)
        try:
            await asking.post(f"{PAYMENTS}/{payment.number}/close", {"mchid": payment.merchant})
        except SaidNo as no:
            if no.code == errors.PAID:
                raise no.refusal() from no
            if no.code not in errors.CLOSED | errors.UNKNOWN:
                raise

    # ---------------------------------------------------------------------------- refunds

    @_deferred
    async def refund(self, refund: RefundAt) -> RefundFact:
        """Send money back the way it came."""
        asking = self._asking(refund.payment.merchant)
        values = {
            "out_trade_no": refund.payment.number,
            "out_refund_no": refund.number,
            "reason": refund.reason[:LONGEST_REASON],
            "notify_url": refund.notice_url,
            "amount": {
                "refund": refund.amount_fen,
                "total": refund.total_fen,
                "currency": CURRENCY,
            },
        }
        try:
            return refund_fact(await asking.post(REFUNDS, values), refund.payment.merchant)
        except SaidNo as no:
            if no.code == errors.SHORT:
                # it is asked again, until somebody has paid in enough
                self._log.critical(
                    "WeChat Pay: merchant {merchant} has less than refund {number} needs",
                    merchant=refund.payment.merchant,
                    number=refund.number,
                )
                return _refund_fact(refund, RefundWord.UNDER_WAY)
            raise _word(no, *errors.UNKNOWN) from no

    @_deferred
    async def query_refund(self, refund: RefundAt) -> RefundFact:
        """Ask what became of a refund."""
        asking = self._asking(refund.payment.merchant)
        try:
            told = await asking.get(f"{REFUNDS}/{refund.number}")
        except SaidNo as no:
            if no.code not in errors.UNKNOWN:
                raise
            return _refund_fact(refund, RefundWord.UNKNOWN)
        if told.get("status") == "ABNORMAL":
            self._log.critical(
                "WeChat Pay: refund {number} of merchant {merchant} is ABNORMAL: somebody has to "
                "finish or close it at pay.weixin.qq.com",
                merchant=refund.payment.merchant,
                number=refund.number,
            )
        return refund_fact(told, refund.payment.merchant)

    # ------------------------------------------------------------------------------ bills

    @_deferred
    async def bill(self, tenant_id: int, merchant: str, day: date) -> Sequence[BillRow]:
        """All that came and went back on a day."""
        asking = self._asking(merchant)
        query = {"bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP"}
        try:
            told = await asking.get(f"{TRADE_BILL}?{urlencode(query)}")
        except SaidNo as no:
            if no.code == errors.NO_BILL:
                return ()
            if no.code == errors.BILL_IS_BEING_MADE:
                raise ChannelAway(f"WeChat Pay: {no}"[:300]) from no
            raise _word(no) from no
        if told.get("hash_type") != "SHA1" or not isinstance(told.get("hash_value"), str):
            raise NoAnswer("a bill without a digest")
        packed = await asking.download(str(told.get("download_url")), bills.MOST_PACKED)
        rows: Sequence[BillRow] = await self.in_thread(
            bills.read_bill, packed, told["hash_value"], merchant, tenant_id
        )
        return rows

    # ----------------------------------------------------------------------------- splits

    @_deferred
    async def add_receiver(self, tenant_id: int, merchant: str, receiver: Receiver) -> None:
        """Make a receiver of shares known."""
        asking = self._asking(merchant)
        serial, names = await _sealed(asking, (receiver,))
        values = {
            "appid": asking.merchant.app_id,
            **splits.receiver_values(receiver, names.get(receiver.account)),
            "relation_type": self.relation,
        }
        try:
            await asking.post(splits.RECEIVERS, values, serial)
        except SaidNo as no:
            raise _word(no, errors.AGAINST_A_RULE) from no

    @_deferred
    async def split(self, split: SplitAt) -> SplitFact:
        """Give shares of a payment to receivers."""
        asking = self._asking(split.payment.merchant)
        serial, names = await _sealed(asking, [part.receiver for part in split.parts])
        values = splits.split_values(split, asking.merchant.app_id, names)
        try:
            return splits.split_fact(await asking.post(splits.ORDERS, values, serial), split)
        except SaidNo as no:
            raise _word(no, errors.AGAINST_A_RULE, errors.SHORT, *errors.UNKNOWN) from no

    @_deferred
    async def query_split(self, split: SplitAt) -> SplitFact:
        """Ask what became of a split."""
        asking = self._asking(split.payment.merchant)
        query = urlencode({"transaction_id": split.transaction})
        try:
            told = await asking.get(f"{splits.ORDERS}/{split.number}?{query}")
        except SaidNo as no:
            if no.code not in errors.UNKNOWN:
                raise
            return SplitFact(merchant=split.payment.merchant, number=split.number, is_known=False)
        return splits.split_fact(told, split)

    @_deferred
    async def split_back(self, back: SplitBackAt) -> SplitBackFact:
        """Call back a share, or some of it."""
        asking = self._asking(back.split.payment.merchant)
        try:
            return splits.back_fact(
                await asking.post(splits.RETURNS, splits.back_values(back)), back
            )
        except SaidNo as no:
            raise _word(no, errors.AGAINST_A_RULE, errors.SHORT, *errors.UNKNOWN) from no

    @_deferred
    async def query_split_back(self, back: SplitBackAt) -> SplitBackFact:
        """Ask what became of what was called back."""
        asking = self._asking(back.split.payment.merchant)
        query = urlencode({"out_order_no": back.split.number})
        try:
            told = await asking.get(f"{splits.RETURNS}/{back.number}?{query}")
        except SaidNo as no:
            if no.code not in errors.UNKNOWN:
                raise
            merchant, word = back.split.payment.merchant, RefundWord.UNKNOWN
            return SplitBackFact(merchant=merchant, number=back.number, word=word)
        return splits.back_fact(told, back)

    @_deferred
    async def finish_split(
        self, payment: PaymentAt, transaction: str, number: str, reason: str
    ) -> None:
        """Say that no more is split of a payment."""
        values = {
            "transaction_id": transaction,
            "out_order_no": number,
            "description": reason[: splits.LONGEST_SUBJECT],
        }
        try:
            await self._asking(payment.merchant).post(splits.UNFREEZE, values)
        except SaidNo as no:
            raise _word(no, *errors.UNKNOWN) from no

    # -------------------------------------------------------------------------- its parts

    def _asking(self, merchant: str) -> Asking:
        found = self.asking.get(merchant)
        if found is None:
            # somebody may put it back into the configuration
            raise ChannelAway(f"merchant {merchant} is not in the configuration")
        return found


def _word(no: SaidNo, *finals: str) -> ChannelRefused | SaidNo:
    """WeChat's word, final or not."""
    return no.refusal() if no.is_final(*finals) else no


def _refund_fact(refund: RefundAt, word: RefundWord) -> RefundFact:
    return RefundFact(merchant=refund.payment.merchant, number=refund.number, word=word)


async def _sealed(
    asking: Asking, receivers: Sequence[Receiver]
) -> tuple[str | None, Mapping[str, str]]:
    """The serial of the key that the receivers' names are sealed with, and the sealed names by
    account; nothing where there are no names."""
    named = [each for each in receivers if each.name is not None]
    if not named:
        return None, {}
    serial, key = await asking.keys.to_wechat()
    return serial, {each.account: for_wechat(key, each.name or "") for each in named}
