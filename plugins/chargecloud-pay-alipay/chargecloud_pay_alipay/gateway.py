"""Alipay's gateway, asked: what is sent is signed, and no answer counts whose signature is not
Alipay's (https://opendocs.alipay.com/common/02mse2).

A I{no} of the business, C{40004}, is final, unless its code says that Alipay itself has failed.
Whatever else is no success says nothing of what was asked: a system that is busy (C{20000}), a key
or a contract that is not in order (C{40001} to C{40006}, which people have to mend), an answer that
is not signed, or none.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from attrs import frozen
from twisted.internet.defer import Deferred

from chargecloud.domain.errors import ChannelRefused
from chargecloud_pay_alipay.accounts import Account
from chargecloud_pay_alipay.keys import Keys
from chargecloud_pay_alipay.signed import content_of, members_of
from chargecloud_pay_alipay.wording import beijing

#: fetches a URL, with a form if there is one: the body of an answer with status 200
Fetch = Callable[[str, bytes | None], "Deferred[bytes]"]

#: of an answer: those that we know have some thousand bytes
MOST_ANSWER = 256 * 1024
#: C{10003} is a payment that waits for its payer
_ANSWERED = ("10000", "10003")
_BUSINESS = "40004"
#: Alipay's own failures among the business's codes, whatever stands before their point (AQC
#: and UNKNOW are theirs): what was asked may be done or not, and is to be asked again
_FAILURES = frozenset(
    {
        "SYSTEM_ERROR",
        "SYSTEM_EXCEPTION",
        "UNKNOW_ERROR",
        "UNKNOWN_ERROR",
        "FREQUENCY_LIMIT",
        "TRADE_SETTLE_ERROR",
        "REFUND_CHARGE_ERROR",
    }
)


class Unanswered(Exception):
    """Alipay has not said what became of what it was asked."""


def is_failure(sub_code: str) -> bool:
    """Whether a code of the business's says that Alipay itself has failed."""
    return sub_code.rpartition(".")[2].upper() in _FAILURES


@frozen
class Gateway:
    """
    @ivar fetch: asks over HTTP.
    @ivar seconds: Unix time.
    """

    url: str
    fetch: Fetch
    seconds: Callable[[], float]

    async def ask(
        self,
        account: Account,
        method: str,
        content: Mapping[str, Any],
        notify_url: str | None = None,
    ) -> Mapping[str, Any]:
        """
        What Alipay answers.

        @param content: what C{biz_content} has.
        @return: the answer's member, with all its numbers as text.
        @raise ChannelRefused: if the business says no; C{why} is its code.
        @raise Unanswered: if nobody knows.
        """
        parameters = self._signed(account, method, content, notify_url=notify_url)
        form = urlencode({"biz_content": parameters.pop("biz_content")}).encode()
        body = await self.fetch(f"{self.url}?{urlencode(parameters)}", form)
        told = _read(account.keys, method, body)
        code, sub_code = str(told.get("code")), str(told.get("sub_code") or "")
        if code in _ANSWERED:
            return told
        said = f"{method}: {code} {sub_code} {str(told.get('sub_msg') or '')[:120]}"
        if code == _BUSINESS and sub_code and not is_failure(sub_code):
            raise ChannelRefused(said, why=sub_code[:200])
        raise Unanswered(said)

    def page(
        self,
        account: Account,
        method: str,
        content: Mapping[str, Any],
        notify_url: str,
        return_url: str | None,
    ) -> str:
        """The URL of a page of Alipay's, which whoever opens it asks by: nothing is asked here."""
        more = {"notify_url": notify_url, "return_url": return_url}
        return f"{self.url}?{urlencode(self._signed(account, method, content, **more))}"

    def _signed(
        self, account: Account, method: str, content: Mapping[str, Any], **more: str | None
    ) -> dict[str, str]:
        parameters = {
            "app_id": account.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": beijing(self.seconds()),
            "version": "1.0",
            "app_cert_sn": account.keys.app_cert_sn,
            "alipay_root_cert_sn": account.keys.root_cert_sn,
            "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
            **more,
        }
        given = {name: value for name, value in parameters.items() if value}
        return {**given, "sign": account.keys.sign(content_of(given))}


def _read(keys: Keys, method: str, body: bytes) -> Mapping[str, Any]:
    name = f"{method.replace('.', '_')}_response"
    try:
        members = members_of(body.decode())
    except ValueError as error:
        raise Unanswered(f"{method}: no JSON object: {body[:80]!r}") from error
    member = members.get(name) or members.get("error_response")
    if member is None or not isinstance(member.value, dict):
        raise Unanswered(f"{method}: neither {name} nor an error")
    sign = members.get("sign")
    if sign is None or not isinstance(sign.value, str):
        # so it answers an app, or a signature, that it does not know
        said = [str(member.value.get(each) or "") for each in ("code", "sub_code", "sub_msg")]
        raise Unanswered(f"{method}: not signed: {' '.join(said)[:160]}")
    certificate = members.get("alipay_cert_sn")
    if keys.alipay_cert_sn and certificate and certificate.value != keys.alipay_cert_sn:
        raise Unanswered(
            f"{method}: signed by Alipay's certificate {certificate.value}, and not by "
            f"{keys.alipay_cert_sn}, which is configured: there is a new one"
        )
    if not keys.verified(member.raw, sign.value):
        raise Unanswered(f"{method}: the signature of the answer is not Alipay's")
    told: Mapping[str, Any] = member.value
    return told
