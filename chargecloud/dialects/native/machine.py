"""The order of messages on the cloud's side of a connection, as a table.

Each row tells what is heard, what is answered at once, and the state that follows; what
has no row is out of order.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from attrs import frozen

from chargecloud.dialects.fields import Fields
from chargecloud.dialects.native.down import HEARTBEAT_ANSWER
from chargecloud.dialects.native.facts import FACTS, ticket_of
from chargecloud.dialects.native.messages import UNKNOWN, Message
from chargecloud.dialects.native.orders import read_answer
from chargecloud.dialects.native.up import ANSWER, HEARTBEAT, LOGIN, REPORT
from chargecloud.domain.events import LoggedIn
from chargecloud.interfaces import Alive, Answered, Claimed, Heard, Proven, Told


class State(Enum):
    """How far a connection has come."""

    NEW = "new"
    CLAIMED = "claimed"
    LOGIN_DUE = "login due"
    PROOF_DUE = "proof due"
    OPEN = "open"
    REFUSED = "refused"
    FAILED = "failed"


class Turn(Enum):
    """What leads from state to state and is no message: a HELLO, and what the registry
    then finds."""

    HELLO = "hello"
    NOT_ADMITTED = "not admitted"
    FACTS_WANTED = "facts wanted"
    FACTS_KNOWN = "facts known"
    #: it carries bytes of another device
    RELAY = "relay"


@frozen
class Claim:
    """What a HELLO says, by the names of its fields."""

    identity: str
    key_generation: int
    boot: int
    connection: int
    suites: int
    uptime_s: int
    login_digest: bytes | None = None
    max_frame: int | None = None


Hear = Callable[[Claim, Fields], Heard]


class Step(NamedTuple):
    """One row: what is heard, the state that follows, and what is answered at once."""

    hear: tuple[Hear, ...]
    state: State
    reply: Message | None = None


def _claimed(claim: Claim, _fields: Fields) -> Heard:
    return Claimed(claim.identity)


def _proven_by_login(claim: Claim, fields: Fields) -> Heard:
    login = LoggedIn(claim.boot, claim.uptime_s, key_generation=claim.key_generation, **fields)
    return Proven(claim.identity, login, claim.login_digest)


def _proven_with_known_facts(claim: Claim, _fields: Fields) -> Heard:
    return _proven_by_login(claim, {})


def _alive(claim: Claim, _fields: Fields) -> Heard:
    return Alive(claim.identity)


def _answered(claim: Claim, fields: Fields) -> Heard:
    return Answered(claim.identity, *read_answer(fields))


def _told(message: Message) -> Hear:
    read = FACTS[message]

    def told(claim: Claim, fields: Fields) -> Heard:
        return Told(claim.identity, read(fields, claim.boot), ticket_of(message, fields))

    return told


#: what a charger that has proved itself may say, in any order
_OPEN_STEPS: Mapping[Message, Step] = {
    HEARTBEAT: Step((_alive,), State.OPEN, HEARTBEAT_ANSWER),
    ANSWER: Step((_answered,), State.OPEN),
    UNKNOWN: Step((), State.OPEN),
    **{message: Step((_told(message),), State.OPEN) for message in FACTS},
    # it stands for a heartbeat while a port charges, and is answered like one
    REPORT: Step((_told(REPORT),), State.OPEN, HEARTBEAT_ANSWER),
}

TRANSITIONS: Mapping[tuple[State, Message | Turn], Step] = {
    (State.NEW, Turn.HELLO): Step((_claimed,), State.CLAIMED),
    (State.CLAIMED, Turn.NOT_ADMITTED): Step((), State.REFUSED),
    (State.CLAIMED, Turn.FACTS_WANTED): Step((), State.LOGIN_DUE),
    (State.CLAIMED, Turn.FACTS_KNOWN): Step((), State.PROOF_DUE),
    (State.LOGIN_DUE, LOGIN): Step((_proven_by_login,), State.OPEN),
    # the first frame that opens proves the charger, and says what it says as well
    **{
        (State.PROOF_DUE, message): step._replace(hear=(_proven_with_known_facts, *step.hear))
        for message, step in _OPEN_STEPS.items()
    },
    **{(State.OPEN, message): step for message, step in _OPEN_STEPS.items()},
    (State.OPEN, Turn.RELAY): Step((), State.OPEN),
}
