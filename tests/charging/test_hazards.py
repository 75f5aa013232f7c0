"""What chargers find dangerous: kept once, told to people, and stopped where they have not."""

from typing import Any

import pytest
from attrs import define, evolve, field
from sqlalchemy import select
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.commands import SetTime
from chargecloud.domain.errors import ChargerOffline
from chargecloud.domain.events import BoxReading, HazardTold, Outcome
from chargecloud.domain.hazards import LEVELS, Hazard, SafetyAction
from chargecloud.gateway.protocol import MOST_COMMANDS
from chargecloud.interfaces import IAlarmSink
from chargecloud.storage.schema import hazards
from tests.harness import result_of
from tests.world import Box, World, native_plugins


@implementer(IAlarmSink)
@define
class Ear:
    """A sink that remembers."""

    name: str = "ear"
    heard: list[Alarm] = field(factory=list)

    def deliver(self, alarm: Alarm) -> "Deferred[None]":
        """Hear it."""
        self.heard.append(alarm)
        return succeed(None)


@pytest.fixture
def ear() -> Ear:
    """Who hears of alarms."""
    return Ear()


@pytest.fixture
def box(tmp_path: Any, ear: Ear) -> Box:
    """A charger that charges."""
    world = World(tmp_path, plugins=native_plugins(alarm_sinks={"ear": ear}))
    made = world.box().connect()
    world.order(made)
    made.pump().begin()
    return made


def hot(box: Box, action: SafetyAction = SafetyAction.PORT_CUT) -> HazardTold:
    """Its port is too hot."""
    return HazardTold(Hazard.OVER_TEMPERATURE, action, box.now, 1, value=861, limit=850)


def rows(world: World) -> list[Any]:
    """What is written down."""
    found: list[Any] = result_of(world.store.read(lambda c: list(c.execute(select(hazards)))))
    return found


def test_a_hazard_is_kept_once_and_told_once(box: Box, ear: Ear) -> None:
    """However often its record is sent: over the connection, and over a new one."""
    told = hot(box)
    box.hazard(7, told)
    box.hazard(7, told)
    box.drop()
    box.connect()
    box.hazard(7, told)
    box.world.clock.advance(0)
    assert [(kept.record, kept.outcome) for kept in box.kept() if kept.record == 7] == [
        (7, Outcome.KEPT)
    ] * 3
    (row,) = rows(box.world)
    assert (row.hazard, row.action, row.port, row.value) == ("over_temperature", "port_cut", 1, 861)
    assert [(alarm.rule, alarm.level) for alarm in ear.heard] == [
        ("over-temperature", Level.CRITICAL)
    ]
    assert len(box.world.logged("alarm.raised")) == 1


def test_it_is_told_when_it_is_over(box: Box, ear: Ear) -> None:
    """As a notice, with the same rule."""
    box.hazard(7, hot(box))
    box.hazard(8, evolve(hot(box, SafetyAction.NONE), is_over=True))
    box.world.clock.advance(0)
    assert [(alarm.level, alarm.evidence["is_over"]) for alarm in ear.heard] == [
        (Level.CRITICAL, False),
        (Level.NOTICE, True),
    ]
    assert box.stops() == []


def test_who_has_cut_by_itself_is_not_asked_to(box: Box) -> None:
    """It tells the end of its charge by itself: no byte is spent."""
    box.hazard(7, hot(box))
    assert box.stops() == []


def test_a_charger_that_only_tells_is_stopped(box: Box) -> None:
    """A critical danger with nothing done about it: the port's charge is stopped."""
    box.hazard(7, hot(box, SafetyAction.NONE))
    assert len(box.stops()) == 1


def test_a_stop_that_could_not_be_sent_is_not_on_its_way(box: Box) -> None:
    """The charger had too many commands to answer: what is told next has it stopped."""
    routing = box.world.platform.book.routing
    waiting = [routing.send(box.id, SetTime(1)) for _ in range(MOST_COMMANDS)]
    box.hazard(7, hot(box, SafetyAction.NONE))
    assert box.stops() == []
    box.accept(box.orders(SetTime)[0])
    box.report()
    assert len(box.stops()) == 1
    box.report()
    assert len(box.stops()) == 1
    for each in waiting[1:]:
        each.addErrback(lambda lost: lost.trap(ChargerOffline))
    box.drop()


def test_a_danger_of_the_box_stops_all_of_it(box: Box) -> None:
    """It names no port."""
    told = HazardTold(Hazard.WATER, SafetyAction.NONE, box.now)
    box.hazard(7, told)
    assert len(box.stops()) == 1


def test_an_unknown_danger_is_taken_for_critical() -> None:
    """A later version's hazard errs towards safety, and every hazard has a level."""
    assert LEVELS[Hazard.UNKNOWN] is Level.CRITICAL
    assert set(LEVELS) == set(Hazard)


def test_smoke_in_a_report_is_seen_before_its_record(box: Box, ear: Ear) -> None:
    """The report may come first, or the record never: told once until the air is clear."""
    box.sense(BoxReading(smoke=True))
    box.sense(BoxReading(smoke=True))
    box.world.clock.advance(0)
    assert [alarm.rule for alarm in ear.heard] == ["box-smoke"]
    assert len(box.stops()) == 1
    box.sense(BoxReading(smoke=False))
    box.sense(BoxReading(signal_dbm=-80))
    box.sense(BoxReading(smoke=True))
    box.world.clock.advance(0)
    assert [alarm.rule for alarm in ear.heard] == ["box-smoke", "box-smoke"]


def test_a_hazard_of_another_boot_has_its_own_time(box: Box) -> None:
    """A record from a start that was never seen is kept with the time that it came at: an
    unknown time is not 1970."""
    told = evolve(hot(box), at=evolve(box.now, boot=999))
    box.world.pass_time(60, box.heartbeat)
    box.hazard(9, told)
    (row,) = rows(box.world)
    assert row.at == row.received_at
