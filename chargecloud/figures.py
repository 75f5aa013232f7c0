"""What a sysadmin watches: the figures behind C{/metrics}.

Rooms count in plain numbers and tell how long things took; here those become Prometheus
metrics, when somebody asks for them.  docs/operations.rst explains each to those who watch.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from pathlib import Path
from shutil import disk_usage

from attrs import define, field
from prometheus_client import CollectorRegistry, GCCollector, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from chargecloud.assembly import Platform
from chargecloud.domain.commands import Command
from chargecloud.domain.order_value import RUNNING, OrderState
from chargecloud.routes import Method, Route
from chargecloud.storage.roster import ROLES, Roster
from chargecloud.storage.writer import Writer
from chargecloud.web.event_stream import MEDIA_TYPE as EVENT_STREAM

#: of what happens within this machine
FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
#: of what goes over mobile networks; the last is the deadline of a command
SLOW_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15)
#: decisions that share a commit
BATCHES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


def _histogram(name: str, about: str, labels: Iterable[str], buckets: Iterable[float]) -> Histogram:
    return Histogram(
        f"chargecloud_{name}", about, tuple(labels), registry=None, buckets=tuple(buckets)
    )


@define(eq=False)
class Figures(Collector):
    """All figures of a node.

    @ivar data_dir: whose disk is looked at.
    """

    platform: Platform
    writer: Writer
    roster: Roster
    data_dir: Path
    registry: CollectorRegistry = field(init=False)
    _commit_s: Histogram = field(init=False)
    _batch: Histogram = field(init=False)
    _command_s: Histogram = field(init=False)
    _request_s: Histogram = field(init=False)
    _delay_s: Histogram = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._commit_s = _histogram("commit_seconds", "from the begin to the disk", (), FAST_S)
        self._batch = _histogram("commit_decisions", "that shared a commit", (), BATCHES)
        self._command_s = _histogram(
            "command_seconds",
            "from a command to its charger's answer, or to its end without one",
            ("dialect", "command", "outcome"),
            SLOW_S,
        )
        self._request_s = _histogram(
            "http_request_seconds", "of the HTTP API", ("method", "route", "status"), FAST_S
        )
        self._delay_s = _histogram(
            "reactor_delay_seconds", "by which a call of each second came late", (), FAST_S
        )
        self.registry = CollectorRegistry()
        timed = (self._commit_s, self._batch, self._command_s, self._request_s, self._delay_s)
        for each in (self, *timed):
            self.registry.register(each)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.writer.on_batch.append(self._committed)
        self.platform.gateway.answered = self._answered

    def text(self) -> str:
        """All of them, in Prometheus' text format."""
        return generate_latest(self.registry).decode()

    # ----------------------------------------------------------------------- what took time

    def _committed(self, decisions: int, took_s: float) -> None:
        self._commit_s.observe(took_s)
        self._batch.observe(decisions)

    def _answered(self, dialect: str, command: Command, outcome: str, took_s: float) -> None:
        self._command_s.labels(dialect, in_snake_case(type(command).__name__), outcome).observe(
            took_s
        )

    def requested(self, route: Route, status: int, took_s: float) -> None:
        """A request has been answered; how long somebody listened is no measure of that."""
        if route.media_type == EVENT_STREAM:
            return
        self._request_s.labels(route.method.value, route.path, str(status)).observe(took_s)

    def delayed(self, by_s: float) -> None:
        """The reactor made a call later than it should have."""
        self._delay_s.observe(by_s)

    # ------------------------------------------------------------------- what is so just now

    def collect(self) -> Iterable[Metric]:
        """Ask the rooms."""
        yield from self._of_gateway()
        yield from self._of_orders()
        yield from self._of_alarms()
        yield from self._of_payments()
        yield from self._of_storage()
        yield from self._of_nodes()
        yield _gauge("live_listeners", "to the live feed", len(self.platform.feed))

    def _of_gateway(self) -> Iterable[Metric]:
        gateway = self.platform.gateway
        yield _gauge("connections", "of chargers, open now", gateway.connections)
        yield _gauge("chargers_online", "logged in now", len(gateway.presence))
        yield _gauge("logins_under_way", "that wait for the database", gateway.logins.under_way)
        yield _counter("logins_postponed", "told to come back", gateway.logins.postponed)
        budget = gateway.login_budget
        yield _counter("logins_put_off", "of chargers that log in too often", budget.put_off)
        yield _counter("reading_paused", "of who sends too much", gateway.throttled)
        yield _counter("connections_turned_away", "refused for a limit", gateway.turned_away)
        heard = CounterMetricFamily(
            "chargecloud_heard",
            "what chargers said, by dialect and kind",
            None,
            ("dialect", "kind"),
        )
        for (dialect, kind), count in gateway.heard.items():
            heard.add_metric((dialect, in_snake_case(kind.__name__)), count)
        yield heard
        faults = CounterMetricFamily(
            "chargecloud_protocol_faults", "for which a connection was closed", None, ("code",)
        )
        for code, count in gateway.faults.items():
            faults.add_metric((code,), count)
        yield faults

    def _of_orders(self) -> Iterable[Metric]:
        book, clocks = self.platform.book, self.platform.clocks
        running = Counter(track.order.state for track in book.running())
        orders = GaugeMetricFamily("chargecloud_orders", "not billed yet", None, ("state",))
        for state in (*RUNNING, OrderState.ENDED):
            orders.add_metric((state.value,), running[state])
        yield orders
        came_to = CounterMetricFamily(
            "chargecloud_orders_came_to", "a state, since the start", None, ("state",)
        )
        for state in OrderState:
            came_to.add_metric((state.value,), book.came_to[state])
        yield came_to
        yield _gauge("clocks_distrusted", "that no charge is billed by", len(clocks.distrusted))
        yield _gauge("chargers_at_work", "of which a decision is under way", len(book.turns))

    def _of_alarms(self) -> Iterable[Metric]:
        failures = CounterMetricFamily(
            "chargecloud_sink_failures", "alarms that a sink has not taken", None, ("sink",)
        )
        delivering = self.platform.delivering
        for name in delivering.sinks:
            failures.add_metric((name,), delivering.failed[name])
        yield failures
        calls = self.platform.plugin_calls
        for name, what, counted in (
            ("slow", "calls that kept everybody waiting", calls.slow),
            ("failures", "calls that raised what they must not", calls.failures),
        ):
            family = CounterMetricFamily(
                f"chargecloud_plugin_{name}", what, None, ("kind", "plugin")
            )
            for key, number in counted.items():
                family.add_metric(key, number)
            yield family

    def _of_payments(self) -> Iterable[Metric]:
        channels = self.platform.channels
        failures = CounterMetricFamily(
            "chargecloud_payment_channel_failures", "questions not answered", None, ("channel",)
        )
        for name in channels.channels:
            failures.add_metric((name,), channels.failed[name])
        yield failures
        refused = CounterMetricFamily(
            "chargecloud_payment_notices_refused", "not believed", None, ("channel", "why")
        )
        for key, number in channels.refused.items():
            refused.add_metric(key, number)
        yield refused

    def _of_storage(self) -> Iterable[Metric]:
        yield _gauge("decisions_waiting", "for the next commit", self.writer.waiting)
        lag = GaugeMetricFamily(
            "chargecloud_log_lag", "entries that a feature has still to read", None, ("feature",)
        )
        # of a cluster's workers one has each: the others do not know where it is
        for following in filter(attrgetter("running"), self.platform.followings):
            lag.add_metric((following.follower.name,), following.lag)
        yield lag
        backlog = self.platform.backlog
        yield _gauge("spool_records", "that wait for the database", len(backlog))
        yield _gauge("spool_bytes", "of its file", backlog.spool.size)
        yield _counter("spool_applied", "records, to the database", backlog.applied)
        yield _counter("spool_refused", "records, set aside", backlog.refused)
        yield _gauge("spool_damaged_bytes", "set aside at the start", backlog.damaged_bytes)
        yield _gauge("disk_free_bytes", "where the data is", disk_usage(self.data_dir).free)

    def _of_nodes(self) -> Iterable[Metric]:
        post = self.platform.post
        yield _gauge("redis_up", "whether this node reaches the others", int(post.is_connected))
        yield _counter("messages_refused", "of an unknown seal, or too late", post.refused)
        nodes = GaugeMetricFamily("chargecloud_nodes", "that live", None, ("role",))
        for role in ROLES:
            nodes.add_metric((role,), len(self.roster.doing(role)))
        yield nodes


@define(eq=False, slots=False)
class Punctuality(Service):
    """Tells by how much the reactor is late: whatever holds it up holds up everything."""

    clock: IReactorTime
    late: Callable[[float], None]
    _call: LoopingCall | None = field(default=None, init=False)

    def startService(self) -> None:
        """Look each second."""
        super().startService()
        began_s = self.clock.seconds()
        # the call keeps to the seconds after its begin, and leaves out those it came too late for
        self._call = LoopingCall.withCount(
            lambda seconds: self.late(seconds - 1 + (self.clock.seconds() - began_s) % 1)
        )
        self._call.clock = self.clock
        self._call.start(1, now=False)

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        if self._call is not None:
            self._call.stop()
            self._call = None


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"chargecloud_{name}", about, value)


def _counter(name: str, about: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"chargecloud_{name}", about, value)


@cache
def in_snake_case(name: str) -> str:
    """C{ports_reported} for C{PortsReported}: what Prometheus' users write."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def metrics_route(text: Callable[[], str]) -> Route:
    """C{/metrics}, open to whoever reaches the HTTP port, as the two of health are: it names
    no charger, no person and no tenant."""
    return Route(
        method=Method.GET,
        path="/metrics",
        summary="The figures that a sysadmin watches, for Prometheus",
        answer=str,
        media_type=CONTENT_TYPE_PLAIN_0_0_4,
        run=lambda _call: text(),
        permission=None,
        tag="health",
        base="",
    )
