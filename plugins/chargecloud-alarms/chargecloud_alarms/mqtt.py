"""An MQTT broker: the alarm as JSON, by MQTT 3.1.1 with QoS 1 (4.3.2), so that it is delivered
when the broker has acknowledged it (PUBACK, 3.4).

paho blocks, so an alarm has a thread of the reactor's pool for itself, and a connection: they
are few, and one that is kept open would have to be watched.
"""

import json
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from threading import Event
from typing import Any
from uuid import uuid4

from attrs import field, frozen
from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from zope.interface import implementer

from chargecloud.domain.alarm import Alarm
from chargecloud.interfaces import IAlarmSink
from chargecloud_alarms.requests import NotTaken
from chargecloud_alarms.wording import facts_of

CONNECT_S = 5.0
#: from the first byte to the acknowledgement; with CONNECT_S for TCP and for TLS it is below the
#: core's deadline.  Only a resolver that is slow keeps a thread longer
ANSWER_S = 15.0
#: a thread that is not wanted any more notices within
TURN_S = 0.2
QOS = 1
Unwanted = Callable[[], bool]
PLACES = ("rule", "level", "tenant_id", "charger_id")
_PLACE = re.compile("{(" + "|".join(PLACES) + ")}")
#: what levels and wildcards of a topic are made with (4.7.1)
_APART = str.maketrans(dict.fromkeys("/+#\0", "_"))


def topic_of(pattern: str, alarm: Alarm) -> str:
    """A topic with its places filled; an alarm about no charger has C{platform} there."""
    facts = facts_of(alarm)

    def filled(place: re.Match[str]) -> str:
        value = facts[place[1]]
        return "platform" if value is None else str(value).translate(_APART)

    return _PLACE.sub(filled, pattern)


@frozen
class Broker:
    """
    Where it is, and as whom it is spoken to.

    @ivar tls: C{None} to speak without.
    """

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    tls: ssl.SSLContext | None

    def publish(self, topic: str, payload: bytes, answer_s: float, unwanted: Unwanted) -> None:
        """
        Publish, and wait until it is acknowledged.  It blocks.

        @param unwanted: as soon as this is true, it is given up.
        @raise NotTaken: if the broker does not want it, or acknowledges nothing in time.
        @raise OSError: if there is no connection.
        """
        with self._connected(answer_s, unwanted) as connection:
            info = connection.client.publish(topic, payload, QOS)
            connection.turn_until(info.is_published, "has acknowledged nothing")

    @contextmanager
    def _connected(self, answer_s: float, unwanted: Unwanted) -> "Iterator[_Connection]":
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"chargecloud-{uuid4().hex[:11]}",
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_S
        if self.username:
            client.username_pw_set(self.username, self.password or None)
        if self.tls is not None:
            client.tls_set_context(self.tls)
        answers: list[ReasonCode] = []

        def connected(
            _client: Client,
            _data: Any,
            _flags: ConnectFlags,
            code: ReasonCode,
            _: Properties | None,
        ) -> None:
            answers.append(code)

        client.on_connect = connected
        client.connect(self.host, self.port)
        try:
            connection = _Connection(client, time.monotonic() + answer_s, unwanted, answers)
            connection.turn_until(lambda: bool(answers), "does not answer")
            yield connection
        finally:
            client.disconnect()
            # it hangs up only in the next turn, which does not come
            if (sock := client.socket()) is not None:
                sock.close()


@frozen
class _Connection:
    """
    paho's loop, by C{epoll}: its own is by C{select}, which knows no file descriptor above 1023,
    and a platform has more chargers than that.
    """

    client: Client
    deadline: float
    unwanted: Unwanted
    answers: list[ReasonCode]

    def turn_until(self, holds: Callable[[], bool], otherwise: str) -> None:
        """Let paho work until something holds."""
        while not holds():
            if self.unwanted():
                raise NotTaken("is given up")
            left_s = self.deadline - time.monotonic()
            if left_s <= 0:
                raise NotTaken(f"the broker {otherwise}")
            self._turn(min(left_s, TURN_S))
        if self.answers and self.answers[0].is_failure:
            raise NotTaken(f"the broker refuses: {self.answers[0]}")

    def _turn(self, wait_s: float) -> None:
        sock: Any = self.client.socket()
        if sock is None:
            raise NotTaken("the broker hung up")
        events = EVENT_READ | (EVENT_WRITE if self.client.want_write() else 0)
        # what TLS has decrypted already is not to be waited for
        is_pending = getattr(sock, "pending", int)() > 0
        with DefaultSelector() as selector:
            selector.register(sock, events)
            ready = selector.select(0 if is_pending else wait_s)
        found = EVENT_READ if is_pending else 0
        for _key, each in ready:
            found |= each
        code = MQTTErrorCode.MQTT_ERR_SUCCESS
        if found & EVENT_READ:
            code = self.client.loop_read()
        if found & EVENT_WRITE and code == MQTTErrorCode.MQTT_ERR_SUCCESS:
            code = self.client.loop_write()
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.client.loop_misc()


@implementer(IAlarmSink)
@frozen
class Mqtt:
    """
    @ivar topic: with places in braces, of L{PLACES}.
    """

    name: str
    broker: Broker
    topic: str
    reactor: Any
    answer_s: float = ANSWER_S
    _stopped: Event = field(factory=Event, init=False, repr=False)

    def stop(self) -> None:
        """The service stops: it need not wait for a broker that does not answer."""
        self._stopped.set()

    def deliver(self, alarm: Alarm) -> "Deferred[None]":
        """Publish it."""
        return Deferred.fromCoroutine(self._deliver(alarm))

    async def _deliver(self, alarm: Alarm) -> None:
        payload = json.dumps(facts_of(alarm), ensure_ascii=False, sort_keys=True).encode()
        cancelled = Event()
        try:
            await deferToThreadPool(
                self.reactor,
                self.reactor.getThreadPool(),
                self.broker.publish,
                topic_of(self.topic, alarm),
                payload,
                self.answer_s,
                lambda: cancelled.is_set() or self._stopped.is_set(),
            )
        finally:
            # of a thread that has returned there is nothing to stop
            cancelled.set()
