"""What the platform wants of one charge point: its commands, and what we want by ourselves."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from chargecloud.domain.charger import LockOut
from chargecloud.domain.commands import (
    Answer,
    ChangeCharge,
    Command,
    LockOutCharger,
    Query,
    Question,
    StartCharge,
    StopCharge,
)
from chargecloud.domain.errors import Conflict, Overloaded
from chargecloud.interfaces import Answered, Heard
from chargecloud_ocpp import facts
from chargecloud_ocpp.calls import Error, Result, Unreadable
from chargecloud_ocpp.messages.reading import read
from chargecloud_ocpp.orders import Wanted, answer_of, answer_of_error, calls_of
from chargecloud_ocpp.outstanding import GOOD_FOR_S, MOST_WAITING, Outstanding
from chargecloud_ocpp.point import Point

#: a start that could not be sent by then is wanted by nobody any more
START_GOOD_FOR_S = 15.0
#: calls that wait, beside which we want nothing more by ourselves
MOST_WANTED = MOST_WAITING // 2


@define(eq=False)
class Ask:
    """
    Calls of ours that belong together.

    @ivar number: of the platform's command; C{None} for what only we want.
    @ivar left: what is still to be called once this is answered.
    """

    number: int | None
    command: Command | None
    action: str
    left: Sequence[Wanted] = ()

    @property
    def goes_on(self) -> bool:
        """Whether what is left is called whatever the answer: a lock-out must not end with a charge
        that will not."""
        return isinstance(self.command, LockOutCharger)


@define(eq=False)
class Asking:
    """
    @ivar calls: those that wait, and the one that is on its way.
    @ivar settled: what was done without the charge point, to be told next.
    """

    point: Point
    calls: Outstanding = field(init=False)
    settled: list[Heard] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.calls = Outstanding(self.point.seconds)

    def command(self, number: int, command: Command) -> None:
        """
        Send a command, or do without the charge point what it has no words for.

        @raise Refusal: if neither can be.
        """
        if not self._is_done(command):
            wanted = calls_of(command, self.point.transactions)
            if isinstance(command, ChangeCharge):
                self.point.limits.change(command)
            if isinstance(command, StartCharge):
                self.point.transactions.of_order(command.order_id, command.port)
                self.point.limits.order(command)
            if isinstance(command, LockOutCharger):
                self._lock_out(command)
            if wanted:
                self._ask(number, command, wanted)
                return
        self.settle(number)

    def _lock_out(self, command: LockOutCharger) -> None:
        """
        Remember what is locked out for a fire.

        @raise Conflict: if that is to be lifted by who may not.
        """
        port, on_fire = command.port or 0, self.point.on_fire
        if command.lock_out is LockOut.FIRE:
            on_fire.add(port)
        elif port in on_fire and not command.lifts_fire:
            raise Conflict("it is locked out for a fire", code="locked-out")
        elif command.lock_out is LockOut.NONE:
            on_fire.discard(port)

    def settle(self, number: int) -> None:
        """A command is done."""
        self.settled.append(Answered(self.point.identity, number, Answer(True)))

    def want(self, action: str, payload: Mapping[str, Any]) -> None:
        """Have something done that nobody waits for; one that starts anew all the time is not
        told more than it answers."""
        if len(self.calls) < MOST_WANTED:
            self._ask(None, None, [(action, payload)])

    def answered(self, message: Result | Error | Unreadable) -> Sequence[Heard]:
        """The charge point has answered."""
        asked = self.calls.answered(message)
        if asked is None:
            return (self.point.lives,)
        ask = asked.ticket
        assert isinstance(ask, Ask)
        payload: Mapping[str, Any] = {}
        if isinstance(message, Result):
            payload = read(ask.action, True, message.payload).values
            answer = answer_of(payload)
        elif isinstance(message, Error):
            answer = answer_of_error(message)
        else:
            answer = Answer(False, "refused", {"error": message.reason})
        if ask.left and (answer.accepted or ask.goes_on):
            try:
                self._ask(ask.number, ask.command, ask.left)
            except Overloaded:
                answer = Answer(False, "busy")
            else:
                return (self.point.lives,)
        return self._heard(ask, answer, payload)

    def _heard(self, ask: Ask, answer: Answer, payload: Mapping[str, Any]) -> Sequence[Heard]:
        if ask.number is None or ask.command is None:
            return (self.point.lives,)
        if not answer.accepted and self._is_done(ask.command):
            # it was told twice, and has done it at the first time
            answer = Answer(True)
        heard: list[Heard] = [Answered(self.point.identity, ask.number, answer)]
        if ask.command == Query(Question.PARAMETERS) and answer.accepted:
            heard.append(self.point.tells(facts.parameters(payload)))
        return heard

    def look_after(self) -> Sequence[Heard]:
        """What is due without anything new from the charge point."""
        point = self.point
        now_s, running = point.seconds(), point.transactions.running()
        for transaction, reason in point.limits.stops(running, point.time.rate, now_s):
            transaction.stopped_for = reason
            self.want("RemoteStopTransaction", {"transactionId": transaction.id})
        unwanted, point.unwanted = point.unwanted, []
        for number in unwanted:
            self.want("RemoteStopTransaction", {"transactionId": number})
        # nobody has answered: the platform gives its command up by itself
        self.calls.expire()
        settled, self.settled = self.settled, []
        return settled

    @property
    def due_s(self) -> float | None:
        """When L{look_after} has something to do."""
        point = self.point
        limits_s = point.limits.due_s(point.transactions.running(), point.time.rate)
        settled_s = point.seconds() if self.settled or point.unwanted else None
        dues = [each for each in (self.calls.due_s, limits_s, settled_s) if each is not None]
        return min(dues, default=None)

    def say_next(self) -> None:
        """Send the next call, if none is on its way."""
        if (call := self.calls.next()) is not None:
            self.point.say(call)

    def _is_done(self, command: Command) -> bool:
        """Whether what a command wants is so already: it was said again, or comes too late."""
        if not isinstance(command, StartCharge | StopCharge):
            return False
        transaction = self.point.transactions.find_order(command.order_id)
        if transaction is None:
            return False
        if isinstance(command, StopCharge):
            # one that the platform has closed by itself may still go on there
            return transaction.end_told
        return self.point.transactions.at_port(command.port) is transaction

    def _ask(self, number: int | None, command: Command | None, wanted: Sequence[Wanted]) -> None:
        (action, payload), *left = wanted
        good_for_s = START_GOOD_FOR_S if isinstance(command, StartCharge) else GOOD_FOR_S
        self.calls.ask(action, payload, Ask(number, command, action, left), good_for_s=good_for_s)
