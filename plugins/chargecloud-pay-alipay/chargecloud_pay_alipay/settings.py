"""What C{[alipay]} says.  Keys and certificates are C{file:PATH} or C{env:NAME}, and no value here
is one itself; they are tried out when the configuration is read."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from attrs import frozen

from chargecloud.domain.fields import checked, choice
from chargecloud.references import elsewhere, resolve
from chargecloud_pay_alipay.keys import Keys, by_certificates, by_public_key

#: https://opendocs.alipay.com/common/02mse2; trials are made at SANDBOX_HOST
GATEWAY = "https://openapi.alipay.com/gateway.do"
#: of Alipay's own sandbox, which takes no money
SANDBOX_HOST = "alipaydev.com"
_SELLER = re.compile(r"2088[0-9]{12}")
_APP = re.compile(r"[0-9]{16,32}")


def is_local(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _a_seller(value: str) -> None:
    if not _SELLER.fullmatch(value):
        raise ValueError("must be 16 digits that begin with 2088: the merchant's PID")


def _an_app(value: str) -> None:
    if not _APP.fullmatch(value):
        raise ValueError("must be the 16 to 32 digits of an APPID")


def _a_url(value: str) -> None:
    parts = urlsplit(value)
    if parts.query or parts.fragment:
        raise ValueError("must have neither a query nor a fragment")
    if parts.scheme == "https" and parts.hostname:
        return
    # what is on this machine goes over no network
    if parts.scheme != "http" or not is_local(parts.hostname or ""):
        raise ValueError("must be an https:// URL")


@frozen(kw_only=True)
class AccountSettings:
    """C{[[alipay.accounts]]}: an app at Alipay, and who is paid through it."""

    app_id: str = checked("APPID of the app", _an_app)
    seller_id: str = checked("PID of the merchant, whose money it is", _a_seller)
    private_key: str = checked("the app's own key; file:PATH or env:NAME", elsewhere)
    alipay_public_key: str | None = checked(
        "Alipay's key for this app, without certificates; file:PATH or env:NAME",
        elsewhere,
        default=None,
    )
    app_certificate: str | None = checked(
        "with certificates: the app's; file:PATH or env:NAME", elsewhere, default=None
    )
    alipay_certificate: str | None = checked(
        "with certificates: Alipay's; file:PATH or env:NAME", elsewhere, default=None
    )
    root_certificate: str | None = checked(
        "with certificates: those that Alipay's are from; file:PATH or env:NAME",
        elsewhere,
        default=None,
    )
    tenants: tuple[int, ...] | None = choice(
        "ids of the tenants that are paid through it; all that no other account has if not given",
        default=None,
    )
    freezes: bool = choice(
        "whether what may be split stays frozen until it is, or 30 days have passed", default=False
    )

    def keys(self, *, is_checked: bool = False) -> Keys:
        """
        The keys that it names.

        @param is_checked: whether the private key was used before: to check it takes a while.
        @raise ValueError: if one cannot be used; it is not told.
        """
        certificates = (self.app_certificate, self.alipay_certificate, self.root_certificate)
        there = [each for each in certificates if each is not None]
        app = resolve(self.private_key)
        if self.alipay_public_key is not None and not there:
            return by_public_key(app, resolve(self.alipay_public_key), is_checked=is_checked)
        if self.alipay_public_key is None and len(there) == len(certificates):
            return by_certificates(app, *map(resolve, there), is_checked=is_checked)
        raise ValueError("needs either alipay_public_key, or all three certificates")


def _usable(accounts: tuple[AccountSettings, ...]) -> None:
    _unlike_each_other(accounts)
    for each in accounts:
        try:
            each.keys()
        except ValueError as error:
            raise ValueError(f"app {each.app_id}: {error}") from error


def _unlike_each_other(accounts: tuple[AccountSettings, ...]) -> None:
    for what in ("app_id", "seller_id"):
        values = [getattr(each, what) for each in accounts]
        if len(set(values)) < len(values):
            raise ValueError(f"must have each {what} once")
    tenants = [tenant for each in accounts for tenant in each.tenants or ()]
    if len(set(tenants)) < len(tenants):
        raise ValueError("must have each tenant once")
    if sum(each.tenants is None for each in accounts) > 1:
        raise ValueError("must have tenants in all accounts but one")


@frozen(kw_only=True)
class AlipaySettings:
    """C{[alipay]}"""

    gateway_url: str = checked("where Alipay is asked", _a_url, default=GATEWAY)
    accounts: tuple[AccountSettings, ...] = checked(
        "apps at Alipay; without any there is no such channel", _usable, default=()
    )
