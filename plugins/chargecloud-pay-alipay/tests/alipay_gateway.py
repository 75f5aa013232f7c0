"""Alipay's gateway on this machine: it keeps trades, and behaves badly on request.

What it signs, and what it makes of our signatures, is the work of C{python-alipay-sdk}, which is
another's: in its hands are Alipay's private key, and our app's public one.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

from alipay import AliPay
from attrs import define, field
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

BEIJING = ZoneInfo("Asia/Shanghai")
APP, SELLER = "2021000000000001", "2088000000000001"
URL = "https://alipay.test/gateway.do"
BILL_URL = "https://bills.alipay.test/bill.zip"
HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
    "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,"  # noqa: RUF001
    "商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"  # noqa: RUF001
    "退款批次号/请求号,服务费（元）,分润（元）,备注"  # noqa: RUF001
)


@cache
def keypair(whose: str) -> tuple[str, str]:
    """A private and a public key as PEM, for each of those who need one."""
    key = generate_private_key(65_537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@cache
def sdk_of(private: str, public: str) -> AliPay:
    """The other side's software, with these keys in its hands."""
    return AliPay(APP, app_private_key_string=private, alipay_public_key_string=public)


# how Alipay writes money and time, by other means than what is tried out


def yuan(fen: int) -> str:
    """An amount."""
    return str(Decimal(fen).scaleb(-2))


def fen_of(written: str) -> int:
    """What an amount comes to."""
    return int(Decimal(written).scaleb(2))


def beijing(unix_s: float) -> str:
    """The clock of China."""
    return datetime.fromtimestamp(unix_s, BEIJING).isoformat(" ", "seconds")[:19]


def unix_s(written: str) -> float:
    """When that was."""
    return datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp()


class Lost(Exception):
    """The network has lost a question, or its answer."""


class No(Exception):
    """A refusal: its C{sub_code}."""


@define(kw_only=True)
class Manners:
    """How often from now on something goes wrong; all is well if nothing is said.

    @ivar failures: status 502 without anything done, C{late_failures}: with all done.
    @ivar system_errors: C{ACQ.SYSTEM_ERROR}, signed, with all done.
    @ivar tampered: answers that were changed after they were signed.
    @ivar late_s: from a question to its answer.
    @ivar knows_no_key: whether our signatures are none, as if our app's key were another.
    @ivar refuses: C{sub_code} of the next answers, by method, with nothing done.
    @ivar says: what is said next, by method, with all done.
    @ivar before: what happens at Alipay before a method is carried out next, C{after}: when it is.
    """

    questions_lost: int = 0
    answers_lost: int = 0
    failures: int = 0
    late_failures: int = 0
    system_errors: int = 0
    tampered: int = 0
    unsigned: int = 0
    late_s: float = 0
    knows_no_key: bool = False
    refuses: dict[str, str] = field(factory=dict)
    says: dict[str, dict[str, Any]] = field(factory=dict)
    before: dict[str, Callable[[], object]] = field(factory=dict)
    after: dict[str, Callable[[], object]] = field(factory=dict)

    def take(self, what: str) -> bool:
        """Whether this goes wrong now."""
        left = getattr(self, what)
        setattr(self, what, max(0, left - 1))
        return bool(left)


@define
class Trade:
    """What Alipay knows of an order; there is no trade before C{trade_no} is there."""

    content: dict[str, Any]
    notify_url: str
    status: str = "WAIT_BUYER_PAY"
    trade_no: str | None = None
    paid_at: str | None = None
    refunds: dict[str, tuple[int, str]] = field(factory=dict)
    splits: dict[str, list[dict[str, Any]]] = field(factory=dict)
    backs: dict[str, list[dict[str, Any]]] = field(factory=dict)
    is_finished: bool = False

    @property
    def fen(self) -> int:
        """What it costs."""
        return fen_of(self.content["total_amount"])

    @property
    def back_fen(self) -> int:
        """What has gone back."""
        return sum(fen for fen, _at in self.refunds.values())


@define(eq=False)
class LocalAlipay:
    """
    @ivar seconds: Unix time.
    @ivar asked: methods with their content, in order.
    @ivar patience_s: between a request's time and ours.
    @ivar notices: forms that were signed, with where they go to; the test sends them.
    """

    seconds: Callable[[], float]
    sdk: AliPay = field(factory=lambda: sdk_of(keypair("alipay")[0], keypair("app")[1]))
    manners: Manners = field(factory=Manners)
    trades: dict[str, Trade] = field(factory=dict)
    receivers: set[str] = field(factory=set)
    asked: list[tuple[str, dict[str, Any]]] = field(factory=list)
    notices: list[tuple[str, bytes]] = field(factory=list)
    bill_lines: list[str] | None = None
    certificate: str | None = None
    patience_s: float = 3_600

    # ------------------------------------------------------------------------ as the gateway

    def fetch(self, url: str, form: bytes | None) -> tuple[int, bytes]:
        """
        A request, and the answer to it.

        @raise Lost: if the network has lost it.
        """
        if self.manners.take("questions_lost"):
            raise Lost("the question")
        if self.manners.take("failures"):
            return 502, b"<html>Bad Gateway</html>"
        if "bill.zip" in url:
            return 200, self.bill()
        pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        pairs += parse_qsl((form or b"").decode(), keep_blank_values=True)
        body = self.answer(dict(pairs))
        if self.manners.take("answers_lost"):
            raise Lost("the answer")
        return (502, b"late") if self.manners.take("late_failures") else (200, body)

    def answer(self, parameters: dict[str, str]) -> bytes:
        """The JSON of an answer."""
        method = parameters["method"]
        member = f"{method.replace('.', '_')}_response"
        if not self.accepts(parameters):
            told = {
                "code": "40002",
                "msg": "Invalid Arguments",
                "sub_code": "isv.invalid-signature",
            }
            return json.dumps({member: told}).encode()
        content = json.loads(parameters["biz_content"])
        self.asked.append((method, content))
        told = {"code": "10000", "msg": "Success"}
        self.manners.before.pop(method, bool)()
        try:
            if method in self.manners.refuses:
                raise No(self.manners.refuses.pop(method))
            told |= ANSWERS[method](self, content, parameters)
            if self.manners.take("system_errors"):
                raise No("ACQ.SYSTEM_ERROR")
        except No as no:
            told = {"code": "40004", "msg": "Business Failed", "sub_code": str(no), "sub_msg": "不"}
        self.manners.after.pop(method, bool)()
        return self.signed(member, self.manners.says.pop(method, told))

    def accepts(self, parameters: dict[str, str]) -> bool:
        """Whether a request is signed by our app, and not long ago."""
        given = dict(parameters)
        sign = given.pop("sign", "")
        is_timely = abs(unix_s(given["timestamp"]) - self.seconds()) < self.patience_s
        is_known = given["app_id"] == APP and not self.manners.knows_no_key
        if not is_known or given["charset"] != "utf-8" or not is_timely:
            return False
        content = "&".join(f"{name}={value}" for name, value in self.sdk._ordered_data(given))
        return bool(self.sdk._verify(content, sign))

    def signed(self, member: str, told: Mapping[str, Any]) -> bytes:
        """An answer as it is written: the signature is of the member's text."""
        raw = json.dumps(told, ensure_ascii=False)
        sign = self.sdk._sign(raw)
        if self.manners.take("tampered"):
            raw = raw.replace("TRADE_SUCCESS", "TRADE_CLOSED").replace("ss", "SS")
        if self.manners.take("unsigned"):
            return f'{{"{member}":{raw}}}'.encode()
        more = f',"alipay_cert_sn":"{self.certificate}"' if self.certificate else ""
        return f'{{"{member}":{raw}{more},"sign":"{sign}"}}'.encode()

    def bill(self) -> bytes:
        """The zip of a day's bill."""
        lines = self.lines() if self.bill_lines is None else self.bill_lines
        table = ["#支付宝业务明细查询", f"#账号：[{SELLER}]", HEADER, *lines, "#合计：1笔"]  # noqa: RUF001
        packed = BytesIO()
        with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
            archive.writestr("2088_业务明细.csv", "\r\n".join(table).encode("gbk"))
            archive.writestr("2088_业务明细(汇总).csv", "总".encode("gbk"))
        return packed.getvalue()

    def lines(self) -> list[str]:
        """A line for each trade that was paid, and for each refund."""
        found = []
        for number, trade in self.trades.items():
            if trade.paid_at is not None:
                found.append(bill_line(trade, number, "交易", trade.fen, trade.paid_at))
            for refund, (fen, at) in trade.refunds.items():
                found.append(bill_line(trade, number, "退款", -fen, at, refund))
        return found

    # --------------------------------------------------------------------------- as a payer

    def open_page(self, url: str) -> None:
        """Somebody's browser opens a page to pay at."""
        parameters = dict(parse_qsl(urlsplit(url).query))
        assert parameters["method"] == "alipay.trade.wap.pay"
        assert self.accepts(parameters)
        content = json.loads(parameters["biz_content"])
        self.trades[content["out_trade_no"]] = Trade(content, parameters["notify_url"])

    def pay(self, number: str) -> Trade:
        """Somebody scans the code, or has opened the page, and pays."""
        trade = self.trades[number]
        assert trade.status == "WAIT_BUYER_PAY"
        assert beijing(self.seconds()) < trade.content["time_expire"], (
            "the code is not good any more"
        )
        trade.trade_no = f"2026112822001{number[-15:]}"
        trade.status, trade.paid_at = "TRADE_SUCCESS", beijing(self.seconds())
        self.notify(number)
        return trade

    def notify(self, number: str, **more: str) -> bytes:
        """Sign a notice of a trade as it is now; it is kept, to be sent."""
        trade = self.trades[number]
        told = {
            "notify_type": "trade_status_sync",
            "notify_id": f"{len(self.notices):032d}",
            "notify_time": beijing(self.seconds()),
            "charset": "utf-8",
            "version": "1.0",
            "app_id": APP,
            "auth_app_id": APP,
            "seller_id": SELLER,
            "buyer_logon_id": "138****0000",
            "out_trade_no": number,
            "trade_no": trade.trade_no or "",
            "trade_status": trade.status,
            "total_amount": trade.content["total_amount"],
            "subject": trade.content["subject"],
        }
        if trade.paid_at is not None:
            told["gmt_payment"] = trade.paid_at
        if trade.refunds:
            told |= {"refund_fee": yuan(trade.back_fen), "out_biz_no": list(trade.refunds)[-1]}
        form = self.form(told | more)
        self.notices.append((trade.notify_url, form))
        return form

    def form(self, told: Mapping[str, str]) -> bytes:
        """A notice, signed: C{sign_type} is no part of what is."""
        content = "&".join(f"{name}={value}" for name, value in self.sdk._ordered_data(dict(told)))
        sign = self.sdk._sign(content)
        return urlencode({**told, "sign_type": "RSA2", "sign": sign}).encode()

    # ---------------------------------------------------------------------------- its parts

    def _precreate(self, content: dict[str, Any], more: Mapping[str, str]) -> dict[str, Any]:
        number = content["out_trade_no"]
        trade = self.trades.setdefault(number, Trade(content, more["notify_url"]))
        if trade.status == "TRADE_SUCCESS":
            raise No("ACQ.TRADE_HAS_SUCCESS")
        if trade.status == "TRADE_CLOSED":
            raise No("ACQ.TRADE_HAS_CLOSE")
        return {"out_trade_no": number, "qr_code": f"https://qr.alipay.com/{number}"}

    def _trade(self, content: Mapping[str, Any]) -> Trade:
        trade = self.trades.get(content["out_trade_no"])
        if trade is None or trade.trade_no is None:
            raise No("ACQ.TRADE_NOT_EXIST")
        return trade

    def _query(self, content: dict[str, Any], _more: Mapping[str, str]) -> dict[str, Any]:
        trade = self._trade(content)
        told = {
            "out_trade_no": content["out_trade_no"],
            "trade_no": trade.trade_no,
            "trade_status": trade.status,
            "total_amount": trade.content["total_amount"],
            "store_name": 'one "{" of them }',
        }
        return told | ({"send_pay_date": trade.paid_at} if trade.paid_at else {})

    def _close(self, content: dict[str, Any], _more: Mapping[str, str]) -> dict[str, Any]:
        trade = self._trade(content)
        if trade.status != "WAIT_BUYER_PAY":
            raise No("ACQ.REASON_TRADE_STATUS_INVALID")
        trade.status = "TRADE_CLOSED"
        return {"out_trade_no": content["out_trade_no"], "trade_no": trade.trade_no}

    def _refund(self, content: dict[str, Any], _more: Mapping[str, str]) -> dict[str, Any]:
        trade, number = self._trade(content), content["out_request_no"]
        told = {"out_trade_no": content["out_trade_no"], "trade_no": trade.trade_no}
        if "refund_royalty_parameters" in content:
            return told | self._royalty_back(trade, number, content)
        fen = fen_of(content["refund_amount"])
        is_new = number not in trade.refunds
        if is_new:
            if trade.back_fen + fen > trade.fen:
                raise No("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
            trade.refunds[number] = (fen, beijing(self.seconds()))
            if trade.back_fen == trade.fen:
                trade.status = "TRADE_CLOSED"
            self.notify(content["out_trade_no"])
        told |= {"fund_change": "Y" if is_new else "N", "refund_fee": yuan(trade.back_fen)}
        return told | {"gmt_refund_pay": trade.refunds[number][1]}

    def _royalty_back(self, trade: Trade, number: str, content: dict[str, Any]) -> dict[str, Any]:
        assert content["refund_amount"] == "0.00"
        (wanted,) = content["refund_royalty_parameters"]
        given = [each for parts in trade.splits.values() for each in parts]
        had = sum(
            fen_of(each["amount"]) for each in given if each["trans_in"] == wanted["trans_out"]
        )
        if had < fen_of(wanted["amount"]):
            raise No("ACQ.ROYALTY_REFUND_AMOUNT_INVALID")
        back = {
            "refund_amount": wanted["amount"],
            "royalty_type": "transfer",
            "result_code": "SUCCESS",
            "trans_out": wanted["trans_out"],
        }
        trade.backs[number] = [back]
        return {"fund_change": "Y", "refund_fee": yuan(trade.back_fen)}

    def _refund_query(self, content: dict[str, Any], _more: Mapping[str, str]) -> dict[str, Any]:
        trade, number = self._trade(content), content["out_request_no"]
        if number in trade.backs:
            return {"out_request_no": number, "refund_royaltys": trade.backs[number]}
        if number not in trade.refunds:
            return {}
        fen, at = trade.refunds[number]
        return {
            "out_request_no": number,
            "out_trade_no": content["out_trade_no"],
            "trade_no": trade.trade_no,
            "refund_amount": yuan(fen),
            "total_amount": trade.content["total_amount"],
            "refund_status": "REFUND_SUCCESS",
            "gmt_refund_pay": at,
        }

    def _bind(self, content: dict[str, Any], _more: Mapping[str, str]) -> dict[str, Any]:
        self.receivers |= {each["account"] for each in content["receiver_list"]}
        return {"result_code": "SUCCESS"}

    def _by_trade_no(self, trade_no: str) -> Trade:
        for trade in self.trades.values():
            if trade.trade_no == trade_no:
                return trade
        raise No("ACQ.TRADE_NOT_EXIST")

    def _settle(self, content: dict[str, Any], _more: Mapping[str, str]) -> dict[str, Any]:
        trade = self._by_trade_no(content["trade_no"])
        trade.is_finished |= content.get("extend_params", {}).get("royalty_finish") == "true"
        parts = content.get("royalty_parameters", [])
        if any(each["trans_in"] not in self.receivers for each in parts):
            raise No("ACQ.ROYALTY_RECEIVER_INVALID")
        given = sum(fen_of(each["amount"]) for some in trade.splits.values() for each in some)
        if content["out_request_no"] not in trade.splits and parts:
            if given + sum(fen_of(each["amount"]) for each in parts) > trade.fen * 30 // 100:
                raise No("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR")
            trade.splits[content["out_request_no"]] = parts
        return {"trade_no": trade.trade_no, "settle_no": f"s{content['out_request_no']}"}

    def _settle_query(self, content: dict[str, Any], _more: Mapping[str, str]) -> dict[str, Any]:
        trade = self._by_trade_no(content["trade_no"])
        if content["out_request_no"] not in trade.splits:
            raise No("ACQ.SETTLE_NOT_EXIST")
        return {
            "out_request_no": content["out_request_no"],
            "royalty_detail_list": [
                {
                    "operation_type": "transfer",
                    "state": "SUCCESS",
                    "trans_in": each["trans_in"],
                    "trans_in_type": each["trans_in_type"],
                    "amount": each["amount"],
                }
                for each in trade.splits[content["out_request_no"]]
            ],
        }

    def _bill_url(self, content: dict[str, Any], _more: Mapping[str, str]) -> dict[str, Any]:
        assert content["bill_type"] == "trade"
        return {"bill_download_url": BILL_URL}


def bill_line(trade: Trade, number: str, kind: str, fen: int, at: str, refund: str = "") -> str:
    """A line of the table: what looks like a number has a tab behind it, for spreadsheets."""
    amount = f"{'-' if fen < 0 else ''}{yuan(abs(fen))}"
    cells = [f"{trade.trade_no}\t", f"{number}\t", kind, "充电", at, at]
    cells += [trade.content.get("store_id", ""), "", "", "", "138****0000", amount, amount]
    cells += ["0.00"] * 5 + ["", "0.00", "0.00", refund and f"{refund}\t", "0.00", "0.00", ""]
    return ",".join(cells)


ANSWERS: dict[str, Callable[[LocalAlipay, dict[str, Any], Mapping[str, str]], dict[str, Any]]] = {
    "alipay.trade.precreate": LocalAlipay._precreate,
    "alipay.trade.query": LocalAlipay._query,
    "alipay.trade.close": LocalAlipay._close,
    "alipay.trade.refund": LocalAlipay._refund,
    "alipay.trade.fastpay.refund.query": LocalAlipay._refund_query,
    "alipay.trade.royalty.relation.bind": LocalAlipay._bind,
    "alipay.trade.order.settle": LocalAlipay._settle,
    "alipay.trade.order.settle.query": LocalAlipay._settle_query,
    "alipay.data.dataservice.bill.downloadurl.query": LocalAlipay._bill_url,
}
