"""What C{[alarms]} says, table by table.

Whatever is a secret may be C{env:NAME} or C{file:PATH}.
"""

from enum import Enum

from attrs import frozen

from chargecloud.domain.alarm import Level
from chargecloud.domain.fields import checked, choice, text, whole
from chargecloud_alarms import aliyun
from chargecloud_alarms.fields import a_field, a_number, a_server, a_topic, a_zone, some
from chargecloud_alarms.robots import RobotKind
from chargecloud_alarms.syslog import Way
from chargecloud_alarms.wording import Fact

SUBMISSION = 587
#: as long as the table of deliveries has room for
MOST_NAME = 64
MQTT, MQTT_TLS = 1883, 8883
CHINA = "Asia/Shanghai"


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
    fields: dict[str, Fact] = some("what stands in each field of the template", a_field)
    recipients: tuple[str, ...] = some("openids of followers")
    zone: str = checked("time zone of the people", a_zone, default=CHINA)


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
    endpoint: str = checked("of the region", a_server, default=aliyun.TEXTS)
    sign_name: str = text("whom they are from, as approved by the provider")
    template: str = text("code of the template, as approved by the provider")
    variables: dict[str, Fact] = some("what its variables say", a_field)
    numbers: tuple[str, ...] = some("whom they go to", a_number)
    levels: tuple[Level, ...] = some(
        "of the alarms that are sent", default=(Level.WARNING, Level.CRITICAL)
    )
    zone: str = checked("time zone of the people", a_zone, default=CHINA)


@frozen(kw_only=True)
class CallSettings:
    """C{[[alarms.calls]]}"""

    name: str = text("its name in logs and figures", longest=MOST_NAME)
    provider: Provider = choice("who carries them", default=Provider.ALIYUN)
    key_id: str = text("of the AccessKey; env:NAME or file:PATH", longest=500)
    key_secret: str = text("of it; env:NAME or file:PATH", longest=500)
    endpoint: str = checked("of the region", a_server, default=aliyun.CALLS)
    caller: str | None = checked(
        "number that is shown; one of the provider's if not given", a_number, default=None
    )
    template: str = text("code of what is read aloud, as approved by the provider")
    variables: dict[str, Fact] = some("what its variables say", a_field)
    numbers: tuple[str, ...] = some("who is called", a_number)
    levels: tuple[Level, ...] = some("of the alarms that are told", default=(Level.CRITICAL,))
    times: int = whole("it is read aloud", default=2, least=1, most=3)
    zone: str = checked("time zone of the people", a_zone, default=CHINA)


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
        a_topic,
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
