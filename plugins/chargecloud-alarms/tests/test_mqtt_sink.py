"""Alarms reach a real MQTT broker (amqtt, which we did not write), and its subscriber."""

import asyncio
import json
import os
import resource
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import pytest_twisted
from amqtt.broker import Broker as Amqtt
from amqtt.client import MQTTClient
from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

from alarm_receivers import ALARM
from chargecloud_alarms.mqtt import Broker, Mqtt, topic_of
from chargecloud_alarms.requests import NotTaken
from tests.live import free_port

USER, PASSWORD = "chargecloud", "a secret of the broker's"
TOPIC = "cc/{tenant_id}/{charger_id}/{level}/{rule}"
PATIENCE_S = 20.0


def write_certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1, by an authority that is itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(private)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))


class Running:
    """A broker in a thread of its own, with its loop and one subscriber."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.tls_port = free_port(), free_port()
        self.loop = asyncio.new_event_loop()
        self._thread = Thread(target=self.loop.run_forever)
        self._broker: Any = None
        self._subscriber: Any = None

    def run(self, coroutine: Any) -> Any:
        """Its result, from the other thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE_S)

    def start(self) -> None:
        """Listen, with TLS and without; only who knows the password is let in."""
        write_certificate(self.folder)
        hashed = PasswordHash((Argon2Hasher(),)).hash(PASSWORD)
        (self.folder / "passwords").write_text(f"{USER}:{hashed}\n")
        self._thread.start()
        self.run(self._start())

    async def _start(self) -> None:
        config = {
            "listeners": {
                "default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"},
                "tls": {
                    "type": "tcp",
                    "bind": f"127.0.0.1:{self.tls_port}",
                    "ssl": True,
                    "certfile": str(self.folder / "certificate.pem"),
                    "keyfile": str(self.folder / "key.pem"),
                },
            },
            "plugins": {
                "amqtt.plugins.authentication.FileAuthPlugin": {
                    "password_file": str(self.folder / "passwords")
                },
            },
        }
        self._broker = Amqtt(config, loop=self.loop)
        await self._broker.start()
        self._subscriber = MQTTClient(config={"auto_reconnect": False})
        user = f"{USER}:{PASSWORD.replace(' ', '%20')}"
        await self._subscriber.connect(f"mqtt://{user}@127.0.0.1:{self.port}/")
        await self._subscriber.subscribe([("cc/#", 1)])

    async def _next(self) -> tuple[str, bytes, int]:
        message = await self._subscriber.deliver_message(timeout_duration=PATIENCE_S)
        return message.topic, bytes(message.data), message.qos

    def next(self) -> "Deferred[tuple[str, bytes, int]]":
        """What the subscriber gets next: topic, payload, QoS."""
        return deferToThread(self.run, self._next())

    async def _stop(self) -> None:
        await self._subscriber.disconnect()
        await self._broker.shutdown()

    def stop(self) -> None:
        """Hang up."""
        try:
            self.run(self._stop())
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(PATIENCE_S)
            self.loop.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One broker for all of them."""
    made = Running(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.stop()


def mqtt(
    port: int, password: str = PASSWORD, tls: ssl.SSLContext | None = None, answer_s: float = 15.0
) -> Mqtt:
    """A sink to it."""
    broker = Broker("127.0.0.1", port, USER, password, tls)
    return Mqtt("broker", broker, TOPIC, reactor, answer_s)


async def check_delivered(running: Running, sink: Mqtt) -> None:
    """It comes to the subscriber, whole."""
    await sink.deliver(ALARM)
    topic, payload, qos = await running.next()
    assert topic == f"cc/1/{2**60}/critical/port-hot"
    told = json.loads(payload)
    assert (told["rule"], told["charger_id"]) == ("port-hot", str(2**60))
    assert told["evidence"] == {"temperature_dc": 910}
    assert qos == 1


@pytest_twisted.ensureDeferred
async def test_an_alarm_reaches_subscribers(running: Running) -> None:
    """More than once too: each has a connection of its own."""
    sink = mqtt(running.port)
    for _ in range(2):
        await check_delivered(running, sink)
    assert PASSWORD not in repr(sink)


@pytest_twisted.ensureDeferred
async def test_over_tls_to_whom_the_authority_vouches_for(running: Running) -> None:
    """And to nobody else."""
    ca = str(running.folder / "certificate.pem")
    context = ssl.create_default_context(cafile=ca)
    await check_delivered(running, mqtt(running.tls_port, tls=context))
    with pytest.raises(ssl.SSLCertVerificationError):
        await mqtt(running.tls_port, tls=ssl.create_default_context()).deliver(ALARM)


@pytest_twisted.ensureDeferred
async def test_a_wrong_password_is_refused(running: Running) -> None:
    """It is a failure, and says so."""
    with pytest.raises(NotTaken, match=r"refuses|hung up") as refused:
        await mqtt(running.port, password="another one").deliver(ALARM)
    assert "another one" not in str(refused.value)


@pytest_twisted.ensureDeferred
async def test_beyond_a_thousand_files(running: Running) -> None:
    """A platform has a connection to each charger, and select(2) knows 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2_048:
        pytest.skip("no more files are allowed here: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_048), hard))
    opened: list[int] = []
    try:
        while not opened or opened[-1] < 1_100:
            opened.append(os.open(os.devnull, os.O_RDONLY))
        await check_delivered(running, mqtt(running.port))
    finally:
        for each in opened:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest_twisted.ensureDeferred
async def test_a_broker_that_is_away() -> None:
    """It is not taken."""
    with pytest.raises(ConnectionRefusedError):
        await mqtt(free_port()).deliver(ALARM)


class Mute(Protocol):
    """A broker that lets in (CONNACK, 3.2) and acknowledges nothing; or says nothing at all."""

    def __init__(self, factory: "MuteFactory") -> None:
        self._factory = factory
        self._data = b""

    def dataReceived(self, data: bytes) -> None:
        """A packet, or some."""
        self._data += data
        assert self.transport is not None
        if self._factory.lets_in and self._data == data:
            self.transport.write(b"\x20\x02\x00\x00")
        if self._factory.awaited in self._data and not self._factory.asked.called:
            self._factory.asked.callback(None)

    def connectionLost(self, reason: Any = None) -> None:
        """The client hung up."""
        self._factory.over.callback(None)


class MuteFactory(Factory):
    """One connection of it."""

    def __init__(self, *, lets_in: bool) -> None:
        self.lets_in = lets_in
        self.awaited = b"port-hot" if lets_in else b"MQTT"
        self.asked: Deferred[None] = Deferred()
        self.over: Deferred[None] = Deferred()

    def buildProtocol(self, _address: Any) -> Mute:
        """Made."""
        return Mute(self)


@pytest.mark.parametrize("lets_in", [True, False])
@pytest_twisted.ensureDeferred
async def test_without_an_acknowledgement_it_is_not_delivered(*, lets_in: bool) -> None:
    """However much was sent."""
    factory = MuteFactory(lets_in=lets_in)
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
    words = "acknowledged nothing" if lets_in else "does not answer"
    with pytest.raises(NotTaken, match=words):
        await mqtt(port.getHost().port, answer_s=0.3).deliver(ALARM)
    await factory.over
    await port.stopListening()


@pytest.mark.parametrize("how", ["cancelled", "stopped"])
@pytest_twisted.ensureDeferred
async def test_no_thread_is_left_over(how: str) -> None:
    """One that is given up, or that the service stops under, hangs up long before its time."""
    factory = MuteFactory(lets_in=True)
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
    sink = mqtt(port.getHost().port, answer_s=600.0)
    delivering = sink.deliver(ALARM)
    await factory.asked
    if how == "cancelled":
        delivering.cancel()
    else:
        sink.stop()
    with pytest.raises((CancelledError, NotTaken)):
        await delivering
    await factory.over.addTimeout(PATIENCE_S, reactor)
    await port.stopListening()


def test_topics() -> None:
    """What is no charger's is the platform's; and no value makes a level or a wildcard."""
    assert topic_of(TOPIC, evolve(ALARM, charger_id=None)) == "cc/1/platform/critical/port-hot"
    assert topic_of("a/{rule}", evolve(ALARM, rule="x/+/#")) == "a/x____"
    assert topic_of("a/{rule}", evolve(ALARM, rule="{level}")) == "a/{level}"
