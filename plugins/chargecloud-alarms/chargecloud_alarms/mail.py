"""E-mail, over SMTP with TLS where the server has it."""

from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.mail.smtp import sendmail
from zope.interface import implementer

from chargecloud.domain.alarm import Alarm
from chargecloud.interfaces import IAlarmSink
from chargecloud_alarms.wording import words_of


def message_of(alarm: Alarm, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """The mail."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, ", ".join(recipients)
    first = words_of(alarm).splitlines()
    mail["Subject"] = f"ChargeCloud {first[0]}, {first[1]}"
    mail["Date"] = format_datetime(alarm.at)
    mail["Message-ID"] = make_msgid(domain="chargecloud")
    # no vacation answers to a platform
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(words_of(alarm) + "\n")
    return mail


@implementer(IAlarmSink)
@frozen
class Mail:
    """
    @ivar insists: whether a server without TLS is not spoken to.
    """

    name: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    username: str
    password: str = field(repr=False)
    insists: bool
    reactor: Any

    def deliver(self, alarm: Alarm) -> "Deferred[None]":
        """Send it; it is delivered when the server has taken it for everybody."""
        mail = message_of(alarm, self.sender, self.recipients)
        sent: Deferred[Any] = sendmail(
            self.host,
            self.sender,
            list(self.recipients),
            mail.as_bytes(),
            port=self.port,
            reactor=self.reactor,
            username=self.username.encode() or None,
            password=self.password.encode() or None,
            requireAuthentication=bool(self.username),
            requireTransportSecurity=self.insists,
        )
        return sent.addCallback(lambda _taken: None)
