"""The rules of a campaign: who is next, and whether to go on.  Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256

from attrs import frozen

from chargecloud.domain.events import FirmwareStage

#: a charger that is not connected for so long is not waited for
AWAY_AFTER = timedelta(hours=24)
#: an offer that did not lead to anything is made again
OFFER_AGAIN_AFTER = timedelta(minutes=10)


class State(Enum):
    """Where one charger's update is."""

    WAITING = "waiting"
    OFFERED = "offered"
    FETCHING = "fetching"
    READY = "ready"
    DONE = "done"
    FELL_BACK = "fell_back"
    REFUSED = "refused"
    FAILED = "failed"
    LOST = "lost"
    WITHDRAWN = "withdrawn"


UNDER_WAY = {State.OFFERED, State.FETCHING, State.READY}
#: and that may be done all the same
GIVEN_UP = {State.LOST, State.WITHDRAWN}
BAD = {State.FELL_BACK, State.REFUSED, State.FAILED, State.LOST}

#: what becomes of an update whose charger stays away: one that may have started the image is
#: lost with it, another has only been switched off
_AWAY: Mapping[State, State] = {
    State.OFFERED: State.WAITING,
    State.FETCHING: State.WAITING,
    State.READY: State.LOST,
}

_STAGES: Mapping[FirmwareStage, State] = {
    FirmwareStage.FETCHING: State.FETCHING,
    FirmwareStage.READY: State.READY,
    FirmwareStage.RUNNING: State.DONE,
    FirmwareStage.FELL_BACK: State.FELL_BACK,
    FirmwareStage.REFUSED: State.REFUSED,
    FirmwareStage.FAILED: State.FAILED,
}


def follow(state: State, stage: FirmwareStage) -> State:
    """Where an update is after a charger has told how far it has come.  What is over stays as
    it is, but for a charger that was given up and has made it all the same."""
    told = _STAGES.get(stage, state)
    return told if state in before(told) else state


def before(state: State) -> Set[State]:
    """Where an update must be to come to a state, when others may have changed it meanwhile."""
    return UNDER_WAY | GIVEN_UP if state is State.DONE else UNDER_WAY


class CampaignState(Enum):
    """Where a campaign is."""

    RUNNING = "running"
    HALTED = "halted"
    DONE = "done"


@frozen
class Pace:
    """
    How carefully a campaign goes.

    @ivar canary: so many chargers are updated first.
    @ivar hold: after the last of them is done, the others wait for so long.
    @ivar at_once: updates that are under way at a time.
    @ivar most_failures: the campaign halts when more than these have gone wrong.
    """

    canary: int
    hold: timedelta
    at_once: int
    most_failures: int


@frozen
class Update:
    """
    One charger's.

    @ivar changed_at: when its state changed last.
    """

    charger_id: int
    state: State
    changed_at: datetime


def picked(campaign_id: int, charger_id: int, percent: int) -> bool:
    """Whether a charger is among so many of a hundred; the same ones each time it is asked."""
    digest = sha256(f"{campaign_id} {charger_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < percent


def after_absence(state: State, away_since: datetime | None, now: datetime) -> State:
    """
    Where an update is whose charger may be away.  A charger that is connected may be ready
    for as long as its ports charge.

    @param away_since: C{None} if it is connected.
    """
    if away_since is None or now - away_since < AWAY_AFTER:
        return state
    return _AWAY.get(state, state)


def is_to_be_offered_again(state: State, offered_at: datetime | None, now: datetime) -> bool:
    """Whether an offer may have been lost, or came when the charger was busy."""
    return state is State.OFFERED and (offered_at is None or now - offered_at >= OFFER_AGAIN_AFTER)


def verdict(pace: Pace, updates: Sequence[Update]) -> tuple[CampaignState, str | None]:
    """Whether a running campaign goes on, is over, or halts, and why."""
    states = Counter(update.state for update in updates)
    bad = sum(states[state] for state in BAD)
    if bad > pace.most_failures:
        told = ", ".join(f"{states[state]} {state.value}" for state in State if state in BAD)
        return CampaignState.HALTED, f"too many failures: {told}"
    if all(update.state in BAD or update.state is State.DONE for update in updates):
        return CampaignState.DONE, None
    return CampaignState.RUNNING, None


def next_ones(
    pace: Pace, updates: Sequence[Update], free: Set[int], now: datetime
) -> Sequence[int]:
    """The chargers that are to be offered the image now.

    @param free: those that are connected, do not charge, and are at no other update.
    """
    begun = [update for update in updates if update.state is not State.WAITING]
    under_way = sum(update.state in UNDER_WAY for update in updates)
    room = max(pace.at_once - under_way, 0)
    if len(begun) < pace.canary:
        room = min(room, pace.canary - len(begun))
    elif pace.canary and len(begun) == pace.canary:
        last = max(update.changed_at for update in begun)
        if under_way or now - last < pace.hold:
            return ()
    waiting = [u.charger_id for u in updates if u.state is State.WAITING and u.charger_id in free]
    return waiting[:room]
