"""A simulated charge point's own certificate: it makes a key, asks, and takes what fits."""

from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@define(eq=False)
class OwnCertificate:
    """
    @ivar key: the one that it uses; C{None} before it has a certificate.
    @ivar chain: PEM, its own first.
    """

    key: ec.EllipticCurvePrivateKey | None = None
    chain: str | None = None
    #: of what it has asked for
    _next_key: ec.EllipticCurvePrivateKey | None = field(default=None, init=False)

    def request(self, identity: str, organization: str) -> str:
        """A wish for a certificate, of a new key: PKCS#10, PEM."""
        self._next_key = key = ec.generate_private_key(ec.SECP256R1())
        names = ((NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, identity))
        subject = x509.Name([x509.NameAttribute(*each) for each in names])
        asked = x509.CertificateSigningRequestBuilder().subject_name(subject)
        signed = asked.sign(key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def install(self, chain: str) -> bool:
        """Take what was signed; whether it is of the key that it was asked for with."""
        try:
            first = x509.load_pem_x509_certificates(chain.encode())[0]
            shown = first.public_key()
        except ValueError:
            return False
        if self._next_key is None or shown != self._next_key.public_key():
            return False
        self.key, self.chain, self._next_key = self._next_key, chain, None
        return True
