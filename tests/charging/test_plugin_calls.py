"""A plugin that keeps everybody waiting is named, and one that fails is counted."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from chargecloud.calendar import Calendar
from chargecloud.charging.plugin_calls import SLOW_S, TOLD_EVERY_S, PluginCalls
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
    plugin_calls = PluginCalls(Calendar(clock.seconds), clock.seconds, told.append)
    for _ in range(3):
        plugin_calls.took("tariff", "t", SLOW_S)
        plugin_calls.took("tariff", "t", SLOW_S / 2)
    assert (len(told), plugin_calls.slow["tariff", "t"]) == (1, 3)
    plugin_calls.took("dialect", "t", SLOW_S)
    assert len(told) == 2
    clock.advance(TOLD_EVERY_S)
    plugin_calls.took("tariff", "t", SLOW_S)
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


def test_a_tariff_that_fails_is_counted(tmp_path: Path) -> None:
    """By its kind; the charge begins all the same, and terms that it refuses are no failure."""

    class Broken(ByTime):
        def boundaries(
            self, terms: Any, zone: ZoneInfo, after: datetime, until: datetime
        ) -> list[datetime]:
            raise KeyError(terms)

    world = World(tmp_path, plugins=evolve(native_plugins(), tariffs={"by_time": Broken()}))
    refused = {"name": "t", "kind": "by_time", "terms": {"price_fen": "much"}}
    assert world.http("POST", "/tariffs", refused)[0] == 422
    assert not world.platform.plugin_calls.failures
    terms = {"price_fen": 100, "block_s": 9_000, "electricity": 60_000}
    box = world.box(world.site(terms, "by_time")).connect()
    order = world.order(box, world.customer())
    box.begin()
    world.pass_time(120, lambda: box.report(1_000))
    assert world.platform.plugin_calls.failures["tariff", "by_time"] > 0
    assert world.get(f"/orders/{order['id']}")["state"] == "charging"


@pytest.mark.parametrize("where", ["receive", "recognises"])
def test_a_dialect_that_fails_is_counted(tmp_path: Path, where: str) -> None:
    """Its connection is closed, and others are served."""

    class Falls(NativeConversation):
        def receive(self, data: bytes) -> Any:
            raise KeyError(data)

    class Brittle(NativeDialect):
        def recognises(self, first: bytes) -> bool | None:
            if where == "recognises":
                raise KeyError(first)
            return super().recognises(first)

        def conversation(self, record: Any = None, seconds: Any = None) -> Any:
            return Falls(self.entropy, record)

    world = World(tmp_path, plugins=evolve(native_plugins(), dialects={"native": Brittle()}))
    world.box().connect()
    named = "native" if where == "receive" else "none yet"
    assert world.platform.plugin_calls.failures == {("dialect", named): 1}
