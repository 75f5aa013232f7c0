"""WeChat Pay, asked: each request is signed, each answer is verified.

Nothing here tries again: who asked does, as the platform's rows say what is due.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorTime

from chargecloud.fetching import TooLarge, body_of
from chargecloud_pay_wechat.errors import NoAnswer, NotBelieved, SaidNo
from chargecloud_pay_wechat.merchant import Merchant
from chargecloud_pay_wechat.platform_keys import PlatformKeys
from chargecloud_pay_wechat.signing import Seal, authorization

#: bytes of an answer in JSON: those of a split among fifty have some twenty thousand
MOST_ANSWER = 1024 * 1024
CERTIFICATES = "/v3/certificates"


@frozen
class Answer:
    """What came, of which nothing is proved yet.

    @ivar headers: by their names in small letters.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether WeChat has done what it was asked."""
        return self.status // 100 == 2


@define(eq=False)
class Asking:
    """
    Asks for one merchant.

    @ivar server: without anything behind the host.
    @ivar http: a client of treq's.
    @ivar clock: its seconds are Unix time.
    @ivar nonce: makes something that was never used before.
    """

    merchant: Merchant
    server: str
    http: Any = field(repr=False)
    clock: IReactorTime
    nonce: Callable[[], str]
    keys: PlatformKeys = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.keys = PlatformKeys(self.merchant, self._certificates, self.clock)

    async def get(self, target: str) -> Any:
        """
        Ask for something.

        @param target: path and query.
        @return: the JSON of the answer.
        @raise SaidNo: if WeChat says no.
        @raise NotBelieved: if somebody else has answered.
        @raise NoAnswer: if it is nothing that WeChat says.
        """
        return await self._told("GET", target, None, None)

    async def post(
        self, target: str, values: Mapping[str, Any], key_serial: str | None = None
    ) -> Any:
        """
        Have something done; as L{get}.

        @param key_serial: of the key that parts of C{values} are sealed with.
        """
        body = json.dumps(values, ensure_ascii=False).encode()
        return await self._told("POST", target, body, key_serial)

    async def download(self, url: str, most: int) -> bytes:
        """
        A file that WeChat has named the URL of; it is not signed, but known by its digest.

        @param most: bytes that are taken of it.
        """
        answer = await self._send("GET", url, None, None, most)
        if not answer.is_success:
            raise _no(answer)
        return answer.body

    async def _told(
        self, method: str, target: str, body: bytes | None, key_serial: str | None
    ) -> Any:
        answer = await self._send(method, f"{self.server}{target}", body, key_serial, MOST_ANSWER)
        # a no need not be signed; but one that is has to be WeChat's
        if answer.is_success or "wechatpay-signature" in answer.headers:
            await self._verify(answer)
        if not answer.is_success:
            raise _no(answer)
        return _json(answer.body) if answer.body else {}

    async def _verify(self, answer: Answer) -> None:
        seal = Seal.read(answer.headers, self.clock.seconds())
        key = await self.keys.find(seal.serial)
        if key is None or not seal.is_by(key, answer.body):
            raise NotBelieved("an answer that WeChat has not signed")

    async def _certificates(self) -> bytes:
        url = f"{self.server}{CERTIFICATES}"
        answer = await self._send("GET", url, None, None, MOST_ANSWER)
        if not answer.is_success:
            raise _no(answer)
        return answer.body

    async def _send(
        self, method: str, url: str, body: bytes | None, key_serial: str | None, most: int
    ) -> Answer:
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        now_s = int(self.clock.seconds())
        headers = {
            "Accept": "application/json",
            "Authorization": authorization(
                self.merchant, method, target, body or b"", now_s, self.nonce()
            ),
            # it is refused without one
            "User-Agent": "ChargeCloud",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        # which key WeChat is to answer with, and which one it is to read with
        serial = key_serial or self.merchant.public_key_id
        if serial is not None:
            headers["Wechatpay-Serial"] = serial
        response = await self.http.request(
            method, url, headers=headers, data=body, allow_redirects=False, unbuffered=True
        )
        collecting = body_of(response, most)
        found = {
            name.decode("latin-1").lower(): values[-1].decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        }
        try:
            return Answer(response.code, found, await collecting)
        except TooLarge as error:
            raise NoAnswer(str(error)) from error


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoAnswer("an answer that is no JSON") from error
    if not isinstance(told, dict):
        raise NoAnswer("an answer that is no object")
    return told


def _no(answer: Answer) -> Exception:
    try:
        told = _json(answer.body)
        return SaidNo(answer.status, str(told["code"]), str(told.get("message", ""))[:200])
    except (KeyError, NoAnswer):
        # a gateway on the way there, or one that is down
        return NoAnswer(f"an answer of status {answer.status} without a word")
