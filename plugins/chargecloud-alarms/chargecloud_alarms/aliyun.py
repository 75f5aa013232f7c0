"""Alibaba Cloud: texts by Dysms (C{SendSms}, 2017-05-25), calls by Dyvms (C{SingleCallByTts},
2017-05-25), both in its RPC style: parameters in the query, no body.

Requests are signed by "Request syntax and signature method V3", ACS3-HMAC-SHA256: a canonical
request is hashed, that hash is signed, and the signature goes into C{Authorization}.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, urlsplit

from attrs import field, frozen
from zope.interface import implementer

from chargecloud_alarms.phones import ITelephone
from chargecloud_alarms.requests import NotTaken, Poster, told_in
from chargecloud_alarms.wording import masked

ALGORITHM = "ACS3-HMAC-SHA256"
TEXTS, CALLS = "https://dysmsapi.aliyuncs.com", "https://dyvmsapi.aliyuncs.com"
VERSION = "2017-05-25"


@frozen
class Key:
    """An AccessKey."""

    id: str
    secret: str = field(repr=False)


def query_of(parameters: Mapping[str, str]) -> str:
    """The canonical query: by name, each encoded as RFC 3986, 2.3, leaves it."""
    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}"
        for name, value in sorted(parameters.items())
    )


def signed(
    key: Key, host: str, query: str, action: str, version: str, at: datetime, nonce: str
) -> dict[str, str]:
    """
    The headers of a C{POST /} without a body.

    @param query: as L{query_of} has it.
    @param nonce: another one for each request.
    @return: all that are signed but C{host}, and C{Authorization}.
    """
    headers = {
        "x-acs-action": action,
        "x-acs-content-sha256": sha256(b"").hexdigest(),
        "x-acs-date": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    canonical = sorted({"host": host, **headers}.items())
    names = ";".join(name for name, _value in canonical)
    lines = "".join(f"{name}:{value.strip()}\n" for name, value in canonical)
    request = "\n".join(["POST", "/", query, lines, names, headers["x-acs-content-sha256"]])
    text = f"{ALGORITHM}\n{sha256(request.encode()).hexdigest()}"
    signature = hmac.new(key.secret.encode(), text.encode(), sha256).hexdigest()
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={key.id},SignedHeaders={names},Signature={signature}"
    )
    return headers


@frozen
class Asking:
    """
    What both ways have in common.

    @ivar seconds: Unix time; more than 15 minutes from Alibaba's, and nothing is taken.
    @ivar nonce: makes something that was never used before.
    """

    key: Key
    url: str
    poster: Poster
    seconds: Callable[[], float]
    nonce: Callable[[], str]

    async def ask(self, action: str, number: str, parameters: Mapping[str, str]) -> None:
        """
        @param number: for whom it is, to be told masked.
        @raise NotTaken: if C{Code} of the answer is not C{OK}.
        """
        query = query_of({name: value for name, value in parameters.items() if value})
        at = datetime.fromtimestamp(self.seconds(), UTC)
        host = urlsplit(self.url).netloc
        headers = signed(self.key, host, query, action, VERSION, at, self.nonce())
        try:
            told = told_in(await self.poster.post(f"{self.url}/?{query}", b"", headers))
        except NotTaken as refusal:
            # an answer may repeat what it was asked
            raise NotTaken(str(refusal).replace(number, masked(number))) from None
        if told.get("Code") != "OK":
            said = f"{told.get('Code')}, {str(told.get('Message'))[:120]}"
            raise NotTaken(f"aliyun {action}: {said}".replace(number, masked(number)))


@implementer(ITelephone)
@frozen
class AliyunTexts:
    """
    @ivar sign_name: whom a text is from, as approved by Alibaba (C{SignName}).
    """

    asking: Asking
    sign_name: str
    template: str

    async def tell(self, number: str, values: Mapping[str, str]) -> None:
        """C{SendSms}."""
        parameters = {
            "PhoneNumbers": number,
            "SignName": self.sign_name,
            "TemplateCode": self.template,
            "TemplateParam": _json(values),
        }
        await self.asking.ask("SendSms", number, parameters)


@implementer(ITelephone)
@frozen
class AliyunCalls:
    """
    @ivar caller: the number that is shown (C{CalledShowNumber}); empty for one of Alibaba's.
    """

    asking: Asking
    caller: str
    template: str
    times: int = 2

    async def tell(self, number: str, values: Mapping[str, str]) -> None:
        """C{SingleCallByTts}; it is taken when the call is placed, whether or not anybody
        answers."""
        parameters = {
            "CalledNumber": number,
            "CalledShowNumber": self.caller,
            "TtsCode": self.template,
            "TtsParam": _json(values),
            "PlayTimes": str(self.times),
        }
        await self.asking.ask("SingleCallByTts", number, parameters)


def _json(values: Mapping[str, str]) -> str:
    return json.dumps(values, ensure_ascii=False) if values else ""
