"""A charger keeps its promises, tries longer ones, and finds a dead connection in time."""

from hypothesis import given
from hypothesis import strategies as st

from chargecloud.dialects.native.patience import patience_s
from chargecloud.simulator.liveness import ANSWER_S, Liveness


def beat(liveness: Liveness, now_s: float, *, is_charging: bool = False) -> float:
    """Let the time pass until something is due, and say it; when that is."""
    due_s = liveness.due_s(now_s, is_charging=is_charging)
    assert not liveness.is_dead(due_s)
    liveness.said(due_s, is_answered=True)
    return due_s


def test_an_idle_charger_stretches_its_promise_while_it_is_answered() -> None:
    """After three answers it tries twice as much, up to what the cloud lets it."""
    liveness, now_s = Liveness(), 0.0
    liveness.welcomed(now_s, 60, 240)
    gaps = []
    for _ in range(10):
        then_s, now_s = now_s, beat(liveness, now_s)
        liveness.heard(is_charging=False)
        gaps.append(now_s - then_s)
    assert gaps == [60, 60, 60, 120, 120, 120, 240, 240, 240, 240]
    # while it charges it is heard from each minute, whatever it has found out
    assert beat(liveness, now_s, is_charging=True) - now_s == 60


def test_what_a_network_did_not_hold_is_not_tried_for_a_day() -> None:
    """Half of it is."""
    liveness, now_s = Liveness(), 0.0
    liveness.welcomed(now_s, 60, 240)
    for _ in range(6):
        now_s = beat(liveness, now_s)
        liveness.heard(is_charging=False)
    for _ in range(3):
        now_s = beat(liveness, now_s)
    assert liveness.is_dead(now_s + ANSWER_S)
    liveness.welcomed(now_s, 60, 240)
    for _ in range(9):
        now_s = beat(liveness, now_s)
        liveness.heard(is_charging=False)
    assert liveness.promise_s(now_s, is_charging=False) == 120
    assert liveness.promise_s(now_s + 90_000, is_charging=False) == 240


def test_a_dead_connection_is_found_within_90_s_while_it_charges() -> None:
    """After the last answer: a minute of silence, and three times ten seconds."""
    liveness = Liveness()
    liveness.welcomed(0, 60, 240)
    now_s = 0.0
    while not liveness.is_dead(now_s):
        now_s = liveness.due_s(now_s, is_charging=True)
        if not liveness.is_dead(now_s):
            liveness.said(now_s, is_answered=True)
    assert now_s == 90


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100)), max_size=30), st.booleans())
def test_no_promise_is_broken(said: list[tuple[bool, int]], is_charging: bool) -> None:
    """Whatever is said and answered in between, something is said before the cloud has lost its
    patience."""
    liveness, now_s = Liveness(), 0.0
    liveness.welcomed(now_s, 60, 240)
    for is_answered, later_s in said:
        promised_s = liveness.promise_s(now_s, is_charging=is_charging)
        due_s = liveness.due_s(now_s, is_charging=is_charging)
        assert due_s - now_s <= promised_s < patience_s(promised_s)
        now_s = min(now_s + later_s, max(due_s, now_s))
        if liveness.is_dead(now_s):
            return
        liveness.said(now_s, is_answered=True)
        if is_answered:
            liveness.heard(is_charging=is_charging)
