"""What is configured is there, and what cannot be is told before anything starts."""

import json
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from alipay_gateway import keypair
from chargecloud.config import ConfigError, read_config
from chargecloud.interfaces import IPaymentChannel, Platform
from chargecloud_pay_alipay.channel import AlipayChannel
from chargecloud_pay_alipay.feature import AlipayFeature
from chargecloud_pay_alipay.settings import AlipaySettings
from test_alipay_signed import certificate, private_of

README = Path(__file__).parents[1] / "README.rst"


def example() -> str:
    """The TOML of the README."""
    _, _, behind = README.read_text(encoding="utf-8").partition(".. code-block:: toml\n")
    lines = []
    for line in behind.splitlines():
        if line and not line.startswith("   "):
            break
        lines.append(line[3:])
    return "\n".join(lines)


@pytest.fixture
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """It, with its keys and certificates in files and in the environment."""
    private, root = keypair("app")[0], private_of("root")
    monkeypatch.setenv("ALIPAY_PRIVATE_KEY", private)
    files = {
        "app_private_key.txt": private,
        "alipay_public_key.txt": keypair("alipay")[1],
        "appCertPublicKey_2021009876543210.crt": certificate("app", private_of("app"), "R", root),
        "alipayCertPublicKey_RSA2.crt": certificate("ali", private_of("alipay"), "R", root),
        "alipayRootCert.crt": certificate("R", root, "R"),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    return example().replace("/etc/chargecloud/alipay", str(tmp_path))


def settings_of(folder: Path, text: str) -> AlipaySettings:
    """As the service reads them."""
    path = folder / "node.toml"
    path.write_text(text, encoding="utf-8")
    found = read_config(path).feature_settings["alipay"]
    assert isinstance(found, AlipaySettings)
    return found


def build(settings: AlipaySettings) -> Any:
    """What the feature adds."""
    platform = Platform(calendar=None, read=None, reactor=Clock())  # type: ignore[arg-type]
    return AlipayFeature().build(settings, platform)


def test_the_readme_is_true(toml: str, tmp_path: Path) -> None:
    """Both ways to sign, and who is paid through which account; nothing shows a key."""
    (channel,) = build(settings_of(tmp_path, toml)).payment_channels
    assert isinstance(channel, AlipayChannel)
    assert IPaymentChannel.providedBy(channel)
    assert channel.real_money is True
    merchants = [channel.merchant(id_) for id_ in (1, 383059073433604096, 383059073433604097)]
    assert merchants == ["2088123456789012", "2088987654321098", "2088987654321098"]
    by_key, by_certificates = channel.accounts.accounts
    assert (by_key.keys.app_cert_sn, by_key.freezes) == (None, False)
    assert len(by_certificates.keys.app_cert_sn or "") == 32
    assert by_certificates.freezes
    shown = repr(channel) + json.dumps(repr(channel.accounts))
    assert "PRIVATE" not in shown
    assert "RSAPrivateKey" not in shown


def test_no_account_no_channel(tmp_path: Path) -> None:
    """Nobody finds it in service, who has not asked for it."""
    assert build(settings_of(tmp_path, "")).payment_channels == ()


def test_a_tenant_without_an_account(toml: str, tmp_path: Path) -> None:
    """It has none, if each account names its tenants; who is named nowhere is not paid."""
    first = toml.replace('alipay_public_key.txt"', 'alipay_public_key.txt"\ntenants = [5]', 1)
    (channel,) = build(settings_of(tmp_path, first)).payment_channels
    assert (channel.merchant(1), channel.merchant(5)) == (None, "2088123456789012")
    retired = toml.replace('alipay_public_key.txt"', 'alipay_public_key.txt"\ntenants = []', 1)
    (channel,) = build(settings_of(tmp_path, retired)).payment_channels
    assert channel.merchant(1) is None
    assert channel.accounts.of_seller("2088123456789012").tenants == frozenset()


@pytest.mark.parametrize(
    ("url", "is_real"),
    [
        ("https://openapi-sandbox.dl.alipaydev.com/gateway.do", False),
        ("http://127.0.0.1:8081/gateway.do", False),
        ("http://localhost/gateway.do", False),
        ("https://proxy.example.com/gateway.do", True),
        ("https://notalipaydev.com/gateway.do", True),
    ],
)
def test_what_is_real_money(toml: str, tmp_path: Path, url: str, is_real: bool) -> None:
    """All that is no sandbox."""
    text = toml.replace("[alipay]\n", f'[alipay]\ngateway_url = "{url}"\n')
    (channel,) = build(settings_of(tmp_path, text)).payment_channels
    assert channel.real_money is is_real


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('"2021001234567890"', '"my app"', "digits of an APPID"),
        ('"2088123456789012"', '"1234"', "16 digits that begin with 2088"),
        ('"2088987654321098"', '"2088123456789012"', "must have each seller_id once"),
        ('"2021009876543210"', '"2021001234567890"', "must have each app_id once"),
        ('"env:ALIPAY_PRIVATE_KEY"', '"MIIEvQIBADAN"', "must be file:PATH or env:NAME"),
        ("tenants = [383059073433604096, 3", "tenants = [383059073433604097, 3", "tenant once"),
        ("tenants = [383059073433604096, 383059073433604097]", "", "in all accounts but one"),
        ("[alipay]\n", '[alipay]\ngateway_url = "http://alipay.com"\n', "must be an https:// URL"),
        ("[alipay]\n", '[alipay]\ngateway_url = "https://a.b/?c=d"\n', "neither a query"),
        ("freezes = true", "freezes = true\ncolour = 1", "colour"),
    ],
)
def test_what_cannot_be(toml: str, tmp_path: Path, old: str, new: str, what: str) -> None:
    """It is told where, and what was expected; what may be a key is not repeated."""
    assert old in toml
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, toml.replace(old, new))
    assert what in str(caught.value)
    assert "alipay" in str(caught.value)
    assert "MIIEvQIBADAN" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("app_private_key.txt", "alipay_public_key.txt", "private key cannot be read"),
        ("alipay_public_key.txt", "nowhere.txt", "must name a file that can be read"),
        ("root_certificate =", "# root_certificate =", "or all three certificates"),
        ("alipay_public_key =", "# alipay_public_key =", "needs either"),
        ("env:ALIPAY_PRIVATE_KEY", "env:ALIPAY_NO_KEY", "'ALIPAY_NO_KEY' is none"),
    ],
)
def test_keys_that_cannot_be_used(toml: str, tmp_path: Path, old: str, new: str, what: str) -> None:
    """C{config check} says so, and which account it is."""
    assert old in toml
    with pytest.raises(ConfigError, match=what) as caught:
        settings_of(tmp_path, toml.replace(old, new))
    assert "alipay.accounts" in str(caught.value)
    assert "app 2021" in str(caught.value)
    assert "BEGIN" not in str(caught.value)
