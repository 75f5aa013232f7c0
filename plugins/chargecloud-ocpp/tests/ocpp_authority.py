"""Authorities in folders, and what charge points ask of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Optional

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chargecloud_ocpp.settings import AuthoritySettings, OcppSettings
from ocpp_point import Point

PEM = serialization.Encoding.PEM
ORGANIZATION = "Example Energy"


def pem_of(key: Any) -> bytes:
    """A private key, as a file has it."""
    made: bytes = key.private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made


class Authority:
    """
    Signs certificates; its own, and those above it, are in C{ca.pem} of a folder, its key is in
    C{ca.key}.

    @param above: who has signed its own.
    """

    def __init__(
        self,
        folder: Path,
        above: Optional["Authority"] = None,
        days: int = 3_650,
        key: Any = None,
    ) -> None:
        self.folder = folder
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        self._name = _named(f"authority {folder.name}")
        signs = above or self
        made = signs._sign(self._name, self._key.public_key(), is_ca=True, days=days)
        higher = b"" if above is None else (above.folder / "ca.pem").read_bytes()
        (folder / "ca.pem").write_bytes(made.public_bytes(PEM) + higher)
        (folder / "ca.key").write_bytes(pem_of(self._key))

    def _sign(
        self, name: x509.Name, key: Any, is_ca: bool = False, days: int = 3_650
    ) -> x509.Certificate:
        # the clocks of tests stand at any time of their own
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, name, key, x509.random_serial_number())
        if name == self._name:
            # roots say which key theirs is; others may not
            named = x509.SubjectKeyIdentifier.from_public_key(key)
            builder = builder.add_extension(named, critical=False)
        return (
            builder.not_valid_before(now - timedelta(days=3_650))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate of somebody, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(_named(name), key.public_key())
        certificate, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(made.public_bytes(PEM))
        private.write_bytes(pem_of(key))
        return certificate, private


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def settings(authority: Authority, **more: Any) -> OcppSettings:
    """A platform's, with an authority."""
    given = AuthoritySettings(
        certificate=f"file:{authority.folder / 'ca.pem'}",
        key=f"file:{authority.folder / 'ca.key'}",
        **{"organization": ORGANIZATION, **more},
    )
    return OcppSettings(authority=given)


def request(
    name: str,
    *extensions: Any,
    key: Any = None,
    organization: str = ORGANIZATION,
    digest: Any = None,
) -> tuple[Any, str]:
    """A key, and the wish to have it signed."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    names = ((NameOID.COMMON_NAME, name), (NameOID.ORGANIZATION_NAME, organization))
    asked = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(*each) for each in names if each[1]])
    )
    for each in extensions:
        asked = asked.add_extension(each, critical=False)
    return key, asked.sign(key, digest or hashes.SHA256()).public_bytes(PEM).decode()


def installed(there: Point) -> list[x509.Certificate]:
    """What a charge point is sent, which it takes."""
    call = there.take("CertificateSigned")
    there.answer(call, status="Accepted")
    return x509.load_pem_x509_certificates(call.payload["certificateChain"].encode())
