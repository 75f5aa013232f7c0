"""A webhook: the alarm as JSON, signed, so that the receiver knows whose it is and how old.

C{X-ChargeCloud-Signature} is C{v1=} and the HMAC-SHA-256, in hexadecimal, of the value of
C{X-ChargeCloud-Timestamp} (Unix seconds), a dot, and the body.  C{X-ChargeCloud-Alarm} is the
same for each delivery of one alarm: it may come twice.
"""

import hmac
import json
from collections.abc import Callable
from hashlib import sha256

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import implementer

from chargecloud.domain.alarm import Alarm
from chargecloud.interfaces import IAlarmSink
from chargecloud_alarms.requests import Poster
from chargecloud_alarms.wording import facts_of


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What a receiver compares."""
    signed = timestamp.encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), signed, sha256).hexdigest()


@implementer(IAlarmSink)
@frozen
class Webhook:
    """
    @ivar seconds: Unix time, as the receiver has it.
    """

    name: str
    url: str
    secret: str = field(repr=False)
    poster: Poster
    seconds: Callable[[], float]

    def deliver(self, alarm: Alarm) -> "Deferred[None]":
        """Post it."""
        return Deferred.fromCoroutine(self._deliver(alarm))

    async def _deliver(self, alarm: Alarm) -> None:
        body = json.dumps(facts_of(alarm), ensure_ascii=False, sort_keys=True).encode()
        timestamp = str(int(self.seconds()))
        headers = {
            "X-ChargeCloud-Timestamp": timestamp,
            "X-ChargeCloud-Signature": signature(self.secret, timestamp, body),
            "X-ChargeCloud-Alarm": sha256(body).hexdigest()[:32],
        }
        await self.poster.post(self.url, body, headers)
