"""Alarms reach real receivers, which check what they are sent; and go nowhere else."""

import base64
import email
import hmac
import json
import re
from collections.abc import Callable
from email.message import Message
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_twisted
from aiosmtpd.controller import Controller
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.web.resource import Resource
from twisted.web.server import Site

from alarm_receivers import ALARM
from chargecloud.interfaces import IAlarmSink, Platform
from chargecloud_alarms.feature import AlarmsFeature
from chargecloud_alarms.mail import Mail
from chargecloud_alarms.requests import NotTaken, Poster, is_public
from chargecloud_alarms.robots import Robot, RobotKind
from chargecloud_alarms.settings import (
    AlarmsSettings,
    MailSettings,
    RobotSettings,
    WebhookSettings,
)
from chargecloud_alarms.syslog import Syslog, Way
from chargecloud_alarms.webhook import Webhook
from tests.live import free_port

NOW_S = 1_800_000_000.25
SECRET = "a secret between us"


@define
class Got:
    """What a receiver was sent."""

    path: str
    query: dict[str, list[str]]
    headers: Any
    body: bytes


@define(eq=False, slots=False)
class Receiver(Resource):
    """Somebody's server: it keeps what it is sent, and answers what it is told to."""

    status: int = 200
    answer: bytes = b'{"errcode": 0, "code": 0}'
    got: list[Got] = field(factory=list)
    isLeaf = True

    def __attrs_post_init__(self) -> None:
        super().__init__()

    def render_POST(self, request: Any) -> bytes:
        """Take a post."""
        parts = urlsplit(request.uri.decode())
        self.got.append(
            Got(parts.path, parse_qs(parts.query), request.requestHeaders, request.content.read())
        )
        request.setResponseCode(self.status)
        if self.status == 302:
            request.setHeader("Location", "/elsewhere")
        return self.answer


@pytest_twisted.async_yield_fixture
async def receiver() -> Any:
    """A receiver on this machine, and its address."""
    made = Receiver()
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Site(made))
    made.url = f"http://127.0.0.1:{port.getHost().port}/hook"  # type: ignore[attr-defined]
    yield made
    await port.stopListening()


def webhook(url: str, *, private: bool = True) -> Webhook:
    """A webhook to somewhere."""
    return Webhook("hook", url, SECRET, Poster(reactor, private=private), lambda: NOW_S)


@pytest_twisted.ensureDeferred
async def test_a_webhook_is_signed(receiver: Any) -> None:
    """As its receiver reckons it, from what came; the same alarm has the same name each time."""
    for _ in range(2):
        await webhook(receiver.url).deliver(ALARM)
    first, second = receiver.got

    def header(got: Got, name: str) -> str:
        return str(got.headers.getRawHeaders(f"X-ChargeCloud-{name}")[0])

    signed = header(first, "Timestamp").encode() + b"." + first.body
    wanted = hmac.new(SECRET.encode(), signed, sha256).hexdigest()
    assert header(first, "Signature") == f"v1={wanted}"
    assert header(first, "Timestamp") == "1800000000"
    assert header(first, "Alarm") == header(second, "Alarm")
    told = json.loads(first.body)
    assert (told["rule"], told["level"], told["charger_id"]) == ("port-hot", "critical", str(2**60))


@pytest.mark.parametrize("status", [302, 400, 500])
@pytest_twisted.ensureDeferred
async def test_what_is_no_success_is_a_failure(receiver: Any, status: int) -> None:
    """Also a redirection: who signs for one server does not follow to another."""
    receiver.status = status
    with pytest.raises(NotTaken, match=str(status)):
        await webhook(receiver.url).deliver(ALARM)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest_twisted.ensureDeferred
async def test_nothing_is_sent_into_a_private_network(receiver: Any, host: str) -> None:
    """By address or by name, unless that is allowed."""
    url = receiver.url.replace("127.0.0.1", host)
    with pytest.raises(Exception, match=r".+"):
        await webhook(url, private=False).deliver(ALARM)
    assert receiver.got == []
    await webhook(url).deliver(ALARM)
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("host", "is_so"),
    [
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("8.8.8.8", True),
        ("2400:3200::1", True),
    ],
)
def test_public_addresses(host: str, *, is_so: bool) -> None:
    """Those of metadata services and of neighbours are not."""
    from twisted.internet.address import IPv4Address, IPv6Address

    kind = IPv6Address if ":" in host else IPv4Address
    assert is_public(kind("TCP", host, 80)) is is_so


def check_wecom(_got: Got) -> None:
    """WeCom checks only the key of the URL."""


def check_dingtalk(got: Got) -> None:
    """As DingTalk does: over the timestamp and the secret, with the secret."""
    (timestamp,), (sign,) = got.query["timestamp"], got.query["sign"]
    text = f"{timestamp}\n{SECRET}".encode()
    wanted = base64.b64encode(hmac.new(SECRET.encode(), text, sha256).digest()).decode()
    assert (timestamp, sign) == ("1800000000250", wanted)


def check_feishu(got: Got) -> None:
    """As Feishu does: over nothing, with the timestamp and the secret."""
    told = json.loads(got.body)
    key = f"{told['timestamp']}\n{SECRET}".encode()
    wanted = base64.b64encode(hmac.new(key, b"", sha256).digest()).decode()
    assert (told["timestamp"], told["sign"]) == ("1800000000", wanted)


@pytest.mark.parametrize(
    ("kind", "check", "refusal"),
    [
        (RobotKind.WECOM, check_wecom, b'{"errcode": 93000, "errmsg": "invalid webhook url"}'),
        (RobotKind.DINGTALK, check_dingtalk, b'{"errcode": 310000, "errmsg": "sign not match"}'),
        (RobotKind.FEISHU, check_feishu, b'{"code": 19021, "msg": "sign match fail"}'),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_robot_tells_its_group(
    receiver: Any, kind: RobotKind, check: Callable[[Got], None], refusal: bytes
) -> None:
    """In words; and one that does not want it says so with success."""
    url = f"{receiver.url}?key=k"
    robot = Robot("group", kind, url, SECRET, Poster(reactor, private=True), lambda: NOW_S)
    await robot.deliver(ALARM)
    (got,) = receiver.got
    check(got)
    told = json.loads(got.body)
    text = told.get("text") or told.get("content")
    assert "port-hot" in str(text)
    assert "严重" in str(text)
    assert got.query["key"] == ["k"]
    for answer in (refusal, b"<html>", b"[]"):
        receiver.answer = answer
        with pytest.raises(NotTaken):
            await robot.deliver(ALARM)


class Mailbox:
    """A real mail server's inbox."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], Message]] = []
        self.refuses = False

    async def handle_DATA(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        """Take a mail."""
        if self.refuses:
            return "451 not now"
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content)))
        return "250 taken"


@pytest_twisted.ensureDeferred
async def test_a_mail_is_sent() -> None:
    """To everybody; what the server does not take has failed, and one without TLS is not spoken
    to where that was asked for."""
    mailbox = Mailbox()
    port = free_port()
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        to = ("duty@example.org", "boss@example.org")

        def mail(*, insists: bool) -> Mail:
            return Mail("m", "127.0.0.1", port, "cc@example.org", to, "", "", insists, reactor)

        await mail(insists=False).deliver(ALARM)
        ((recipients, message),) = mailbox.mails
        assert recipients == list(to)
        subject = str(email.header.make_header(email.header.decode_header(message["Subject"])))
        assert "port-hot" in subject
        assert "temperature_dc 910" in str(message.get_payload(decode=True))
        mailbox.refuses = True
        with pytest.raises(Exception, match="not now"):
            await mail(insists=False).deliver(ALARM)
        with pytest.raises(Exception, match=r".+"):
            await mail(insists=True).deliver(ALARM)
        assert len(mailbox.mails) == 1
    finally:
        server.stop()


WANTED = re.compile(
    rb"<130>1 2026-11-27T09:30:00.000Z here chargecloud - port-hot "
    rb'\[alarm@32473 .*rule="port-hot".*port="3".*evidence.temperature_dc="910"\] port-hot at .*'
)


@pytest_twisted.ensureDeferred
async def test_syslog_over_tcp() -> None:
    """Each message behind its length; a server that is away has not taken it."""
    got: Deferred[bytes] = Deferred()

    class Server(Protocol):
        data = b""

        def dataReceived(self, data: bytes) -> None:
            self.data += data

        def connectionLost(self, reason: Any = None) -> None:
            got.callback(self.data)

    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
        Factory.forProtocol(Server)
    )
    number = port.getHost().port
    sink = Syslog("s", Way.TCP, "127.0.0.1", number, "here", reactor)
    await sink.deliver(ALARM)
    length, _, message = (await got).partition(b" ")
    assert int(length) == len(message)
    assert WANTED.fullmatch(message), message
    await port.stopListening()
    with pytest.raises(ConnectError):
        await sink.deliver(ALARM)


@pytest_twisted.ensureDeferred
async def test_syslog_in_datagrams() -> None:
    """A message each."""
    got: Deferred[bytes] = Deferred()

    class Server(DatagramProtocol):
        def datagramReceived(self, datagram: bytes, _addr: Any) -> None:  # noqa: N802
            got.callback(datagram)

    port: Any = reactor.listenUDP(0, Server(), interface="127.0.0.1")  # type: ignore[attr-defined]
    await Syslog("s", Way.UDP, "127.0.0.1", port.getHost().port, "here", reactor).deliver(ALARM)
    assert WANTED.fullmatch(await got)
    await port.stopListening()


def test_what_is_configured_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Each with its name, and secrets from where they are kept."""
    monkeypatch.setenv("HOOK", "from the environment")
    (tmp_path / "secret").write_text("from a file\n")
    settings = AlarmsSettings(
        webhooks=(WebhookSettings(name="a", url="https://x.example", secret="env:HOOK"),),
        robots=(
            RobotSettings(
                name="b",
                kind=RobotKind.FEISHU,
                url="https://y.example",
                secret=f"file:{tmp_path}/secret",
            ),
        ),
        mail=(MailSettings(name="c", host="h", sender="s@x", recipients=("r@x",)),),
    )
    platform = Platform(calendar=None, read=None, reactor=reactor)  # type: ignore[arg-type]
    a, b, c = AlarmsFeature().build(settings, platform).sinks
    assert [each.name for each in (a, b, c)] == ["a", "b", "c"]
    assert isinstance(a, Webhook)
    assert isinstance(b, Robot)
    assert (a.secret, b.secret) == ("from the environment", "from a file")
    assert "from" not in repr(a) + repr(b)
    assert all(IAlarmSink.providedBy(each) for each in (a, b, c))
