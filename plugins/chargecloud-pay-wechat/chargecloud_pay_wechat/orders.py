"""Orders, as WeChat Pay is asked to take them: "Native", "JSAPI" and "H5" of API v3.

All three differ only in how the payer comes to pay.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from attrs import frozen

from chargecloud.domain.channel import Opening
from chargecloud.domain.errors import ChannelRefused
from chargecloud.domain.fields import one_line
from chargecloud.domain.payment_value import PayMethod
from chargecloud_pay_wechat.merchant import Merchant
from chargecloud_pay_wechat.words import CURRENCY

CHINA = timezone(timedelta(hours=8))
#: C{out_trade_no}: 6 to 32 of these
_NUMBER = re.compile(r"[0-9A-Za-z_*|@-]{6,32}")
#: characters of C{description}
LONGEST_SUBJECT = 127
#: bytes of C{notify_url}
LONGEST_URL = 255


@frozen
class Way:
    """
    @ivar path: what is asked.
    @ivar more: what it needs besides what all need.
    """

    path: str
    more: Callable[[Opening], Mapping[str, Any]]


def _payer(opening: Opening) -> Mapping[str, Any]:
    return {"payer": {"openid": opening.payer}}


def _browser(opening: Opening) -> Mapping[str, Any]:
    if opening.client_ip is None:
        raise ChannelRefused("WeChat Pay wants to know client_ip", why="client_ip is needed")
    return {"scene_info": {"payer_client_ip": opening.client_ip, "h5_info": {"type": "Wap"}}}


WAYS: Mapping[PayMethod, Way] = {
    PayMethod.QR: Way("/v3/pay/transactions/native", lambda _opening: {}),
    PayMethod.IN_APP: Way("/v3/pay/transactions/jsapi", _payer),
    PayMethod.BROWSER: Way("/v3/pay/transactions/h5", _browser),
}


def order(opening: Opening, merchant: Merchant) -> Mapping[str, Any]:
    """
    The values of an order.

    @raise ChannelRefused: if WeChat could not take it.
    """
    if not _NUMBER.fullmatch(opening.number):
        raise ChannelRefused(f"WeChat Pay takes no number {opening.number}", why="out_trade_no")
    if len(opening.notice_url.encode()) > LONGEST_URL or "?" in opening.notice_url:
        raise ChannelRefused(
            f"WeChat Pay sends no notices to {opening.notice_url}", why="notify_url"
        )
    values: dict[str, Any] = {
        "appid": merchant.app_id,
        "mchid": merchant.number,
        "description": one_line(opening.subject)[:LONGEST_SUBJECT],
        "out_trade_no": opening.number,
        "time_expire": datetime.fromtimestamp(opening.expires_s, CHINA).isoformat(),
        # whose it is, for the bill of a merchant whom several tenants are paid through
        "attach": attached(opening.tenant_id),
        "notify_url": opening.notice_url,
        "amount": {"total": opening.amount_fen, "currency": CURRENCY},
        **WAYS[opening.method].more(opening),
    }
    if opening.splits:
        # what is not frozen when it is paid is never split
        values["settle_info"] = {"profit_sharing": True}
    return values


def attached(tenant_id: int) -> str:
    """What marks the payments of a tenant."""
    return f"tenant {tenant_id}"
