"""A charger that logs in all the time is put off, whatever it is; nobody else is."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from chargecloud.dialects.native.received import Refused
from chargecloud.domain.charger import Secret
from chargecloud.gateway.login_budget import BURST, LoginBudget
from tests.gateway.gate import Gate
from tests.gateway.line_dialect import PREAMBLE, PoliteLines

A_MINUTE = 6


@given(st.lists(st.floats(0.001, 30), max_size=150))
def test_nobody_logs_in_oftener_than_a_burst_and_the_rate(pauses_s: list[float]) -> None:
    """However its tries are spread; and who is put off gets in after what it was told."""
    clock = Clock()
    budget = LoginBudget(A_MINUTE, clock.seconds)
    logins = 0
    for pause_s in pauses_s:
        clock.advance(pause_s)
        retry_s = budget.retry_s("lines", "A")
        if retry_s is None:
            budget.spend("lines", "A")
            logins += 1
        else:
            clock.advance(retry_s)
            assert budget.retry_s("lines", "A") is None
        assert logins <= BURST + clock.seconds() * A_MINUTE / 60


def test_each_charger_has_its_own_and_is_forgotten_when_it_is_whole_again() -> None:
    """As many are remembered as log in within the time that a burst takes to come back."""
    clock = Clock()
    budget = LoginBudget(A_MINUTE, clock.seconds)
    for _ in range(BURST):
        budget.spend("lines", "A")
    assert budget.retry_s("lines", "A") == 60 / A_MINUTE
    assert budget.retry_s("lines", "B") is None
    assert budget.retry_s("others", "A") is None
    for number in range(1_000):
        clock.advance(1)
        budget.spend("lines", str(number))
    assert len(budget) <= 60 / A_MINUTE + 1


def test_a_charger_that_logs_in_a_hundred_times_a_second_is_hardly_heard() -> None:
    """Nothing is asked for it any more, it is told when to come back, and its neighbour gets in."""
    gate = Gate()
    for _ in range(BURST):
        gate.charger().log_in().line.drop()
    asked = list(gate.office.asked)
    for _ in range(100):
        gate.clock.advance(0.01)
        charger = gate.charger().hello()
        assert charger.line.is_closing
        (refused,) = charger.heard
        assert isinstance(refused, Refused)
        assert refused.retry_s == 60 / gate.gateway.limits.logins_a_minute
    assert gate.office.asked == asked
    assert gate.gateway.login_budget.put_off == 100
    gate.charger("EB-2").log_in()
    gate.clock.advance(60 / gate.gateway.limits.logins_a_minute)
    gate.charger().log_in()
    assert gate.is_online("EB-1")
    assert gate.is_online("EB-2")


def test_who_has_no_key_spends_nothing_of_who_has() -> None:
    """However often they claim to be it."""
    gate = Gate()
    for _ in range(5 * BURST):
        thief = gate.charger(secret=Secret(bytes(16), 1))
        thief.wire.hello(uptime_s=1)
        assert thief.line.say(thief.wire.data_to_send())
        thief.line.drop()
    gate.charger().log_in()
    assert gate.is_online("EB-1")


def test_who_proves_nothing_is_put_off_as_well() -> None:
    """By the word that its dialect has for it."""
    gate = Gate(PoliteLines())
    for _ in range(BURST):
        gate.host("A").drop()
    host = gate.open()
    assert host.say(PREAMBLE + b"login A\n") == b"later A 10\n"
    assert host.is_closing
    assert gate.office.asked.count(("logged_in", "A")) == BURST


def test_a_bad_day_puts_nobody_off() -> None:
    """A charger that logs in once in ten seconds is never put off."""
    gate = Gate()
    for _ in range(50):
        gate.charger().log_in().line.drop()
        gate.clock.advance(10)
    assert gate.gateway.login_budget.put_off == 0
