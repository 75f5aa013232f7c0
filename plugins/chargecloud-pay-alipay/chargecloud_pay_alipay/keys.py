"""Keys and certificates of RSA2, as Alipay's tools make them."""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from functools import partial
from hashlib import md5

from attrs import field, frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

#: of the modulus: RSA2 wants so many at least
LEAST_BITS = 2048
#: RFC 8017, appendix C: the arc of all signatures by RSA
_RSA = "1.2.840.113549.1.1."
_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", flags=re.DOTALL
)


@frozen
class Keys:
    """
    What an app signs with, and what Alipay's signatures are held against.

    @ivar app_cert_sn: C{None} where keys are used without certificates; so for the other two.
    @ivar alipay_cert_sn: which certificate of Alipay's C{alipay} is of.
    """

    app: RSAPrivateKey = field(repr=False)
    alipay: RSAPublicKey = field(repr=False)
    app_cert_sn: str | None = None
    root_cert_sn: str | None = None
    alipay_cert_sn: str | None = None

    def sign(self, content: str) -> str:
        """RSA2: SHA256withRSA by PKCS#1 v1.5, in base64."""
        return b64encode(self.app.sign(content.encode(), PKCS1v15(), SHA256())).decode()

    def verified(self, content: str, signature: str) -> bool:
        """Whether Alipay has signed it."""
        try:
            given = b64decode(signature, validate=True)
            self.alipay.verify(given, content.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, NotBase64, ValueError):
            return False
        return True


def by_public_key(app: str, alipay: str, *, is_checked: bool = False) -> Keys:
    """
    Without certificates.

    @param is_checked: whether this private key was read before.

    @param app: the app's private key, C{alipay}: Alipay's public one, each as PEM or as the bare
        base64 that Alipay's tools give.
    @raise ValueError: if one is none; it does not repeat what it was given.
    """
    return Keys(_private(app, is_checked), _public(alipay))


def by_certificates(
    app: str, app_certificate: str, alipay: str, root: str, *, is_checked: bool = False
) -> Keys:
    """
    With certificates.

    @param app: the app's private key; the others are PEM.
    @param is_checked: as L{by_public_key}.
    @raise ValueError: if one is none, or the key is not that of the certificate.
    """
    own, theirs = _first(app_certificate), _first(alipay)
    key = _private(app, is_checked)
    if own.public_key() != key.public_key():
        raise ValueError("the private key is not that of the app's certificate")
    return Keys(key, _rsa(theirs.public_key()), serial(own), root_serial(root), serial(theirs))


def serial(certificate: x509.Certificate) -> str:
    """What Alipay calls the SN of a certificate: a digest of its issuer and its number
    (https://opendocs.alipay.com/common/057aqe)."""
    said = f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}"
    return md5(said.encode(), usedforsecurity=False).hexdigest()


def root_serial(pem: str) -> str:
    """
    The SN of Alipay's roots: of those by RSA, as others are for other signatures.

    @raise ValueError: if there is none.
    """
    found = [serial(each) for each in _readable(pem) if _is_by_rsa(each)]
    if not found:
        raise ValueError("the root certificates have none by RSA")
    return "_".join(found)


def _readable(pem: str) -> list[x509.Certificate]:
    certificates = []
    for one in _CERTIFICATE.findall(pem):
        try:
            certificates.append(x509.load_pem_x509_certificate(one.encode()))
        except ValueError:
            # Alipay's roots have some by SM2, which need not be understood
            continue
    return certificates


def _is_by_rsa(certificate: x509.Certificate) -> bool:
    return certificate.signature_algorithm_oid.dotted_string.startswith(_RSA)


def _first(pem: str) -> x509.Certificate:
    certificates = _readable(pem)
    if not certificates:
        raise ValueError("it has no certificate")
    return certificates[0]


def _private(given: str, is_checked: bool) -> RSAPrivateKey:
    load, encoded = (
        (load_pem_private_key, given.encode)
        if "-----BEGIN" in given
        else (load_der_private_key, partial(_der, given))
    )
    try:
        # to check whether its numbers belong together takes most of the time, and is done once
        key = load(encoded(), None, unsafe_skip_rsa_key_validation=is_checked)
    except (ValueError, TypeError) as error:
        raise ValueError("the private key cannot be read") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise ValueError(f"the private key is none of RSA with {LEAST_BITS} bits at least")
    return key


def _public(given: str) -> RSAPublicKey:
    try:
        key = (
            load_pem_public_key(given.encode())
            if "-----BEGIN" in given
            else load_der_public_key(_der(given))
        )
    except ValueError as error:
        raise ValueError("Alipay's public key cannot be read") from error
    return _rsa(key)


def _rsa(key: object) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
        raise ValueError(f"Alipay's key is none of RSA with {LEAST_BITS} bits at least")
    return key


def _der(given: str) -> bytes:
    return b64decode("".join(given.split()), validate=True)
