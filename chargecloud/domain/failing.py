"""Somebody else's service that fails again and again: how long it is left alone, and when
people are told."""

from attrs import define

#: to the next try, after so many failures in a row; the last one holds on
BACKOFF_S = (1.0, 5.0, 15.0, 60.0, 300.0)
#: failures in a row after which people are told
SUSPENDED_AFTER = 5


@define
class Failures:
    """Of one service, in a row."""

    count: int = 0

    def failed(self) -> bool:
        """It has failed once more; whether people are to be told."""
        self.count += 1
        return self.count == SUSPENDED_AFTER

    def succeeded(self) -> bool:
        """It has done what it was asked; whether people are to be told that it does again."""
        was_suspended = self.is_suspended
        self.count = 0
        return was_suspended

    @property
    def is_suspended(self) -> bool:
        """Whether it has failed too often in a row."""
        return self.count >= SUSPENDED_AFTER

    @property
    def pause_s(self) -> float:
        """To the next try."""
        return BACKOFF_S[min(self.count, len(BACKOFF_S)) - 1] if self.count else 0.0
