"""Logins under way: so many at a time, the others postponed, and nobody shut out."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from chargecloud.gateway.logins import LATEST_RETRY_S, SOONEST_RETRY_S, Logins
from tests.gateway.gate import Gate, Line
from tests.gateway.line_dialect import PREAMBLE, LineDialect, PoliteLines
from tests.harness import clock_at


def claim(gate: Gate, box: str) -> tuple[Line, bytes]:
    """A box that says who it is on a new connection; what it hears at once."""
    line = gate.open()
    return line, line.say(PREAMBLE + f"claim {box}\n".encode())


def busy_gate(at_a_time: int = 2) -> Gate:
    """A gate that is busy with all the logins that it can take at a time."""
    gate = Gate(PoliteLines(), logins_at_a_time=at_a_time)
    gate.office.late = {"credentials"}
    for number in range(at_a_time):
        line, heard = claim(gate, f"busy-{number}")
        assert not line.is_closing
        assert heard == b""
    return gate


# -------------------------------------------------------------------------------- the hint


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100)), min_size=1, max_size=50))
def test_a_hint_is_within_its_bounds(tries: list[tuple[float, float]]) -> None:
    """However many come, and however the dice fall."""
    clock, dice = clock_at(), iter(tries)
    share = [0.0]
    logins = Logins(1, clock.seconds, lambda: share[0])
    logins.count(Deferred())
    for share[0], later_s in dice:
        retry_s = logins.postpone()
        assert retry_s is not None
        assert SOONEST_RETRY_S <= retry_s <= LATEST_RETRY_S
        clock.advance(later_s)


def test_the_more_come_the_wider_they_are_spread() -> None:
    """Over a second for each set that can be taken at a time, and never over five minutes."""
    clock = clock_at()
    logins = Logins(10, clock.seconds, lambda: 1.0)
    for _ in range(10):
        logins.count(Deferred())
    hints = [logins.postpone() or 0 for _ in range(5_000)]
    assert hints == sorted(hints)
    assert (hints[0], hints[999], hints[-1]) == (5, 105, LATEST_RETRY_S)


def test_where_logins_are_quick_nobody_waits_for_long() -> None:
    """A power cut is over: they are taken as quickly as they can be."""
    clock = clock_at()
    logins = Logins(10, clock.seconds, lambda: 1.0)
    for _ in range(200):
        answer: Deferred[None] = Deferred()
        logins.count(answer)
        clock.advance(0.05)
        answer.callback(None)
    for _ in range(10):
        logins.count(Deferred())
    hints = [logins.postpone() or 0 for _ in range(1_000)]
    assert hints[-1] == SOONEST_RETRY_S + 5


def test_a_crowd_is_forgotten() -> None:
    """Ten minutes later, the next one is a few."""
    clock = clock_at()
    logins = Logins(1, clock.seconds, lambda: 1.0)
    logins.count(Deferred())
    for _ in range(1_000):
        logins.postpone()
    clock.advance(600)
    assert logins.postpone() == SOONEST_RETRY_S + 1


def test_hints_of_one_moment_differ() -> None:
    """They would all come back at one moment otherwise."""
    logins = Logins(10, clock_at().seconds, Random(5).random)
    for _ in range(10):
        logins.count(Deferred())
    hints = [logins.postpone() for _ in range(1_000)]
    assert len(set(hints)) > 50
    assert max(hints.count(each) for each in set(hints)) < 100


# ------------------------------------------------------------------------- through connections


def test_one_too_many_is_told_when_to_come_back_and_closed() -> None:
    """It is no fault of the charger's, and nobody is asked about it."""
    gate = busy_gate()
    asked = list(gate.office.asked)
    line, heard = claim(gate, "A")
    assert heard == b"later A 5\n"
    assert line.is_closing
    assert gate.office.asked == asked
    assert gate.gateway.logins.postponed == 1
    assert not gate.gateway.faults


def test_a_dialect_without_a_word_for_it_just_closes() -> None:
    """Its charger comes back by its own rule."""
    gate = Gate(LineDialect(), logins_at_a_time=1)
    gate.office.late = {"credentials"}
    claim(gate, "busy")
    line, heard = claim(gate, "A")
    assert heard == b""
    assert line.is_closing


def test_a_login_without_a_claim_is_postponed_as_well() -> None:
    """A dialect without secrets proves nothing, and is admitted at once; or not."""
    gate = Gate(PoliteLines(), logins_at_a_time=1)
    gate.office.late = {"logged_in"}
    first, second = gate.host("A"), gate.host("B", "C")
    assert not first.is_closing
    assert second.take() == b""
    assert second.is_closing
    assert gate.office.asked == [("logged_in", "A")]
    assert gate.gateway.logins.postponed == 1


def test_there_is_room_again_when_an_answer_has_come() -> None:
    """Also when it is a failure, or for nobody any more."""
    gate = busy_gate(at_a_time=1)
    gate.office.answer()
    line, _ = claim(gate, "A")
    assert not line.is_closing
    line.drop()
    assert claim(gate, "B")[0].is_closing
    gate.office.answer_with(RuntimeError("the database went away"))
    assert not claim(gate, "C")[0].is_closing


def test_who_was_welcomed_is_not_postponed_any_more() -> None:
    """Its proof is taken, however many come after it."""
    gate = busy_gate(at_a_time=1)
    gate.office.answer()
    welcomed, _ = claim(gate, "A")
    gate.office.answer()
    assert claim(gate, "B")[0].is_closing is False
    assert gate.gateway.logins.under_way == 1
    welcomed.say(b"login A\n")
    assert gate.is_online("A")


def test_a_claim_without_proof_takes_no_place() -> None:
    """Who only says names, and waits, keeps nobody out."""
    gate = Gate(logins_at_a_time=2)
    for number in range(20):
        thief = gate.charger(f"EB-{number}")
        thief.wire.hello(uptime_s=1)
        thief.line.say(thief.wire.data_to_send())
    assert gate.gateway.logins.under_way == 0
    gate.charger("EB-1").log_in()
    assert gate.is_online("EB-1")


def test_the_boxes_of_a_host_get_in_together() -> None:
    """Closing their host for one of them would cost those who are in."""
    gate = Gate(PoliteLines(), logins_at_a_time=3)
    gate.office.late = {"logged_in"}
    boxes = [f"B{number}" for number in range(10)]
    host = gate.host(*boxes)
    gate.office.answer_all()
    assert not host.is_closing
    assert all(gate.is_online(box) for box in boxes)
