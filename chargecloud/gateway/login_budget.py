"""How often one charger may log in: a login is written to the database, and one that comes again
and again would cost what hundreds do."""

from collections.abc import Callable
from math import ceil

from attrs import define, field

#: logins that a charger may have at once, above what comes back in the long run: a bad evening of a
#: mobile network
BURST = 10


@define(eq=False)
class LoginBudget:
    """
    A token for each login, which comes back at a steady rate; for each charger its own.

    Only who has proved who it is spends any, so that nobody can spend another's.  The claim of who
    has none left is put off before anything is looked up for it.

    @ivar a_minute: how fast tokens come back.
    @ivar put_off: how many logins were, ever.
    """

    a_minute: int
    seconds: Callable[[], float]
    put_off: int = 0
    #: when all tokens of a charger will have come back, by dialect and identity; the one that was
    #: spent of last is last
    _full_s: dict[tuple[str, str], float] = field(factory=dict, init=False)

    def retry_s(self, dialect: str, identity: str) -> int | None:
        """The seconds after which a charger is to come back; C{None} if it may log in."""
        full_s = self._full_s.get((dialect, identity), 0.0)
        owed_s = full_s - self.seconds() - (BURST - 1) * self._token_s
        if owed_s <= 0:
            return None
        self.put_off += 1
        return ceil(owed_s)

    def spend(self, dialect: str, identity: str) -> None:
        """A charger that has proved who it is logs in."""
        now_s = self.seconds()
        full_s = max(self._full_s.pop((dialect, identity), 0.0), now_s)
        self._full_s[dialect, identity] = full_s + self._token_s
        while self._full_s[oldest := next(iter(self._full_s))] <= now_s:
            del self._full_s[oldest]

    @property
    def _token_s(self) -> float:
        return 60 / self.a_minute

    def __len__(self) -> int:
        return len(self._full_s)
