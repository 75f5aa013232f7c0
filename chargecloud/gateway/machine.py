"""The life of a charger's session, as a table.

A session is one charger on one connection.  Rule 1: what is not in L{TRANSITIONS} is
refused, and the connection is closed.  Rule 2: this file knows no bytes, no dialect and
no clock; L{chargecloud.gateway.connection} carries out the actions.
"""

from enum import Enum

from chargecloud.domain.errors import OutOfOrder


class State(Enum):
    """Where a session is."""

    #: nothing is known of the charger yet
    NEW = "new"
    #: it has said who it is, and its credentials are being looked up
    CLAIMED = "claimed"
    #: it has been welcomed, and must prove itself
    CHALLENGED = "challenged"
    #: it has proved itself; its earlier sessions are being shut out
    ADMITTING = "admitting"
    #: it is ours
    OPEN = "open"
    #: it was turned away, or is to come back later
    CLOSED = "closed"


class Input(Enum):
    """What can come to a session, from either side."""

    CLAIM = "claim"
    CREDENTIALS = "credentials"
    NO_CREDENTIALS = "no credentials"
    POSTPONED = "postponed"
    PROOF = "proof"
    ADMITTED = "admitted"
    REFUSED = "refused"
    FACT = "fact"
    ANSWER = "answer"
    LIFE = "life"
    COMMAND = "command"
    #: it is not there any more, and others on its connection are
    GONE = "gone"


class Action(Enum):
    """What the connection does about it."""

    ASK_CREDENTIALS = "ask for its credentials"
    WELCOME = "welcome it"
    TURN_AWAY = "turn it away"
    POSTPONE = "have it come back later"
    ASK_ADMISSION = "ask for its admission"
    KEEP = "keep the fact until it is admitted"
    OPEN = "open, and deliver what was kept"
    DELIVER = "deliver the fact"
    MATCH = "give the answer to the one who asked"
    SEND = "send the command"
    LEAVE = "let it go"
    NOTHING = "nothing"


TRANSITIONS: dict[tuple[State, Input], tuple[Action, State]] = {
    # State: new
    (State.NEW, Input.CLAIM): (Action.ASK_CREDENTIALS, State.CLAIMED),
    # a dialect without secrets proves nothing and claims at once
    (State.NEW, Input.PROOF): (Action.ASK_ADMISSION, State.ADMITTING),
    # State: claimed
    (State.CLAIMED, Input.CREDENTIALS): (Action.WELCOME, State.CHALLENGED),
    (State.CLAIMED, Input.NO_CREDENTIALS): (Action.TURN_AWAY, State.CLOSED),
    (State.CLAIMED, Input.POSTPONED): (Action.POSTPONE, State.CLOSED),
    (State.CLAIMED, Input.GONE): (Action.LEAVE, State.CLOSED),
    # State: challenged
    (State.CHALLENGED, Input.PROOF): (Action.ASK_ADMISSION, State.ADMITTING),
    (State.CHALLENGED, Input.GONE): (Action.LEAVE, State.CLOSED),
    # State: admitting
    (State.ADMITTING, Input.ADMITTED): (Action.OPEN, State.OPEN),
    (State.ADMITTING, Input.REFUSED): (Action.TURN_AWAY, State.CLOSED),
    (State.ADMITTING, Input.POSTPONED): (Action.POSTPONE, State.CLOSED),
    (State.ADMITTING, Input.FACT): (Action.KEEP, State.ADMITTING),
    (State.ADMITTING, Input.LIFE): (Action.NOTHING, State.ADMITTING),
    (State.ADMITTING, Input.GONE): (Action.LEAVE, State.CLOSED),
    # State: open
    (State.OPEN, Input.FACT): (Action.DELIVER, State.OPEN),
    (State.OPEN, Input.ANSWER): (Action.MATCH, State.OPEN),
    (State.OPEN, Input.LIFE): (Action.NOTHING, State.OPEN),
    (State.OPEN, Input.COMMAND): (Action.SEND, State.OPEN),
    (State.OPEN, Input.GONE): (Action.LEAVE, State.CLOSED),
}


def follow(state: State, given: Input) -> tuple[Action, State]:
    """
    What is to be done, and the state that follows.

    @raise OutOfOrder: if the table has no such row.
    """
    row = TRANSITIONS.get((state, given))
    if row is None:
        raise OutOfOrder(f"{given.value} while {state.value}")
    return row
