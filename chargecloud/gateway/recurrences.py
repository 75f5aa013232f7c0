"""What happens to a charger again and again: its live connections are displaced, as by a second
box with its key; or it logs in anew, as over a network that does not hold."""

from collections import deque

from attrs import define, field

#: it is counted for so long
WINDOW_S = 600.0
#: live connections of one charger that are displaced within that are a contest.  A charger whose
#: network address changed displaces a live one, too: once
CONTESTED = 3
#: a charger that logs in so often within that flaps.  One that waits for longer after each failure,
#: as it should, comes to half of it
FLAPPING = 12
#: chargers that are watched.  Where more than these come back at once, a network has failed,
#: and it is no charger's own matter; those who were longest quiet are forgotten
MOST_WATCHED = 1_000


@define(eq=False)
class Recurrence:
    """One charger's.

    @ivar last_s: when it happened last, of the reactor's clock.
    @ivar times: how often since that was told.
    """

    last_s: deque[float]
    times: int = 0
    told_s: float | None = None


@define(eq=False)
class Recurrences:
    """
    The chargers to which one thing happened of late, the latest last.

    @ivar enough: how often it has to happen within L{WINDOW_S} to be told.
    """

    enough: int
    _found: dict[int, Recurrence] = field(factory=dict, init=False)

    def count(self, charger_id: int, now_s: float) -> int | None:
        """
        It happened to a charger.

        @return: how often, if that is to be told now: once in each L{WINDOW_S}.
        """
        self._forget(now_s)
        found = self._found.pop(charger_id, None) or Recurrence(deque(maxlen=self.enough))
        self._found[charger_id] = found
        found.last_s.append(now_s)
        found.times += 1
        is_told = found.told_s is not None and now_s - found.told_s < WINDOW_S
        if is_told or len(found.last_s) < self.enough or now_s - found.last_s[0] >= WINDOW_S:
            return None
        times, found.times, found.told_s = found.times, 0, now_s
        return times

    def _forget(self, now_s: float) -> None:
        """What is over; and, to have room for one more, who was longest quiet."""
        while self._found:
            quietest = next(iter(self._found))
            is_over = now_s - self._found[quietest].last_s[-1] >= WINDOW_S
            if not is_over and len(self._found) < MOST_WATCHED:
                return
            del self._found[quietest]

    def __len__(self) -> int:
        return len(self._found)
