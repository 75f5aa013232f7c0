"""What may be signed, and by whom."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.config import ConfigError, read_config
from chargecloud.plugins import Plugins
from chargecloud_ocpp.authority import Authority as Signing
from chargecloud_ocpp.authority import NoAuthority
from chargecloud_ocpp.feature import OcppFeature
from chargecloud_ocpp.signing_requests import Denied, read_request
from ocpp_authority import ORGANIZATION, PEM, Authority, pem_of, request, settings

NOW = datetime(2026, 11, 28, 1, 30, tzinfo=UTC)
RSA = rsa.generate_private_key(65537, 2048)


def signing(folder: Path, *made: Any, **more: Any) -> Signing:
    """Who signs with what is in a folder."""
    given = settings(Authority(folder, *made, **more), valid_days=90).authority
    assert given is not None
    return given.open()


def usage(**more: bool) -> x509.KeyUsage:
    """For what a key is to be used."""
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{**dict.fromkeys(names, False), "digital_signature": True, **more})


CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
BOTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])


def signs_by(made: x509.Certificate) -> bytes | None:
    """Which key a certificate says that it was signed by."""
    named = made.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    return named.value.key_identifier


def key_of(authority: x509.Certificate) -> bytes:
    """What an authority's key is called."""
    key: Any = authority.public_key()
    return x509.SubjectKeyIdentifier.from_public_key(key).digest


def bent(pem: str) -> str:
    """The same wish with the signature of nobody."""
    lines = pem.splitlines()
    middle = lines[-2]
    lines[-2] = middle[:4] + ("A" if middle[4] != "A" else "B") + middle[5:]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "key",
    [
        RSA,
        *(ec.generate_private_key(each()) for each in (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)),
    ],
    ids=["rsa", "p256", "p384", "p521"],
)
@pytest.mark.parametrize(
    "extensions",
    [(), (CLIENT,), (CLIENT, usage(), x509.BasicConstraints(ca=False, path_length=None))],
    ids=["nothing", "client", "all"],
)
def test_what_is_asked_for_properly_is_signed(tmp_path: Path, key: Any, extensions: Any) -> None:
    """For its own name, for a client's use, and for as long as is configured."""
    _, csr = request("CP-1", *extensions, key=key)
    signed = signing(tmp_path).sign(csr, "CP-1", NOW)
    (made,) = x509.load_pem_x509_certificates(signed.chain.encode())
    (authority,) = x509.load_pem_x509_certificates((tmp_path / "ca.pem").read_bytes())
    made.verify_directly_issued_by(authority)
    assert made.public_key() == key.public_key()
    names = [(each.oid, each.value) for each in made.subject]
    assert names == [(NameOID.ORGANIZATION_NAME, ORGANIZATION), (NameOID.COMMON_NAME, "CP-1")]
    assert made.not_valid_before_utc <= NOW
    assert made.not_valid_after_utc == signed.not_after == NOW + timedelta(days=90)
    found = made.extensions
    assert found.get_extension_for_class(x509.ExtendedKeyUsage).value == CLIENT
    assert found.get_extension_for_class(x509.KeyUsage).value == usage()
    assert not found.get_extension_for_class(x509.BasicConstraints).value.ca
    assert int(signed.serial, 16) == made.serial_number
    assert signs_by(made) == key_of(authority)


def test_other_wishes_are_not_certified(tmp_path: Path) -> None:
    """Names beside its own are left out."""
    others = x509.SubjectAlternativeName([x509.DNSName("example.com")])
    _, csr = request("CP-1", others)
    (made,) = x509.load_pem_x509_certificates(
        signing(tmp_path).sign(csr, "CP-1", NOW).chain.encode()
    )
    with pytest.raises(x509.ExtensionNotFound):
        made.extensions.get_extension_for_class(x509.SubjectAlternativeName)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: request("CP-2")[1], "CN is CP-2"),
        (lambda: request("")[1], "CN is nothing"),
        (lambda: request("cp-1")[1], "CN is cp-1"),
        (lambda: request("CP-1", organization="Others")[1], "O is Others"),
        (lambda: request("CP-1", organization="")[1], "O is nothing"),
        (lambda: bent(request("CP-1")[1]), "signature|PKCS#10"),
        (lambda: request("CP-1", key=rsa.generate_private_key(65537, 1024))[1], "2048"),
        (lambda: request("CP-1", key=ec.generate_private_key(ec.SECP224R1()))[1], "secp224r1"),
        (lambda: request("CP-1", key=ec.generate_private_key(ec.SECP256K1()))[1], "secp256k1"),
        (lambda: request("CP-1", digest=hashes.SHA224())[1], "digest"),
        (lambda: request("CP-1", BOTH)[1], "clientAuth"),
        (lambda: request("CP-1", x509.BasicConstraints(ca=True, path_length=0))[1], "authority"),
        (lambda: request("CP-1", usage(key_cert_sign=True))[1], "sign others"),
        (lambda: request("CP-1", usage(crl_sign=True))[1], "sign others"),
        (lambda: "x", "PKCS#10"),
        (lambda: "", "PKCS#10"),
    ],
)
def test_what_may_not_be_signed_is_denied(make: Callable[[], str], why: str) -> None:
    """And why is told."""
    with pytest.raises(Denied, match=why):
        read_request(make(), "CP-1", ORGANIZATION)


def test_a_key_that_can_only_sign_otherwise_is_denied() -> None:
    """Ed25519: TLS 1.2 of the charge points has no use for it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CP-1")])
    asked = x509.CertificateSigningRequestBuilder().subject_name(name)
    made = asked.sign(ed25519.Ed25519PrivateKey.generate(), None)
    with pytest.raises(Denied, match="RSA or"):
        read_request(made.public_bytes(PEM).decode(), "CP-1", ORGANIZATION)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_whatever_else_is_denied(text: str) -> None:
    """And raises nothing else."""
    with pytest.raises(Denied):
        read_request(text, "CP-1", ORGANIZATION)


GOOD = request("CP-1")[1]


@given(st.integers(0, len(GOOD) - 1), st.characters())
def test_a_wish_that_was_changed_is_denied(place: int, character: str) -> None:
    """Whatever was: or it means the same."""
    changed = GOOD[:place] + character + GOOD[place + 1 :]
    try:
        key = read_request(changed, "CP-1", ORGANIZATION)
    except Denied:
        return
    assert key == x509.load_pem_x509_csr(GOOD.encode()).public_key()


def test_a_wish_of_a_version_that_there_is_not_is_denied() -> None:
    """The library has an error of its own for it."""
    der = x509.load_pem_x509_csr(GOOD.encode()).public_bytes(Encoding.DER)
    version = b"\x02\x01\x00"
    changed = b64encode(der.replace(version, b"\x02\x01\x34", 1)).decode()
    begin, end = "-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----"
    with pytest.raises(Denied, match="version"):
        read_request(f"{begin}\n{changed}\n{end}", "CP-1", ORGANIZATION)


# ------------------------------------------------------------------------------- who signs


def test_nothing_outlives_its_authority(tmp_path: Path) -> None:
    """It ends with it; and one that has ended signs nothing."""
    authority = signing(tmp_path, days=30)
    _, csr = request("CP-1")
    end = authority.certificate.not_valid_after_utc
    assert authority.sign(csr, "CP-1", end - timedelta(days=1)).not_after == end
    with pytest.raises(Denied, match="end"):
        authority.sign(csr, "CP-1", end)


def test_those_between_it_and_the_root_are_sent(tmp_path: Path) -> None:
    """The charge point's own first; the root is not among them."""
    for name in ("root", "middle", "low"):
        (tmp_path / name).mkdir()
    root = Authority(tmp_path / "root")
    middle = Authority(tmp_path / "middle", root)
    signed = signing(tmp_path / "low", middle).sign(request("CP-1")[1], "CP-1", NOW)
    chain = x509.load_pem_x509_certificates(signed.chain.encode())
    (top,) = x509.load_pem_x509_certificates((tmp_path / "root" / "ca.pem").read_bytes())
    assert len(chain) == 3
    for below, above in zip(chain, [*chain[1:], top], strict=True):
        below.verify_directly_issued_by(above)
    assert signs_by(chain[0]) == key_of(chain[1])


def test_an_authority_may_be_of_rsa(tmp_path: Path) -> None:
    """As many that there are."""
    authority = signing(tmp_path, key=RSA)
    signed = authority.sign(request("CP-1")[1], "CP-1", NOW)
    (made,) = x509.load_pem_x509_certificates(signed.chain.encode())
    made.verify_directly_issued_by(authority.certificate)


def test_a_chain_that_no_message_has_room_for_is_refused(tmp_path: Path) -> None:
    """Before anybody asks."""
    (tmp_path / "low").mkdir()
    low = Authority(tmp_path / "low", Authority(tmp_path)).folder
    own = (low / "ca.pem").read_text()
    with pytest.raises(NoAuthority, match="characters"):
        Signing.of(own * 20, (low / "ca.key").read_text(), ORGANIZATION, timedelta(days=1))


def told(tmp_path: Path, certificate: str, key: str) -> list[str]:
    """The faults of a configuration with that authority."""
    path = tmp_path / "chargecloud.toml"
    path.write_text(
        f'[ocpp.authority]\ncertificate = "{certificate}"\nkey = "{key}"\norganization = "O"\n'
    )
    plugins = Plugins(dialects={}, tariffs={}, features={"ocpp": OcppFeature()})
    with pytest.raises(ConfigError) as caught:
        read_config(path, lambda _settings: plugins)
    return [fault.removeprefix(f"{path}: ") for fault in caught.value.faults]


def test_files_that_are_no_authority_are_told_of(tmp_path: Path) -> None:
    """With the key of the configuration, before the service starts; and nothing of a key is."""
    authority = Authority(tmp_path)
    client, its_key = authority.issue("CP-1")
    own, key = tmp_path / "ca.pem", tmp_path / "ca.key"
    odd = tmp_path / "odd.key"
    odd.write_bytes(pem_of(ed25519.Ed25519PrivateKey.generate()))
    for certificate, private, fault in (
        (tmp_path / "none.pem", key, "ocpp.authority.certificate: must name a file"),
        (key, key, "ocpp.authority.certificate: must be certificates in PEM"),
        (client, its_key, "ocpp.authority.certificate: must be the certificate of an authority"),
        (own, its_key, "ocpp.authority: must have the key of its certificate"),
        (own, own, "ocpp.authority.key: must be a private key in PEM"),
        (own, odd, "ocpp.authority.key: must be a key of RSA"),
    ):
        (found,) = told(tmp_path, f"file:{certificate}", f"file:{private}")
        assert found.startswith(fault)
        assert "PRIVATE KEY" not in found


def test_a_key_is_not_shown(tmp_path: Path) -> None:
    """However the settings and what is made of them are written down."""
    made = settings(Authority(tmp_path)).authority
    assert made is not None
    assert "ca.key" not in repr(made)
    assert "PrivateKey" not in repr(made.open())
