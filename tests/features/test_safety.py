"""A hot port has its charge stopped, and people are told."""

from pathlib import Path
from typing import Any

from sqlalchemy import select
from twisted.internet.defer import Deferred, fail

from chargecloud.domain.charger import Admission
from chargecloud.domain.events import PortReading, StopReason
from chargecloud.features.safety.feature import SafetyFeature, SafetySettings
from chargecloud.features.safety.model import PortHot
from chargecloud.storage.schema import event_log
from tests.harness import NOW, Notebook, result_of
from tests.world import World, native_plugins

CHARGER = Admission(charger_id=7, tenant_id=1, epoch=1, boot=1, booted_at=NOW)


def test_a_port_is_hot_from_the_limit_on() -> None:
    """At the limit it is, below it is not, and without a sensor nobody can tell."""
    watch = PortHot(750)
    assert watch.watch(CHARGER, PortReading(1, temperature_dc=749), NOW) is None
    assert watch.watch(CHARGER, PortReading(1), NOW) is None
    alarm = watch.watch(CHARGER, PortReading(1, temperature_dc=750), NOW)
    assert alarm is not None
    assert alarm.evidence == {"temperature_dc": 750, "limit_dc": 750}


def _raises(_alarm: object) -> "Deferred[None]":
    raise RuntimeError("broken")


def _world(folder: Path, *sinks: Notebook) -> World:
    plugins = native_plugins(
        features={"safety": SafetyFeature()},
        alarm_sinks={str(number): sink for number, sink in enumerate(sinks)},
    )
    return World(folder, plugins=plugins, feature_settings={"safety": SafetySettings()})


def _raised(world: World) -> list[Any]:
    found = select(event_log.c.body).where(event_log.c.kind == "alarm.raised")
    bodies: list[Any] = result_of(
        world.store.read(lambda connection: connection.execute(found).scalars().all())
    )
    return bodies


def test_a_hot_port_is_cut_and_told_once(tmp_path: Path) -> None:
    """The stop is asked for until it is done; the alarm comes once until it is good again."""
    sink = Notebook()
    world = _world(tmp_path, sink)
    box = world.box().connect()
    order = world.order(box)
    started = box.begin()
    box.report(3000, temperature_dc=400)
    assert (box.stops(), sink.alarms) == ([], [])
    for _ in range(3):
        world.clock.advance(60)
        box.report(3000, temperature_dc=800)
    world.clock.advance(0)
    assert len(box.stops()) == 3
    assert [alarm.rule for alarm in sink.alarms] == ["port-hot"]
    assert [body["rule"] for body in _raised(world)] == ["port-hot"]
    for stop in box.stops():
        box.accept(stop)
    box.end(2, started.order_id, 5_000_000, 180, StopReason.REMOTE)
    assert world.get(f"/orders/{order['id']}")["stop_reason"] == "safety"
    box.report(0, temperature_dc=300)
    box.report(0, temperature_dc=900)
    world.clock.advance(0)
    assert len(sink.alarms) == 2


def test_a_broken_sink_silences_no_other(tmp_path: Path) -> None:
    """One raises, one fails, one never answers: the last hears the alarm at once."""
    silent = Notebook(lambda _alarm: Deferred())
    sinks = (Notebook(_raises), Notebook(lambda _alarm: fail(OSError())), silent, Notebook())
    world = _world(tmp_path, *sinks)
    box = world.box().connect()
    world.order(box)
    box.begin()
    box.report(3000, temperature_dc=800)
    assert [len(sink.alarms) for sink in sinks] == [0, 0, 0, 0]
    world.clock.advance(0)
    assert [len(sink.alarms) for sink in sinks] == [1, 1, 1, 1]
    assert len(box.stops()) == 1
