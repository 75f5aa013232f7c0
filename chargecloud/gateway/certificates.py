"""TLS whose clients show a certificate, and the name in it."""

from pathlib import Path
from typing import Any

from attrs import frozen
from cryptography.x509.oid import NameOID
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOFactory

from chargecloud.domain.fields import text


class NoCertificates(Exception):
    """A file that is missing, or is not what it should be."""


@frozen(kw_only=True)
class TlsSettings:
    """C{[listen.chargers.tls]}: chargers prove who they are by certificates of ours."""

    private_key: str = text("a PEM file", longest=1_000)
    certificate: str = text("a PEM file: the server's own", longest=1_000)
    client_ca: str = text("a PEM file: who has signed the chargers' certificates", longest=1_000)


def asking_certificates(settings: TlsSettings, factory: IProtocolFactory) -> IProtocolFactory:
    """
    The same protocols, behind TLS that lets in only clients with a certificate.

    @raise NoCertificates: before anybody can connect.
    """
    try:
        own = PrivateCertificate.loadPEM(
            Path(settings.certificate).read_bytes() + Path(settings.private_key).read_bytes()
        )
        authority = Certificate.loadPEM(Path(settings.client_ca).read_bytes())
    except Exception as error:
        # OpenSSL has errors of its own, of no common class that it names
        raise NoCertificates(
            f"listen.chargers.tls: its files are no key and certificates: {error}"
        ) from error
    options = CertificateOptions(
        privateKey=own.privateKey.original,
        certificate=own.original,
        trustRoot=trustRootFromCertificates([authority]),
    )
    wrapped: IProtocolFactory = TLSMemoryBIOFactory(options, False, factory)
    return wrapped


def peer_name(transport: Any) -> str | None:
    """
    The common name in the certificate that the far side has shown, once it speaks; C{None} if it
    has shown none.
    """
    certificate_of = getattr(transport, "getPeerCertificate", None)
    shown = None if certificate_of is None else certificate_of()
    if shown is None:
        return None
    names = shown.to_cryptography().subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else None
