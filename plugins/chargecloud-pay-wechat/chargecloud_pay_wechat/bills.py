"""The bill of a day: "Trade bill" of WeChat Pay, API v3, of type C{ALL}.

A table of text, each value behind a backquote, so that a spreadsheet leaves it as it is: first the
titles of the columns, then a row for what came or went back, then titles and row of the sums.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha1

from chargecloud.domain.channel import BillKind, BillRow
from chargecloud_pay_wechat.errors import NoAnswer
from chargecloud_pay_wechat.orders import CHINA, attached

#: of a bill, packed and unpacked: some 200,000 rows
MOST_PACKED, MOST_UNPACKED = 16 * 1024 * 1024, 64 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS

AT, MERCHANT, STATE, ATTACHED = "交易时间", "商户号", "交易状态", "商户数据包"
#: C{transaction_id}, C{out_trade_no}, and the amount of the order, in yuan
PAYMENT = ("微信订单号", "商户订单号", "订单金额")
#: C{refund_id}, C{out_refund_no}, and what was asked to go back, in yuan
REFUND = ("微信退款单号", "商户退款单号", "申请退款金额")
REFUND_STATE, SUBJECT, RATE = "退款状态", "商品名称", "费率"
#: what the titles of the sums begin with
SUMS = "总交易单数"
#: a row's C{交易状态}; whatever else there is has gone back
CAME = "SUCCESS"
#: a refund of which nothing has gone back
NOT_GONE = frozenset({"FAIL", "CLOSED", "REFUNDCLOSE"})


def read_bill(packed: bytes, digest: str, merchant: str, tenant_id: int) -> Sequence[BillRow]:
    """
    A tenant's rows of a bill, as it was downloaded.

    @raise NoAnswer: as L{unpacked} and L{rows}.
    """
    return list(rows(unpacked(packed, digest), merchant, tenant_id))


def unpacked(packed: bytes, digest: str) -> str:
    """
    The text of a bill.

    @param digest: SHA-1 of the text, in hexadecimal digits.
    @raise NoAnswer: if it is damaged, or longer than a bill can be.
    """
    inflating = zlib.decompressobj(_GZIP)
    try:
        text = inflating.decompress(packed, MOST_UNPACKED)
    except zlib.error as error:
        raise NoAnswer("a bill that is not packed") from error
    if not inflating.eof:
        raise NoAnswer(f"a bill that is cut off, or has more than {MOST_UNPACKED} bytes")
    # WeChat gives no other digest; what was answered is signed, and says it
    if sha1(text, usedforsecurity=False).hexdigest() != digest.lower():
        raise NoAnswer("a bill that is not the one which was promised")
    return text.decode("utf-8-sig")


def rows(bill: str, merchant: str, tenant_id: int) -> Iterator[BillRow]:
    """
    What came and went back.

    @param tenant_id: rows that are marked as another's are left out.
    @raise NoAnswer: if it is no such bill.
    """
    # not all that parts lines elsewhere does so here: people write such things
    lines = (line.removesuffix("\r") for line in bill.split("\n"))
    titles = next(lines, "").split(",")
    for line in lines:
        if line.startswith(SUMS):
            return
        values = line.removeprefix("`").split(",`")
        # a comma with a backquote behind it is where people wrote it
        if (more := len(values) - len(titles)) > 0 and {SUBJECT, RATE} <= set(titles):
            at = titles.index(SUBJECT)
            values[at : at + more + 1] = [",`".join(values[at : at + more + 1])]
            if not values[titles.index(RATE)].endswith("%"):
                raise NoAnswer("a bill with a row that has too many values")
        if len(values) != len(titles):
            raise NoAnswer("a bill with a row that has more or fewer values than titles")
        try:
            yield from _row(dict(zip(titles, values, strict=True)), merchant, tenant_id)
        except (KeyError, ValueError, InvalidOperation) as error:
            raise NoAnswer(f"a bill with a row that cannot be read: {error!r}") from error
    raise NoAnswer("a bill that ends without its sums")


def _row(values: Mapping[str, str], merchant: str, tenant_id: int) -> Iterator[BillRow]:
    mark = values[ATTACHED]
    is_others = mark.startswith(attached(0)[:-1]) and mark != attached(tenant_id)
    if values[MERCHANT] != merchant or is_others or values.get(REFUND_STATE) in NOT_GONE:
        return
    kind = BillKind.PAYMENT if values[STATE] == CAME else BillKind.REFUND
    transaction, number, amount = PAYMENT if kind is BillKind.PAYMENT else REFUND
    yield BillRow(
        kind=kind,
        number=values[number],
        transaction=values[transaction],
        amount_fen=_fen(values[amount]),
        at=datetime.fromisoformat(values[AT]).replace(tzinfo=CHINA),
    )


def _fen(yuan: str) -> int:
    fen = Decimal(yuan) * 100
    if fen != int(fen):
        raise ValueError(f"{yuan} yuan")
    return int(fen)
