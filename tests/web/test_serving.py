"""Declared routes are served: each station of a request, and what may go wrong there."""

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest
import pytest_twisted
from attrs import define, evolve, field, frozen
from hypothesis import given
from hypothesis import strategies as st
from treq.testing import StubTreq
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure

from chargecloud.domain.errors import (
    ChargerOffline,
    NotFound,
    Overloaded,
    PortBusy,
    Refusal,
)
from chargecloud.domain.fields import choice, text, whole
from chargecloud.routes import Call, Caller, Later, Method, Page, Paging, Route
from chargecloud.web.listening import make_site
from chargecloud.web.operations import BODY_LIMIT, NOBODY
from chargecloud.web.serving import make_resource

ORIGIN = "http://charge.example"
CLERK = Caller(token_id=1, tenant_id=7, permissions=frozenset({"bells:read"}))
SMITH = Caller(token_id=2, tenant_id=7, permissions=frozenset({"bells:*"}))
CALLERS = {"clerk": CLERK, "smith": SMITH}


class Metal(Enum):
    """What bells are made of."""

    BRONZE = "bronze"
    IRON = "iron"


@frozen(kw_only=True)
class Strokes:
    """How to ring."""

    count: int = whole("how often", least=1, most=12)


@frozen(kw_only=True)
class NewBell:
    """A bell to cast."""

    name: str = text("what it is called", longest=20)
    metal: Metal = choice("of what", default=Metal.BRONZE)
    strokes: Strokes | None = choice("how it rings", default=None)
    marks: tuple[str, ...] = choice("what is written on it", default=())
    notes: Mapping[str, Any] | None = choice("anything", default=None)


@frozen(kw_only=True)
class Bell:
    """A bell."""

    id: str = text("its id")
    name: str = text("what it is called")
    metal: Metal = choice("of what")
    notes: Mapping[str, Any] | None = choice("anything", default=None)


@define
class Foundry:
    """A room that declares routes, and keeps the calls that reach it.

    @ivar outcome: what its functions return, or raise if it is an exception.
    """

    outcome: Any = None
    calls: list[Call] = field(factory=list)

    def cast(self, call: Call) -> Any:
        """Make a bell of a body."""
        body = call.body
        self._keep(call)
        return self.outcome or Bell(id="9", name=body.name, metal=body.metal, notes=body.notes)

    def show(self, call: Call) -> Any:
        """Show a bell."""
        call.id("bell_id")
        return self._keep(call)

    def ring(self, call: Call) -> Any:
        """Do what the outcome says."""
        return self._keep(call)

    async def listed(self, call: Call) -> Page[Bell]:
        """A list of one bell, by a coroutine that waits."""
        self._keep(call)
        bell = await succeed(Bell(id="1", name="Old Tom", metal=Metal.IRON))
        return Page((bell,), next=f"after-{call.query.limit}")

    def _keep(self, call: Call) -> Any:
        self.calls.append(call)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def routes(self) -> list[Route]:
        """What it declares."""
        write, read = "bells:write", "bells:read"

        def route(method: Method, path: str, permission: str | None, **more: Any) -> Route:
            usual: dict[str, Any] = {"summary": "Do it", "tag": "bells", "answer": Bell}
            return Route(method=method, path=path, permission=permission, **(usual | more))

        return [
            route(Method.POST, "/bells", write, body=NewBell, status=201, run=self.cast),
            route(Method.GET, "/bells", read, query=Paging, answer=Page[Bell], run=self.listed),
            route(Method.GET, "/bells/{bell_id}", read, run=self.show),
            route(Method.DELETE, "/bells/{bell_id}", write, answer=None, run=self.ring),
            route(Method.GET, "/bells/unmatched", read, run=self.ring),
            route(Method.POST, "/bells/{bell_id}/ring", write, run=self.ring),
            route(Method.GET, "/words/{word}", None, run=self.ring),
            route(Method.GET, "/healthz", None, base="", answer=Mapping[str, Any], run=self.ring),
        ]


@frozen
class Response:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The body as plain values."""
        return json.loads(self.content)

    @property
    def problem(self) -> Any:
        """The body as a problem, which it must be."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.json["status"] == self.status
        return self.json


@define
class Client:
    """Asks a foundry over the whole of HTTP, in memory."""

    foundry: Foundry = field(factory=Foundry)
    _treq: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        def authenticate(token: str) -> "Deferred[Caller | None]":
            return succeed(CALLERS.get(token))

        self._treq = StubTreq(make_resource(self.foundry.routes(), authenticate))

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "smith",
        content: bytes | None = None,
        **headers: str,
    ) -> Response:
        """
        Send a request.

        @param body: plain values, sent as JSON.
        @param content: bytes to send instead.
        @param headers: with C{_} for C{-}.
        """
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given.setdefault("Authorization", f"Bearer {token}")
        if body is not None:
            content = json.dumps(body).encode()
        if content is not None:
            given.setdefault("Content-Type", "application/json")
        response = await self._treq.request(
            method, ORIGIN + path, headers=given, data=content, allow_redirects=False
        )
        return Response(
            response.code,
            {
                name.decode().lower(): b", ".join(values).decode()
                for name, values in response.headers.getAllRawHeaders()
            },
            await self._treq.content(response),
        )


@pytest.fixture
def client() -> Client:
    """A client of a new foundry."""
    return Client()


BELL = Bell(id="5", name="大钟", metal=Metal.IRON)
BELL_JSON = {"id": "5", "name": "大钟", "metal": "iron", "notes": None}


# ------------------------------------------------------------------------------ success


@pytest_twisted.ensureDeferred
async def test_created(client: Client) -> None:
    """A body reaches the route's function as its class; its answer has the route's status."""
    response = await client.ask("POST", "/api/v1/bells", {"name": "Big Ben", "notes": {"a": [1]}})
    assert response.status == 201
    assert response.json == {"id": "9", "name": "Big Ben", "metal": "bronze", "notes": {"a": [1]}}
    assert client.foundry.calls == [
        Call(
            caller=SMITH,
            path={},
            body=NewBell(name="Big Ben", notes={"a": [1]}),
            given=frozenset({"name", "notes"}),
        )
    ]


@pytest_twisted.ensureDeferred
async def test_shown(client: Client) -> None:
    """Variables of the path are given by name; the answer is compact UTF-8 that nobody caches."""
    client.foundry.outcome = BELL
    response = await client.ask("GET", "/api/v1/bells/5", token="clerk")
    assert client.foundry.calls == [Call(caller=CLERK, path={"bell_id": "5"})]
    assert response.status == 200
    assert (
        response.content
        == json.dumps(BELL_JSON, ensure_ascii=False, separators=(",", ":")).encode()
    )
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"


@pytest_twisted.ensureDeferred
async def test_listed(client: Client) -> None:
    """A coroutine may answer; the query reaches it as its class."""
    response = await client.ask("GET", "/api/v1/bells?limit=3")
    assert response.json["next"] == "after-3"
    assert [bell["name"] for bell in response.json["items"]] == ["Old Tom"]


@pytest_twisted.ensureDeferred
async def test_deferred_answer(client: Client) -> None:
    """A Deferred's result is the answer."""
    client.foundry.outcome = succeed(BELL)
    assert (await client.ask("GET", "/api/v1/bells/5")).json == BELL_JSON


@pytest_twisted.ensureDeferred
async def test_answer_before_the_work_is_done(client: Client) -> None:
    """An answer that is given early is 202, and has the form of the final one."""
    client.foundry.outcome = Later(BELL)
    response = await client.ask("POST", "/api/v1/bells/5/ring", Prefer="respond-async")
    assert (response.status, response.json) == (202, BELL_JSON)


@pytest_twisted.ensureDeferred
async def test_no_content(client: Client) -> None:
    """No answer is 204, with neither body nor type."""
    response = await client.ask("DELETE", "/api/v1/bells/5")
    assert (response.status, response.content) == (204, b"")
    assert "content-type" not in response.headers


@pytest_twisted.ensureDeferred
async def test_head(client: Client) -> None:
    """HEAD has the headers of GET and no body."""
    client.foundry.outcome = BELL
    got = await client.ask("GET", "/api/v1/bells/5", X_Request_Id="a")
    head = await client.ask("HEAD", "/api/v1/bells/5", X_Request_Id="a")
    assert (head.status, head.content) == (200, b"")
    # Twisted's client keeps the length of a body that comes to itself
    assert int(head.headers.pop("content-length")) == len(got.content)
    del got.headers["date"], head.headers["date"]
    assert head.headers == got.headers


@pytest_twisted.ensureDeferred
async def test_open_to_the_world(client: Client) -> None:
    """A route without permission needs no token, looks at none, and is called by nobody."""
    client.foundry.outcome = {"ok": True}
    for token in (None, "stolen"):
        response = await client.ask("GET", "/healthz", token=token)
        assert (response.status, response.json) == (200, {"ok": True})
    assert {call.caller for call in client.foundry.calls} == {NOBODY}
    assert not NOBODY.may("bells:read")
    assert NOBODY.tenant_id not in (None, 0)


@pytest_twisted.ensureDeferred
async def test_openapi(client: Client) -> None:
    """The description of the routes is there for everybody, with each of their paths."""
    response = await client.ask("GET", "/openapi.json", token=None)
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert {"/healthz", "/api/v1/bells/{bell_id}"} <= response.json["paths"].keys()


# --------------------------------------------------------------------- path and method


@pytest_twisted.ensureDeferred
async def test_who_has_only_the_address_finds_the_page(client: Client) -> None:
    """On which each operation can be tried."""
    response = await client.ask("GET", "/")
    assert (response.status, response.headers["location"]) == (303, "/docs")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/gongs",
        "/api/v1/bells/",
        "/api/v1/bells/5/",
        "/api/v1//bells",
        "/api/v1/bells/a%2Fb",
        "/api/v1/bells/x",
        "/api/v1/bells/%D9%A5",
    ],
)
@pytest_twisted.ensureDeferred
async def test_nothing_there(client: Client, path: str) -> None:
    """An unknown path, and an id that is none, are problems with 404, never a redirection."""
    response = await client.ask("GET", path)
    assert response.status == 404
    assert response.problem["type"] == "/problems/not-found"
    assert response.problem["instance"] == path


@pytest_twisted.ensureDeferred
async def test_fixed_word_before_variable(client: Client) -> None:
    """A path with a fixed word is not taken for one with a variable."""
    client.foundry.outcome = BELL
    await client.ask("GET", "/api/v1/bells/unmatched")
    assert client.foundry.calls[0].path == {}


@pytest_twisted.ensureDeferred
async def test_variable_is_decoded(client: Client) -> None:
    """A variable of the path is text, whatever it needed to be escaped."""
    client.foundry.outcome = BELL
    await client.ask("GET", "/api/v1/words/%E5%A4%A7%20%3F")
    assert client.foundry.calls[0].path == {"word": "大 ?"}


@pytest.mark.parametrize("path", ["/api/v1/words/%ff", "/api/v1/words/%00", "/%c3"])
@pytest_twisted.ensureDeferred
async def test_path_that_is_no_text(client: Client, path: str) -> None:
    """A path that is not UTF-8 or has U+0000 is a problem, and no entry in our log."""
    with capturedLogs() as log:
        response = await client.ask("GET", path)
    assert response.status == 400
    assert response.problem["type"] == "/problems/bad-request"
    assert log == []


@pytest.mark.parametrize("host", ["a" * 64, "a..b", "caf\xe9"])
def test_host_that_is_none(host: str) -> None:
    """A Host header that names no host is a problem, and no fault in our log."""
    with capturedLogs() as log:
        sent = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1")
        _, transport = connect(Foundry(outcome={}), sent)
    assert transport.value().startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in transport.value()
    assert {event["log_level"] for event in log} == {LogLevel.debug}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "BREW"])
@pytest_twisted.ensureDeferred
async def test_no_such_method(client: Client, method: str) -> None:
    """Another method than those of the path is a problem that names them."""
    response = await client.ask(method, "/api/v1/bells/5")
    assert response.status == 405
    assert response.headers["allow"] == "DELETE, GET, HEAD"
    assert response.problem["allowed"] == ["DELETE", "GET", "HEAD"]


# -------------------------------------------------------------------------- who may ask


@pytest.mark.parametrize(
    ("token", "headers"),
    [(None, {}), ("stolen", {}), (None, {"Authorization": "Basic c21pdGg6"})],
)
@pytest_twisted.ensureDeferred
async def test_not_authenticated(
    client: Client, token: str | None, headers: dict[str, Any]
) -> None:
    """Without a token that is known, nobody is told anything but how to show one."""
    response = await client.ask("GET", "/api/v1/bells/5", token=token, **headers)
    assert response.status == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.problem["type"] == "/problems/not-authenticated"
    assert client.foundry.calls == []


@pytest_twisted.ensureDeferred
async def test_not_permitted(client: Client) -> None:
    """A token that does not allow it is refused by the name of the permission, and before
    the body is looked at."""
    response = await client.ask("POST", "/api/v1/bells", token="clerk", content=b"{")
    assert response.status == 403
    assert response.problem["permission"] == "bells:write"
    assert client.foundry.calls == []


# ------------------------------------------------------------------------ body and query


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{}", {"Content_Type": "text/plain"}, 415, "not-json"),
        (b"name=x", {"Content_Type": "application/x-www-form-urlencoded"}, 415, "not-json"),
        (b"x" * (BODY_LIMIT + 1), {}, 413, "body-too-large"),
        (b'{"name": }', {}, 400, "bad-request"),
        (b"", {}, 400, "bad-request"),
        (b'{"name": "a", "name": "b"}', {}, 400, "bad-request"),
        (b'{"name": "a\\u0000"}', {}, 400, "bad-request"),
        (b"[]", {}, 422, "invalid"),
        (b"null", {}, 422, "invalid"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_bodies_that_are_refused(
    client: Client, content: bytes, headers: dict[str, Any], status: int, code: str
) -> None:
    """Type, size, text and form of a body each have their own refusal."""
    response = await client.ask("POST", "/api/v1/bells", content=content, **headers)
    assert (response.status, response.problem["type"]) == (status, f"/problems/{code}")
    assert client.foundry.calls == []


@pytest_twisted.ensureDeferred
async def test_largest_body(client: Client) -> None:
    """A body of exactly the limit is read."""
    content = b'{"name":"a"}'.ljust(BODY_LIMIT)
    assert (await client.ask("POST", "/api/v1/bells", content=content)).status == 201


@pytest_twisted.ensureDeferred
async def test_every_fault_of_a_body(client: Client) -> None:
    """All faults are told at once, each with its pointer."""
    body = {"name": "", "strokes": {"count": 13}, "colour": "red"}
    response = await client.ask("POST", "/api/v1/bells", body)
    assert response.status == 422
    assert response.problem["errors"] == [
        {"pointer": "/name", "detail": "must have 1 to 20 characters"},
        {"pointer": "/strokes/count", "detail": "must be between 1 and 12"},
        {"pointer": "/colour", "detail": "is none of name, metal, strokes, marks, notes"},
    ]


@pytest.mark.parametrize(
    ("path", "faults"),
    [
        ("/api/v1/bells?limit=0", [("limit", "must be between 1 and 500")]),
        ("/api/v1/bells?metal=iron", [("metal", "is none of limit, cursor")]),
        ("/api/v1/bells/5?limit=1", [("limit", "is not known")]),
    ],
)
@pytest_twisted.ensureDeferred
async def test_query_faults(client: Client, path: str, faults: list[tuple[str, str]]) -> None:
    """A query is checked like a body, and a route without one takes no parameters."""
    response = await client.ask("GET", path)
    assert response.status == 422
    errors = response.problem["errors"]
    assert [(error["parameter"], error["detail"]) for error in errors] == faults
    assert client.foundry.calls == []


@pytest.mark.parametrize(("content", "status"), [(b"", 204), (b" {} ", 204), (b'{"a":1}', 400)])
@pytest_twisted.ensureDeferred
async def test_operation_without_a_body(client: Client, content: bytes, status: int) -> None:
    """Where there is no body to give, an empty object is none, and anything else a mistake."""
    response = await client.ask("POST", "/api/v1/bells/5/ring", content=content)
    assert response.status == status


# ------------------------------------------------------------------- headers of requests


@pytest_twisted.ensureDeferred
async def test_request_key(client: Client) -> None:
    """A request under a key has a fingerprint, which the order of the body's keys and the
    query leave as it is, and another method, path or body does not."""
    asked = [
        ("POST", "/api/v1/bells", b'{"name":"a","metal":"iron"}'),
        ("POST", "/api/v1/bells", b' {"metal": "iron", "name": "a"}'),
        ("POST", "/api/v1/bells", b'{"name":"b","metal":"iron"}'),
        ("POST", "/api/v1/bells/5/ring", b""),
        ("POST", "/api/v1/bells/6/ring", b""),
        ("DELETE", "/api/v1/bells/6", None),
    ]
    client.foundry.outcome = BELL
    for method, path, content in asked:
        await client.ask(method, path, content=content, Idempotency_Key='"k-1"')
    assert {call.request_key for call in client.foundry.calls} == {'"k-1"'}
    first, again, *others = [call.fingerprint for call in client.foundry.calls]
    assert first == again
    assert len({first, *others}) == len(asked) - 1
    assert all(len(bytes.fromhex(each)) == 32 for each in (first, *others))


@pytest_twisted.ensureDeferred
async def test_bad_request_key(client: Client) -> None:
    """A key that cannot be kept stops the request."""
    response = await client.ask("POST", "/api/v1/bells", {"name": "a"}, Idempotency_Key="a b")
    assert response.status == 400
    assert "Idempotency-Key" in response.problem["detail"]
    assert client.foundry.calls == []


@pytest_twisted.ensureDeferred
async def test_prefer_async(client: Client) -> None:
    """Who wants no answer to wait for is known to the route's function."""
    await client.ask("POST", "/api/v1/bells/5/ring")
    await client.ask("POST", "/api/v1/bells/5/ring", Prefer="respond-async")
    assert [call.prefer_async for call in client.foundry.calls] == [False, True]


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/openapi.json", "/api/v1/bells/1"])
@pytest_twisted.ensureDeferred
async def test_request_id(client: Client, path: str) -> None:
    """Every response, good or bad, has the request's id: the client's, or a new one."""
    client.foundry.outcome = {}
    given = await client.ask("GET", path, token=None, X_Request_Id="abc-1")
    assert given.headers["x-request-id"] == "abc-1"
    made = [
        (await client.ask("GET", path, X_Request_Id="a b")).headers["x-request-id"] for _ in "12"
    ]
    assert len({"a b", *made}) == 3


@pytest_twisted.ensureDeferred
async def test_titles_in_chinese(client: Client) -> None:
    """Titles follow Accept-Language, wherever a problem comes from."""
    for path in ("/nowhere", "/api/v1/bells/x"):
        response = await client.ask("GET", path, Accept_Language="zh-CN,zh;q=0.9,en;q=0.8")
        assert response.problem["title"] == "未找到"


# ------------------------------------------------------------------- refusals and faults


@pytest.mark.parametrize("refusal", [NotFound("gone"), PortBusy("busy", order_id=3)])
@pytest.mark.parametrize("later", [False, True])
@pytest_twisted.ensureDeferred
async def test_refusals(client: Client, refusal: Refusal, later: bool) -> None:
    """A refusal becomes a problem with its facts, whether it is raised or comes later."""
    client.foundry.outcome = fail(refusal) if later else refusal
    problem = (await client.ask("GET", "/api/v1/bells/5")).problem
    assert problem["type"] == f"/problems/{refusal.code}"
    assert problem["detail"] == refusal.detail
    assert problem["instance"] == "/api/v1/bells/5"
    assert problem.get("order_id") == ("3" if refusal.facts else None)


@pytest_twisted.ensureDeferred
async def test_overloaded(client: Client) -> None:
    """A full queue tells when to come back."""
    client.foundry.outcome = Overloaded("the queue is full")
    response = await client.ask("GET", "/api/v1/bells/5")
    assert response.status == 503
    assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "outcome",
    [
        RuntimeError("the password is hunter2"),
        BELL_JSON,
        Bell(id="1", name="x", metal=Metal.IRON, notes={"n": float("nan")}),
        evolve(BELL, notes={"password": object()}),
    ],
)
@pytest_twisted.ensureDeferred
async def test_our_fault(client: Client, outcome: Any) -> None:
    """What is our own fault, be it raised or an answer that cannot be written, tells the
    client nothing but the request's id, under which our log tells everything."""
    client.foundry.outcome = outcome
    with capturedLogs() as log:
        response = await client.ask("GET", "/api/v1/bells/5", X_Request_Id="abc-1")
    assert response.status == 500
    assert response.problem == {
        "type": "/problems/internal-error",
        "title": "Our fault",
        "status": 500,
        "detail": "the fault is ours",
        "instance": "/api/v1/bells/5",
        "request_id": "abc-1",
    }
    (event,) = log
    assert event["log_level"] is LogLevel.critical
    assert event["request_id"] == "abc-1"
    assert isinstance(event["log_failure"], Failure)


@pytest_twisted.ensureDeferred
async def test_authentication_that_fails() -> None:
    """A fault while a token is looked up is our fault, and lets nobody in."""
    foundry = Foundry(outcome=BELL)
    resource = make_resource(foundry.routes(), lambda token: fail(OSError(token)))
    treq: Any = StubTreq(resource)
    with capturedLogs() as log:
        response = await treq.get(f"{ORIGIN}/api/v1/bells/5", headers={"Authorization": "Bearer x"})
    assert response.code == 500
    assert len(log) == 1
    assert foundry.calls == []


# -------------------------------------------------------------- clients that do not wait


def connect(foundry: Foundry, sent: bytes) -> tuple[Any, StringTransport]:
    """A connection that has sent something, and its transport."""
    resource = make_resource(foundry.routes(), lambda token: succeed(CALLERS.get(token)))
    site = make_site(resource, MemoryReactorClock())
    protocol = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
    assert protocol is not None
    transport = StringTransport()
    protocol.makeConnection(transport)
    protocol.dataReceived(sent)
    return protocol, transport


RING = b"POST /api/v1/bells/5/ring HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer smith\r\n\r\n"


@pytest.mark.parametrize("end", [BELL, None, ChargerOffline("gone")])
def test_client_goes_away(end: Any) -> None:
    """What a client began goes on without it; its end is neither sent nor logged."""
    cancelled: list[object] = []
    work: Deferred[Any] = Deferred(cancelled.append)
    with capturedLogs() as log:
        protocol, transport = connect(Foundry(outcome=work), RING)
        protocol.connectionLost(Failure(ConnectionLost()))
        assert cancelled == []
        (work.errback if isinstance(end, Exception) else work.callback)(end)
    assert transport.value() == b""
    assert log == []


def test_fault_after_the_client_went_away() -> None:
    """A fault that nobody waits for is logged all the same."""
    work: Deferred[Any] = Deferred()
    with capturedLogs() as log:
        protocol, _ = connect(Foundry(outcome=work), RING)
        protocol.connectionLost(Failure(ConnectionLost()))
        work.errback(RuntimeError("x"))
    assert [event["log_level"] for event in log] == [LogLevel.critical]


def test_waiting_client() -> None:
    """A client that stays has its answer when the Deferred fires, and may ask again."""
    work: Deferred[Any] = Deferred()
    foundry = Foundry(outcome=work)
    protocol, transport = connect(foundry, RING)
    assert transport.value() == b""
    work.callback(BELL)
    foundry.outcome = None
    protocol.dataReceived(RING)
    assert transport.value().count(b"HTTP/1.1 200 OK") == 1
    assert transport.value().count(b"HTTP/1.1 204 No Content") == 1


# --------------------------------------------------------------------------- whatever comes

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=25),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
bodies = plain | st.fixed_dictionaries(
    {"name": st.text(max_size=25) | plain},
    optional={
        "metal": st.sampled_from(["bronze", "iron"]) | plain,
        "strokes": st.fixed_dictionaries({"count": plain}) | plain,
        "marks": st.lists(st.text()) | plain,
        "notes": plain,
    },
)


def ask_now(sent: bytes) -> bytes:
    """The response to a request whose route answers at once."""
    response: bytes = connect(Foundry(), sent)[1].value()
    return response


def check(response: bytes) -> None:
    """It is a success, or a problem that is the client's."""
    head, _, body = response.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    if status == 201:
        assert json.loads(body)["id"] == "9"
    else:
        assert 400 <= status < 500
        assert json.loads(body)["status"] == status


@given(bodies)
def test_any_json_body(body: Any) -> None:
    """Whatever JSON comes, the answer is a success or the client's problem, never our fault."""
    # NaN, infinity and halves of surrogate pairs go out as Python writes them
    check(ask_now(post(json.dumps(body).encode())))


@given(st.binary(max_size=80))
def test_any_bytes_as_body(content: bytes) -> None:
    """The same holds for what is no JSON at all."""
    check(ask_now(post(content)))


def post(content: bytes) -> bytes:
    """A request to cast a bell."""
    return (
        b"POST /api/v1/bells HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer smith\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
    )
