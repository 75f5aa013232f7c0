"""The table of a session's life, over the whole product of states and inputs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.errors import OutOfOrder
from chargecloud.gateway.machine import TRANSITIONS, Action, Input, State, follow


@given(st.lists(st.sampled_from(Input), max_size=20))
def test_any_walk_follows_the_table_or_is_refused(walk: list[Input]) -> None:
    """Whatever comes in whatever order, a step is one of the table or OutOfOrder."""
    state = State.NEW
    for given_input in walk:
        if (state, given_input) in TRANSITIONS:
            action, after = follow(state, given_input)
            assert (action, after) == TRANSITIONS[state, given_input]
            state = after
        else:
            with pytest.raises(OutOfOrder, match=state.value):
                follow(state, given_input)


def _reachable_from(state: State) -> set[State]:
    reached, ahead = {state}, [state]
    while ahead:
        here = ahead.pop()
        for (start, _), (_, end) in TRANSITIONS.items():
            if start is here and end not in reached:
                reached.add(end)
                ahead.append(end)
    return reached


def test_every_state_is_reachable() -> None:
    """No row is dead."""
    assert _reachable_from(State.NEW) == set(State)


def test_closed_and_nothing_else_is_terminal() -> None:
    """A charger that was turned away stays so; no other state is a dead end."""
    leaves = {start for (start, _), (_, end) in TRANSITIONS.items() if start is not end}
    assert set(State) - leaves == {State.CLOSED}
    assert {start for start, _ in TRANSITIONS} == set(State) - {State.CLOSED}


def test_nothing_is_delivered_or_sent_before_the_admission() -> None:
    """Facts, answers and commands pass in an open session only."""
    passing = {Action.DELIVER, Action.MATCH, Action.SEND}
    assert {start for (start, _), (action, _) in TRANSITIONS.items() if action in passing} == {
        State.OPEN
    }


def test_only_an_admission_opens() -> None:
    """There is one way into an open session."""
    ways = [row for row, (_, end) in TRANSITIONS.items() if end is State.OPEN and row[0] is not end]
    assert ways == [(State.ADMITTING, Input.ADMITTED)]


def test_every_input_and_action_is_used() -> None:
    """The lists have no entry that no row knows."""
    assert {each for _, each in TRANSITIONS} == set(Input)
    assert {action for action, _ in TRANSITIONS.values()} == set(Action)
