"""What C{[wechat_pay]} says.  Whatever is a key is C{file:PATH} or C{env:NAME}, and is
tried out when the configuration is read."""

import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from chargecloud.domain.fields import checked, choice, text, whole
from chargecloud.references import elsewhere, resolve
from chargecloud_pay_wechat.merchant import Merchant
from chargecloud_pay_wechat.platform_keys import PUBLIC_KEY

SERVER = "https://api.mch.weixin.qq.com"
#: what servers may be spoken to in the clear: those of a trial
LOOPBACK = frozenset({"127.0.0.1", "localhost"})
#: of a modulus: WeChat signs and is signed to with RSA-2048
LEAST_BITS = 2048


def _of(pattern: str, what: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {what}")

    return check


def private_key(reference: str, *, is_checked: bool = False) -> RSAPrivateKey:
    """
    The merchant's key.

    @param is_checked: whether it was read before: to check whether its numbers belong together
        takes most of the time.
    @raise ValueError: if it is none; the key itself is not told.
    """
    pem = _kept(reference).encode()
    try:
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=is_checked)
    except TypeError as error:
        raise ValueError("must be a private key without a password") from error
    except ValueError as error:
        raise ValueError(_unreadable(reference, "a private key in PEM")) from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise ValueError(f"must be an RSA key of {LEAST_BITS} bits at least")
    return key


def public_key(reference: str) -> RSAPublicKey:
    """
    WeChat's key.

    @raise ValueError: if it is none.
    """
    pem = _kept(reference).encode()
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise ValueError(_unreadable(reference, "a public key in PEM")) from error
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
        raise ValueError(f"must be an RSA key of {LEAST_BITS} bits at least")
    return key


def api_v3_key(reference: str) -> bytes:
    """
    The key that WeChat seals with.

    @raise ValueError: if it is none; the key itself is not told.
    """
    key = _kept(reference).encode()
    if len(key) != 32:
        raise ValueError(f"must be a key of 32 characters, and has {len(key)}")
    return key


def _kept(reference: str) -> str:
    elsewhere(reference)
    return resolve(reference)


def _unreadable(reference: str, what: str) -> str:
    return f"must be {what}, and {reference} is none"


def a_server(url: str) -> None:
    """The URL of a server, with nothing behind it."""
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not is_safe or not parts.hostname or parts.path or parts.query:
        raise ValueError("must be https:// and a host, and nothing behind it")


@frozen(kw_only=True)
class MerchantSettings:
    """C{[[wechat_pay.merchants]]}"""

    merchant_id: str = checked("its number (mchid)", _of("[0-9]{8,32}", "8 to 32 digits"))
    app_id: str = checked(
        "of the official account or mini program in which people pay",
        _of("[0-9A-Za-z_-]{1,32}", "an appid"),
    )
    certificate_serial: str = checked(
        "of the merchant's API certificate", _of("[0-9A-Fa-f]{8,64}", "hexadecimal digits")
    )
    private_key: str = checked(
        "of that certificate (apiclient_key.pem); file:PATH or env:NAME", private_key
    )
    api_v3_key: str = checked("32 characters; file:PATH or env:NAME", api_v3_key)
    public_key_id: str | None = checked(
        "of WeChat's key for this merchant, if it was given one",
        _of(f"{PUBLIC_KEY}[0-9A-Za-z]+", f"{PUBLIC_KEY}..."),
        default=None,
    )
    public_key: str | None = checked(
        "WeChat's key for this merchant (pub_key.pem); file:PATH", public_key, default=None
    )
    tenants: tuple[int, ...] | None = choice(
        "ids of those whose payments go to it; without it, of all that no other merchant names",
        default=None,
    )

    def merchant(self) -> Merchant:
        """It, with its keys."""
        return Merchant(
            number=self.merchant_id,
            app_id=self.app_id,
            certificate_serial=self.certificate_serial.upper(),
            private_key=private_key(self.private_key, is_checked=True),
            api_v3_key=api_v3_key(self.api_v3_key),
            public_key_id=self.public_key_id,
            public_key=None if self.public_key is None else public_key(self.public_key),
        )


def _some_merchants(merchants: Collection[Any]) -> None:
    numbers = [each.merchant_id for each in merchants]
    if len(set(numbers)) < len(numbers):
        raise ValueError("must have no merchant twice")
    tenants = [tenant for each in merchants for tenant in each.tenants or ()]
    if len(set(tenants)) < len(tenants):
        raise ValueError("must have no tenant at two merchants")
    if sum(each.tenants is None for each in merchants) > 1:
        raise ValueError("must have one merchant at the most that names no tenants")
    if any((each.public_key_id is None) is not (each.public_key is None) for each in merchants):
        raise ValueError("must have public_key_id and public_key together, or neither")


@frozen(kw_only=True)
class WeChatPaySettings:
    """C{[wechat_pay]}"""

    merchants: tuple[MerchantSettings, ...] = checked(
        "whom people pay", _some_merchants, default=()
    )
    server: str = checked("where WeChat Pay is asked", a_server, default=SERVER)
    most_split_percent: int = whole(
        "of a payment that may go to others, as agreed upon with WeChat",
        default=30,
        least=1,
        most=100,
    )
    split_relation: str = text(
        "what receivers of shares are to the merchant, in WeChat's words",
        default="PARTNER",
        longest=32,
    )
