"""A plugin that keeps everybody waiting is named."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve

from chargecloud.calendar import Calendar
from chargecloud.charging.slowness import SLOW_S, TOLD_EVERY_S, Slowness
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.host import NativeConversation
from chargecloud.domain.alarm import Alarm
from chargecloud.money.by_time import ByTime
from tests.harness import Notebook, clock_at
from tests.world import World, native_plugins


def alarms(sink: Notebook) -> list[Any]:
    """What was told of slow plugins."""
    return [dict(each.evidence) for each in sink.alarms if each.rule == "plugin-slow"]


def test_a_slow_tariff_is_named(tmp_path: Path) -> None:
    """With its kind and how long it took; it is used all the same."""

    class Thoughtful(ByTime):
        def boundaries(
            self, terms: Any, zone: ZoneInfo, after: datetime, until: datetime
        ) -> list[datetime]:
            world.clock.rightNow += 2 * SLOW_S
            return []

    sink = Notebook()
    plugins = evolve(
        native_plugins(), tariffs={"by_time": Thoughtful()}, alarm_sinks={sink.name: sink}
    )
    world = World(tmp_path, plugins=plugins)
    terms = {"price_fen": 100, "block_s": 9_000, "electricity": 60_000}
    box = world.box(world.site(terms, "by_time")).connect()
    order = world.order(box, world.customer())
    box.begin()
    world.pass_time(600, lambda: box.report(1_000))
    assert alarms(sink) == [{"kind": "tariff", "name": "by_time", "milliseconds": 200}]
    assert world.get(f"/orders/{order['id']}")["state"] == "charging"


def test_it_is_named_once_an_hour() -> None:
    """Each call counts."""
    clock, told = clock_at(), list[Alarm]()
    slowness = Slowness(Calendar(clock.seconds), clock.seconds, told.append)
    for _ in range(3):
        slowness.took("tariff", "t", SLOW_S)
        slowness.took("tariff", "t", SLOW_S / 2)
    assert (len(told), slowness.slow["tariff", "t"]) == (1, 3)
    slowness.took("dialect", "t", SLOW_S)
    assert len(told) == 2
    clock.advance(TOLD_EVERY_S)
    slowness.took("tariff", "t", SLOW_S)
    assert len(told) == 3


def test_a_slow_dialect_is_named(tmp_path: Path) -> None:
    """Whatever it does in that time, nobody else is served."""

    class Thinking(NativeConversation):
        def receive(self, data: bytes) -> Any:
            world.clock.rightNow += 3 * SLOW_S
            return super().receive(data)

    class Ponderous(NativeDialect):
        def conversation(self, record: Any = None, seconds: Any = None) -> Any:
            return Thinking(self.entropy, record)

    sink = Notebook()
    plugins = evolve(
        native_plugins(), dialects={"native": Ponderous()}, alarm_sinks={sink.name: sink}
    )
    world = World(tmp_path, plugins=plugins)
    world.box().connect()
    world.clock.advance(0)
    assert alarms(sink) == [{"kind": "dialect", "name": "native", "milliseconds": 300}]
