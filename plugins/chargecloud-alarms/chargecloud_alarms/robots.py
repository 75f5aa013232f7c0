"""The group robots of WeCom, DingTalk and Feishu: a text into a group, each signed in its way."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from enum import Enum
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import implementer

from chargecloud.domain.alarm import Alarm
from chargecloud.interfaces import IAlarmSink
from chargecloud_alarms.requests import NotTaken, Poster, told_in
from chargecloud_alarms.wording import words_of


class RobotKind(Enum):
    """Whose it is."""

    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"


@frozen
class Message:
    """What is posted, and the member of the answer that is zero if it was taken."""

    url: str
    body: Mapping[str, Any]
    code: str


def _digest(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, sha256).digest()).decode()


def wecom(url: str, _secret: str, text: str, _now_s: float) -> Message:
    """The key in the URL is all that WeCom wants."""
    return Message(url, {"msgtype": "text", "text": {"content": text}}, "errcode")


def dingtalk(url: str, secret: str, text: str, now_s: float) -> Message:
    """Timestamp in milliseconds and signature in the URL; the secret is the key, and stands in
    the signed text too."""
    body = {"msgtype": "text", "text": {"content": text}}
    if not secret:
        return Message(url, body, "errcode")
    timestamp = str(int(now_s * 1_000))
    sign = quote_plus(_digest(secret.encode(), f"{timestamp}\n{secret}".encode()))
    mark = "&" if "?" in url else "?"
    return Message(f"{url}{mark}timestamp={timestamp}&sign={sign}", body, "errcode")


def feishu(url: str, secret: str, text: str, now_s: float) -> Message:
    """Timestamp in seconds and signature in the body; timestamp and secret are the key, and
    nothing is signed with it."""
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if secret:
        timestamp = str(int(now_s))
        body |= {
            "timestamp": timestamp,
            "sign": _digest(f"{timestamp}\n{secret}".encode(), b""),
        }
    return Message(url, body, "code")


_WRITE: Mapping[RobotKind, Callable[[str, str, str, float], Message]] = {
    RobotKind.WECOM: wecom,
    RobotKind.DINGTALK: dingtalk,
    RobotKind.FEISHU: feishu,
}


@implementer(IAlarmSink)
@frozen
class Robot:
    """
    @ivar secret: empty for a robot that is not to sign.
    @ivar seconds: Unix time, as the robot's servers have it.
    """

    name: str
    kind: RobotKind
    url: str = field(repr=False)
    secret: str = field(repr=False)
    poster: Poster
    seconds: Callable[[], float]

    def deliver(self, alarm: Alarm) -> "Deferred[None]":
        """Post it."""
        return Deferred.fromCoroutine(self._deliver(alarm))

    async def _deliver(self, alarm: Alarm) -> None:
        message = _WRITE[self.kind](self.url, self.secret, words_of(alarm), self.seconds())
        body = json.dumps(message.body, ensure_ascii=False).encode()
        # a robot that does not want it answers with success, and says so in the body
        told = told_in(await self.poster.post(message.url, body, {}))
        if told.get(message.code) != 0:
            raise NotTaken(f"{self.kind.value}: {str(told)[:200]}")
