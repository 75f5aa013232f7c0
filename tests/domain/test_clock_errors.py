"""A clock is judged by looks that agree: messages are late, and never early."""

from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.clocks import AGREE_S, APART_S, LOOKS, ClockError, Look


def looked(ahead_s: list[float], before: ClockError | None = None, pace: float = 1.0) -> ClockError:
    """Looks, each long enough after the one before."""
    error = before or ClockError(pace=pace)
    last_s = error.looks[-1].at_s if error.looks else 0.0
    for number, each in enumerate(ahead_s, 1):
        error = error.seen(Look(last_s + number * 60.0, each))
    return error


@given(st.floats(-1e6, 1e6), st.lists(st.floats(0, AGREE_S), min_size=LOOKS, max_size=9))
def test_late_messages_make_no_clock_worse_than_it_is(ahead_s: float, late_s: list[float]) -> None:
    """What is found is between what is so and the least late of the last ones."""
    found = looked([ahead_s - late for late in late_s]).ahead_s
    assert found is not None
    assert ahead_s - AGREE_S <= found <= ahead_s
    assert found == max(ahead_s - late for late in late_s[-LOOKS:])


def test_a_few_looks_or_such_that_do_not_agree_say_nothing() -> None:
    """A record that was kept for an hour is told with the hour."""
    assert looked([-600.0] * (LOOKS - 1)).ahead_s is None
    assert looked([0.0, -3600.0, 0.0]).ahead_s is None


def test_what_comes_at_once_is_one_look() -> None:
    """All that waited for a connection says the same, and proves nothing."""
    error = ClockError()
    for number in range(5):
        error = error.seen(Look(number * (APART_S / 10), -3600.0))
    assert error.ahead_s is None
    assert error.has_seen(Look(1.0, -3600.0))


def test_a_late_message_leaves_what_is_known_of_a_slow_clock() -> None:
    """Until several agree that it is otherwise."""
    slow = looked([-600.0] * LOOKS)
    assert looked([-660.0], slow).ahead_s == -600.0
    assert looked([0.0], slow).ahead_s == -600.0
    assert looked([0.0] * LOOKS, slow).ahead_s == 0.0


def test_a_fast_clock_is_one_only_as_long_as_it_shows_it() -> None:
    """It was set: what it tells is true at once, as nothing can be later than now."""
    fast = looked([600.0] * LOOKS)
    assert fast.ahead_s == 600.0
    assert looked([0.0], fast).ahead_s is None


def test_what_whole_seconds_hide_is_no_error() -> None:
    """A clock that shows a second less is right."""
    assert not looked([-6.0] * LOOKS).is_beyond(5)
    assert looked([-6.1] * LOOKS).is_beyond(5)
    assert looked([5.1] * LOOKS).is_beyond(5)
    assert not ClockError().is_beyond(0)


def test_a_calendar_that_runs_makes_messages_later() -> None:
    """In a demonstration a second is a minute."""
    error = looked([-60.0, -290.0, -200.0], pace=60.0)
    assert error.ahead_s == -60.0
    assert not error.is_beyond(5)
