"""Commands that people give to a charger, and what became of each."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from enum import Enum

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.errors import NotFound, Refusal, RequestKeyReused
from chargecloud.gateway.routing import Routing
from chargecloud.storage.once import RequestKey

#: the newest commands are remembered, to be looked at by those who did not wait
MOST_REMEMBERED = 2_000


class CallState(Enum):
    """Where a command is; each comes to its end by its deadline."""

    SENT = "sent"
    ANSWERED = "answered"
    FAILED = "failed"


@define(eq=False)
class ChargerCall:
    """
    A command on its way.

    @ivar answer: what the charger said, once it is C{answered}.
    @ivar failure: the code of what went wrong, once it has C{failed}.
    """

    id: int
    charger_id: int
    name: str
    sent_at: datetime
    state: CallState = CallState.SENT
    answer: Answer | None = None
    failure: str | None = None


@define(eq=False)
class Calls:
    """
    @ivar new_id: makes their ids.
    """

    routing: Routing
    calendar: Calendar
    new_id: Callable[[], int]
    _calls: OrderedDict[int, ChargerCall] = field(factory=OrderedDict, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def send(
        self, charger_id: int, name: str, command: Command
    ) -> "tuple[ChargerCall, Deferred[Answer]]":
        """Send a command; the Deferred fires with the answer, or fails as
        L{Routing.send} says."""
        call = ChargerCall(self.new_id(), charger_id, name, self.calendar.now())
        self._calls[call.id] = call
        if len(self._calls) > MOST_REMEMBERED:
            self._calls.popitem(last=False)
        answered = self.routing.send(charger_id, command)
        answered.addCallbacks(self._answered, self._failed, (call,), {}, (call,))
        return call, answered

    def forget(self, answered: "Deferred[Answer]") -> None:
        """Nobody waits for the answer: what became of it is in the call."""
        answered.addErrback(lambda failure: failure.trap(Refusal))

    def get(self, charger_id: int, call_id: int) -> ChargerCall:
        """
        @raise NotFound: if it was never sent to this charger, or is forgotten by now.
        """
        call = self._calls.get(call_id)
        if call is None or call.charger_id != charger_id:
            raise NotFound(f"there is no command {call_id}")
        return call

    def _answered(self, answer: Answer, call: ChargerCall) -> Answer:
        call.state, call.answer = CallState.ANSWERED, answer
        return answer

    def _failed(self, failure: Failure, call: ChargerCall) -> Failure:
        error = failure.value
        call.state = CallState.FAILED
        call.failure = error.code if isinstance(error, Refusal) else "fault"
        return failure


@define
class Repetitions:
    """The newest commands by the requests that sent them: a request that is sent again
    under its key moves no charger twice."""

    _sent: OrderedDict[tuple[int, str], tuple[str, int]] = field(factory=OrderedDict, init=False)

    def known(self, request: RequestKey | None) -> int | None:
        """
        The id of the command that an earlier sending of the request sent.

        @raise RequestKeyReused: if it asked for something else.
        """
        found = self._sent.get((request.tenant_id, request.key)) if request else None
        if request is None or found is None:
            return None
        fingerprint, call_id = found
        if fingerprint != request.fingerprint:
            raise RequestKeyReused("this Idempotency-Key came before with a different request")
        return call_id

    def keep(self, request: RequestKey | None, call_id: int) -> None:
        """A request has sent a command."""
        if request is None:
            return
        self._sent[request.tenant_id, request.key] = (request.fingerprint, call_id)
        if len(self._sent) > MOST_REMEMBERED:
            self._sent.popitem(last=False)
