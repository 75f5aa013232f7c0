"""A clock is judged by looks that agree: messages are late, and never early."""

from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.clocks import AGREE_S, APART_S, LOOKED_EVERY_S, LOOKS, ClockError, Look


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


def test_a_clock_that_gains_is_judged_though_its_looks_never_agree() -> None:
    """No message is early: it is ahead by the least that all of them show."""
    gaining = looked([12.0, 24.0, 36.0])
    assert (gaining.ahead_s, gaining.agrees) == (12.0, True)
    assert looked([48.0], gaining).ahead_s == 24.0
    assert looked([-12.0, 24.0, 36.0]).ahead_s is None


def test_looks_that_are_close_do_not_put_off_the_next() -> None:
    """A clock that gains shows more each time, and each look is just behind the last one."""
    error = ClockError()
    for number in range(1 + LOOKS * int(APART_S)):
        error = error.seen(Look(float(number), number / 10))
    assert len(error.looks) == LOOKS
    assert error.ahead_s == LOOKS * APART_S / 10


def test_what_is_known_is_looked_at_again_after_a_while() -> None:
    """As long as it shows the same; what shows otherwise is news at once."""
    error = looked([-6.0] * LOOKS)
    last_s = error.looks[-1].at_s
    assert error.has_seen(Look(last_s + 60, -6.9))
    assert not error.has_seen(Look(last_s + 60, -7.0))
    assert not error.has_seen(Look(last_s + 60, -5.0))
    assert not error.has_seen(Look(last_s + LOOKED_EVERY_S, -6.0))
    assert not ClockError(-6.0).has_seen(Look(0.0, -6.0))


def test_what_was_known_before_is_nothing_that_was_seen() -> None:
    """It holds until looks agree, and says nothing new."""
    error = looked([0.0], ClockError(-600.0))
    assert (error.ahead_s, error.agrees) == (-600.0, False)
    error = looked([0.0] * (LOOKS - 1), error)
    assert (error.ahead_s, error.agrees) == (0.0, True)


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
