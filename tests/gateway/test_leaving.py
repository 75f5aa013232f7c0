"""A node that leaves sends its chargers away, a few at a time."""

from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred, succeed

from chargecloud.dialects.native.received import Ordered
from chargecloud.domain.commands import Answer, ComeBack, Command
from chargecloud.gateway.leaving import ANSWER_S, COME_BACK_S, STEP_S, Leaving
from chargecloud.gateway.routing import Routing
from tests.gateway.gate import Charger, Gate
from tests.harness import result_of


def told(charger: Charger) -> list[Ordered]:
    """The words to come back that it was given."""
    charger.pump()
    return [
        each
        for each in charger.heard
        if isinstance(each, Ordered) and isinstance(each.command, ComeBack)
    ]


def obey(charger: Charger) -> None:
    """Answer, hang up, as it is told."""
    (ordered,) = told(charger)
    charger.wire.answer(ordered.number, Answer(True))
    charger.pump()
    charger.line.drop()


def leaving(gate: Gate, a_second: int = 20) -> Leaving:
    """From a gate."""
    return Leaving(gate.routing, gate.clock, a_second)


def begin(gate: Gate, made: Leaving, within_s: float = 60) -> "Deferred[None]":
    """Leave, within a time."""
    return Deferred.fromCoroutine(made.leave(gate.clock.seconds() + within_s))


def test_chargers_are_told_at_a_pace() -> None:
    """Never more than so many in a second, and all of them."""
    gate = Gate(connections=100, connections_an_address=100)
    chargers = [gate.charger(f"EB-{number}").log_in() for number in range(50)]
    made = leaving(gate, a_second=20)
    left = begin(gate, made)
    counts = []
    for _ in range(30):
        counts.append(sum(bool(told(each)) for each in chargers))
        gate.clock.advance(STEP_S)
    steps = [after - before for before, after in zip([0, *counts], counts, strict=False)]
    assert steps[:25] == [2] * 25
    assert counts[-1] == made.told == 50
    for each in chargers:
        assert told(each)[0].command == ComeBack(COME_BACK_S)
        obey(each)
    assert left.called
    assert len(gate.presence) == 0


def test_a_slow_pace_is_one_at_a_time() -> None:
    """A pace below one a step is not nothing."""
    gate = Gate()
    chargers = [gate.charger(f"EB-{number}").log_in() for number in range(3)]
    begin(gate, leaving(gate, a_second=1))
    assert [len(told(each)) for each in chargers] == [1, 0, 0]
    gate.clock.advance(STEP_S)
    assert [len(told(each)) for each in chargers] == [1, 1, 0]
    gate.clock.advance(60)


def test_a_silent_charger_is_hung_up_on() -> None:
    """It is not waited for any longer than it takes to answer."""
    gate = Gate()
    silent = gate.charger().log_in()
    left = begin(gate, leaving(gate))
    silent.pump()
    gate.clock.pump([0.5] * int(ANSWER_S * 2 + 1))
    assert left.called
    assert silent.line.is_closing


def test_a_host_without_words_for_it_is_hung_up_on_at_once() -> None:
    """Its dialect cannot say it: it comes back by itself when it finds no connection."""
    gate = Gate()
    line = gate.host("A", "B")
    left = begin(gate, leaving(gate))
    gate.clock.advance(STEP_S)
    assert left.called
    assert line.is_closing


def test_its_time_is_over() -> None:
    """Those that are still to be told are left to the end of the connections."""
    gate = Gate(connections=100, connections_an_address=100)
    chargers = [gate.charger(f"EB-{number}").log_in() for number in range(50)]
    made = leaving(gate, a_second=20)
    left = begin(gate, made, within_s=1)
    gate.clock.pump([STEP_S] * 15)
    assert made.told in (20, 22)
    assert sum(bool(told(each)) for each in chargers) == made.told
    # those that were told may still answer
    gate.clock.advance(ANSWER_S)
    assert left.called


def test_nobody_is_here() -> None:
    """It is over at once."""
    gate = Gate()
    result_of(leaving(gate).leave(gate.clock.seconds() + 60))
    assert gate.clock.getDelayedCalls() == []


@define
class OtherNodes:
    """Keeps what would be sent there."""

    sent: list[tuple[int, Command]] = field(factory=list)

    def send(self, charger_id: int, command: Command, deadline_s: float) -> "Deferred[Answer]":
        """Keep it."""
        self.sent.append((charger_id, command))
        return succeed(Answer(True))

    def hang_up(self, charger_id: int) -> None:
        """Not looked at here."""


def test_a_charger_that_has_moved_stays_where_it_is() -> None:
    """It went before its turn, and is at another node by now: it must not be sent from there."""
    gate = Gate()
    chargers = [gate.charger(f"EB-{number}").log_in() for number in range(3)]
    elsewhere = OtherNodes()
    made = Leaving(Routing(gate.presence, elsewhere), gate.clock, a_second=1)
    left = begin(gate, made)
    chargers[2].line.drop()
    for each in chargers[:2]:
        gate.clock.advance(STEP_S)
        obey(each)
    gate.clock.advance(STEP_S)
    assert left.called
    assert elsewhere.sent == []
    assert made.told == 2


@pytest.mark.parametrize("accepts", [True, False])
def test_whatever_it_answers(accepts: bool) -> None:
    """One that will not come back stays until its connection is ended with the others."""
    gate = Gate()
    charger = gate.charger().log_in()
    left = begin(gate, leaving(gate))
    (ordered,) = told(charger)
    charger.wire.answer(ordered.number, Answer(accepts, "ok" if accepts else "refused"))
    charger.pump()
    gate.clock.advance(STEP_S)
    assert left.called
    closed: Any = charger.line.is_closing
    assert not closed
