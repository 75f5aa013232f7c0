"""Two boxes with one key displace each other again and again, and a charger whose network does not
hold logs in again and again: both are told."""

from datetime import datetime

from twisted.internet.task import Clock

from chargecloud.domain.charger import Admission
from chargecloud.gateway.recurrences import (
    CONTESTED,
    FLAPPING,
    MOST_WATCHED,
    WINDOW_S,
    Recurrences,
)
from tests.gateway.gate import Charger, Gate, Office, logged_failures
from tests.harness import clock_at


class Faulty(Office):
    """An office with a bug."""

    def contested(self, admission: Admission, times: int, at: datetime) -> None:
        """Does not come back."""
        raise ZeroDivisionError


def told(contests: Recurrences, clock: Clock, every_s: float, count: int) -> list[int]:
    """What is told while one charger's connections are displaced so often."""
    counted = []
    for _ in range(count):
        counted.append(contests.count(1, clock.seconds()))
        clock.advance(every_s)
    return [each for each in counted if each is not None]


def displace(gate: Gate, times: int, every_s: float = 10.0) -> Charger:
    """One connection of a charger after another."""
    charger = gate.charger().log_in()
    for _ in range(times):
        gate.clock.advance(every_s)
        charger = gate.charger().log_in()
    return charger


# -------------------------------------------------------------------------------- the counting


def test_the_third_time_within_the_window_is_told() -> None:
    """And neither the second, nor a third that comes too late."""
    assert told(Recurrences(CONTESTED), clock_at(), WINDOW_S / 2 - 1, CONTESTED - 1) == []
    assert told(Recurrences(CONTESTED), clock_at(), WINDOW_S / 2 - 1, CONTESTED) == [CONTESTED]
    assert told(Recurrences(CONTESTED), clock_at(), WINDOW_S / 2, 50) == []


def test_it_is_told_once_in_a_window() -> None:
    """Whoever goes on is told again, with how often it was meanwhile."""
    assert told(Recurrences(CONTESTED), clock_at(), 1.0, 1_300) == [3, 600, 600]


def test_each_charger_counts_for_itself() -> None:
    """Three chargers that come back once contest nothing."""
    contests = Recurrences(CONTESTED)
    assert [contests.count(charger, 1.0) for charger in (1, 2, 3, 1, 2)] == [None] * 5
    assert contests.count(1, 2.0) == 3


def test_what_is_over_is_forgotten() -> None:
    """After a window without another."""
    contests = Recurrences(CONTESTED)
    for charger in range(10):
        contests.count(charger, float(charger))
    contests.count(99, WINDOW_S + 4.5)
    assert len(contests) == 6


def test_so_many_are_watched_and_no_more() -> None:
    """Those who were quiet for longest give way."""
    contests = Recurrences(CONTESTED)
    for charger in range(3 * MOST_WATCHED):
        contests.count(charger, charger / 100)
    assert len(contests) == MOST_WATCHED
    contests.count(3 * MOST_WATCHED - 1, 30.0)
    assert contests.count(3 * MOST_WATCHED - 1, 30.1) == 3


# ------------------------------------------------------------------- through whole connections


def test_live_connections_that_are_displaced_in_turn_are_told() -> None:
    """With the admission that holds the charger now, how often, and when; once."""
    gate = Gate()
    displace(gate, CONTESTED + 3)
    ((admission, times, at),) = gate.office.contests
    assert (admission.charger_id, admission.epoch, times) == (1, 1 + CONTESTED, CONTESTED)
    assert at.timestamp() == gate.clock.seconds() - 30


def test_a_connection_that_was_silent_is_displaced_without_a_word() -> None:
    """A charger whose network drops its connections displaces dead ones: that is no contest."""
    gate = Gate(heartbeat_s=30, missed=3)
    displace(gate, 20, every_s=31.0)
    assert gate.office.contests == []


def test_a_connection_that_has_ended_is_displaced_by_nobody() -> None:
    """However often it comes and goes."""
    gate = Gate()
    for _ in range(10):
        gate.charger().log_in().line.drop()
        gate.clock.advance(1)
    assert gate.office.contests == []


def test_a_charger_that_logs_in_again_and_again_is_told() -> None:
    """With how often; at a pace at which nobody puts it off, and once in ten minutes."""
    gate = Gate()
    for _ in range(4 * FLAPPING):
        gate.charger().log_in().line.drop()
        gate.clock.advance(20)
    ((first, times, _), (_, more, _)) = gate.office.flaps
    assert (first.epoch, times, more) == (FLAPPING, FLAPPING, 30)
    assert gate.office.contests == []
    assert gate.gateway.login_budget.put_off == 0


def test_a_charger_that_comes_back_now_and_then_is_not_told() -> None:
    """A bad network, and nothing that a person should look at tonight."""
    gate = Gate()
    for _ in range(5 * FLAPPING):
        gate.charger().log_in().line.drop()
        gate.clock.advance(WINDOW_S / (FLAPPING - 1) + 1)
    assert gate.office.flaps == []


def test_who_cannot_be_told_costs_no_connection() -> None:
    """A fault above is logged, and the charger is served."""
    gate = Gate()
    gate.gateway.events = gate.office = Faulty()
    with logged_failures() as failures:
        charger = displace(gate, CONTESTED)
    assert len(failures) == 1
    assert not charger.line.is_closing
    assert gate.is_online("EB-1")
