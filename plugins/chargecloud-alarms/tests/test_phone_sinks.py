"""Texts and calls reach a server that checks signatures as Alibaba Cloud says that it does."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest, digest
from itertools import count
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
import pytest_twisted
from attrs import define, evolve, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

import alarm_receivers
from alarm_receivers import listening
from chargecloud.domain.alarm import Level
from chargecloud_alarms.aliyun import AliyunCalls, AliyunTexts, Asking, Key, query_of, signed
from chargecloud_alarms.phones import Phones
from chargecloud_alarms.recipients import Recipients
from chargecloud_alarms.requests import NotTaken, Poster
from chargecloud_alarms.wording import Fact

KEY_ID, SECRET = "LTAI0000000000000000", "the secret of a key"
NOW_S = 1_800_000_000.0
DUTY, BOSS = "13800138001", "+8613900139002"
ALARM = evolve(alarm_receivers.ALARM, evidence={"temperature_dc": 910, "a": "~ *'(%+&=/"})
VARIABLES = {"rule": Fact.RULE, "where": Fact.WHERE, "what": Fact.EVIDENCE}
_AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})"
)
#: RFC 3986, 2.3
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"


def encoded(text: str) -> str:
    """As the specification has it, byte by byte."""
    return "".join(chr(b) if b in _UNRESERVED else f"%{b:02X}" for b in text.encode())


@define(eq=False, slots=False)
class Cloud(Resource):
    """Alibaba's gateway: from "Request syntax and signature method V3", not from our signer."""

    code: str = "OK"
    status: int = 200
    is_silent: bool = False
    asked: "Deferred[None]" = field(factory=Deferred)
    nonces: set[str] = field(factory=set)
    taken: list[dict[str, str]] = field(factory=list)
    refused: set[str] = field(factory=set)
    url: str = ""
    isLeaf = True

    def __attrs_post_init__(self) -> None:
        super().__init__()

    def render_POST(self, request: Any) -> Any:
        """An action."""
        if self.is_silent:
            if not self.asked.called:
                self.asked.callback(None)
            return NOT_DONE_YET
        path, _, query = request.uri.decode().partition("?")
        asked = dict(parse_qsl(query, strict_parsing=True))
        code = self._fault(request, path, asked)
        if code is None:
            number = asked.get("PhoneNumbers") or asked["CalledNumber"]
            code = "isv.BUSINESS_LIMIT_CONTROL" if number in self.refused else self.code
            if code == "OK":
                self.taken.append({"action": request.getHeader("x-acs-action"), **asked})
        else:
            self.status = 400
        request.setResponseCode(self.status)
        return json.dumps({"Code": code, "Message": f"for {asked}", "RequestId": "R"}).encode()

    def _fault(self, request: Any, path: str, asked: dict[str, str]) -> str | None:
        match = _AUTHORIZATION.fullmatch(request.getHeader("authorization") or "")
        if match is None or match[1] != KEY_ID:
            return "InvalidAccessKeyId.NotFound"
        names = match[2].split(";")
        public = {
            name.decode().lower() for name, _values in request.requestHeaders.getAllRawHeaders()
        }
        must = {n for n in public if n.startswith("x-acs-") or n in ("host", "content-type")}
        if names != sorted(names) or set(names) != must:
            return "IncompleteSignature"
        body = sha256(request.content.read()).hexdigest()
        if request.getHeader("x-acs-content-sha256") != body:
            return "InvalidContentHash"
        canonical_query = "&".join(f"{encoded(n)}={encoded(asked[n])}" for n in sorted(asked))
        headers = "".join(f"{name}:{request.getHeader(name).strip()}\n" for name in names)
        canonical = f"POST\n{path}\n{canonical_query}\n{headers}\n{match[2]}\n{body}"
        text = "ACS3-HMAC-SHA256\n" + sha256(canonical.encode()).hexdigest()
        if not compare_digest(digest(SECRET.encode(), text.encode(), "sha256").hex(), match[3]):
            return "SignatureDoesNotMatch"
        if request.getHeader("x-acs-date") != "2027-01-15T08:00:00Z":
            return "InvalidTimeStamp.Expired"
        nonce = request.getHeader("x-acs-signature-nonce")
        if nonce in self.nonces:
            return "SignatureNonceUsed"
        self.nonces.add(nonce)
        return None


@pytest_twisted.async_yield_fixture
async def cloud() -> Any:
    """The gateway, on this machine."""
    async with listening(Cloud()) as made:
        yield made


_NUMBERS: Iterator[int] = count()


def asking(cloud: Cloud, key: Key | None = None, answer_s: float = 20.0) -> Asking:
    """An account there."""
    poster = Poster(reactor, private=True, answer_s=answer_s)
    key = key or Key(KEY_ID, SECRET)
    return Asking(key, cloud.url, poster, lambda: NOW_S, lambda: f"nonce-{next(_NUMBERS)}")


def texts(asked: Asking) -> Phones:
    """A sink by texts, for warnings too."""
    levels = frozenset({Level.WARNING, Level.CRITICAL})
    telephone = AliyunTexts(asked, "充电云 & co", "SMS_1")
    to = Recipients((DUTY, BOSS))
    return Phones("texts", telephone, to, VARIABLES, levels, ZoneInfo("Asia/Shanghai"))


def calls(asked: Asking) -> Phones:
    """A sink by calls, for what is critical."""
    telephone = AliyunCalls(asked, "", "TTS_1", 3)
    to, levels = Recipients((DUTY,)), frozenset({Level.CRITICAL})
    return Phones("calls", telephone, to, VARIABLES, levels, ZoneInfo("Asia/Shanghai"))


def test_the_example_of_the_specification() -> None:
    """ "Request syntax and signature method V3", Example of a fixed parameter: RunInstances."""
    query = query_of(
        {
            "RegionId": "cn-shanghai",
            "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
        }
    )
    headers = signed(
        Key("YourAccessKeyId", "YourAccessKeySecret"),
        "ecs.cn-shanghai.aliyuncs.com",
        query,
        "RunInstances",
        "2014-05-26",
        datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
        "3156853299f313e23d1673dc12e1703d",
    )
    assert headers["Authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


@pytest_twisted.ensureDeferred
async def test_each_number_gets_a_text(cloud: Any) -> None:
    """In a request of its own; the values are no longer than they may be."""
    await texts(asking(cloud)).deliver(ALARM)
    first, second = cloud.taken
    assert (first["PhoneNumbers"], second["PhoneNumbers"]) == (DUTY, BOSS)
    assert first["action"] == "SendSms"
    assert (first["SignName"], first["TemplateCode"]) == ("充电云 & co", "SMS_1")
    values = json.loads(first["TemplateParam"])
    assert values == {
        "rule": "port-hot",
        "where": "1152921504606846976-3",
        "what": "temperature_dc 910, a ~ *'(%+&=/",
    }
    await texts(asking(cloud)).deliver(evolve(ALARM, evidence={"long": "x" * 99}))
    assert len(json.loads(cloud.taken[-1]["TemplateParam"])["what"]) == 35


@pytest_twisted.ensureDeferred
async def test_a_number_is_called(cloud: Any) -> None:
    """And a number to show is left to the provider where none is given."""
    await calls(asking(cloud)).deliver(ALARM)
    (taken,) = cloud.taken
    assert taken["action"] == "SingleCallByTts"
    assert (taken["CalledNumber"], taken["TtsCode"], taken["PlayTimes"]) == (DUTY, "TTS_1", "3")
    assert json.loads(taken["TtsParam"])["rule"] == "port-hot"
    assert "CalledShowNumber" not in taken


@pytest_twisted.ensureDeferred
async def test_what_is_not_worth_it_counts_as_delivered(cloud: Any) -> None:
    """Nobody is called at night for a warning."""
    await calls(asking(cloud)).deliver(evolve(ALARM, level=Level.WARNING))
    await texts(asking(cloud)).deliver(evolve(ALARM, level=Level.NOTICE))
    assert cloud.taken == []
    await texts(asking(cloud)).deliver(evolve(ALARM, level=Level.WARNING))
    assert len(cloud.taken) == 2


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (Key(KEY_ID, "not the secret"), "SignatureDoesNotMatch"),
        (Key("LTAI1", SECRET), "InvalidAccessKeyId"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_wrong_key_is_refused(cloud: Any, key: Key, code: str) -> None:
    """Neither the key's secret nor a number is told, also where the answer repeats it."""
    sink = texts(asking(cloud, key))
    with pytest.raises(NotTaken, match=code) as refused:
        await sink.deliver(ALARM)
    told = str(refused.value) + repr(sink)
    assert not any(each in told for each in (DUTY, BOSS, key.secret))
    assert "138****01" in told
    assert cloud.taken == []


@pytest_twisted.ensureDeferred
async def test_a_refusal_with_success_is_a_failure(cloud: Any) -> None:
    """Who was told already is not told again when it is tried once more."""
    sink = texts(asking(cloud))
    cloud.refused = {DUTY}
    for _ in range(2):
        with pytest.raises(NotTaken, match="BUSINESS_LIMIT_CONTROL") as refused:
            await sink.deliver(ALARM)
        assert DUTY not in str(refused.value)
    assert [each["PhoneNumbers"] for each in cloud.taken] == [BOSS]
    cloud.refused = set()
    await sink.deliver(ALARM)
    assert [each["PhoneNumbers"] for each in cloud.taken] == [BOSS, DUTY]


@pytest_twisted.ensureDeferred
async def test_a_cloud_that_says_nothing_has_not_taken_it(cloud: Any) -> None:
    """It is a failure when the time is over."""
    cloud.is_silent = True
    with pytest.raises(Exception, match=r".*") as failed:
        await texts(asking(cloud, answer_s=0.1)).deliver(ALARM)
    assert not isinstance(failed.value, AssertionError)
    assert cloud.taken == []


@pytest.mark.parametrize("is_asked", [True, False])
@pytest_twisted.ensureDeferred
async def test_a_cancelled_delivery_asks_for_nobody_else(cloud: Any, *, is_asked: bool) -> None:
    """The core's deadline is over for all of them; it is the same before there is a connection.
    The next try begins anew."""
    cloud.is_silent = True
    sink = texts(asking(cloud))
    delivering = sink.deliver(ALARM)
    if is_asked:
        await cloud.asked
    delivering.cancel()
    assert delivering.called
    with pytest.raises(Exception, match=r".*") as failed:
        await delivering
    assert not isinstance(failed.value, AssertionError)
    cloud.is_silent = False
    await sink.deliver(ALARM)
    assert [each["PhoneNumbers"] for each in cloud.taken] == [DUTY, BOSS]
