"""A node that leaves: its chargers are told to come back, a few at a time.

Behind one address stand other nodes that take them; all at once, they would be a storm to
those.  What a charger has told and is not answered yet is answered first.
"""

from collections.abc import Iterator

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.domain.commands import ComeBack
from chargecloud.domain.errors import Refusal
from chargecloud.gateway.routing import Routing

#: seconds after which a charger comes back; it takes up to twice of it
COME_BACK_S = 1
#: a charger that does not answer in time is hung up on
ANSWER_S = 3.0
#: how long a handful of chargers takes
STEP_S = 0.1


@define(eq=False)
class Leaving:
    """
    @ivar a_second: chargers that are told each second.
    """

    routing: Routing
    clock: IReactorTime
    a_second: int
    told: int = field(default=0, init=False)
    _log: Logger = field(factory=Logger, init=False)

    async def leave(self, until_s: float) -> None:
        """
        Tell the chargers, until none is left or an instant of the reactor's clock.
        """
        answered: list[Deferred[object]] = []
        for handful in self._handfuls():
            if self.clock.seconds() >= until_s:
                break
            answered += [self._tell(charger_id) for charger_id in handful]
            await deferLater(self.clock, STEP_S)
        # those that came meanwhile on connections that were there already are closed with them
        await DeferredList(answered)
        self._log.info("{told} chargers were told to come back", told=self.told)

    def _handfuls(self) -> Iterator[list[int]]:
        here = list(self.routing.presence)
        size = max(1, int(self.a_second * STEP_S))
        for start in range(0, len(here), size):
            yield here[start : start + size]

    def _tell(self, charger_id: int) -> "Deferred[object]":
        if self.routing.presence.find(charger_id) is None:
            # it has gone since, and where it may be by now it is to stay
            return succeed(None)
        self.told += 1
        answered = self.routing.send(charger_id, ComeBack(COME_BACK_S), ANSWER_S)
        return answered.addErrback(self._not_told, charger_id)

    def _not_told(self, failure: Failure, charger_id: int) -> None:
        failure.trap(Refusal)
        # its dialect has no words for it, or it is silent: it finds its way by itself
        self.routing.hang_up_here(charger_id)
