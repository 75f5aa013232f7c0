import pytest
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError
from twisted.internet.task import Clock
from twisted.web.iweb import IAgent, IResponse
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from chargecloud.simulator.api import DEADLINE_S, Api, Problem, Unreachable
from tests.harness import failure_of, result_of
from tests.simulator.small_platform import NOW, TOKEN, Refuse, SmallApi


def api_of(resource: Resource, clock: Clock | None = None, token: str = TOKEN) -> Api:
    """A client of a resource, without a network."""
    return Api(RequestTraversalAgent(resource), clock or Clock(), "http://platform", token)


def test_a_post_has_a_token_and_a_key() -> None:
    """Each post has a new key, unless it asks for the same thing again."""
    platform = SmallApi()
    api = api_of(platform)
    assert result_of(api.post("/customers", {"name": "Rider"})) == {"id": "1"}
    result_of(api.post("/customers", {"name": "Rider"}))
    result_of(api.post("/customers", {"name": "Rider"}, key="same"))
    assert platform.asked[0] == ("/customers", {"name": "Rider"})
    assert len(set(platform.keys)) == 3
    assert platform.keys[-1] == "same"


def test_readiness_tells_the_calendar() -> None:
    """It is asked without a token."""
    answer = result_of(api_of(SmallApi(), token="").readiness())
    assert answer["calendar"] == {"now": NOW.isoformat(), "speed": 60.0}


def test_a_refusal_is_a_problem_with_its_kind() -> None:
    """People decide by the kind, and not by the words."""
    platform = SmallApi()

    def refuse(_path: str, _body: object) -> dict[str, object]:
        raise Refuse(409, "port-busy")

    platform.answer = refuse
    problem = failure_of(api_of(platform).post("/orders", {}), Problem)
    assert (problem.status, problem.kind) == (409, "port-busy")
    assert "POST /api/v1/orders: 409 port-busy" in str(problem)
    assert failure_of(api_of(platform, token="bad").post("/orders", {}), Problem).status == 401


@pytest.mark.parametrize("text", [b"<html>Bad Gateway</html>", b"[]", b'{"title": "?"}'])
def test_an_error_that_is_no_problem_is_one_all_the_same(text: bytes) -> None:
    """Something between us and the platform may answer in its own words."""

    class Proxy(Resource):
        isLeaf = True

        def render_POST(self, request: object) -> bytes:
            request.setResponseCode(502)  # type: ignore[attr-defined]
            return text

    problem = failure_of(api_of(Proxy()).post("/orders", {}), Problem)
    assert (problem.status, problem.kind) == (502, "no-problem-json")


def test_nobody_waits_for_ever() -> None:
    """An answer that does not come within the deadline does not come at all."""

    class Slow(Resource):
        isLeaf = True

        def render_POST(self, request: object) -> int:
            return NOT_DONE_YET

    clock = Clock()
    asked = Deferred.fromCoroutine(api_of(Slow(), clock).post("/orders", {}))
    clock.advance(DEADLINE_S - 0.1)
    assert not asked.called
    clock.advance(0.2)
    failure_of(asked, Unreachable)


def test_who_is_cancelled_does_not_take_it_for_a_lost_connection() -> None:
    """A request that is broken off is no reason to try again."""

    class Slow(Resource):
        isLeaf = True

        def render_POST(self, request: object) -> int:
            return NOT_DONE_YET

    clock = Clock()
    asked = Deferred.fromCoroutine(api_of(Slow(), clock).post("/orders", {}))
    asked.cancel()
    failure_of(asked, CancelledError)
    assert clock.getDelayedCalls() == []


def test_a_platform_that_is_down_is_unreachable() -> None:
    """Which is another thing than a refusal: it may be tried again."""

    @implementer(IAgent)
    class Nowhere:
        def request(
            self,
            method: bytes,
            uri: bytes,
            headers: object = None,
            bodyProducer: object = None,  # noqa: N803
        ) -> "Deferred[IResponse]":
            raise ConnectError(string="nobody listens")

    api = Api(Nowhere(), Clock(), "http://platform", TOKEN)
    assert "nobody listens" in str(failure_of(api.post("/orders", {}), Unreachable))
