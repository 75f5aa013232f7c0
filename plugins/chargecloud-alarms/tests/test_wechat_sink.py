"""Template messages reach an official account's server, which checks what it is sent."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
import pytest_twisted
from attrs import define, evolve, field
from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

import alarm_receivers
from alarm_receivers import listening
from chargecloud_alarms.recipients import Recipients
from chargecloud_alarms.requests import NotTaken, Poster
from chargecloud_alarms.wechat import AccessToken, WeChat
from chargecloud_alarms.wording import Fact

APP, SECRET, TEMPLATE = "wx0123456789abcdef", "app secret & more", "TEMPLATE-1"
DUTY, BOSS = "oDuty0000000000000000000001", "oBoss0000000000000000000002"
FIELDS = {
    "thing1": Fact.RULE,
    "phrase2": Fact.LEVEL,
    "character_string3": Fact.WHERE,
    "time4": Fact.TIME,
    "thing5": Fact.EVIDENCE,
}
ALARM = evolve(alarm_receivers.ALARM, evidence={"temperature_dc": 910, "limit_dc": 850})


@define(eq=False, slots=False)
class Servers(Resource):
    """api.weixin.qq.com, as far as its documentation says what it does."""

    tokens: list[str] = field(factory=list)
    good: set[str] = field(factory=set)
    stale: int = 40001
    followers: set[str] = field(factory=lambda: {DUTY, BOSS})
    taken: list[dict[str, Any]] = field(factory=list)
    is_silent: bool = False
    url: str = ""
    isLeaf = True

    def __attrs_post_init__(self) -> None:
        super().__init__()

    def render_GET(self, request: Any) -> Any:
        """A token; the one before is not good any more."""
        if self.is_silent:
            return NOT_DONE_YET
        parts = urlsplit(request.uri.decode())
        wanted = {"grant_type": ["client_credential"], "appid": [APP], "secret": [SECRET]}
        if parts.path != "/cgi-bin/token" or parse_qs(parts.query) != wanted:
            return b'{"errcode": 40125, "errmsg": "invalid appsecret"}'
        self.tokens.append(f"token+{len(self.tokens)}")
        self.good = {self.tokens[-1]}
        return json.dumps({"access_token": self.tokens[-1], "expires_in": 7200}).encode()

    def render_POST(self, request: Any) -> bytes:
        """A message."""
        parts = urlsplit(request.uri.decode())
        assert parts.path == "/cgi-bin/message/template/send"
        (token,) = parse_qs(parts.query)["access_token"]
        if token not in self.good:
            return json.dumps({"errcode": self.stale, "errmsg": "access_token is bad"}).encode()
        message = json.loads(request.content.read())
        if message["touser"] not in self.followers:
            return b'{"errcode": 43004, "errmsg": "require subscribe"}'
        self.taken.append(message)
        return b'{"errcode": 0, "errmsg": "ok", "msgid": 200228332}'

    def told(self) -> list[str]:
        """Whom messages went to."""
        return [message["touser"] for message in self.taken]


@pytest_twisted.async_yield_fixture
async def servers() -> Any:
    """The servers, on this machine."""
    async with listening(Servers()) as made:
        yield made


def wechat(servers: Servers, clock: Clock | None = None, secret: str = SECRET) -> WeChat:
    """A sink to them."""
    seconds: Callable[[], float] = (clock or Clock()).seconds
    token = AccessToken(servers.url, APP, secret, Poster(reactor, private=True), seconds)
    to = Recipients((DUTY, BOSS))
    return WeChat("followers", token, TEMPLATE, FIELDS, to, ZoneInfo("Asia/Shanghai"))


@pytest_twisted.ensureDeferred
async def test_each_follower_has_a_message(servers: Any) -> None:
    """In the template's own fields, none longer than it may be."""
    await wechat(servers).deliver(ALARM)
    assert servers.told() == [DUTY, BOSS]
    assert servers.taken[0] == {
        "touser": DUTY,
        "template_id": TEMPLATE,
        "data": {
            "thing1": {"value": "port-hot"},
            "phrase2": {"value": "严重"},
            "character_string3": {"value": "1152921504606846976-3"},
            "time4": {"value": "2026-11-27 17:30:00"},
            "thing5": {"value": "temperature_dc 910,…"},
        },
    }


@pytest_twisted.ensureDeferred
async def test_a_token_is_kept_until_shortly_before_it_expires(servers: Any) -> None:
    """WeChat gives only some thousand a day."""
    clock = Clock()
    sink = wechat(servers, clock)
    for _ in range(2):
        await sink.deliver(ALARM)
    clock.advance(7200 - 301)
    await sink.deliver(ALARM)
    assert len(servers.tokens) == 1
    clock.advance(2)
    await sink.deliver(ALARM)
    assert len(servers.tokens) == 2


@pytest.mark.parametrize("code", [40001, 42001])
@pytest_twisted.ensureDeferred
async def test_a_token_that_is_not_good_any_more_is_fetched_anew(servers: Any, code: int) -> None:
    """Once: somebody else may have fetched one."""
    servers.stale = code
    sink = wechat(servers)
    await sink.deliver(ALARM)
    servers.good.clear()
    await sink.deliver(ALARM)
    assert len(servers.tokens) == 2
    assert servers.told() == [DUTY, BOSS] * 2


@pytest_twisted.ensureDeferred
async def test_a_token_is_not_fetched_again_and_again(servers: Any) -> None:
    """What a new one does not help with is a failure."""
    servers.followers = set()
    sink = wechat(servers)
    with pytest.raises(NotTaken, match="43004") as refused:
        await sink.deliver(ALARM)
    assert DUTY not in str(refused.value)
    assert len(servers.tokens) == 1


@pytest_twisted.ensureDeferred
async def test_a_wrong_secret_gives_no_token(servers: Any) -> None:
    """And it is shown nowhere."""
    sink = wechat(servers, secret="another one")
    with pytest.raises(NotTaken, match="40125") as refused:
        await sink.deliver(ALARM)
    assert "another one" not in str(refused.value) + repr(sink)
    assert DUTY not in repr(sink)


@pytest_twisted.ensureDeferred
async def test_who_had_it_does_not_get_it_again(servers: Any) -> None:
    """When it is delivered again for somebody else; each alarm is by itself."""
    servers.followers = {BOSS}
    sink = wechat(servers)
    with pytest.raises(NotTaken):
        await sink.deliver(ALARM)
    assert servers.told() == [BOSS]
    servers.followers = {DUTY, BOSS}
    await sink.deliver(ALARM)
    assert servers.told() == [BOSS, DUTY]
    await sink.deliver(evolve(ALARM, port=4))
    assert servers.told() == [BOSS, DUTY, DUTY, BOSS]


@pytest_twisted.ensureDeferred
async def test_a_server_that_says_nothing_has_not_taken_it(servers: Any) -> None:
    """And one that is away neither."""
    servers.is_silent = True
    sink = wechat(servers)
    sink = evolve(sink, token=evolve(sink.token, poster=Poster(reactor, True, answer_s=0.1)))
    with pytest.raises(Exception, match=r".*") as failed:
        await sink.deliver(ALARM)
    assert not isinstance(failed.value, AssertionError)
    assert servers.taken == []
