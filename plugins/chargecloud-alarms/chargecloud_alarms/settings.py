"""What C{[alarms]} says, table by table.

Whatever is a secret may be C{env:NAME} or C{file:PATH}.
"""

import re
from collections.abc import Callable, Collection
from enum import Enum
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import attrs
from attrs import frozen

from chargecloud.domain.alarm import Level
from chargecloud.domain.fields import REQUIRED, choice, text, whole
from chargecloud_alarms import aliyun
from chargecloud_alarms.mqtt import PLACES
from chargecloud_alarms.robots import RobotKind
from chargecloud_alarms.syslog import Way
from chargecloud_alarms.wording import Fact

SUBMISSION = 587
#: as long as the table of deliveries has room for
MOST_NAME = 64
MQTT, MQTT_TLS = 1883, 8883
CHINA = "Asia/Shanghai"


# ------------------------------------------------------------------ fields of their own kind


def checked(doc: str, check: Callable[[Any], object], **given: Any) -> Any:
    """A field whose value is tried out; whatever C{check} raises of L{ValueError} is told."""

    def validate(_instance: object, _attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if value is not None:
            check(value)

    return attrs.field(validator=validate, metadata={"doc": doc}, **given)


def some(doc: str, check: Callable[[Any], object] = str, *, default: Any = REQUIRED) -> Any:
    """A field with one value at least, and none of them empty or twice."""

    def check_all(values: Collection[Any]) -> None:
        if not values:
            raise ValueError("must not be empty")
        if "" in values or len(set(values)) < len(values):
            raise ValueError("must have nothing that is empty, and nothing twice")
        for value in values:
            check(value)

    return checked(doc, check_all, default=default)


#: E.164, or as it is dialled in mainland China
_NUMBER = re.compile(r"\+?[0-9]{5,16}")
#: a field of WeChat's templates, a variable of Alibaba's
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_PLACE = re.compile(r"\{([^{}]*)\}")


def _number(value: str) -> None:
    # the number itself is not told: it is somebody's
    if not _NUMBER.fullmatch(value):
        raise ValueError("must be telephone numbers, of digits and perhaps a +")


def _field(name: str) -> None:
    if not _FIELD.fullmatch(name):
        raise ValueError(f"must have names of a template's fields, and {name!r} is none")


def _zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise ValueError(f"must be a time zone, and {name!r} is none") from error


def _server(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.path or parts.query:
        raise ValueError("must be https:// and a host, and nothing behind it")


def _topic(pattern: str) -> None:
    for place in _PLACE.findall(pattern):
        if place not in PLACES:
            raise ValueError(f"must have no places but {', '.join(PLACES)}, and {place!r} is none")
    # what a topic to be published to must not have (MQTT 3.1.1, 4.7.1)
    if not 0 < len(pattern) <= 500 or any(each in pattern for each in "+#\0"):
        raise ValueError("must have 1 to 500 characters, and neither + nor #")
    if any(each in _PLACE.sub("", pattern) for each in "{}"):
        raise ValueError("must close each brace that it opens")


# -------------------------------------------------------------------------------- the tables


@frozen(kw_only=True)
class WebhookSettings:
    """C{[[alarms.webhooks]]}"""

    name: str = text("its name in logs and figures", longest=MOST_NAME)
    url: str = text("where alarms are posted", longest=2_000)
    secret: str = text("that they are signed with; env:NAME or file:PATH", longest=500)
    private: bool = choice("whether it may be in a private network", default=False)


@frozen(kw_only=True)
class RobotSettings:
    """C{[[alarms.robots]]}"""

    name: str = text("its name in logs and figures", longest=MOST_NAME)
    kind: RobotKind = choice("whose it is")
    url: str = text("its webhook; env:NAME or file:PATH, as who has it can post", longest=2_000)
    secret: str | None = text("for its signature; env:NAME or file:PATH", default=None, longest=500)


@frozen(kw_only=True)
class MailSettings:
    """C{[[alarms.mail]]}"""

    name: str = text("its name in logs and figures", longest=MOST_NAME)
    host: str = text("of the mail server")
    port: int = whole("of the mail server", default=SUBMISSION, least=1, most=65_535)
    sender: str = text("whom mails are from")
    recipients: tuple[str, ...] = some("whom they go to")
    username: str | None = text("at the mail server", default=None)
    password: str | None = text("there; env:NAME or file:PATH", default=None, longest=500)
    tls: bool = choice("whether a server without TLS is not spoken to", default=True)


@frozen(kw_only=True)
class SyslogSettings:
    """C{[[alarms.syslog]]}"""

    name: str = text("its name in logs and figures", longest=MOST_NAME)
    host: str = text("of the syslog server")
    port: int = whole("of the syslog server", default=514, least=1, most=65_535)
    way: Way = choice("how it goes there", default=Way.TCP)


@frozen(kw_only=True)
class WeChatSettings:
    """C{[[alarms.wechat]]}"""

    name: str = text("its name in logs and figures", longest=MOST_NAME)
    app_id: str = text("of the official account")
    secret: str = text("of it; env:NAME or file:PATH", longest=500)
    template_id: str = text("of the message, as the account has it")
    fields: dict[str, Fact] = some("what stands in each field of the template", _field)
    recipients: tuple[str, ...] = some("openids of followers")
    zone: str = checked("time zone of the people", _zone, default=CHINA)


class Provider(Enum):
    """Who carries texts and calls."""

    ALIYUN = "aliyun"


@frozen(kw_only=True)
class TextSettings:
    """C{[[alarms.sms]]}"""

    name: str = text("its name in logs and figures", longest=MOST_NAME)
    provider: Provider = choice("who carries them", default=Provider.ALIYUN)
    key_id: str = text("of the AccessKey; env:NAME or file:PATH", longest=500)
    key_secret: str = text("of it; env:NAME or file:PATH", longest=500)
    endpoint: str = checked("of the region", _server, default=aliyun.TEXTS)
    sign_name: str = text("whom they are from, as approved by the provider")
    template: str = text("code of the template, as approved by the provider")
    variables: dict[str, Fact] = some("what its variables say", _field)
    numbers: tuple[str, ...] = some("whom they go to", _number)
    levels: tuple[Level, ...] = some(
        "of the alarms that are sent", default=(Level.WARNING, Level.CRITICAL)
    )
    zone: str = checked("time zone of the people", _zone, default=CHINA)


@frozen(kw_only=True)
class CallSettings:
    """C{[[alarms.calls]]}"""

    name: str = text("its name in logs and figures", longest=MOST_NAME)
    provider: Provider = choice("who carries them", default=Provider.ALIYUN)
    key_id: str = text("of the AccessKey; env:NAME or file:PATH", longest=500)
    key_secret: str = text("of it; env:NAME or file:PATH", longest=500)
    endpoint: str = checked("of the region", _server, default=aliyun.CALLS)
    caller: str | None = checked(
        "number that is shown; one of the provider's if not given", _number, default=None
    )
    template: str = text("code of what is read aloud, as approved by the provider")
    variables: dict[str, Fact] = some("what its variables say", _field)
    numbers: tuple[str, ...] = some("who is called", _number)
    levels: tuple[Level, ...] = some("of the alarms that are told", default=(Level.CRITICAL,))
    times: int = whole("it is read aloud", default=2, least=1, most=3)
    zone: str = checked("time zone of the people", _zone, default=CHINA)


@frozen(kw_only=True)
class MqttSettings:
    """C{[[alarms.mqtt]]}"""

    name: str = text("its name in logs and figures", longest=MOST_NAME)
    host: str = text("of the broker")
    port: int | None = whole(
        "of the broker; 8883 with TLS and 1883 without if not given",
        default=None,
        least=1,
        most=65_535,
    )
    topic: str = checked(
        "with {rule}, {level}, {tenant_id} and {charger_id}",
        _topic,
        default="chargecloud/alarms/{tenant_id}/{rule}",
    )
    username: str | None = text("at the broker; env:NAME or file:PATH", default=None, longest=500)
    password: str | None = text("there; env:NAME or file:PATH", default=None, longest=500)
    tls: bool = choice("whether it is spoken to by TLS", default=True)
    ca: str | None = text(
        "file of the authority that its certificate is from; the system's if not given",
        default=None,
        longest=1_000,
    )


@frozen(kw_only=True)
class AlarmsSettings:
    """C{[alarms]}"""

    webhooks: tuple[WebhookSettings, ...] = choice("programs that take them", default=())
    robots: tuple[RobotSettings, ...] = choice("robots in groups", default=())
    mail: tuple[MailSettings, ...] = choice("mailboxes", default=())
    syslog: tuple[SyslogSettings, ...] = choice("syslog servers", default=())
    wechat: tuple[WeChatSettings, ...] = choice("followers of official accounts", default=())
    sms: tuple[TextSettings, ...] = choice("telephones that are sent texts", default=())
    calls: tuple[CallSettings, ...] = choice("telephones that are called", default=())
    mqtt: tuple[MqttSettings, ...] = choice("MQTT brokers", default=())
