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
    _answers: "dict[str, dict[int, Deferred[Answer]]]" = field(factory=dict, init=False)

    def wait(self, identity: str, number: int, deadline_s: float) -> "Deferred[Answer]":
        """A command was sent; fails with L{CommandTimedOut} when it is too late."""
        answered: Deferred[Answer] = Deferred()
        self._answers.setdefault(identity, {})[number] = answered

        def too_late() -> None:
            answered.errback(CommandTimedOut(f"no answer within {deadline_s:g} s"))

        deadline = self.clock.callLater(deadline_s, too_late)

        def over(result: Any) -> Any:
            # answered, too late, lost, or cancelled by the one who asked
            del self._answers[identity][number]
            if not self._answers[identity]:
                del self._answers[identity]
            if deadline.active():
                deadline.cancel()
            return result

        return answered.addBoth(over)

    def answer(self, identity: str, number: int, answer: Answer) -> None:
        """An answer has come; to what nobody waits for, it is for nobody."""
        answered = self._answers.get(identity, {}).get(number)
        if answered is not None:
            answered.callback(answer)

    def lose(self, identity: str | None = None) -> None:
        """No answer will come from this charger any more; from nobody if it is C{None}."""
        for whose in list(self._answers) if identity is None else [identity]:
            for answered in list(self._answers.get(whose, {}).values()):
                answered.errback(ChargerOffline("the connection was lost"))

    def count(self, identity: str) -> int:
        """How many commands of this charger wait."""
        return len(self._answers.get(identity, ()))
