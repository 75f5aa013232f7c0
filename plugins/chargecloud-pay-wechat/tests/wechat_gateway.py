"""WeChat Pay, as a merchant sees it, on this machine: the same words, signed and sealed in the same
way, and as badly behaved as a test wants it.

Its signatures are made, and ours are verified, by C{wechatpayv3}, which knows nothing of us.
"""

import gzip
import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
)
from cryptography.x509.oid import NameOID
from twisted.internet.defer import maybeDeferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from wechatpayv3.utils import rsa_decrypt, rsa_sign, rsa_verify

from wechat_keys import key, sealed

CHINA = ZoneInfo("Asia/Shanghai")
SCHEME = "WECHATPAY2-SHA256-RSA2048"
MERCHANT, APP, API_V3_KEY = "1900000109", "wxd678efh567hg6787", "k" * 32
MERCHANT_SERIAL = "444F4864EA9B34415A0CB3C3DBC6E5D1B0C4D5E6"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000001092026112700326400001"
#: to the next try of a notice that was not received
AGAIN_S = (15.0, 15.0, 30.0, 180.0, 600.0)

TITLES = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


class No(Exception):
    """What WeChat says instead of doing it."""

    def __init__(self, status: int, code: str, message: str = "no") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


@define
class Manners:
    """
    How it behaves.

    @ivar fail_with: the next answers, instead of doing what is asked: status and code.
    @ivar questions_lost: so many of the next questions do not arrive.
    @ivar answers_lost: so many of the next are done, and nobody hears of it.
    @ivar says_only: all that it says, while it keeps the connection.
    @ivar tampers: what is done to the body of an answer, or a notice, after it was signed.
    @ivar is_unsigned: whether answers have no signature.
    @ivar before: is told of each request that arrives, before anything comes of it.
    @ivar skew_s: how much its clock is ahead.
    """

    fail_with: list[tuple[int, str]] = field(factory=list)
    questions_lost: int = 0
    answers_lost: int = 0
    says_only: bytes | None = None
    tampers: Callable[[bytes], bytes] | None = None
    is_unsigned: bool = False
    before: Callable[[str], None] | None = None
    skew_s: float = 0.0
    notice_times: int = 1
    notice_after_s: float = 0.0
    refunds_are: str = "SUCCESS"


@define(eq=False)
class Platform:
    """A key that WeChat signs with, and its certificate."""

    name: str
    serial: str
    certificate: str


def platform(name: str, serial: int, now: datetime, days: int = 1_800) -> Platform:
    """WeChat's certificate of a serial, from yesterday on."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key(name).public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .sign(key(name), SHA256())
    )
    return Platform(name, f"{serial:X}", made.public_bytes(Encoding.PEM).decode())


def nobody_hears(_url: str, _headers: Mapping[str, str], _body: bytes) -> Any:
    """Notices that go nowhere."""
    return 0


@define(eq=False)
class Gateway:
    """
    @ivar clock: its seconds are Unix time.
    @ivar post: sends a notice; gives the status of its answer.
    @ivar signs_by_public_key: whether it signs by the public key, and not by certificates.
    @ivar asked: methods and targets, of all that has arrived.
    """

    clock: Any
    post: Callable[[str, Mapping[str, str], bytes], Any] = nobody_hears
    url: str = "https://api.mch.weixin.qq.com"
    signs_by_public_key: bool = False
    manners: Manners = field(factory=Manners)
    platforms: list[Platform] = field(init=False)
    orders: dict[str, dict[str, Any]] = field(factory=dict)
    refunds: dict[str, dict[str, Any]] = field(factory=dict)
    splits: dict[str, dict[str, Any]] = field(factory=dict)
    backs: dict[str, dict[str, Any]] = field(factory=dict)
    receivers: dict[str, str | None] = field(factory=dict)
    asked: list[tuple[str, str]] = field(factory=list)
    bodies: list[Any] = field(factory=list)
    _numbers: int = 4_200_000_000

    def __attrs_post_init__(self) -> None:
        self.platforms = [platform("platform", 0x5157F09EFDC096DE15EBE81A47057A72, self.now())]

    def now(self) -> datetime:
        """By its own clock."""
        return datetime.fromtimestamp(self.clock.seconds() + self.manners.skew_s, UTC)

    # -------------------------------------------------------------------------- is asked

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer a request; headers are by their names in small letters."""
        self.asked.append((method, target))
        if self.manners.before:
            self.manners.before(target)
        path = urlsplit(target).path
        try:
            if self.manners.fail_with:
                status, code = self.manners.fail_with.pop(0)
                raise No(status, code)
            self._authorize(method, target, headers, body)
            told = json.loads(body) if body else {}
            self.bodies.append(told)
            status, answer = self._answer(method, path, _query(target), told, headers)
        except No as no:
            status, answer = no.status, {"code": no.code, "message": no.message}
            if not no.code:
                return status, {"content-type": "text/html"}, b"<h1>Bad Gateway</h1>"
        if isinstance(answer, bytes):
            return status, {"content-type": "application/octet-stream"}, answer
        sent = b"" if answer is None else json.dumps(answer).encode()
        given = {"content-type": "application/json"}
        if not self.manners.is_unsigned:
            given |= self.signature(sent, headers.get("wechatpay-serial"))
        return status, given, self.manners.tampers(sent) if self.manners.tampers else sent

    def signature(self, body: bytes, wanted: str | None = None) -> dict[str, str]:
        """The headers that prove that it says this."""
        by = self.platforms[-1]
        serial, signer = by.serial, key(by.name)
        if self.signs_by_public_key or wanted == PUBLIC_KEY_ID:
            serial, signer = PUBLIC_KEY_ID, key("public")
        timestamp, nonce = str(int(self.now().timestamp())), secrets.token_hex(16)
        message = f"{timestamp}\n{nonce}\n{body.decode()}\n"
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature": rsa_sign(signer, message),
            "Wechatpay-Signature-Type": SCHEME,
        }

    def _authorize(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        given = dict(re.findall(r'([a-z_]+)="([^"]*)"', rest))
        if scheme != SCHEME or set(given) != {
            "mchid",
            "nonce_str",
            "signature",
            "timestamp",
            "serial_no",
        }:
            raise No(401, "SIGN_ERROR", "no Authorization")
        is_late = abs(self.now().timestamp() - int(given["timestamp"])) > 300
        is_theirs = rsa_verify(
            f"{method}\n{target}\n{given['timestamp']}",
            given["nonce_str"],
            body.decode(),
            given["signature"],
            key("merchant").public_key(),
        )
        who = (given["mchid"], given["serial_no"])
        if is_late or not is_theirs or who != (MERCHANT, MERCHANT_SERIAL):
            raise No(401, "SIGN_ERROR", "not signed by the merchant")
        if headers.get("accept") != "application/json" or "user-agent" not in headers:
            raise No(400, "PARAM_ERROR", "Accept and User-Agent are needed")

    def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        told: dict[str, Any],
        headers: Mapping[str, str],
    ) -> tuple[int, Any]:
        last = path.rpartition("/")[2]
        if (method, path) == ("GET", "/v3/certificates"):
            return 200, self._certificates()
        if path == "/v3/billdownload/file":
            return 200, gzip.compress(self.bill(query["token"]).encode())
        if path == "/v3/bill/tradebill":
            return 200, self._bill(query)
        if path.startswith("/v3/pay/transactions/out-trade-no/"):
            number = path.split("/")[5]
            if last == "close":
                return 204, self._close(number)
            return 200, self._shown(number, query["mchid"])
        if path.startswith("/v3/pay/transactions/"):
            return 200, self._order(last, told)
        if path.startswith("/v3/refund/domestic/refunds"):
            return 200, self._refund(told) if method == "POST" else _found(self.refunds, last)
        if path == "/v3/profitsharing/receivers/add":
            return 200, self._receiver(told, headers)
        if path == "/v3/profitsharing/orders/unfreeze":
            return 200, self._unfreeze(told)
        if path.startswith("/v3/profitsharing/orders"):
            return 200, self._split(told, headers) if method == "POST" else _found(
                self.splits, last
            )
        if path.startswith("/v3/profitsharing/return-orders"):
            return 200, self._back(told) if method == "POST" else _found(self.backs, last)
        raise No(404, "NOT_FOUND")

    # ------------------------------------------------------------------ what it is asked

    def _certificates(self) -> dict[str, Any]:
        return {
            "data": [
                {
                    "serial_no": each.serial,
                    "effective_time": "2026-01-01T00:00:00+08:00",
                    "expire_time": "2031-01-01T00:00:00+08:00",
                    "encrypt_certificate": sealed(API_V3_KEY, each.certificate, "certificate"),
                }
                for each in self.platforms
            ]
        }

    def _order(self, way: str, told: dict[str, Any]) -> dict[str, str]:
        number = told["out_trade_no"]
        if not re.fullmatch(r"[0-9A-Za-z_*|@-]{6,32}", number) or told["appid"] != APP:
            raise No(400, "PARAM_ERROR")
        if datetime.fromisoformat(told["time_expire"]) <= self.now():
            raise No(400, "PARAM_ERROR", "time_expire")
        known = self.orders.setdefault(number, {"state": "NOTPAY", "told": told, "way": way})
        if known["told"] != told:
            raise No(400, "INVALID_REQUEST", "201 the same number with other values")
        if known["state"] == "SUCCESS":
            raise No(400, "ORDERPAID")
        if known["state"] == "CLOSED":
            raise No(400, "ORDER_CLOSED")
        if way == "jsapi":
            assert told["payer"]["openid"]
            return {"prepay_id": f"wx{number}"}
        if way == "h5":
            assert told["scene_info"]["payer_client_ip"]
            return {"h5_url": f"https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?id={number}"}
        return {"code_url": f"weixin://wxpay/bizpayurl?pr={number}"}

    def _shown(self, number: str, mchid: str) -> dict[str, Any]:
        order = self.orders.get(number)
        if order is None or mchid != MERCHANT:
            raise No(404, "ORDER_NOT_EXIST")
        return self.transaction(number)

    def transaction(self, number: str) -> dict[str, Any]:
        """What it tells of an order."""
        order = self.orders[number]
        told = order["told"]
        shown = {
            "appid": told["appid"],
            "mchid": told["mchid"],
            "out_trade_no": number,
            "trade_state": order["state"],
            "attach": told.get("attach", ""),
            "amount": {"total": told["amount"]["total"], "currency": "CNY"},
        }
        if order["state"] in ("SUCCESS", "REFUND"):
            shown |= {
                "transaction_id": order["transaction"],
                "success_time": order["at"].astimezone(CHINA).isoformat(timespec="seconds"),
                "trade_type": order["way"].upper(),
                "bank_type": "OTHERS",
                "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
            }
        return shown

    def _close(self, number: str) -> None:
        if number not in self.orders:
            raise No(404, "ORDER_NOT_EXIST")
        if self.orders[number]["state"] == "SUCCESS":
            raise No(400, "ORDERPAID")
        self.orders[number]["state"] = "CLOSED"

    def _refund(self, told: dict[str, Any]) -> dict[str, Any]:
        number, payment = told["out_refund_no"], told["out_trade_no"]
        order = self.orders.get(payment)
        if order is None:
            raise No(404, "RESOURCE_NOT_EXISTS")
        if number not in self.refunds:
            back = sum(
                each["amount"]["refund"]
                for each in self.refunds.values()
                if each["out_trade_no"] == payment
            )
            total = order["told"]["amount"]["total"]
            amount = told["amount"]
            is_wrong = amount["total"] != total or back + amount["refund"] > total
            if order["state"] not in ("SUCCESS", "REFUND") or is_wrong:
                raise No(400, "INVALID_REQUEST")
            order["state"] = "REFUND"
            self.refunds[number] = {
                "refund_id": f"5030{self._next()}",
                "out_refund_no": number,
                "transaction_id": order["transaction"],
                "out_trade_no": payment,
                "channel": "ORIGINAL",
                "status": "PROCESSING",
                "amount": {"total": total, "refund": amount["refund"], "currency": "CNY"},
            }
            if self.manners.refunds_are != "PROCESSING":
                self.refund_becomes(number, self.manners.refunds_are, told["notify_url"])
        return dict(self.refunds[number])

    def refund_becomes(self, number: str, state: str, url: str) -> None:
        """A refund that is on its way comes to an end, and the merchant is told."""
        refund = self.refunds[number]
        refund["status"] = state
        if state == "SUCCESS":
            refund["success_time"] = self.now().astimezone(CHINA).isoformat(timespec="seconds")
        told = {name: each for name, each in refund.items() if name not in ("status", "channel")}
        told |= {"mchid": MERCHANT, "refund_status": state}
        self.notify(url, f"REFUND.{state}", told, "refund")

    def _bill(self, query: Mapping[str, str]) -> dict[str, str]:
        assert (query["bill_type"], query["tar_type"]) == ("ALL", "GZIP")
        text = self.bill(query["bill_date"])
        if text.count("\n") == 3:
            raise No(400, "NO_STATEMENT_EXIST")
        return {
            "hash_type": "SHA1",
            "hash_value": sha1(text.encode(), usedforsecurity=False).hexdigest(),
            "download_url": f"{self.url}/v3/billdownload/file?token={query['bill_date']}",
        }

    def bill(self, day: str) -> str:
        """The bill of a day."""
        lines = [TITLES]
        for number, order in self.orders.items():
            if "at" not in order:
                continue
            fen = order["told"]["amount"]["total"]
            lines.append(self._line(day, number, order, "SUCCESS", fen, None))
            for refund in self.refunds.values():
                if refund["out_trade_no"] == number:
                    lines.append(self._line(day, number, order, "REFUND", 0, refund))
        rows = [line for line in lines if line]
        sums = f"`{len(rows) - 1},`0.00,`0.00,`0.00,`0.00,`0.00,`0.00"
        return "\ufeff" + "\r\n".join([*rows, SUMS, sums]) + "\r\n"

    def _line(
        self, day: str, number: str, order: Any, state: str, fen: int, refund: Any
    ) -> str | None:
        told = order["told"]
        at = (
            order["at"]
            if refund is None
            else datetime.fromisoformat(refund.get("success_time", order["at"].isoformat()))
        )
        local = at.astimezone(CHINA)
        if local.date().isoformat() != day:
            return None
        back = refund["amount"]["refund"] if refund else 0
        values = [
            f"{local:%Y-%m-%d %H:%M:%S}",
            told["appid"],
            told["mchid"],
            "0",
            "",
            order["transaction"],
            number,
            "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
            order["way"].upper(),
            state,
            "OTHERS",
            "CNY",
            _yuan(fen),
            "0.00",
            refund["refund_id"] if refund else "0",
            refund["out_refund_no"] if refund else "0",
            _yuan(back),
            "0.00",
            "ORIGINAL" if refund else "",
            refund["status"] if refund else "",
            told["description"],
            told.get("attach", ""),
            "0.00000",
            "0.60%",
            _yuan(fen),
            _yuan(back),
            "",
        ]
        return ",".join(f"`{value}" for value in values)

    # ---------------------------------------------------------------------------- shares

    def _named(self, told: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
        """The name of a receiver, which only WeChat can read."""
        if "name" not in told:
            return None
        serial = headers.get("wechatpay-serial")
        if serial == PUBLIC_KEY_ID:
            return rsa_decrypt(told["name"], key("public"))
        (by,) = [each for each in self.platforms if each.serial == serial]
        return rsa_decrypt(told["name"], key(by.name))

    def _receiver(self, told: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        name = self._named(told, headers)
        if told["type"] == "MERCHANT_ID" and not name:
            raise No(400, "PARAM_ERROR", "name")
        assert told["relation_type"] == "PARTNER"
        self.receivers[told["account"]] = name
        return told

    def _split(self, told: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        number = told["out_order_no"]
        (order,) = [
            each
            for each in self.orders.values()
            if each.get("transaction") == told["transaction_id"]
        ]
        if number not in self.splits:
            amounts = sum(each["amount"] for each in told["receivers"])
            if "settle_info" not in order["told"]:
                raise No(403, "NO_AUTH", "not frozen")
            if amounts > order["told"]["amount"]["total"] * 30 // 100:
                raise No(403, "RULE_LIMIT", "more than 30 %")
            for each in told["receivers"]:
                if each["account"] not in self.receivers:
                    raise No(400, "INVALID_REQUEST", "no receiver")
                assert self._named(each, headers) in (None, self.receivers[each["account"]])
            self.splits[number] = {
                "transaction_id": told["transaction_id"],
                "out_order_no": number,
                "order_id": f"3008{self._next()}",
                "state": "PROCESSING",
                "receivers": [
                    {name: value for name, value in each.items() if name != "name"}
                    | {"result": "PENDING"}
                    for each in told["receivers"]
                ],
            }
        return self.splits[number]

    def split_ends(self, number: str, **results: str) -> None:
        """A split was made; for an account of C{results} with a reason, it was not."""
        split = self.splits[number]
        split["state"] = "FINISHED"
        for each in split["receivers"]:
            why = results.get(f"a{each['account']}")
            each["result"] = "CLOSED" if why else "SUCCESS"
            if why:
                each["fail_reason"] = why

    def _unfreeze(self, told: dict[str, Any]) -> dict[str, Any]:
        mine = {"type": "MERCHANT_ID", "account": MERCHANT, "amount": 1, "result": "SUCCESS"}
        return self.splits.setdefault(
            told["out_order_no"], {"state": "FINISHED", "receivers": [mine]} | told
        )

    def _back(self, told: dict[str, Any]) -> dict[str, Any]:
        number = told["out_return_no"]
        split = _found(self.splits, told["out_order_no"])
        if not any(each["account"] == told["return_mchid"] for each in split["receivers"]):
            raise No(400, "INVALID_REQUEST")
        return self.backs.setdefault(number, {"result": "PROCESSING"} | told)

    # ------------------------------------------------------------------ tells and is paid

    def pay(self, number: str) -> None:
        """Somebody pays."""
        order = self.orders[number]
        assert order["state"] == "NOTPAY", order["state"]
        order |= {"state": "SUCCESS", "transaction": f"4200{self._next()}", "at": self.now()}
        url = order["told"]["notify_url"]
        self.notify(url, "TRANSACTION.SUCCESS", self.transaction(number), "transaction")

    def notice(
        self, event: str, resource: Mapping[str, Any], along: str, api_v3_key: str = API_V3_KEY
    ) -> tuple[dict[str, str], bytes]:
        """The headers and the body of a notice, as they are now."""
        told = {
            "id": secrets.token_hex(16),
            "create_time": self.now().astimezone(CHINA).isoformat(timespec="seconds"),
            "resource_type": "encrypt-resource",
            "event_type": event,
            "summary": "支付成功",
            "resource": sealed(api_v3_key, json.dumps(resource), along) | {"original_type": along},
        }
        body = json.dumps(told, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", **self.signature(body)}
        return headers, self.manners.tampers(body) if self.manners.tampers else body

    def notify(self, url: str, event: str, resource: Mapping[str, Any], along: str) -> None:
        """Tell the merchant, again and again until it is received."""
        for _ in range(self.manners.notice_times):
            after_s = self.manners.notice_after_s
            self.clock.callLater(after_s, self._send, url, event, resource, along, 0)

    def _send(
        self, url: str, event: str, resource: Mapping[str, Any], along: str, tried: int
    ) -> None:
        sent = maybeDeferred(self.post, url, *self.notice(event, resource, along))

        def answered(status: Any) -> None:
            if status not in (200, 204) and tried < len(AGAIN_S):
                again = (url, event, resource, along, tried + 1)
                self.clock.callLater(AGAIN_S[tried], self._send, *again)

        sent.addErrback(lambda _failure: 0)
        sent.addCallback(answered)

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


class GatewayResource(Resource):
    """The gateway over HTTP."""

    isLeaf = True

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self.gateway = gateway
        self.kept: list[Any] = []

    def render(self, request: Any) -> Any:
        """Answer, or be gone."""
        manners = self.gateway.manners
        if manners.says_only is not None:
            # the head of an answer goes with the first byte of its body
            if manners.says_only:
                request.write(manners.says_only)
            self.kept.append(request.notifyFinish())
            return NOT_DONE_YET
        if manners.questions_lost:
            manners.questions_lost -= 1
            request.loseConnection()
            return NOT_DONE_YET
        headers = {
            name.decode().lower(): values[-1].decode()
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        status, given, body = self.gateway.handle(
            request.method.decode(), request.uri.decode(), headers, request.content.read()
        )
        if manners.answers_lost:
            manners.answers_lost -= 1
            request.loseConnection()
            return NOT_DONE_YET
        request.setResponseCode(status)
        for name, value in given.items():
            request.setHeader(name, value)
        return body


def _found(among: Mapping[str, dict[str, Any]], number: str) -> dict[str, Any]:
    if number not in among:
        raise No(404, "RESOURCE_NOT_EXISTS")
    return among[number]


def _query(target: str) -> Mapping[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"
