"""All connections of a node: their limits, their counts, their end."""

from collections import Counter

from twisted.internet.testing import StringTransport

from chargecloud.dialects.native.received import Welcomed
from chargecloud.gateway.gateway import TurnedAway
from chargecloud.gateway.settings import Limits
from tests.gateway.gate import Gate


def turn_away(gate: Gate, host: str = "10.0.0.1") -> None:
    """Open a connection that is one too many."""
    before = gate.gateway.turned_away, gate.gateway.connections
    line = gate.open(host)
    assert isinstance(line.protocol, TurnedAway)
    assert line.is_aborted
    line.drop()
    assert (gate.gateway.turned_away, gate.gateway.connections) == (before[0] + 1, before[1])


def test_connections_have_a_limit() -> None:
    """The next one is turned away and counted, until one has gone."""
    gate = Gate(connections=3)
    lines = [gate.open(f"10.0.0.{last}") for last in range(3)]
    turn_away(gate, "10.0.0.99")
    lines[0].drop()
    assert not gate.open("10.0.0.99").is_closing
    turn_away(gate, "10.0.0.99")


def test_connections_of_an_address_have_a_limit() -> None:
    """Other addresses come in all the same."""
    gate = Gate(connections_an_address=2)
    line = gate.open("10.0.0.1")
    gate.open("10.0.0.1")
    turn_away(gate, "10.0.0.1")
    assert not gate.open("10.0.0.2").is_closing
    line.drop()
    assert not gate.open("10.0.0.1").is_closing


def test_a_connection_counts_until_it_has_gone() -> None:
    """One that we close still takes its place until its socket is free."""
    gate = Gate(connections=1)
    line = gate.open()
    gate.gateway.close_all()
    turn_away(gate)
    line.drop()
    assert gate.gateway.connections == 0


def test_connections_that_go_leave_nothing_behind() -> None:
    """However far they had come."""
    gate = Gate()
    lines = [gate.open(f"10.0.{n}.1") for n in range(5)]
    lines[0].say(b"GET")
    lines += [gate.charger(f"EB-{n}").log_in().line for n in range(5)]
    lines += [gate.host("A", "B")]
    assert gate.gateway.connections == 11
    assert len(gate.presence) == 7
    for line in lines:
        line.drop()
    assert gate.gateway.connections == 0
    assert gate.gateway._by_address == Counter()
    assert len(gate.presence) == 0
    assert gate.clock.getDelayedCalls() == []


def test_an_address_without_a_host_is_taken() -> None:
    """As that of a UNIX socket."""
    gate = Gate()
    transport = StringTransport()
    gate.listener.buildProtocol(None).makeConnection(transport)
    assert not transport.disconnecting
    assert gate.gateway.connections == 1


def test_the_greeting_has_the_calendars_time_and_the_heartbeat() -> None:
    """A charger learns both when it is welcomed."""
    gate = Gate(heartbeat_s=45)
    charger = gate.charger().log_in()
    assert charger.heard == [Welcomed(int(gate.clock.seconds()), 45, 240)]


def test_silence_is_so_many_missed_heartbeats() -> None:
    """The limits that are given decide about a dialect that promises nothing."""
    assert Limits(heartbeat_s=20, missed=4).silence_s == 80.0
    gate = Gate(heartbeat_s=20, missed=4)
    host = gate.host("A")
    gate.clock.advance(79.9)
    assert not host.is_closing
    gate.clock.advance(0.2)
    assert host.is_closing


def test_faults_are_counted_by_their_code_once_for_each_connection() -> None:
    """What comes behind a fault does not count again."""
    gate = Gate()
    for _ in range(2):
        line = gate.open()
        line.say(b"GET / HTTP/1.1\r\n")
        line.say(b"Host: example.com\r\n")
    gate.office.strangers = {"EB-1"}
    gate.charger().hello()
    assert gate.gateway.faults == {"bad-frame": 2, "not-admitted": 1}


def test_close_all_closes_everybody_and_aborts_those_who_stay() -> None:
    """Whatever they are doing; nothing of them is left after their farewell."""
    gate = Gate(farewell_s=5.0)
    gate.office.late = {"logged_in"}
    lines = [gate.open(), gate.charger("EB-1").log_in().line]
    gate.office.answer()
    lines.append(gate.charger("EB-2").log_in().line)
    gate.gateway.close_all()
    gate.gateway.close_all()
    assert all(line.is_closing for line in lines)
    assert len(gate.presence) == 0
    gate.office.answer()
    assert len(gate.presence) == 0
    gate.clock.advance(5.1)
    assert all(line.is_aborted for line in lines)
    for line in lines:
        line.drop()
    assert gate.gateway.connections == 0
    assert gate.clock.getDelayedCalls() == []
