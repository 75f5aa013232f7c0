"""Our own calls: one at a time, the others wait (OCPP-J 1.6, section 4.1.1).

What the far side calls is not bound to them: whatever comes in a burst is just answered.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, frozen

from chargecloud.domain.errors import Overloaded
from chargecloud.interfaces import Seconds
from chargecloud_ocpp.calls import Call, Error, Result, Unreadable

#: seconds that a charge point may take to answer
ANSWER_WITHIN_S = 30.0
#: seconds after which a call that has not been sent must not be sent any more: nobody waits
GOOD_FOR_S = 60.0
MOST_WAITING = 64


@frozen
class Asked:
    """
    A call of ours.

    @ivar ticket: whatever it was asked with.
    """

    call: Call
    ticket: object


@define
class _Entry:
    asked: Asked
    #: when it is given up, in the queue at first, then on the way
    until_s: float


class Outstanding:
    """
    The calls in our direction of one connection.

    @param seconds: the clock of the deadlines.
    """

    def __init__(
        self,
        seconds: Seconds,
        *,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self._seconds = seconds
        self._answer_within_s = answer_within_s
        self._waiting: deque[_Entry] = deque()
        self._sent: _Entry | None = None
        self._number = 0

    def __len__(self) -> int:
        """How many are not answered yet."""
        return len(self._waiting) + (self._sent is not None)

    @property
    def due_s(self) -> float | None:
        """When L{expire} has something to give up, by the clock; C{None} if there is nothing."""
        deadlines = [entry.until_s for entry in self._waiting]
        if self._sent is not None:
            deadlines.append(self._sent.until_s)
        return min(deadlines, default=None)

    def ask(
        self,
        action: str,
        payload: Mapping[str, Any],
        ticket: object,
        *,
        good_for_s: float = GOOD_FOR_S,
    ) -> Call:
        """
        Put a call into the queue; L{next} says when to send it.

        @param good_for_s: given up if it has not been sent by then.
        @raise Overloaded: if the queue is full.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise Overloaded("too many commands wait for this charger")
        self._number += 1
        # unique on this connection, which is all that is asked for, and short
        call = Call(str(self._number), action, payload)
        self._waiting.append(_Entry(Asked(call, ticket), self._seconds() + good_for_s))
        return call

    def next(self) -> Call | None:
        """Take the call to send now; C{None} while one is on its way, or if there is none."""
        now = self._seconds()
        # what is overdue is left for expire to tell of
        entry = next((each for each in self._waiting if each.until_s > now), None)
        if self._sent is not None or entry is None:
            return None
        self._waiting.remove(entry)
        entry.until_s = now + self._answer_within_s
        self._sent = entry
        return entry.asked.call

    def answered(self, answer: Result | Error | Unreadable) -> Asked | None:
        """
        The call of ours that this is the answer to; C{None} if nobody waits for it, as it came
        too late or twice, or is somebody else's.
        """
        if self._sent is None or str(answer.id) != self._sent.asked.call.id:
            return None
        asked = self._sent.asked
        self._sent = None
        return asked

    def expire(self) -> Sequence[Asked]:
        """Give up what is overdue: those that were not answered, or could not be sent in time."""
        now = self._seconds()
        over = []
        if self._sent is not None and self._sent.until_s <= now:
            over.append(self._sent.asked)
            self._sent = None
        over += [entry.asked for entry in self._waiting if entry.until_s <= now]
        self._waiting = deque(entry for entry in self._waiting if entry.until_s > now)
        return over
