"""The platform's HTTP API, as the simulator uses it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from attrs import define, field
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.interfaces import IConsumer
from twisted.web.client import RequestTransmissionFailed, ResponseFailed
from twisted.web.iweb import IAgent, IBodyProducer
from zope.interface import implementer

BASE = "/api/v1"
#: real seconds from asking to the whole answer, waiting for one's turn not among them
DEADLINE_S = 20.0
#: requests at a time: a crowd of people is no reason to open a connection for each
AT_A_TIME = 8

#: what happens to requests when the platform is down or goes down
_CUT_OFF = (
    ConnectError,
    ConnectionClosed,
    DNSLookupError,
    DeferredTimeout,
    RequestTransmissionFailed,
    ResponseFailed,
)


class ApiError(Exception):
    """The platform did not do what it was asked for."""


class Unreachable(ApiError):
    """No answer: whether it was done is not known."""


class Problem(ApiError):
    """
    The platform refused.

    @ivar status: of HTTP.
    @ivar kind: last part of the problem's type, for example C{"port-busy"}.
    """

    def __init__(self, asked: str, status: int, kind: str, detail: str) -> None:
        super().__init__(f"{asked}: {status} {kind}: {detail}")
        self.status = status
        self.kind = kind


@implementer(IBodyProducer)
class _Body:
    """A body of some hundred bytes, written at once: nothing of it is worth a turn of the
    reactor."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def startProducing(self, consumer: IConsumer) -> "Deferred[None]":
        """Write everything."""
        consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Everything is written already."""

    def resumeProducing(self) -> None:
        """Everything is written already."""

    def stopProducing(self) -> None:
        """Everything is written already."""


@define(eq=False)
class Api:
    """
    @ivar clock: the reactor, or a clock.
    @ivar url: where the platform is, without a path: C{"http://127.0.0.1:8080"}.
    @ivar new_key: makes keys of requests; the same is never made twice.
    """

    agent: IAgent
    clock: Any
    url: str
    token: str
    new_key: Callable[[], str] = lambda: uuid4().hex
    _turns: DeferredSemaphore = field(factory=lambda: DeferredSemaphore(AT_A_TIME), init=False)
    _client: HTTPClient = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._client = HTTPClient(self.agent, data_to_body_producer=_Body)

    async def post(self, path: str, body: dict[str, Any], key: str | None = None) -> Any:
        """
        Have something made or moved.

        @param path: below the base.
        @param key: of the request, to ask for the same thing again.
        @return: the answer's JSON.
        @raise Problem: if it is refused.
        @raise Unreachable: if there is no answer.
        """
        headers = {"Authorization": f"Bearer {self.token}"}
        headers["Idempotency-Key"] = key or self.new_key()
        return await self._ask("POST", BASE + path, headers=headers, json=body)

    async def readiness(self) -> Any:
        """What C{/readyz} says; the errors are those of L{post}."""
        return await self._ask("GET", "/readyz")

    async def _ask(self, method: str, path: str, **given: Any) -> Any:
        def in_time() -> "Deferred[Any]":
            exchanged = Deferred.fromCoroutine(self._exchange(method, path, given))
            return _abandonable(exchanged).addTimeout(DEADLINE_S, self.clock)

        try:
            return await self._turns.run(in_time)
        except _CUT_OFF as error:
            raise Unreachable(f"{method} {path}: {error or type(error).__name__}") from error

    async def _exchange(self, method: str, path: str, given: dict[str, Any]) -> Any:
        response = await self._client.request(method, self.url + path, reactor=self.clock, **given)
        if response.code < 400:
            return await response.json()
        asked = f"{method} {path}"
        try:
            problem = await response.json()
            kind = str(problem["type"]).rpartition("/")[2]
            raise Problem(asked, response.code, kind, str(problem.get("detail", "")))
        except (ValueError, LookupError, TypeError, AttributeError):
            raise Problem(asked, response.code, "no-problem-json", "") from None


def _abandonable(exchanged: "Deferred[Any]") -> "Deferred[Any]":
    """
    The result of an exchange, which ends with C{CancelledError} when it is cancelled.

    An agent may tell of its own cancelling as of a lost connection, and then whoever is to
    stop would try again instead.
    """

    def abandon(answered: "Deferred[Any]") -> None:
        answered.errback(CancelledError())
        exchanged.cancel()

    def pass_on(result: object) -> None:
        if not answered.called:
            answered.callback(result)

    answered: Deferred[Any] = Deferred(abandon)
    exchanged.addBoth(pass_on)
    return answered
