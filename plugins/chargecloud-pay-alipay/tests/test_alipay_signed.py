"""What is signed, by both sides: python-alipay-sdk signs what we must accept, and verifies what we
send."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from alipay import DCAliPay
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from alipay_gateway import APP, URL, keypair, sdk_of
from alipay_till import our_keys
from chargecloud_pay_alipay.accounts import Account
from chargecloud_pay_alipay.gateway import Gateway
from chargecloud_pay_alipay.keys import Keys, by_certificates, by_public_key
from chargecloud_pay_alipay.signed import content_of, members_of

NOW_S = 1_764_320_400.0


def page_of(keys: Keys, content: object) -> dict[str, str]:
    """The parameters of a page that we have signed."""
    gateway = Gateway(URL, lambda _url, _form: None, lambda: NOW_S)
    account = Account(APP, "2088000000000001", keys)
    url = gateway.page(account, "alipay.trade.wap.pay", content, "https://we.test/notify", None)
    return dict(parse_qsl(urlsplit(url).query))


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(texts, texts, max_size=5))
def test_what_we_send_is_what_the_sdk_sends(content: dict[str, str]) -> None:
    """The same parameters, the same signature, to the last bit; and it verifies ours."""
    sent = page_of(our_keys(), content)
    signature = sent.pop("sign")
    theirs = sdk_of(keypair("app")[0], keypair("alipay")[1]).sign_data(dict(sent))
    assert parse_qs(theirs)["sign"] == [signature]
    assert json.loads(sent["biz_content"]) == content
    far = sdk_of(keypair("alipay")[0], keypair("app")[1])
    assert far._verify(content_of(sent), signature)
    assert not far._verify(content_of(sent | {"timestamp": "2026-01-01 00:00:00"}), signature)


def test_time_and_charset_of_a_request() -> None:
    """Beijing's clock, whatever the machine's; and what is empty is not sent."""
    sent = page_of(our_keys(), {})
    assert sent["timestamp"] == "2025-11-28 17:00:00"
    assert (sent["charset"], sent["sign_type"], sent["version"]) == ("utf-8", "RSA2", "1.0")
    assert "return_url" not in sent
    assert "app_cert_sn" not in sent


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), texts, max_size=8))
def test_what_the_sdk_signs_is_believed(told: dict[str, str]) -> None:
    """And nothing else: not the same with a letter more."""
    far = sdk_of(keypair("alipay")[0], keypair("app")[1])
    content = "&".join(f"{name}={value}" for name, value in far._ordered_data(dict(told)))
    signature = far._sign(content)
    assert content_of(told) == content
    assert our_keys().verified(content, signature)
    assert not our_keys().verified(f"{content}x", signature)


@pytest.mark.parametrize("signature", ["", "no base64!", "AAAA", "é"])
def test_what_is_no_signature(signature: str) -> None:
    """It is none of Alipay's, and no failure of ours."""
    assert not our_keys().verified("a=b", signature)


# ------------------------------------------------------------------------ members, as written

values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(texts, values, max_size=4), st.sampled_from([None, 1, 3]), st.booleans())
def test_members_are_taken_as_they_are_written(
    told: dict[str, object], indent: int | None, ascii_only: bool
) -> None:
    """However it is spaced, and whatever is in its texts."""
    text = json.dumps(told, indent=indent, ensure_ascii=ascii_only)
    members = members_of(f" {text}\n")
    assert {name: json.loads(each.raw) for name, each in members.items()} == told
    assert all(each.raw in text for each in members.values())


def test_the_sdk_takes_the_same_text() -> None:
    """Where it can: it counts braces, and those in texts, too."""
    raw = '{ "code":"10000" , "list":[{"a":"1"}] }'
    text = f'{{"alipay_trade_query_response":{raw}, "sign":"x"}}'
    sdk = sdk_of(keypair("alipay")[0], keypair("app")[1])
    taken = sdk._get_string_to_be_signed(text, "alipay_trade_query_response")
    assert members_of(text)["alipay_trade_query_response"].raw == taken == raw


def test_no_amount_becomes_a_float() -> None:
    """A number is the text that it is."""
    told = members_of('{"a": {"total_amount": 88.10, "n": 3}}')["a"].value
    assert told == {"total_amount": "88.10", "n": "3"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"a"}',
        '{"a":1',
        '{"a":1,}',
        '{"a":1}{',
        '{"a":1 "b":2}',
        "{1:2}",
        # which one is signed?
        '{"a":1,"a":2}',
        f'{{"a":{"[" * 100_000}',
    ],
)
def test_what_is_no_object(text: str) -> None:
    """It is told, and nothing is taken from it."""
    with pytest.raises(ValueError, match=r".+"):
        members_of(text)


# --------------------------------------------------------------------- keys and certificates


def certificate(
    name: str, key: object, issuer: str = "Root", issuer_key: object = None, number: int = 7
) -> str:
    """A certificate, as PEM."""
    named = [
        x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Ant Financial"),
        x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
    ]
    common = x509.NameOID.COMMON_NAME
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([*named, x509.NameAttribute(common, name)]))
        .issuer_name(x509.Name([*named, x509.NameAttribute(common, issuer)]))
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=9_000))
        .sign(issuer_key or key, SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


def private_of(whose: str) -> rsa.RSAPrivateKey:
    """A key of the tests, as an object."""
    key = load_pem_private_key(keypair(whose)[0].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@pytest.fixture(scope="module")
def certificates() -> dict[str, str]:
    """Those of an app: its own, Alipay's, and the roots, of which one is not by RSA."""
    root = private_of("root")
    by_curve = certificate("SM", ec.generate_private_key(ec.SECP256R1()), "SM", number=3)
    roots = [certificate("Root", root), by_curve, certificate("R2", root, "R2", number=2**70)]
    return {
        "app": certificate("app", private_of("app"), issuer_key=root, number=2**100 + 1),
        "alipay": certificate("alipay", private_of("alipay"), issuer_key=root, number=12),
        "root": "\n".join(roots),
    }


def test_numbers_of_certificates_are_those_of_the_sdk(certificates: dict[str, str]) -> None:
    """And they go with each request, which it would have signed alike."""
    app = keypair("app")[0]
    ours = by_certificates(app, *certificates.values())
    theirs = DCAliPay(APP, app, *certificates.values())
    assert (ours.app_cert_sn, ours.root_cert_sn) == (theirs.app_cert_sn, theirs.alipay_root_cert_sn)
    assert ours.root_cert_sn is not None
    assert ours.root_cert_sn.count("_") == 1
    sent = page_of(ours, {"subject": "充电"})
    assert (sent["app_cert_sn"], sent["alipay_root_cert_sn"]) == (
        theirs.app_cert_sn,
        theirs.alipay_root_cert_sn,
    )
    signature = sent.pop("sign")
    assert parse_qs(theirs.sign_data(dict(sent)))["sign"] == [signature]
    assert ours.verified("a=b", sdk_of(keypair("alipay")[0], keypair("app")[1])._sign("a=b"))


def test_a_key_of_another_certificate(certificates: dict[str, str]) -> None:
    """Alipay would refuse all that it signs: it is told before anything starts."""
    with pytest.raises(ValueError, match="not that of the app's certificate"):
        by_certificates(keypair("root")[0], *certificates.values())


@pytest.mark.parametrize(
    ("which", "what"),
    [("app", "no certificate"), ("alipay", "no certificate"), ("root", "none by RSA")],
)
def test_a_file_without_certificates(certificates: dict[str, str], which: str, what: str) -> None:
    """Each of the three is needed."""
    with pytest.raises(ValueError, match=what):
        by_certificates(keypair("app")[0], *(certificates | {which: "nothing"}).values())


def test_keys_as_the_tools_of_alipay_give_them() -> None:
    """Bare base64 in lines, PKCS#1 or PKCS#8, or PEM."""
    private, public = keypair("app")[0], keypair("alipay")[1]
    key, their = load_pem_private_key(private.encode(), None), load_pem_public_key(public.encode())
    spki = b64encode(their.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    for form in (PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8):
        der = b64encode(key.private_bytes(Encoding.DER, form, NoEncryption())).decode()
        lines = "\n".join(der[start : start + 64] for start in range(0, len(der), 64))
        assert by_public_key(f"{lines}\n", spki).sign("a") == our_keys().sign("a")


def test_keys_that_are_none() -> None:
    """What was given is not repeated: it may be a secret, misplaced."""
    small = rsa.generate_private_key(65_537, 1024)
    weak = small.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    private, public = keypair("app")
    for app, theirs in ((weak, public), (public, public), ("xyz", public), (private, private)):
        with pytest.raises(ValueError, match="key") as caught:
            by_public_key(app, theirs)
        assert "xyz" not in str(caught.value)
        assert "BEGIN" not in str(caught.value)


def test_keys_do_not_show_themselves() -> None:
    """In no log, and no traceback with values."""
    assert repr(our_keys()).startswith("Keys(app_cert_sn=None")
