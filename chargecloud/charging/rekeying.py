"""Telling chargers to make their next key, as soon as they can be told."""

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import Answer, ComeBack, NewKey
from chargecloud.domain.errors import Refusal
from chargecloud.gateway.routing import Routing

#: a charger uses its new key from its next connection on: that is soon
COME_BACK_S = 1


@define(eq=False)
class Rekeying:
    """What is not told now, because the charger is away or its answer is lost, is told when it
    logs in again."""

    routing: Routing
    _log: Logger = field(factory=Logger, init=False)

    def arrived(self, admission: Admission) -> None:
        """A charger's session is open."""
        if admission.next_key is not None:
            self.tell(admission.charger_id, admission.next_key)

    def tell(self, charger_id: int, next_key: tuple[int, bytes]) -> None:
        """Tell a charger, if it is connected, to make a key and to come back with it."""
        if self.routing.presence.find(charger_id) is None:
            return
        answered = self.routing.send(charger_id, NewKey(*next_key))
        answered.addCallback(self._answered, charger_id)
        answered.addErrback(self._not_told, charger_id)

    def _answered(self, answer: Answer, charger_id: int) -> "Deferred[Answer] | None":
        if answer.accepted:
            return self.routing.send(charger_id, ComeBack(COME_BACK_S))
        self._log.warn(
            "charger {charger_id} makes no new key: {reason}",
            charger_id=charger_id,
            reason=answer.code,
        )
        return None

    def _not_told(self, failure: Failure, charger_id: int) -> None:
        failure.trap(Refusal)
        self._log.debug("charger {charger_id} was not told of its key", charger_id=charger_id)
