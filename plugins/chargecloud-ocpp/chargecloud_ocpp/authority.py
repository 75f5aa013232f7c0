"""Who signs charge points' certificates: a certificate of the sysadmin's, and its key."""

from datetime import UTC, datetime, timedelta
from typing import Self

from attrs import field, frozen
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chargecloud_ocpp.signing_requests import Denied, read_request

#: a charge point's clock may be behind
BEFORE = timedelta(hours=1)
#: characters of C{CertificateSigned}, of which a signed certificate takes up to 3,000
MOST_CHAIN = 10_000
MOST_BEHIND = MOST_CHAIN - 3_000
PEM = serialization.Encoding.PEM

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class NoAuthority(ValueError):
    """What is configured can sign nothing; the message says why."""


@frozen
class Signed:
    """
    A certificate.

    @ivar serial: hexadecimal, as C{CertificateHashDataType} has it.
    @ivar chain: PEM: itself, and those between it and the root.
    """

    serial: str
    not_after: datetime
    chain: str


@frozen
class Authority:
    """
    @ivar organization: the O of every name.
    @ivar behind: PEM of the certificates between a signed one and the root, which is not sent: who
        trusts it has it.
    """

    certificate: x509.Certificate
    organization: str
    validity: timedelta
    behind: str
    _key: Key = field(repr=False)

    @classmethod
    def of(cls, certificates: str, key: str, organization: str, validity: timedelta) -> Self:
        """
        Read the files' contents.

        @param certificates: PEM: the authority's own, and those above it.
        @raise NoAuthority: if it could sign nothing that anybody trusts.
        """
        own, *above = read_certificates(certificates)
        private = read_key(key)
        if private.public_key() != own.public_key():
            raise NoAuthority("must have the key of its certificate")
        sent = [each for each in (own, *above) if each.subject != each.issuer]
        behind = "".join(each.public_bytes(PEM).decode() for each in sent)
        if len(behind) > MOST_BEHIND:
            raise NoAuthority(
                f"must have no more than {MOST_BEHIND} characters of certificates below the root"
            )
        return cls(own, organization, validity, behind, private)

    def sign(self, csr: str, identity: str, now: datetime) -> Signed:
        """
        Sign what a charge point asks for.  Blocks for some milliseconds.

        The name is written anew, of nothing but what was checked; other wishes are left out.

        @raise Denied: if it may not be.
        """
        key = read_request(csr, identity, self.organization)
        own = self.certificate
        # nobody would trust it for longer than its authority
        until = min(now + self.validity, own.not_valid_after_utc).replace(microsecond=0)
        if until <= now:
            raise Denied("the authority's own certificate has come to its end")
        names = ((NameOID.ORGANIZATION_NAME, self.organization), (NameOID.COMMON_NAME, identity))
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(*each) for each in names]))
            .issuer_name(own.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(now - BEFORE, own.not_valid_before_utc))
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_SIGNS_ITS_WORDS, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_named(own), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        chain = made.public_bytes(PEM).decode() + self.behind
        return Signed(f"{made.serial_number:X}", until.astimezone(UTC), chain)


_SIGNS_ITS_WORDS = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def read_certificates(pem: str) -> list[x509.Certificate]:
    """
    An authority's certificate, and those above it.

    @raise NoAuthority: if there is none, or the first one may sign nothing.
    """
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        extensions = found[0].extensions
    except ValueError as error:
        raise NoAuthority(f"must be certificates in PEM: {error}") from error
    try:
        is_authority = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    try:
        may_sign = extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        may_sign = True
    if not (is_authority and may_sign):
        raise NoAuthority("must be the certificate of an authority, and begins with another one")
    return found


def read_key(pem: str) -> Key:
    """
    An authority's key.

    @raise NoAuthority: if it is none.
    """
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # the error is not told: it may show what was read
        raise NoAuthority("must be a private key in PEM, without a password") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise NoAuthority("must be a key of RSA or of an elliptic curve")
    return key


def _named(own: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """By which key it was signed, in the authority's own words."""
    try:
        named = own.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        # it was checked to be one of these when it was read
        key = own.public_key()
        assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(named)
