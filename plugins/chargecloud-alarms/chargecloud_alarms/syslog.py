"""A syslog server: RFC 5424, over TCP with octet counting (RFC 6587, 3.4.1) or in datagrams
(RFC 5426)."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import DatagramProtocol, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from chargecloud.domain.alarm import Alarm, Level
from chargecloud.interfaces import IAlarmSink
from chargecloud_alarms.wording import facts_of

#: local0, as of a program that is not the system's
FACILITY = 16
#: severities of RFC 5424, table 2
_SEVERITIES: Mapping[Level, int] = {Level.NOTICE: 5, Level.WARNING: 4, Level.CRITICAL: 2}
#: of structured data: private enterprise numbers are not ours to invent, so the one for examples
_SD_ID = "alarm@32473"
_ESCAPED = str.maketrans({'"': '\\"', "\\": "\\\\", "]": "\\]"})
CONNECT_S = 10.0


class Way(Enum):
    """How it goes there."""

    TCP = "tcp"
    UDP = "udp"


def message_of(alarm: Alarm, host: str) -> bytes:
    """The message."""
    priority = FACILITY * 8 + _SEVERITIES[alarm.level]
    told = {name: value for name, value in facts_of(alarm).items() if value is not None}
    told |= {f"evidence.{name}": value for name, value in told.pop("evidence").items()}
    data = "".join(f' {name}="{str(value).translate(_ESCAPED)}"' for name, value in told.items())
    at = f"{alarm.at:%Y-%m-%dT%H:%M:%S}.{alarm.at.microsecond // 1000:03}Z"
    head = f"<{priority}>1 {at} {host} chargecloud - {alarm.rule[:32]} [{_SD_ID}{data}]"
    where = "the platform" if alarm.charger_id is None else f"charger {alarm.charger_id}"
    return f"{head} {alarm.rule} at {where}".encode()


@implementer(IAlarmSink)
@frozen
class Syslog:
    """
    @ivar sender: the name of this host.
    """

    name: str
    way: Way
    host: str
    port: int
    sender: str
    reactor: Any

    def deliver(self, alarm: Alarm) -> "Deferred[None]":
        """Send it.  Over TCP it is delivered when the other side's host has it; of a datagram
        nobody knows."""
        message = message_of(alarm, self.sender)
        if self.way is Way.TCP:
            return Deferred.fromCoroutine(self._connect(message))
        return Deferred.fromCoroutine(self._throw(message))

    async def _connect(self, message: bytes) -> None:
        endpoint = HostnameEndpoint(self.reactor, self.host.encode(), self.port, timeout=CONNECT_S)
        protocol: Any = await connectProtocol(endpoint, _Sender())
        await protocol.send(b"%d %s" % (len(message), message))

    async def _throw(self, message: bytes) -> None:
        address = await self.reactor.resolve(self.host)
        port = self.reactor.listenUDP(0, DatagramProtocol())
        try:
            port.write(message, (address, self.port))
        finally:
            await (port.stopListening() or succeed(None))


class _Sender(Protocol):
    """Says one thing, and hangs up."""

    def __init__(self) -> None:
        self._done: Deferred[None] = Deferred()

    def send(self, data: bytes) -> "Deferred[None]":
        """Fires when it is said."""
        assert self.transport is not None
        self.transport.write(data)
        self.transport.loseConnection()
        return self._done

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        if reason.check(ConnectionDone):
            self._done.callback(None)
        else:
            self._done.errback(reason)
