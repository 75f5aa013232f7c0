"""How long to wait for a channel's word, and when people should know that none comes."""

from datetime import datetime, timedelta

#: to the next question, after so many; the last one holds on
WAITS_S = (15, 30, 60, 120, 300, 600)
#: without a word for so long, and again after each time as much, a person should look
OVERDUE = timedelta(days=1)


def next_wait_s(tries: int) -> int:
    """How long to wait after so many questions."""
    return WAITS_S[min(tries, len(WAITS_S) - 1)]


def days_over(created_at: datetime, now: datetime, now_s: int, due_s: int, tries: int) -> int:
    """
    For how many days nothing is known of something, where one more is over since the question
    before; otherwise 0.  So each day is told once, and without a row that remembers it; of days
    while the service was away, the last one is.

    @param now_s: Unix time, as is C{due_s}, at which this question was due.
    @param tries: how many there were before.
    """
    before_s = next_wait_s(tries - 1) if tries else 0
    unasked = timedelta(seconds=max(0, now_s - due_s + before_s))
    days = (now - created_at) // OVERDUE
    return days if days > max(0, (now - unasked - created_at) // OVERDUE) else 0
