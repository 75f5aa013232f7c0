"""Alarms reach every sink at least once, whatever the others do and whenever it stops."""

from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, fail, succeed

from chargecloud.charging.delivering import DEADLINE_S
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.failing import BACKOFF_S, SUSPENDED_AFTER
from chargecloud.registry.tokens import PLATFORM
from chargecloud.storage.schema import deliveries
from tests.harness import NOW, Notebook, result_of, rows_of
from tests.nodes.in_step import know_each_other, node
from tests.outage import Outage
from tests.world import World, native_plugins


class Moody:
    """What a sink answers: it fails as long as it is told to."""

    def __init__(self) -> None:
        self.fails = True

    def __call__(self, _result: object) -> "Deferred[Any]":
        return fail(OSError("no network")) if self.fails else succeed(None)


def alarm(rule: str = "port-hot") -> Alarm:
    """An alarm."""
    return Alarm(rule=rule, level=Level.CRITICAL, tenant_id=1, charger_id=7, at=NOW)


def world_of(folder: Path, *sinks: Notebook, clock: Any = None, slot: int = 1) -> World:
    """A platform with some sinks."""
    named = {sink.name: sink for sink in sinks}
    plugins = evolve(native_plugins(), alarm_sinks=named)
    return World(folder, clock, plugins=plugins, slot=slot)


def tell(world: World, *alarms: Alarm) -> None:
    """Raise alarms."""
    for each in alarms:
        world.platform.watching.tell(each)
    world.clock.advance(0)
    world.clock.advance(0)


def test_a_sink_that_fails_is_tried_later_and_later(tmp_path: Path) -> None:
    """And after some failures in a row the other sinks are told, and when it is over too."""
    mood = Moody()
    moody, steady = Notebook(mood, "moody"), Notebook(name="steady")
    world = world_of(tmp_path, moody, steady)
    tell(world, alarm())
    for tried, after_s in enumerate(BACKOFF_S, 1):
        assert len(moody.alarms) == tried
        world.clock.advance(after_s - 0.1)
        assert len(moody.alarms) == tried
        world.clock.advance(0.1)
    told = [(each.rule, each.tenant_id, dict(each.evidence)) for each in steady.alarms[1:]]
    assert len(BACKOFF_S) == SUSPENDED_AFTER
    assert told == [("sink-fails", PLATFORM, {"sink": "moody", "is_over": False})]
    assert world.platform.delivering.failed == {"moody": SUSPENDED_AFTER + 1}
    mood.fails = False
    world.clock.advance(BACKOFF_S[-1])
    world.clock.advance(0)
    assert steady.alarms[-1].evidence == {"sink": "moody", "is_over": True}
    assert rows_of(world.store, deliveries) == []


def test_what_was_not_delivered_is_delivered_after_a_restart(tmp_path: Path) -> None:
    """And what was is not again."""
    broken = Notebook(lambda _: fail(OSError()), "pager")
    world = world_of(tmp_path, broken, Notebook(name="steady"))
    tell(world, alarm("smoke"))
    world.killed()
    pager, steady = Notebook(name="pager"), Notebook(name="steady")
    again = world_of(tmp_path, pager, steady, clock=world.clock)
    again.clock.advance(0)
    assert pager.alarms == [alarm("smoke")]
    assert steady.alarms == []
    assert rows_of(again.store, deliveries) == []


def test_an_alarm_that_a_sink_cannot_take_holds_up_no_other(tmp_path: Path) -> None:
    """It waits behind the others."""
    delivered: list[str] = []

    class Picky(Notebook):
        def deliver(self, alarm: Alarm) -> "Deferred[None]":
            if alarm.rule == "too-long":
                return fail(ValueError(alarm.rule))
            delivered.append(alarm.rule)
            return succeed(None)

    world = world_of(tmp_path, Picky(name="picky"))
    tell(world, alarm("too-long"), alarm("smoke"), alarm("water"))
    world.clock.advance(BACKOFF_S[0])
    world.clock.advance(0)
    assert delivered == ["smoke", "water"]


def test_a_sink_that_never_answers_has_failed(tmp_path: Path) -> None:
    """After a while; it is asked again."""
    silent = Notebook(lambda _: Deferred(), "silent")
    world = world_of(tmp_path, silent)
    tell(world, alarm())
    world.clock.advance(DEADLINE_S)
    world.clock.advance(BACKOFF_S[0])
    assert len(silent.alarms) == 2


def test_a_database_that_is_away_keeps_no_alarm_from_anybody(tmp_path: Path) -> None:
    """What cannot be written down is delivered all the same."""
    steady = Notebook(name="steady")
    world = world_of(tmp_path, steady)
    world.store.writer.closed = True
    tell(world, alarm("fire"))
    assert [each.rule for each in steady.alarms] == ["fire"]
    world.store.writer.closed = False
    assert result_of(world.platform.delivering.take_up()) is None


def test_an_alarm_that_cannot_be_read_keeps_none_from_starting(tmp_path: Path) -> None:
    """It was written by a version that knows levels which this one does not."""
    world = world_of(tmp_path, Notebook(lambda _: fail(OSError()), "pager"))
    tell(world, alarm("strange"), alarm("smoke"))
    (strange, _smoke) = rows_of(world.store, deliveries)
    told = {**strange["alarm"], "level": "apocalypse"}
    with world.store.engine.begin() as connection:
        connection.execute(
            deliveries.update().where(deliveries.c.id == strange["id"]).values(alarm=told)
        )
    world.killed()
    pager = Notebook(name="pager")
    again = world_of(tmp_path, pager, clock=world.clock)
    again.clock.advance(0)
    assert pager.alarms == [alarm("smoke")]
    assert [row["id"] for row in rows_of(again.store, deliveries)] == [strange["id"]]


def test_alarms_that_a_gone_node_left_are_looked_for_until_they_are_read(tmp_path: Path) -> None:
    """The database was away just then."""
    a = world_of(tmp_path, Notebook(lambda _: Deferred(), "pager"))
    pager = Notebook(name="pager")
    b = world_of(tmp_path, pager, clock=a.clock, slot=2)
    know_each_other(a, b)
    tell(a, alarm("smoke"))
    a.killed()
    delivering, outage = b.platform.delivering, Outage(b.store.engine)
    delivering.look()
    b.store.roster.look([node(b)], b.clock.seconds())
    outage.is_away = True
    delivering.look()
    outage.is_away = False
    assert outage.failed == 1
    delivering.look()
    b.clock.advance(0)
    assert pager.alarms == [alarm("smoke")]
    delivering.look()
    b.clock.advance(0)
    assert len(pager.alarms) == 1
