"""What is configured is there, and what cannot be is told before anything starts."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from twisted.internet import reactor
from twisted.internet.task import Clock

from chargecloud.config import ConfigError, read_config
from chargecloud.interfaces import IPaymentChannel, Platform
from chargecloud_pay_wechat.feature import WeChatPayFeature
from chargecloud_pay_wechat.settings import WeChatPaySettings
from wechat_gateway import API_V3_KEY
from wechat_keys import key, private_pem, public_pem
from wechat_till import merchant_settings

README = Path(__file__).parents[1] / "README.rst"


def example(folder: Path) -> str:
    """The first TOML of the README, with the files that it names."""
    merchant_settings(folder)
    _, _, behind = README.read_text(encoding="utf-8").partition(".. code-block:: toml\n")
    lines = []
    for line in behind.splitlines():
        if line and not line.startswith("   "):
            break
        lines.append(line[3:])
    return "\n".join(lines).replace("/etc/chargecloud/wechat", str(folder))


def settings_of(folder: Path, text: str) -> WeChatPaySettings:
    """As the service reads them."""
    path = folder / "node.toml"
    path.write_text(text, encoding="utf-8")
    found = read_config(path).feature_settings["wechat_pay"]
    assert isinstance(found, WeChatPaySettings)
    return found


def built(settings: WeChatPaySettings, on: Any) -> Any:
    """Its parts."""
    platform = Platform(calendar=None, read=None, reactor=on)  # type: ignore[arg-type]
    return WeChatPayFeature().build(settings, platform)


@pytest.mark.parametrize("on", [reactor, Clock()])
def test_the_readme_is_true(tmp_path: Path, on: Any) -> None:
    """Its example is a channel of two merchants, that shows nobody a key."""
    (channel,) = built(settings_of(tmp_path, example(tmp_path)), on).payment_channels
    assert IPaymentChannel.providedBy(channel)
    assert channel.real_money is True
    assert (channel.merchant(12), channel.merchant(1)) == ("1900000110", "1900000109")
    shown = repr(channel) + repr(list(channel.asking.values()))
    secrets = (API_V3_KEY, *private_pem(key("merchant")).splitlines()[1:-1])
    assert not any(secret in shown for secret in secrets)
    assert "1900000109" in shown


def test_a_merchant_whom_nobody_pays_any_more(tmp_path: Path) -> None:
    """Their payments are asked after and go back; new ones go to the one for all others."""
    text = example(tmp_path).replace("tenants = [12, 13]", "tenants = []")
    (channel,) = built(settings_of(tmp_path, text), Clock()).payment_channels
    assert {channel.merchant(tenant) for tenant in (1, 12)} == {"1900000109"}
    assert "1900000110" in channel.asking
    both = text.replace("[[wechat_pay.merchants]]", "[[wechat_pay.merchants]]\ntenants = []", 1)
    (channel,) = built(settings_of(tmp_path, both), Clock()).payment_channels
    assert channel.merchant(1) is None


def test_nobody_who_is_paid() -> None:
    """There is no channel then."""
    assert built(WeChatPaySettings(), Clock()).payment_channels == ()


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('"1900000109"', '"wx1"', "8 to 32 digits"),
        ("file:{}/apiclient_key.pem", "file:{}/nothing.pem", "must name a file that can be read"),
        ("file:{}/pub_key.pem", "file:{}/nothing.pem", "must name a file that can be read"),
        ("file:{}/apiclient_key.pem", "file:{}/small.pem", "RSA key of 2048 bits at least"),
        ("file:{}/pub_key.pem", "file:{}/small_pub.pem", "RSA key of 2048 bits at least"),
        ("file:{}/apiclient_key.pem", "file:{}/pub_key.pem", "must be a private key in PEM"),
        ("file:{}/pub_key.pem", "file:{}/api_v3_key", "must be a public key in PEM"),
        ("file:{}/api_v3_key", "0123456789", "must be file:PATH or env:NAME"),
        ("file:{}/api_v3_key", "k" * 32, "must be file:PATH or env:NAME"),
        ("file:{}/api_v3_key", "file:{}/pub_key.pem", "32 characters, and has 450"),
        ('"PUB_KEY_ID_', '"', "PUB_KEY_ID_"),
        ("public_key = ", "# ", "together, or neither"),
        ('"1900000110"', '"1900000109"', "no merchant twice"),
        ("tenants = [12, 13]", "", "one merchant at the most that names no tenants"),
        ("tenants = [12, 13]", "tenants = [12, 12]", "no tenant at two"),
        ("https://api.mch.weixin.qq.com", "http://api.mch.weixin.qq.com", "https://"),
    ],
)
def test_what_cannot_be(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    """It is told with its place, and no key is told with it."""
    text = example(tmp_path)
    small = rsa.generate_private_key(65537, 1024)
    (tmp_path / "small.pem").write_text(private_pem(small))
    (tmp_path / "small_pub.pem").write_text(public_pem(small))
    there = right.replace("{}", str(tmp_path))
    assert there in text
    with pytest.raises(ConfigError) as refused:
        settings_of(tmp_path, text.replace(there, wrong.replace("{}", str(tmp_path))))
    faults = "\n".join(refused.value.faults)
    assert told in faults
    assert "wechat_pay" in faults
    assert API_V3_KEY not in faults
    assert "0123456789" not in faults


def test_a_key_in_the_configuration_itself(tmp_path: Path) -> None:
    """It is not taken, and told without it."""
    pem = private_pem(key("merchant")).replace("PRIVATE", "PRIVAT")
    with pytest.raises(ValueError, match="must be file:PATH or env:NAME") as refused:
        merchant_settings(tmp_path, private_key=pem)
    assert pem.splitlines()[1] not in str(refused.value)
