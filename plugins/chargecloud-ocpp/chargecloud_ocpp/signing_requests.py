"""What a charge point asks to be signed (PKCS#10), and what may be.

"Improved security for OCPP 1.6-J", section 2.6: keys, subjects and uses.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

LEAST_RSA_BITS = 2048
#: to look at a longer one takes long, and no charge point has it
MOST_RSA_BITS = 4096
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_DIGESTS = frozenset({"sha256", "sha384", "sha512"})

Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


# what the library raises for damaged input has no base of its own
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class Denied(Exception):
    """It is not signed; the message says why."""


def read_request(csr: str, identity: str, organization: str) -> Key:
    """
    The key that a certificate is asked for.

    @param csr: PEM.
    @param identity: whose wish it is: the only name that the certificate may have.
    @raise Denied: if it is no request, or not one that may be signed.
    """
    try:
        asked = x509.load_pem_x509_csr(csr.strip().encode())
        key = asked.public_key()
        _check_key(key)
        _check_signature(asked)
        _check_name(asked.subject, NameOID.COMMON_NAME, identity, "CN")
        _check_name(asked.subject, NameOID.ORGANIZATION_NAME, organization, "O")
        _check_uses(asked.extensions)
    except _UNREADABLE as error:
        raise Denied(f"no PKCS#10 in PEM: {str(error)[:100]}") from error
    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    return key


def _check_key(key: object) -> None:
    if isinstance(key, rsa.RSAPublicKey):
        if not LEAST_RSA_BITS <= key.key_size <= MOST_RSA_BITS:
            raise Denied(f"an RSA key has {LEAST_RSA_BITS} to {MOST_RSA_BITS} bits")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, CURVES):
            raise Denied(f"{key.curve.name} is none of {', '.join(each.name for each in CURVES)}")
    else:
        raise Denied("a key is RSA or of an elliptic curve")


def _check_signature(asked: x509.CertificateSigningRequest) -> None:
    digest = asked.signature_hash_algorithm
    if digest is None or digest.name not in _DIGESTS:
        raise Denied("it is signed by a digest that is worth nothing")
    try:
        is_valid = asked.is_signature_valid
    except InvalidSignature:
        is_valid = False
    if not is_valid:
        raise Denied("its signature is not that of its key")


def _check_name(subject: x509.Name, kind: ObjectIdentifier, wanted: str, called: str) -> None:
    names = [each.value for each in subject.get_attributes_for_oid(kind)]
    if names != [wanted]:
        told = ", ".join(str(each) for each in names)[:100] or "nothing"
        raise Denied(f"its {called} is {told}, and not {wanted}")


def _check_uses(wanted: x509.Extensions) -> None:
    """Only a client's; other wishes are left out of what is signed."""
    for each in wanted:
        value = each.value
        if isinstance(value, x509.ExtendedKeyUsage):
            if list(value) != [ExtendedKeyUsageOID.CLIENT_AUTH]:
                raise Denied("it is to be used for more than clientAuth")
        elif isinstance(value, x509.BasicConstraints):
            if value.ca:
                raise Denied("it is to be an authority")
        elif isinstance(value, x509.KeyUsage) and (value.key_cert_sign or value.crl_sign):
            raise Denied("it is to sign others")
