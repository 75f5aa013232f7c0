"""Notices: what somebody has sent, proved to be WeChat's and opened.

"Payment notice" and "Refund notice" of WeChat Pay, API v3.  What is believed is believed of these
minutes only; that one may come twice within them is for those who write down what it says.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from twisted.internet.defer import Deferred

from chargecloud.domain.channel import PaymentFact, RefundFact
from chargecloud.domain.errors import NoticeRefused
from chargecloud_pay_wechat.asking import Asking
from chargecloud_pay_wechat.errors import NotBelieved
from chargecloud_pay_wechat.merchant import Merchant
from chargecloud_pay_wechat.sealing import SealedOtherwise, unsealed
from chargecloud_pay_wechat.signing import Seal
from chargecloud_pay_wechat.words import Unreadable, payment_fact, refund_fact

SEALED = "encrypt-resource"
#: C{event_type}, up to its dot
PAYMENT, REFUND = "TRANSACTION", "REFUND"


async def read_notice(
    asking: Sequence[Asking], headers: Mapping[str, str], body: bytes, now_s: float
) -> PaymentFact | RefundFact:
    """
    What a notice says.

    @param asking: the merchants that it may be for.
    @param headers: by their names in small letters.
    @param body: as it came, byte by byte: that is what was signed.
    @raise NoticeRefused: if it is not WeChat's, is stale, or is for somebody else.
    """
    try:
        seal = Seal.read(headers, now_s)
    except NotBelieved as error:
        raise NoticeRefused(str(error), error.why) from error
    signed_for = [
        each.merchant
        for each, key in await _keys(asking, seal.serial)
        if key is not None and seal.is_by(key, body)
    ]
    if not signed_for:
        raise NoticeRefused("WeChat has not signed it for a merchant of ours", "bad-signature")
    try:
        told = json.loads(body)
        kind, _, _event = told["event_type"].partition(".")
        if told["resource_type"] != SEALED or kind not in (PAYMENT, REFUND):
            raise NoticeRefused("it is of nothing that is known here", "malformed")
        merchant, resource = _opened(signed_for, told["resource"])
        if resource["mchid"] != merchant.number:
            raise NoticeRefused("it is for another merchant", "foreign")
        if kind == REFUND:
            return refund_fact(resource, merchant.number)
        if resource["appid"] != merchant.app_id:
            raise NoticeRefused("it is of another app", "foreign")
        return payment_fact(resource)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, Unreadable) as error:
        raise NoticeRefused("it is none of WeChat's notices", "malformed") from error


async def _keys(
    asking: Sequence[Asking], serial: str
) -> Sequence[tuple[Asking, RSAPublicKey | None]]:
    """The key of that serial of each merchant; fetched only if it is known to none."""
    known = [(each, each.keys.known(serial)) for each in asking]
    if any(key is not None for _, key in known):
        return known
    # all at a time: the far side waits
    finding = [(each, Deferred.fromCoroutine(each.keys.find(serial))) for each in asking]
    return [(each, await key) for each, key in finding]


def _opened(
    merchants: Sequence[Merchant], sealed: Mapping[str, Any]
) -> tuple[Merchant, Mapping[str, Any]]:
    """Whose it is, and what it says: WeChat may sign with one key for several merchants."""
    for merchant in merchants:
        try:
            return merchant, json.loads(unsealed(merchant.api_v3_key, sealed))
        except SealedOtherwise:
            continue
    raise NoticeRefused("it is sealed for another merchant", "foreign")
