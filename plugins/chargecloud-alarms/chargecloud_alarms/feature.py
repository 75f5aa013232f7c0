"""C{[alarms]}: which ways there are to people."""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from socket import gethostname
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from attrs import frozen
from twisted.internet.interfaces import IReactorCore
from zope.interface import implementer

from chargecloud.interfaces import FeatureParts, IAlarmSink, IFeature, Platform
from chargecloud.references import resolve
from chargecloud_alarms.aliyun import AliyunCalls, AliyunTexts, Asking, Key
from chargecloud_alarms.mail import Mail
from chargecloud_alarms.mqtt import Broker, Mqtt
from chargecloud_alarms.phones import ITelephone, Phones
from chargecloud_alarms.recipients import Recipients
from chargecloud_alarms.requests import Poster
from chargecloud_alarms.robots import Robot
from chargecloud_alarms.settings import (
    MQTT,
    MQTT_TLS,
    AlarmsSettings,
    CallSettings,
    MailSettings,
    MqttSettings,
    Provider,
    RobotSettings,
    SyslogSettings,
    TextSettings,
    WebhookSettings,
    WeChatSettings,
)
from chargecloud_alarms.syslog import Syslog
from chargecloud_alarms.webhook import Webhook
from chargecloud_alarms.wechat import SERVERS, AccessToken, WeChat


def _secret(value: str | None) -> str:
    return resolve(value or "")


def _webhook(given: WebhookSettings, reactor: Any) -> IAlarmSink:
    poster = Poster(reactor, private=given.private)
    return Webhook(given.name, given.url, _secret(given.secret), poster, time.time)


def _robot(given: RobotSettings, reactor: Any) -> IAlarmSink:
    url, secret = _secret(given.url), _secret(given.secret)
    return Robot(given.name, given.kind, url, secret, Poster(reactor), time.time)


def _mail(given: MailSettings, reactor: Any) -> IAlarmSink:
    return Mail(
        given.name,
        given.host,
        given.port,
        given.sender,
        given.recipients,
        _secret(given.username),
        _secret(given.password),
        given.tls,
        reactor,
    )


def _syslog(given: SyslogSettings, reactor: Any) -> IAlarmSink:
    return Syslog(given.name, given.way, given.host, given.port, gethostname(), reactor)


def _wechat(given: WeChatSettings, reactor: Any) -> IAlarmSink:
    secret = _secret(given.secret)
    token = AccessToken(SERVERS, given.app_id, secret, Poster(reactor), time.monotonic)
    return WeChat(
        given.name,
        token,
        given.template_id,
        given.fields,
        Recipients(given.recipients),
        ZoneInfo(given.zone),
    )


def _asking(given: TextSettings | CallSettings, reactor: Any) -> Asking:
    key = Key(_secret(given.key_id), _secret(given.key_secret))
    return Asking(key, given.endpoint, Poster(reactor), time.time, lambda: uuid4().hex)


def _aliyun(given: TextSettings | CallSettings, reactor: Any) -> ITelephone:
    asking = _asking(given, reactor)
    if isinstance(given, TextSettings):
        return AliyunTexts(asking, given.sign_name, given.template)
    return AliyunCalls(asking, given.caller or "", given.template, given.times)


#: who carries texts and calls, a row for each
PROVIDERS: Mapping[Provider, Callable[[TextSettings | CallSettings, Any], ITelephone]] = {
    Provider.ALIYUN: _aliyun,
}


def _phones(given: TextSettings | CallSettings, reactor: Any) -> IAlarmSink:
    return Phones(
        given.name,
        PROVIDERS[given.provider](given, reactor),
        Recipients(given.numbers),
        given.variables,
        frozenset(given.levels),
        ZoneInfo(given.zone),
    )


def _mqtt(given: MqttSettings, reactor: Any) -> IAlarmSink:
    tls = ssl.create_default_context(cafile=given.ca) if given.tls else None
    port = given.port or (MQTT_TLS if given.tls else MQTT)
    broker = Broker(given.host, port, _secret(given.username), _secret(given.password), tls)
    sink = Mqtt(given.name, broker, given.topic, reactor)
    # in memory there is a clock only, which never shuts down
    if IReactorCore.providedBy(reactor):
        reactor.addSystemEventTrigger("before", "shutdown", sink.stop)
    return sink


def _sinks(settings: AlarmsSettings, reactor: Any) -> Iterator[IAlarmSink]:
    yield from (_webhook(each, reactor) for each in settings.webhooks)
    yield from (_robot(each, reactor) for each in settings.robots)
    yield from (_mail(each, reactor) for each in settings.mail)
    yield from (_syslog(each, reactor) for each in settings.syslog)
    yield from (_wechat(each, reactor) for each in settings.wechat)
    yield from (_phones(each, reactor) for each in settings.sms)
    yield from (_phones(each, reactor) for each in settings.calls)
    yield from (_mqtt(each, reactor) for each in settings.mqtt)


@implementer(IFeature)
@frozen
class AlarmsFeature:
    """Sinks that are configured."""

    name: str = "alarms"
    settings: type = AlarmsSettings
    migrations: Path | None = None

    def build(self, settings: AlarmsSettings, platform: Platform) -> FeatureParts:
        """A sink for each way."""
        return FeatureParts(sinks=tuple(_sinks(settings, platform.reactor)))
