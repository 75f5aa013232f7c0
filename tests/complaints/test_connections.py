"""What other platforms' users complain of, on the way between a charger and the cloud."""

import sqlite3
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chargecloud.dialects.native.received import HeartbeatAnswered, Ordered, Refused
from chargecloud.domain.charger import Secret
from chargecloud.domain.commands import Answer, StopCharge
from chargecloud.domain.events import VendorEvent
from chargecloud.gateway.reading import BURST_BYTES
from chargecloud.gateway.recurrences import CONTESTED
from tests.gateway.gate import Charger, Gate, Line, Office, logged_failures
from tests.gateway.line_dialect import PREAMBLE, PoliteLines
from tests.harness import result_of
from tests.world import World

STOP = StopCharge(order_id=1, port=1)
IMPOSTORS = Secret(bytes(16), 1)


class SlowOffice(Office):
    """An office whose database takes half a second for everything that it is asked."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def _give(self, name: str, result: Any) -> "Deferred[Any]":
        given: Deferred[Any] = Deferred()
        self._clock.callLater(0.5, given.callback, result)
        return given


# ----------------------------------------------------------------------------- 13: liveness


def test_a_charger_without_power_is_offline_when_its_promise_is_broken() -> None:
    """Complaint 13: a charger whose power was cut looked online for a quarter of an hour.

    Nothing comes any more, not even the end of its connection.
    """
    gate = Gate(heartbeat_s=60)
    charger = gate.charger().log_in()
    gate.clock.pump([10.0] * 3)
    charger.beat()
    cut_s = gate.clock.seconds()
    gate.clock.advance(89.9)
    assert gate.is_online("EB-1")
    gate.clock.advance(0.2)
    assert not gate.is_online("EB-1")
    assert [round(at.timestamp() - cut_s) for _, at in gate.office.lost] == [90]


def test_a_charger_that_comes_back_has_one_session() -> None:
    """Complaint 13: a charger that came back from a power cut had two sessions.

    It is back before its old connection is missed; that one goes, now and whenever its
    socket is found to be dead, and takes nothing with it.
    """
    gate = Gate()
    old = gate.charger().log_in()
    gate.clock.advance(40)
    new = gate.charger().log_in()
    assert len(gate.presence) == 1
    assert old.line.is_closing
    gate.clock.advance(60)
    new.beat()
    old.line.drop()
    assert (len(gate.presence), gate.gateway.connections) == (1, 1)
    assert gate.is_online("EB-1")
    assert gate.office.lost == []


# ------------------------------------------------------------------------- 14: one session table


def take_and_answer(charger: Charger) -> int:
    """A charger that does what it is told; how many commands it has been given."""
    charger.pump()
    ordered = [each for each in charger.heard if isinstance(each, Ordered)]
    if ordered:
        charger.wire.answer(ordered[-1].number, Answer(True))
        charger.pump()
    return len(ordered)


@given(st.lists(st.sampled_from(["comes back", "old one ends", "late answers"]), max_size=12))
def test_a_command_goes_to_the_newest_session_whatever_came_before(steps: list[str]) -> None:
    """Complaint 14: commands failed for want of a session while readings still came in.

    The charger comes back, its old connections end, and logins are committed, in any order:
    who is heard can be commanded, and on the connection on which it is heard.
    """
    gate = Gate()
    newest = gate.charger().log_in()
    old: list[Charger] = []
    gate.office.late = {"logged_in"}
    waiting: list[Charger] = []
    for step in steps:
        match step:
            case "comes back":
                waiting.append(gate.charger().log_in())
            case "old one ends" if old:
                old.pop(0).line.drop()
            case "late answers" if waiting:
                gate.office.answer()
                old.append(newest)
                newest = waiting.pop(0)
        before = take_and_answer(newest)
        answered = gate.routing.send(gate.office.ids["EB-1"], STOP)
        assert take_and_answer(newest) == before + 1
        assert result_of(answered) == Answer(True)
        assert newest.beat().heard[-1] == HeartbeatAnswered()
        assert len(gate.presence) == 1


# ------------------------------------------------------------------ 15: the same identity twice


def test_who_does_not_have_the_key_changes_nothing() -> None:
    """Complaint 15: a second connection with a charger's name cut the charger off.

    It may say the name as often as it likes, say nothing more, or guess: the charger is not
    displaced, is not asked whether it is there, and nobody is told of a contest.
    """
    gate = Gate()
    charger = gate.charger().log_in()
    for _ in range(20):
        impostor = gate.charger("EB-1", IMPOSTORS)
        impostor.wire.hello(uptime_s=1)
        impostor.line.say(impostor.wire.data_to_send())
        impostor.line.say(bytes((0xC2, 20)) + bytes(20))
        silent = gate.charger("EB-1", IMPOSTORS)
        silent.wire.hello(uptime_s=1)
        silent.line.say(silent.wire.data_to_send())
        gate.clock.advance(16)
        assert impostor.line.is_closing
        assert silent.line.is_closing
        assert charger.beat().heard[-1] == HeartbeatAnswered()
    assert not charger.line.is_closing
    answered = gate.routing.send(gate.office.ids["EB-1"], STOP)
    take_and_answer(charger)
    assert result_of(answered) == Answer(True)
    assert not gate.office.contests
    assert not gate.office.lost
    assert [what for what, _ in gate.office.asked].count("logged_in") == 1


def test_two_boxes_with_one_key_are_told() -> None:
    """Complaint 15: nobody saw that a charger had been copied.

    Whoever has the key is the charger, and the newest wins; that two of them displace each
    other is told once, to those who can look at them.
    """
    gate = Gate()
    charger = gate.charger().log_in()
    for displaced in range(1, 8):
        gate.clock.advance(5)
        other = gate.charger().log_in()
        assert charger.line.is_closing
        charger = other
        assert len(gate.office.contests) == (displaced >= CONTESTED)
    assert gate.office.contests[0][1] == CONTESTED
    assert gate.is_online("EB-1")


# ---------------------------------------------------------------------- 16: commands have an end


@given(
    st.lists(st.sampled_from(["answered", "refused", "silent", "cancelled"]), max_size=20),
    st.sampled_from(["stays", "dropped", "displaced", "broken", "silent", "stopped"]),
)
def test_every_command_comes_to_an_end(commands: list[str], connection: str) -> None:
    """Complaint 16: a request waited for ever when the charger did not answer.

    Whatever becomes of commands and of the connection, each has a result or a reason within
    its deadline, and nothing waits on.
    """
    gate = Gate()
    charger = gate.charger().log_in()
    ended: Counter[int] = Counter()
    asked = []
    for number, fate in enumerate(commands):
        answered = gate.routing.send(1, STOP, deadline_s=20.0)
        answered.addBoth(_count, ended, number)
        asked.append(answered)
        if fate == "cancelled":
            answered.cancel()
    charger.pump()
    for number, fate in enumerate(commands, start=1):
        if fate in ("answered", "refused"):
            charger.wire.answer(number, Answer(fate == "answered"))
    charger.pump()
    match connection:
        case "dropped":
            charger.line.drop()
        case "displaced":
            gate.charger().log_in()
        case "broken":
            charger.line.say(bytes((0xC2, 40)) + bytes(40))
        case "silent":
            gate.clock.advance(90)
        case "stopped":
            gate.gateway.close_all()
    gate.clock.advance(20)
    assert ended == Counter(range(len(commands)))
    assert all(each.called for each in asked)


def _count(_result: object, ended: Counter[int], number: int) -> None:
    ended[number] += 1


# ----------------------------------------------------------------- 17: boots within a moment


@contextmanager
def failing_once(engine: Engine, begins: str) -> Iterator[list[str]]:
    """A database that fails the second statement that begins so, as one does that found two
    of its transactions in each other's way; what failed."""
    seen: list[str] = []
    failed: list[str] = []

    def execute(_connection: Any, _cursor: Any, statement: str, *given: Any) -> None:
        if statement.startswith(begins):
            seen.append(statement)
            if len(seen) == 2:
                failed.append(statement)
                raise OperationalError(statement, given[0], sqlite3.OperationalError("deadlock"))

    event.listen(engine, "before_cursor_execute", execute)
    try:
        yield failed
    finally:
        event.remove(engine, "before_cursor_execute", execute)


@pytest.mark.parametrize("begins", ["SELECT", "UPDATE"])
def test_a_burst_of_boots_gets_in_though_the_database_fails(tmp_path: Path, begins: str) -> None:
    """Complaint 17: chargers that booted within a millisecond were in each other's way in the
    database, and were told that they had broken the protocol.

    One login fails, while it is looked up or while it is committed.  It is our trouble: it is
    logged once, no charger hears of it, the others get in, and so does this one when it
    comes again.
    """
    world = World(tmp_path)
    site = world.site()
    boxes = [world.box(site, f"EB-{number:04}") for number in range(8)]
    gateway = world.platform.gateway
    with failing_once(world.store.engine, begins) as failed, logged_failures() as failures:
        for box in boxes:
            box.connect()
    assert len(failed) == len(failures) == 1
    outside = [box for box in boxes if gateway.presence.find(box.id) is None]
    assert len(outside) == 1
    outside[0].drop()
    outside[0].connect()
    assert all(gateway.presence.find(box.id) for box in boxes)
    assert not any(isinstance(each, Refused) for box in boxes for each in box.heard)
    assert not gateway.faults


# ------------------------------------------------------------------- 20: all come back at once


@define
class Returning:
    """A box that was without a connection, and has kept a record: it comes back, and does as
    it is told."""

    gate: Gate
    number: int
    line: Line | None = None
    kept: bool = False
    tries: int = 0

    def come(self) -> None:
        """Connect, and say who it is."""
        self.tries += 1
        self.line = line = self.gate.open(f"10.{self.number % 10}.0.1")
        self.hear(line, line.say(PREAMBLE + f"claim B{self.number}\n".encode()))

    def hear(self, line: Line, heard: bytes) -> None:
        """Go on by what the cloud says."""
        for said in heard.decode().splitlines():
            match said.split():
                case ["welcome", who]:
                    self.hear(line, line.say(f"login {who}\nend {who} 1\n".encode()))
                case ["kept", _who, "1"]:
                    self.kept = True
                case ["later", _who, retry_s]:
                    assert line.is_closing
                    line.drop()
                    self.line = None
                    self.gate.clock.callLater(int(retry_s), self.come)

    def look(self) -> None:
        """See whether something has come."""
        if self.line is not None:
            self.hear(self.line, self.line.take())


def test_chargers_that_come_back_together_all_get_in() -> None:
    """Complaint 20: chargers that had kept what they had to tell came back at once, and the
    server broke down under them.

    2,000 of them in the same instant, and a database that takes half a second for each step
    of 64: the others are told to come later.  All are in, with their records, within two
    minutes, and none of them had to try for ever.
    """
    gate = Gate(PoliteLines(), logins_at_a_time=64)
    gate.gateway.events = office = SlowOffice(gate.clock)
    boxes = [Returning(gate, number) for number in range(2_000)]
    most = 0
    for box in boxes:
        box.come()
        most = max(most, gate.gateway.logins.under_way)
    waited_s = 0.0
    while not all(box.kept for box in boxes):
        assert waited_s < 120
        gate.clock.advance(0.5)
        waited_s += 0.5
        for box in boxes:
            box.look()
        most = max(most, gate.gateway.logins.under_way)
    assert gate.gateway.logins.postponed > 1_900
    # those who were welcomed are let through: at most as many again
    assert most <= 2 * 64
    assert max(box.tries for box in boxes) < 30
    assert len(gate.presence) == 2_000
    told = Counter(admission.charger_id for admission, _ in office.facts)
    assert told == Counter(range(1, 2_001))
    assert not gate.gateway.faults


# ------------------------------------------------------------------------- 21: one in a loop


@define
class Loop:
    """A charger whose program runs in a loop: it always has more to say than is taken.

    @ivar backlog: bytes in its socket, which TCP lets go as fast as they are read.
    """

    line: Line
    backlog: deque[bytes]
    answers: list[bytes] = field(factory=list)
    read: int = 0

    def push(self) -> None:
        """Say what is taken now."""
        while self.backlog and self.line.transport.producerState == "producing":
            piece = self.backlog.popleft()
            self.read += len(piece)
            self.answers.append(self.line.say(piece))


def pieces(data: bytes, random: Random) -> Iterator[bytes]:
    """Bytes as a network may bring them."""
    place = 0
    for size in cycle([1, 60, 1_460, 4_096, random.randrange(2_000, 10_000)]):
        if place >= len(data):
            return
        yield data[place : place + size]
        place += size


def test_a_charger_in_a_loop_costs_only_itself() -> None:
    """Complaint 21: one controller in a loop brought the server down, and hours of everybody's
    data were lost.

    It is read as fast as its allowance and not faster, whatever it has to say; its neighbours
    are served at once all the while; and in the end everything that it said was taken, once
    and in order.
    """
    gate = Gate(bytes_a_second=4_096)
    neighbours = [gate.charger(f"EB-{number}").log_in() for number in range(20)]
    host = gate.host("LOOP")
    said = 30_000
    flood = b"".join(f"end LOOP {number}\n".encode() for number in range(said))
    loop = Loop(host, deque(pieces(flood, Random(21))))
    began_s, full_s = gate.clock.seconds(), len(flood) / 4_096
    while loop.backlog:
        loop.push()
        passed_s = gate.clock.seconds() - began_s
        assert passed_s <= full_s
        assert loop.read <= BURST_BYTES + 4_096 * passed_s + 10_000
        for neighbour in neighbours:
            before = len(neighbour.heard)
            assert neighbour.beat().heard[before:] == [HeartbeatAnswered()]
        gate.clock.advance(1)
    assert not host.is_closing
    assert gate.is_online("LOOP")
    ends = [event for _, event in gate.office.facts if isinstance(event, VendorEvent)]
    assert [event.fields["number"] for event in ends] == [str(number) for number in range(said)]
    answers = b"".join(loop.answers).splitlines()
    assert answers == [f"kept LOOP {number}".encode() for number in range(said)]
    assert all(gate.is_online(f"EB-{number}") for number in range(20))
