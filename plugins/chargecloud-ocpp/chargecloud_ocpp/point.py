"""What is known of one charge point on its connection."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import ChargerEvent
from chargecloud.domain.hazards import Hazard
from chargecloud.interfaces import Alive, Seconds, Told
from chargecloud_ocpp.calls import Id, Message, Result
from chargecloud_ocpp.clock import CloudTime
from chargecloud_ocpp.limits import Limits
from chargecloud_ocpp.transactions import Transactions


@define(eq=False)
class Point:
    """
    @ivar say: sends a message at once.
    @ivar time: the platform's, as far as it was told.
    @ivar states: of its connectors, as it said last; C{hazards} the same.
    @ivar on_fire: connectors, and 0 for all of it, that were locked out for a fire since it
        connected: OCPP has one word for every reason.
    @ivar is_clock_off: whether its clock was last seen to be wrong.
    @ivar unwanted: numbers of transactions that are to be stopped, as nobody would pay for them.
    """

    identity: str
    say: Callable[[Message], None]
    seconds: Seconds
    transactions: Transactions = field(factory=Transactions, init=False)
    limits: Limits = field(factory=Limits, init=False)
    time: CloudTime = field(factory=CloudTime, init=False)
    states: dict[int, PortState] = field(factory=dict, init=False)
    hazards: dict[int, Hazard] = field(factory=dict, init=False)
    on_fire: set[int] = field(factory=set, init=False)
    is_clock_off: bool = field(default=False, init=False)
    unwanted: list[int] = field(factory=list, init=False)

    def answer(self, call: Id, payload: Mapping[str, Any]) -> None:
        """Answer a call of its."""
        self.say(Result(call, payload))

    def tells(self, event: ChargerEvent, ticket: object = None) -> Told:
        """It has told a fact."""
        return Told(self.identity, event, ticket)

    @property
    def lives(self) -> Alive:
        """It has given a sign of life, and nothing besides."""
        return Alive(self.identity)
