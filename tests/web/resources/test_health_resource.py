"""C{/healthz} and C{/readyz}"""

from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import succeed

from chargecloud import __version__
from chargecloud.calendar import Anchor, Calendar
from chargecloud.web.resources import health
from chargecloud.web.serving import make_resource
from tests.harness import NOW, clock_at, result_of
from tests.web.resources.asking import Asking


def asked(calendar: Calendar, missing: list[str]) -> tuple[int, Any]:
    """What C{/readyz} says of a service with that calendar that lacks these things."""
    treq: Any = StubTreq(
        make_resource(
            health.routes(calendar, lambda: missing, lambda: ["the disk is full"]),
            lambda _token: succeed(None),
        )
    )
    asking = treq.get("http://test/readyz")
    treq.flush()
    response = result_of(asking)
    return response.code, result_of(response.json())


def test_alive(api: Asking) -> None:
    """A process that answers is alive, whoever asks."""
    answer = api.ask("GET", "/healthz", token="nobody's")
    assert (answer.status, answer.json) == (200, {"alive": True, "version": __version__})


def test_ready(api: Asking) -> None:
    """A service that is ready shows its calendar, which is the true one in service."""
    assert api.found("/readyz", token="nobody's") == {
        "ready": True,
        "limited": [],
        "calendar": {"now": NOW.isoformat(), "speed": 1.0, "is_true": True},
    }


def test_ready_with_a_calendar_of_its_own() -> None:
    """Whoever reads it can follow a calendar that is shifted and runs faster."""
    clock = clock_at()
    calendar = Calendar(clock.seconds, Anchor(clock.seconds(), NOW, 60.0))
    clock.advance(60)
    status, ready = asked(calendar, [])
    assert status == 200
    # it serves, and does not do all: a full disk keeps charges from beginning
    assert ready["limited"] == ["the disk is full"]
    assert ready["calendar"] == {
        "now": "2026-11-23T02:00:00+00:00",
        "speed": 60.0,
        "is_true": False,
    }


def test_not_ready() -> None:
    """What is missing is told, with 503 so that a balancer looks elsewhere."""
    status, problem = asked(Calendar(clock_at().seconds), ["the database", "redis"])
    assert status == 503
    assert problem["type"] == "/problems/not-ready"
    assert problem["missing"] == ["the database", "redis"]
