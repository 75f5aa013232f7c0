"""Template messages of a WeChat official account.

Its documentation, "Get access_token" (C{GET /cgi-bin/token}) and "Template message"
(C{POST /cgi-bin/message/template/send}): each person who follows the account is an openid, and
the names of a template's fields (C{thing1}, C{time3}) differ from account to account.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from zope.interface import implementer

from chargecloud.domain.alarm import Alarm
from chargecloud.interfaces import IAlarmSink
from chargecloud_alarms.recipients import Recipients
from chargecloud_alarms.requests import NotTaken, Poster, told_in
from chargecloud_alarms.wording import Fact, masked, said, shortened

SERVERS = "https://api.weixin.qq.com"
#: a token is not used so shortly before it expires: requests take their time
SPARE_S = 300.0
#: invalid credential, invalid access_token, access_token expired
STALE = frozenset({40001, 40014, 42001})
#: characters that fields have room for, by the kind that their names begin with; of a longer
#: value the whole message is refused (47003)
_LONGEST: Mapping[str, int] = {"thing": 20, "character_string": 32, "phrase": 5, "const": 20}
_KIND = re.compile(r"[a-z_]*")
#: room in fields of older templates, which are of no kind
_LONGEST_OTHER = 200


@define(eq=False)
class AccessToken:
    """
    What an account is asked with; one that was got is kept until shortly before it expires.

    @ivar seconds: of a clock that never goes back.
    """

    servers: str
    app_id: str
    secret: str = field(repr=False)
    poster: Poster
    seconds: Callable[[], float]
    _value: str = field(default="", init=False, repr=False)
    _good_until: float = field(default=0.0, init=False)

    async def get(self) -> str:
        """
        It, from WeChat if need be.

        @raise NotTaken: if WeChat gives none.
        """
        if not self._value or self.seconds() >= self._good_until:
            asked_at = self.seconds()
            asked = {
                "grant_type": "client_credential",
                "appid": self.app_id,
                "secret": self.secret,
            }
            answer = await self.poster.get(f"{self.servers}/cgi-bin/token?{urlencode(asked)}")
            told = told_in(answer)
            if not isinstance(told.get("access_token"), str):
                raise NotTaken(f"wechat gives no token: {_refusal(told)}")
            self._value = told["access_token"]
            self._good_until = asked_at + float(told.get("expires_in", 0)) - SPARE_S
        return self._value

    def forget(self) -> None:
        """It is not taken any more; somebody else may have fetched one."""
        self._value = ""


@implementer(IAlarmSink)
@frozen
class WeChat:
    """
    A message to each follower; a delivery that fails for one is tried again for those who have
    none yet (L{Recipients}), and after a restart for all.

    @ivar recipients: openids.
    @ivar fields: what stands in each field of the template.
    """

    name: str
    token: AccessToken
    template_id: str
    fields: Mapping[str, Fact]
    recipients: Recipients
    zone: ZoneInfo

    def deliver(self, alarm: Alarm) -> "Deferred[None]":
        """Post it."""
        data = {
            name: {"value": shortened(said(fact, alarm, self.zone), _longest(name))}
            for name, fact in self.fields.items()
        }
        return self.recipients.reach(alarm, lambda openid: self._send(openid, data))

    async def _send(self, openid: str, data: Mapping[str, Any]) -> None:
        message = {"touser": openid, "template_id": self.template_id, "data": data}
        told = await self._post(message)
        if told.get("errcode") in STALE:
            self.token.forget()
            told = await self._post(message)
        if told.get("errcode") != 0:
            raise NotTaken(f"wechat, for {masked(openid)}: {_refusal(told)}")

    async def _post(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        token = urlencode({"access_token": await self.token.get()})
        url = f"{self.token.servers}/cgi-bin/message/template/send?{token}"
        body = json.dumps(message, ensure_ascii=False).encode()
        return told_in(await self.token.poster.post(url, body, {}))


def _longest(name: str) -> int:
    kind = _KIND.match(name)
    return _LONGEST.get(kind[0] if kind else "", _LONGEST_OTHER)


def _refusal(told: Mapping[str, Any]) -> str:
    """What is said of it, and nothing that it may be said with."""
    return f"errcode {told.get('errcode')}, {str(told.get('errmsg'))[:120]}"
