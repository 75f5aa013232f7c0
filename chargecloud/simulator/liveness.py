"""When a charger says something, and when it gives a connection up: docs/native-protocol.rst,
"Liveness".  All seconds are real ones."""

from attrs import define, field

#: a charger that charges promises no more
WHILE_CHARGING_S = 60.0
#: an answer that has not come after this is asked for again, so often
ANSWER_S = 10.0
MOST_UNANSWERED = 3
#: heartbeats in a row that were answered at a promise, before a longer one is tried
PROBE_AFTER = 3
#: for so long a promise is bounded that a network did not hold
BOUNDED_FOR_S = 86_400.0


@define(eq=False)
class Liveness:
    """
    Of one charger, over its connections.

    @ivar unanswered: what was said in a row without an answer to it, while one is due.
    """

    unanswered: int = field(default=0, init=False)
    _least_s: float = field(default=WHILE_CHARGING_S, init=False)
    _most_s: float = field(default=WHILE_CHARGING_S, init=False)
    _promise_s: float = field(default=WHILE_CHARGING_S, init=False)
    _answered: int = field(default=0, init=False)
    _said_s: float = field(default=0.0, init=False)
    _asked_s: float | None = field(default=None, init=False)
    _bound_s: float | None = field(default=None, init=False)
    _bounded_until_s: float = field(default=0.0, init=False)

    def welcomed(self, now_s: float, heartbeat_s: float, most_s: float | None) -> None:
        """A connection begins."""
        self._least_s = self._promise_s = heartbeat_s
        self._most_s = max(heartbeat_s, most_s or 0)
        self._said_s, self._asked_s = now_s, None
        self._answered = self.unanswered = 0

    def promise_s(self, now_s: float, *, is_charging: bool) -> float:
        """Within what it will be heard from."""
        promise_s = self._promise_s
        if self._bound_s is not None and now_s < self._bounded_until_s:
            promise_s = min(promise_s, self._bound_s)
        return min(promise_s, WHILE_CHARGING_S) if is_charging else promise_s

    def said(self, now_s: float, *, is_answered: bool) -> None:
        """Something was said; whether it is answered."""
        self._said_s = now_s
        # several reports in a row wait for their answers together
        if is_answered and (self._asked_s is None or now_s - self._asked_s >= ANSWER_S):
            self._asked_s = now_s
            self.unanswered += 1

    def heard(self, *, is_charging: bool) -> None:
        """An answer has come."""
        self._asked_s, self.unanswered = None, 0
        if is_charging:
            return
        self._answered += 1
        if self._answered >= PROBE_AFTER and self._promise_s < self._most_s:
            self._promise_s = min(2 * self._promise_s, self._most_s)
            self._answered = 0

    def due_s(self, now_s: float, *, is_charging: bool) -> float:
        """When something is to be said, or the connection to be given up."""
        due_s = self._said_s + self.promise_s(now_s, is_charging=is_charging)
        return due_s if self._asked_s is None else min(due_s, self._asked_s + ANSWER_S)

    def is_dead(self, now_s: float) -> bool:
        """Whether the connection is to be given up.  One that was silent for too long is not
        left silent for so long again."""
        is_late = self._asked_s is not None and now_s - self._asked_s >= ANSWER_S
        if not is_late or self.unanswered < MOST_UNANSWERED:
            return False
        if self._promise_s > self._least_s:
            self._bound_s, self._bounded_until_s = self._promise_s / 2, now_s + BOUNDED_FOR_S
        return True
