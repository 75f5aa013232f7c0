"""What is configured is there, and what cannot be is told before anything starts."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.task import Clock

from chargecloud.config import ConfigError, read_config
from chargecloud.domain.alarm import Level
from chargecloud.interfaces import IAlarmSink, Platform
from chargecloud_alarms.feature import AlarmsFeature
from chargecloud_alarms.mqtt import Mqtt
from chargecloud_alarms.phones import Phones
from chargecloud_alarms.settings import AlarmsSettings
from chargecloud_alarms.wechat import WeChat

GUIDE = Path(__file__).parents[3] / "docs" / "alarms.rst"
SECRETS = {
    "WECHAT_SECRET": "s-wechat",
    "ALIYUN_KEY_ID": "s-id",
    "ALIYUN_KEY_SECRET": "s-key",
    "MQTT_PASSWORD": "s-mqtt",
    "MAIL_PASSWORD": "s-mail",
    "DUTY_SECRET": "s-duty",
}


def example() -> str:
    """The first TOML of the guide, which has a table for each way."""
    _, _, behind = GUIDE.read_text(encoding="utf-8").partition(".. code-block:: toml\n")
    lines = []
    for line in behind.splitlines():
        if line and not line.startswith("   "):
            break
        lines.append(line[3:])
    return "\n".join(lines)


def settings_of(folder: Path, text: str) -> AlarmsSettings:
    """As the service reads them."""
    path = folder / "node.toml"
    path.write_text(text, encoding="utf-8")
    found = read_config(path).feature_settings["alarms"]
    assert isinstance(found, AlarmsSettings)
    return found


@pytest.fixture
def guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The example, with its secrets in the environment and in files."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    for name in ("robot.url", "robot.secret"):
        (tmp_path / name).write_text("https://robot.example/\n")
    return example().replace("/etc/chargecloud", str(tmp_path))


def build(settings: AlarmsSettings, on: Any) -> dict[str, IAlarmSink]:
    """Its sinks, by their names."""
    platform = Platform(calendar=None, read=None, reactor=on)  # type: ignore[arg-type]
    return {sink.name: sink for sink in AlarmsFeature().build(settings, platform).sinks}


@pytest.mark.parametrize("on", [reactor, Clock()])
def test_the_guide_is_true(guide: str, tmp_path: Path, on: Any) -> None:
    """Each table of the example makes a sink, also in memory; none shows what is secret, nor
    whose telephone it is."""
    sinks = build(settings_of(tmp_path, guide), on)
    tables = tomllib.loads(guide)["alarms"]
    assert sorted(sinks) == sorted(each["name"] for kind in tables.values() for each in kind)
    assert set(tables) == {each.name for each in AlarmsSettings.__attrs_attrs__}
    shown = repr(sinks)
    assert not any(value in shown for value in SECRETS.values() if value != "s-id")
    for kind in ("sms", "calls"):
        assert not any(number in shown for number in tables[kind][0]["numbers"])
    assert all(IAlarmSink.providedBy(each) for each in sinks.values())


def test_what_is_not_given(guide: str, tmp_path: Path) -> None:
    """Calls are for what is critical, texts for warnings too; TLS has a port of its own."""
    sinks = build(settings_of(tmp_path, guide), Clock())
    wechat, text, call, mqtt = (sinks[n] for n in ("followers", "texts", "calls", "bus"))
    assert isinstance(wechat, WeChat)
    assert wechat.token.secret == "s-wechat"
    assert isinstance(text, Phones)
    assert text.levels == {Level.WARNING, Level.CRITICAL}
    assert isinstance(call, Phones)
    assert call.levels == {Level.CRITICAL}
    assert isinstance(mqtt, Mqtt)
    assert mqtt.broker.port == 8883
    assert mqtt.broker.password == "s-mqtt"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('numbers = ["13800138000"', 'numbers = ["call me"', "must be telephone numbers"),
        ('numbers = ["13800138000"', 'numbers = ["", "1"', "must have nothing that is empty"),
        ('recipients = ["oAbc', 'recipients = [] # ["oAbc', "must not be empty"),
        ('thing1 = "rule"', 'thing1 = "weather"', "must be one of rule, level"),
        ('thing1 = "rule"', '"thing 1" = "rule"', "must have names of a template's fields"),
        ("/{rule}", "/{colour}", "must have no places but rule"),
        ("/{rule}", "/#", "neither + nor #"),
        ("/{rule}", "/{rule", "must close each brace"),
        ('kind = "dingtalk"', 'kind = "dingtalk"\ncolour = 1', "colour"),
        ('zone = "Asia/Shanghai"', 'zone = "Mars/Olympus"', "must be a time zone"),
        ('zone = "Asia/Shanghai"', 'zone = "../../etc/passwd"', "must be a time zone"),
        ("https://dysmsapi", "http://dysmsapi", "must be https:// and a host"),
        ('levels = ["critical"]', 'levels = ["loud"]', "must be one of notice"),
        ('levels = ["critical"]', "levels = []", "must not be empty"),
    ],
)
def test_what_cannot_be(guide: str, tmp_path: Path, old: str, new: str, what: str) -> None:
    """It is told where, and what was expected; a telephone number is not repeated."""
    assert old in guide
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, guide.replace(old, new))
    assert what in str(caught.value)
    assert "alarms." in str(caught.value)
    assert "call me" not in str(caught.value)


def test_a_secret_that_is_not_there(guide: str, tmp_path: Path) -> None:
    """The service does not start without it."""
    settings = settings_of(tmp_path, guide.replace("env:WECHAT_SECRET", "env:CC_NOT_THERE"))
    with pytest.raises(ValueError, match="'CC_NOT_THERE' is none"):
        build(settings, Clock())
