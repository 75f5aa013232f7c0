"""Commands of one connection that wait for their answer, and each comes to an end."""

from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from chargecloud.domain.commands import Answer
from chargecloud.domain.errors import ChargerOffline, CommandTimedOut


@define(eq=False)
class Awaited:
    """Answers that are awaited, by the charger's identity and the command's number."""

    clock: IReactorTime
    _answers: "dict[tuple[str, int], Deferred[Answer]]" = field(factory=dict, init=False)

    def wait(self, identity: str, number: int, deadline_s: float) -> "Deferred[Answer]":
        """A command was sent; fails with L{CommandTimedOut} when it is too late."""
        answered: Deferred[Answer] = Deferred()
        self._answers[identity, number] = answered

        def too_late() -> None:
            answered.errback(CommandTimedOut(f"no answer within {deadline_s:g} s"))

        deadline = self.clock.callLater(deadline_s, too_late)

        def over(result: Any) -> Any:
            # answered, too late, lost, or cancelled by the one who asked
            del self._answers[identity, number]
            if deadline.active():
                deadline.cancel()
            return result

        return answered.addBoth(over)

    def answer(self, identity: str, number: int, answer: Answer) -> None:
        """An answer has come; to what nobody waits for, it is for nobody."""
        answered = self._answers.get((identity, number))
        if answered is not None:
            answered.callback(answer)

    def lose(self, identity: str | None = None) -> None:
        """No answer will come from this charger any more; from nobody if it is C{None}."""
        for (whose, _number), answered in list(self._answers.items()):
            if identity in (None, whose):
                answered.errback(ChargerOffline("the connection was lost"))

    def __len__(self) -> int:
        return len(self._answers)
