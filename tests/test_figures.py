"""What C{/metrics} says of a platform that has worked."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from treq.testing import StubTreq
from twisted.internet.defer import succeed
from twisted.internet.task import Clock

from chargecloud.figures import Figures, Punctuality, metrics_route
from chargecloud.web.serving import make_resource
from tests.harness import result_of
from tests.world import World


class Watched:
    """A platform, and the sysadmin's view of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.figures = Figures(world.platform, world.store.writer, world.store.roster, world.folder)
        routes = [*world.platform.routes, metrics_route(self.figures.text)]
        self._treq: Any = StubTreq(
            make_resource(routes, lambda _token: succeed(world.caller), self.figures.requested)
        )

    def get(self, path: str) -> Any:
        """Ask the HTTP service; the response."""
        asked = self._treq.get(f"http://test{path}", headers={"Authorization": ["Bearer t"]})
        self._treq.flush()
        return result_of(asked)

    def __call__(self, name: str, labels: Mapping[str, str] | None = None) -> float | None:
        """A figure as it stands at C{/metrics}; C{None} if it is not there."""
        response = self.get("/metrics")
        assert response.code == 200
        assert response.headers.getRawHeaders("content-type") == [
            "text/plain; version=0.0.4; charset=utf-8"
        ]
        text = result_of(response.text())
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == f"chargecloud_{name}" and sample.labels == (labels or {}):
                    value: float = sample.value
                    return value
        return None


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A platform in memory."""
    world = World(tmp_path)
    yield Watched(world)
    world.killed()


def test_a_charge_can_be_followed_in_the_figures(watched: Watched) -> None:
    """Connections, what was heard, commands with what they came to, and orders by state."""
    world = watched.world
    box, customer = world.box().connect(), world.customer()
    assert (watched("connections"), watched("chargers_online")) == (1, 1)
    assert watched("heard_total", {"dialect": "native", "kind": "proven"}) == 1

    order = world.order(box, customer)
    assert watched("orders", {"state": "starting"}) == 1
    box.begin()
    box.report(1_000)
    assert watched("orders", {"state": "charging"}) == 1
    assert watched("orders", {"state": "starting"}) == 0
    assert watched("heard_total", {"dialect": "native", "kind": "charge_started"}) == 1
    assert watched("heard_total", {"dialect": "native", "kind": "ports_reported"}) == 1
    start = {"dialect": "native", "command": "start_charge", "outcome": "done"}
    assert watched("command_seconds_count", start) == 1

    box.end(2, int(order["id"]), box.meter_mwh - 1_000, 60)
    assert watched("orders", {"state": "charging"}) == 0
    assert watched("orders_came_to_total", {"state": "settled"}) == 1
    assert watched("decisions_waiting") == 0
    assert (watched("commit_seconds_count") or 0) > 3
    assert watched("chargers_at_work") == 0


def test_a_command_without_an_answer_is_seen(watched: Watched) -> None:
    """A box that is there and does nothing is found by its commands."""
    box = watched.world.box().connect()
    watched.world.order(box)
    watched.world.clock.advance(15)
    late = {"dialect": "native", "command": "start_charge", "outcome": "timed_out"}
    assert watched("command_seconds_count", late) == 1
    assert watched("command_seconds_sum", late) == pytest.approx(15)


def test_a_connection_that_breaks_the_protocol_is_seen(watched: Watched) -> None:
    """By the rule that was broken."""
    box = watched.world.box().connect()
    box._protocol.dataReceived(b"\xc2\x10" + bytes(16))
    assert watched("protocol_faults_total", {"code": "bad-tag"}) == 1
    assert watched("connections") == 1
    box.drop()
    assert watched("connections") == 0


def test_requests_are_timed_by_their_route(watched: Watched) -> None:
    """Not by their path, of which there are as many as orders."""
    watched.get("/api/v1/chargers/1")
    watched.get("/api/v1/chargers/2")
    route = {"method": "GET", "route": "/chargers/{charger_id}", "status": "404"}
    assert watched("http_request_seconds_count", route) == 2


def test_a_late_reactor_is_seen() -> None:
    """Whole seconds that were left out count, too."""
    clock, late_s = Clock(), list[float]()
    punctuality = Punctuality(clock, late_s.append)
    punctuality.startService()
    clock.pump([1, 1.25, 0.75, 3.5])
    punctuality.stopService()
    clock.advance(5)
    assert late_s == pytest.approx([0, 0.25, 0, 2.5])


def test_every_figure_is_explained(watched: Watched) -> None:
    """What a sysadmin may see is in the document, and nothing else is."""
    document = (Path(__file__).parents[1] / "docs" / "operations.rst").read_text()
    explained = set(re.findall(r"^``(chargecloud_\w+)``", document, flags=re.M))
    watched.world.box().connect()
    text = watched.figures.text()
    shown = set(re.findall(r"^# TYPE (chargecloud_\w+) ", text, flags=re.M))
    assert {name for name in shown if not name.endswith("_created")} == explained
