"""C{[alarms]}: which ways there are to people."""

import os
import time
from pathlib import Path
from socket import gethostname
from typing import Any

from attrs import frozen
from zope.interface import implementer

from chargecloud.domain.fields import choice, text, whole
from chargecloud.interfaces import FeatureParts, IAlarmSink, IFeature, Platform
from chargecloud_alarms.mail import Mail
from chargecloud_alarms.requests import Poster
from chargecloud_alarms.robots import Robot, RobotKind
from chargecloud_alarms.syslog import Syslog, Way
from chargecloud_alarms.webhook import Webhook

SUBMISSION = 587
#: as long as the table of deliveries has room for
MOST_NAME = 64


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
    recipients: tuple[str, ...] = choice("whom they go to")
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
class AlarmsSettings:
    """C{[alarms]}"""

    webhooks: tuple[WebhookSettings, ...] = choice("programs that take them", default=())
    robots: tuple[RobotSettings, ...] = choice("robots in groups", default=())
    mail: tuple[MailSettings, ...] = choice("mailboxes", default=())
    syslog: tuple[SyslogSettings, ...] = choice("syslog servers", default=())


def _secret(value: str | None) -> str:
    """
    What C{env:NAME} or C{file:PATH} refers to; any other value as it is.

    @raise ValueError: if there is nothing there.
    """
    kind, _, where = (value or "").partition(":")
    if kind == "env":
        if where not in os.environ:
            raise ValueError(f"{where} is no variable of the environment")
        return os.environ[where]
    if kind == "file":
        return Path(where).read_text(encoding="utf-8").strip()
    return value or ""


@implementer(IFeature)
@frozen
class AlarmsFeature:
    """Sinks that are configured."""

    name: str = "alarms"
    settings: type = AlarmsSettings
    migrations: Path | None = None

    def build(self, settings: AlarmsSettings, platform: Platform) -> FeatureParts:
        """A sink for each way."""
        reactor: Any = platform.reactor
        sinks: list[IAlarmSink] = [
            Webhook(
                each.name,
                each.url,
                _secret(each.secret),
                Poster(reactor, private=each.private),
                time.time,
            )
            for each in settings.webhooks
        ]
        sinks += [
            Robot(
                each.name,
                each.kind,
                _secret(each.url) if each.url.startswith(("env:", "file:")) else each.url,
                _secret(each.secret),
                Poster(reactor),
                time.time,
            )
            for each in settings.robots
        ]
        sinks += [
            Mail(
                each.name,
                each.host,
                each.port,
                each.sender,
                each.recipients,
                _secret(each.username),
                _secret(each.password),
                each.tls,
                reactor,
            )
            for each in settings.mail
        ]
        sinks += [
            Syslog(each.name, each.way, each.host, each.port, gethostname(), reactor)
            for each in settings.syslog
        ]
        return FeatureParts(sinks=tuple(sinks))
