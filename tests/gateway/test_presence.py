"""Who is connected: the newest authenticated connection wins, and no older one undoes it."""

from datetime import UTC, datetime
from pathlib import Path

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.events import ChargeEnded, Outcome, Reply, StopReason
from chargecloud.gateway.presence import Presence, Present
from tests.gateway.gate import Charger, Gate
from tests.harness import result_of
from tests.world import World


@define(eq=False)
class End:
    """A connection that only remembers that it is to go."""

    displaced: list[str] = field(factory=list)
    heard_s: float = 0.0

    def send(self, identity: str, command: Command, deadline_s: float) -> "Deferred[Answer]":
        """Nobody asks it."""
        raise NotImplementedError

    def displace(self, identity: str) -> None:
        """It is to go."""
        self.displaced.append(identity)


def admission(epoch: int, charger_id: int = 1) -> Admission:
    """The admission of a charger's login."""
    return Admission(charger_id, 1, epoch, 1, datetime(2026, 11, 23, tzinfo=UTC))


def present(end: End, epoch: int, since_s: float = 0.0) -> Present:
    """A charger that has logged in."""
    return Present(admission(epoch), "EB-1", end, since_s)


def test_a_newer_connection_displaces_the_older() -> None:
    """There is one at a time; the older one is told to go."""
    presence, old, new = Presence(), End(), End()
    presence.arrive(present(old, 1))
    presence.arrive(present(new, 2))
    assert old.displaced == ["EB-1"]
    assert new.displaced == []
    assert presence.find(1) == present(new, 2)
    assert len(presence) == 1


def test_the_newer_login_wins_even_if_it_is_told_first() -> None:
    """The epoch decides, not the order in which two commits come back."""
    presence, old, new = Presence(), End(), End()
    presence.arrive(present(new, 2))
    presence.arrive(present(old, 1))
    assert old.displaced == ["EB-1"]
    assert new.displaced == []
    assert presence.find(1) == present(new, 2)


def test_a_late_disconnect_takes_nothing_from_the_newer_connection() -> None:
    """Only who holds the charger can let it go."""
    presence, old, new = Presence(), End(), End()
    presence.arrive(present(old, 1))
    presence.arrive(present(new, 2))
    assert not presence.leave(admission(1), old, now_s=5.0)
    assert presence.find(1) is not None
    assert presence.leave(admission(2), new, now_s=6.0)
    assert presence.find(1) is None
    assert not presence.leave(admission(2), new, now_s=7.0)
    assert presence.last_seen_s(1) == 6.0


def test_a_login_anew_on_the_same_connection_displaces_nobody() -> None:
    """A host's box that has restarted logs in again where it is."""
    presence, end = Presence(), End()
    presence.arrive(present(end, 1))
    presence.arrive(present(end, 2))
    assert end.displaced == []
    assert presence.find(1) == present(end, 2)


def test_a_charger_that_never_came_was_never_seen() -> None:
    """It is not known here at all."""
    assert Presence().find(1) is None
    assert Presence().last_seen_s(1) is None


@given(st.permutations(range(1, 6)), st.lists(st.integers(1, 5)))
def test_the_highest_epoch_holds_the_charger_until_it_leaves(
    arrivals: list[int], leaving: list[int]
) -> None:
    """In whatever order logins arrive and connections go."""
    presence, ends = Presence(), {epoch: End() for epoch in range(1, 6)}
    for epoch in arrivals:
        presence.arrive(present(ends[epoch], epoch))
    assert [epoch for epoch, end in ends.items() if not end.displaced] == [5]
    for gone, epoch in enumerate(leaving, start=1):
        presence.leave(admission(epoch), ends[epoch], 1.0)
        assert (presence.find(1) is None) == (5 in leaving[:gone])


# ------------------------------------------------------------------- through whole connections


def _is_held_by(gate: Gate, charger: Charger) -> bool:
    found = gate.presence.find(gate.office.ids["EB-1"])
    return found is not None and found.link is charger.line.protocol


def test_a_claim_without_proof_disturbs_nobody() -> None:
    """Who only says a charger's name does not cut it off."""
    gate = Gate()
    charger, thief = gate.charger().log_in(), gate.charger()
    thief.wire.hello(uptime_s=1)
    thief.line.say(thief.wire.data_to_send())
    assert not charger.line.is_closing
    assert _is_held_by(gate, charger)
    gate.clock.advance(15.1)
    assert thief.line.is_closing
    thief.line.drop()
    assert _is_held_by(gate, charger)


def test_the_newest_proven_connection_wins() -> None:
    """A charger whose old connection hangs is back at once, and the old one goes."""
    gate = Gate()
    old = gate.charger().log_in()
    new = gate.charger().log_in()
    assert old.line.is_closing
    assert not new.line.is_closing
    assert _is_held_by(gate, new)
    old.line.drop()
    assert _is_held_by(gate, new)
    assert gate.gateway.connections == 1
    new.line.drop()
    assert gate.presence.find(gate.office.ids["EB-1"]) is None


def test_an_admission_that_comes_late_does_not_displace_a_newer_one() -> None:
    """Two logins are under way at once, and the database answers the newer one first."""
    gate = Gate()
    gate.office.late = {"logged_in"}
    old, new = gate.charger().log_in(), gate.charger().log_in()
    gate.office.answer(last=True)
    gate.office.answer()
    assert old.line.is_closing
    assert not new.line.is_closing
    assert _is_held_by(gate, new)


def test_a_fact_from_a_connection_that_was_replaced_is_not_applied(tmp_path: Path) -> None:
    """Its epoch is not the charger's any more; the charger tells it on the new one."""
    world = World(tmp_path)
    box, events = world.box().connect(), world.platform.gateway.events
    order = world.order(box)
    command = box.begin()
    found = world.platform.gateway.presence.find(box.id)
    assert found is not None
    box.connect()

    box.meter_mwh += 1_000
    ended = ChargeEnded(command.order_id, 1, 5_000_000, box.meter_mwh, 60, StopReason.FULL, box.now)
    reply = events.receive(found.admission, ended, world.calendar.now())
    assert result_of(reply) == Reply(Outcome.LATER)
    assert world.get(f"/orders/{order['id']}")["state"] == "charging"

    box.end(2, command.order_id, 5_000_000, 60)
    assert world.get(f"/orders/{order['id']}")["state"] == "settled"
