from typing import cast

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher

from chargecloud.calendar import Anchor, Calendar
from chargecloud.simulator.flash import FleetCharger, FleetMemory
from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.saving import Saving
from tests.harness import clock_at, result_of
from tests.simulator.charger_parts import Stand, bike, new_stand


def new_saving() -> tuple[Saving, Stand, Clock, list[str]]:
    """A fleet of one charger that is saved into a list."""
    stand, clock, texts = new_stand(), clock_at(), list[str]()
    keys = Keyring("SIM-0001", "00" * 16)
    memory = FleetMemory(chargers=[FleetCharger("SIM-0001", "3", keys, stand.charger.memory)])

    def write(text: str) -> "Deferred[None]":
        texts.append(text)
        return succeed(None)

    calendar = Calendar(clock.seconds, Anchor(clock.seconds(), stand.now, 60))
    saving = Saving(memory, [stand.charger], write, clock, calendar)
    saving.startService()
    clock.advance(0)
    texts.clear()
    return saving, stand, clock, texts


def test_a_change_is_saved_soon_and_many_at_once() -> None:
    """At most one write in two seconds, however much happens."""
    _, stand, clock, texts = new_saving()
    stand.charger.plug(1, bike(), stand.now)
    stand.start()
    assert texts == []
    clock.advance(2)
    assert len(texts) == 1
    assert '"order_id"' in texts[0]


def test_a_charge_is_saved_while_it_goes_on() -> None:
    """Each ten seconds, with its meter as it is then; an idle fleet is not saved again."""
    _, stand, clock, texts = new_saving()
    clock.advance(100)
    assert texts == []
    stand.charger.plug(1, bike(), stand.now)
    stand.start(limit_duration_s=9_000)
    clock.pump([0, 10, 10])
    assert len(texts) == 3
    assert len(set(texts)) == 3


def test_the_end_is_saved_last() -> None:
    """Stopping saves what has happened until then, and leaves no timer."""
    saving, stand, clock, texts = new_saving()
    stand.charger.plug(1, bike(), stand.now)
    stand.start()
    clock.advance(1)
    result_of(saving.stopService())
    assert len(texts) == 1
    charge = stand.charger.port(1).charge
    assert charge is not None
    assert charge.charged_s == 60
    assert clock.getDelayedCalls() == []


def test_writes_never_overtake_each_other() -> None:
    """A slow disk is waited for, and the next write has what is newest."""
    saving, stand, clock, _ = new_saving()
    writing: list[Deferred[None]] = []

    def write(text: str) -> "Deferred[None]":
        writing.append(Deferred())
        return writing[-1]

    saving.write = write
    stand.charger.plug(1, bike(), stand.now)
    clock.advance(2)
    rested: list[None] = []
    saving.stopService().addCallback(rested.append)
    assert len(writing) == 1
    writing[0].callback(None)
    assert len(writing) == 2
    assert rested == []
    writing[1].callback(None)
    assert rested == [None]


def test_a_write_that_fails_is_logged(request: pytest.FixtureRequest) -> None:
    """The fleet goes on, and is saved when something changes again."""
    saving, stand, clock, texts = new_saving()
    works, saving.write = saving.write, lambda _text: fail(OSError("the disk is full"))
    events: list[LogEvent] = []
    observer = cast(ILogObserver, events.append)
    globalLogPublisher.addObserver(observer)
    request.addfinalizer(lambda: globalLogPublisher.removeObserver(observer))
    stand.charger.plug(1, bike(), stand.now)
    clock.advance(2)
    assert [str(event["log_failure"].value) for event in events] == ["the disk is full"]
    saving.write = works
    stand.charger.unplug(1, stand.now)
    clock.advance(2)
    assert len(texts) == 1
