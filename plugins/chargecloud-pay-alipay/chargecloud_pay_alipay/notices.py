"""Notices: forms that Alipay signs and sends again until they are received
(https://opendocs.alipay.com/open/203/105286).

What they tell is told of the trade.  What goes back of it is answered as it is asked for, and
asked after, and is not taken from a notice: that of a refund has only what has gone back so far.
"""

from urllib.parse import parse_qsl

from chargecloud.domain.channel import PaymentFact
from chargecloud.domain.errors import NoticeRefused
from chargecloud_pay_alipay.accounts import Accounts
from chargecloud_pay_alipay.signed import content_of
from chargecloud_pay_alipay.trades import fact_of
from chargecloud_pay_alipay.wording import instant

#: from the first to the last sending of a notice pass 24 h 22 min
FRESH_S = 25 * 3_600
#: by which the clocks may differ
AHEAD_S = 300
#: those that we know have some thirty
MOST_PARAMETERS = 200


def read_notice(accounts: Accounts, body: bytes, now_s: float) -> PaymentFact:
    """
    What a notice says.

    @raise NoticeRefused: unless Alipay has signed it, not long ago, for one of our accounts.
    """
    parameters = _parameters(body)
    account = accounts.of_app(parameters.get("app_id"))
    if account is None:
        raise NoticeRefused("it is for another app", "foreign")
    signature, kind = parameters.pop("sign", ""), parameters.pop("sign_type", "")
    if kind != "RSA2" or not account.keys.verified(content_of(parameters), signature):
        raise NoticeRefused("its signature is not Alipay's", "bad-signature")
    try:
        sent_s = instant(parameters.get("notify_time")).timestamp()
        fact = fact_of(account.seller_id, parameters)
    except ValueError as error:
        raise NoticeRefused(f"it tells of {error}", "malformed") from error
    if parameters.get("seller_id") != account.seller_id:
        raise NoticeRefused("it is about another merchant's trade", "foreign")
    if not -AHEAD_S <= now_s - sent_s <= FRESH_S:
        raise NoticeRefused(f"it was sent more than {FRESH_S} s ago, or is yet to be", "stale")
    return fact


def _parameters(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError as error:
        raise NoticeRefused("it is no form", "malformed") from error
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        raise NoticeRefused("it says something twice", "malformed")
    return parameters
