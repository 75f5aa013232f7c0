"""Chargers whose live connections are displaced again and again: two boxes with one key."""

from collections import deque

from attrs import define, field

#: live connections of one charger that are displaced ...
TIMES = 3
#: ... within this.  A charger whose network address changed displaces a live one, too: once
WINDOW_S = 600.0
#: chargers that are watched.  Where more than these come back at once, a network has failed,
#: and nobody contests anything; those who were longest quiet are forgotten
MOST_WATCHED = 1_000


@define(eq=False)
class Contest:
    """One charger's.

    @ivar last_s: when its connections were displaced last, of the reactor's clock.
    @ivar times: how often since that was told.
    """

    last_s: deque[float] = field(factory=lambda: deque(maxlen=TIMES))
    times: int = 0
    told_s: float | None = None


@define(eq=False)
class Contests:
    """The chargers whose live connections were displaced of late, the latest last."""

    _contests: dict[int, Contest] = field(factory=dict, init=False)

    def count(self, charger_id: int, now_s: float) -> int | None:
        """
        A live connection of a charger was displaced by a newer one.

        @return: how often, if that is to be told now: once in each L{WINDOW_S}.
        """
        self._forget(now_s)
        contest = self._contests.pop(charger_id, None) or Contest()
        self._contests[charger_id] = contest
        contest.last_s.append(now_s)
        contest.times += 1
        is_told = contest.told_s is not None and now_s - contest.told_s < WINDOW_S
        if is_told or len(contest.last_s) < TIMES or now_s - contest.last_s[0] >= WINDOW_S:
            return None
        times, contest.times, contest.told_s = contest.times, 0, now_s
        return times

    def _forget(self, now_s: float) -> None:
        """What is over; and, to have room for one more, who was longest quiet."""
        while self._contests:
            quietest = next(iter(self._contests))
            is_over = now_s - self._contests[quietest].last_s[-1] >= WINDOW_S
            if not is_over and len(self._contests) < MOST_WATCHED:
                return
            del self._contests[quietest]

    def __len__(self) -> int:
        return len(self._contests)
