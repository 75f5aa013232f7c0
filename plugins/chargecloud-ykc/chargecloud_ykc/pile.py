"""One pile on a connection: its guns, and what it still has to answer."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from attrs import define, field

from chargecloud.dialects.layouts import Fields
from chargecloud.domain.commands import Command, StartCharge, StopCharge
from chargecloud.domain.events import Reply
from chargecloud.interfaces import Heard
from chargecloud_ykc.codes import CHARGING, IDLE
from chargecloud_ykc.frames import Frame
from chargecloud_ykc.messages import Message
from chargecloud_ykc.prices import NO_MODEL

#: a message of ours is answered within this, or not at all
ANSWER_S = 30.0
#: a gun that was told to start and has no plug starts with it within this (protocol V1.6, 8.4)
SECOND_CHANCE_S = 60.0
#: a start that was answered with "yes" is seen in a reading within this, or something is wrong
SEEN_S = 600.0
#: piles have 90 s to begin (protocol V1.6, 13.3(1)), the platform's commands less to be answered
SENT_S = 10.0
#: all guns that charge one car ask within this
GROUP_S = 10.0
#: guns of one car
GROUP_SIZE = 2
#: how often a pile's model is compared with the prices of the next day
PRICES_S = 900.0
#: and its clock set (protocol V1.6, 9.3)
TIME_S = 86_400.0
#: frames that may wait for the welcome
MOST_WAITING = 32


class Stage(Enum):
    """How far a pile has come."""

    CLAIMED = "claimed"
    WELCOME = "welcome"
    OPEN = "open"


@define(eq=False)
class Question:
    """What a pile has asked, and waits for.

    @ivar message: which of the messages it is.
    @ivar turn: of the pile, when it has asked.
    """

    message: Message
    fields: Fields
    sequence: bytes
    turn: int = 0

    @property
    def gun(self) -> int:
        """Which gun it is about."""
        gun: int = self.fields["gun"]
        return gun


class NewPrices:
    """Nobody has asked: the platform's prices are compared with the pile's."""


@define(eq=False)
class Gun:
    """
    @ivar is_known: whether it has told its state on this connection.
    @ivar order_id: of the charge that it tells of.
    @ivar starting: the order that it was told to start, and has not; and until when it may.
    @ivar told: the order of which the platform was told that it began.
    @ivar turn: how many charges, and starts that came to nothing, it has behind it.
    @ivar faults: as bits.
    @ivar question: somebody who wants to charge, until the platform has answered.
    @ivar wanted: a start that came before that answer.
    @ivar verdicts: whether orders that were made for such a question may start.
    @ivar balances: what such orders may spend.
    @ivar stops: by their orders, those that came before the gun was known; and until when they
        wait.
    """

    is_known: bool = False
    state: int = 0
    order_id: int | None = None
    starting: int | None = None
    starting_due_s: float = 0.0
    told: int | None = None
    faults: int = 0
    question: Question | None = None
    wanted: tuple[int, StartCharge] | None = None
    verdicts: dict[int, bool] = field(factory=dict)
    balances: dict[int, int] = field(factory=dict)
    stops: dict[int, tuple[int, StopCharge, float]] = field(factory=dict)
    turn: int = 0

    def begin(self, order_id: int, due_s: float) -> None:
        """It is told to start, and does by then or not at all."""
        self.starting, self.starting_due_s = order_id, due_s

    def begins_no_more(self, order_id: int) -> None:
        """A start has come to something, or to nothing."""
        self.turn += 1
        if self.starting == order_id:
            self.starting = None

    def has_ended(self, order_id: int) -> None:
        """It has told the end of a charge."""
        self.begins_no_more(order_id)
        if self.order_id == order_id:
            self.order_id = None

    def is_free_of(self, order_id: int) -> bool:
        """Whether it is sure not to charge for an order."""
        if self.order_id is not None:
            return self.order_id != order_id
        return self.starting != order_id and self.is_known and self.state == IDLE

    @property
    def is_busy(self) -> bool:
        """Whether it charges, or is about to."""
        return self.state == CHARGING or self.starting is not None


@define(eq=False)
class Group:
    """
    Guns that charge one car together: all of them, or none (protocol V1.6, 12).

    @ivar due_s: when those who have not asked will not.
    """

    due_s: float
    asked: dict[int, tuple[Question, Reply]] = field(factory=dict)


@define(eq=False)
class Outgoing:
    """
    A message of ours that is to be answered.

    @ivar number: of the command, by which the platform knows it; C{None} for one that only we
        want answered, or whose command is answered.
    @ivar rest: what belongs to the same command, and follows.
    @ivar due_s: when its answer will not come any more.
    @ivar sent_due_s: when a start counts as accepted whose answer has not come.
    """

    message: Message
    fields: Fields
    sequence: bytes
    due_s: float
    number: int | None = None
    command: Command | None = None
    rest: Sequence[tuple[Message, Fields]] = ()
    sent_due_s: float | None = None

    @property
    def starts(self) -> int | None:
        """The order that it is to start, if it is a start."""
        return self.command.order_id if isinstance(self.command, StartCharge) else None

    def is_answered_by(self, frame: Frame, fields: Mapping[str, Any]) -> bool:
        """Whether a frame is about the same: what both of them name is the same."""
        return self.message.answer == frame.kind and all(
            fields.get(name, self.fields[name]) == self.fields[name]
            for name in ("trade", "gun")
            if name in self.fields
        )


@define(eq=False)
class Pile:
    """
    @ivar number: its 14 digits.
    @ivar is_high_first: how it writes checks.
    @ivar welcomed: when it was let in: Unix time, and by the conversation's clock.
    @ivar model: number of the billing model that it has.
    @ivar turn: how often it has started anew on this connection.
    @ivar groups: by their numbers; and C{decided}, whether those before may charge.
    @ivar settled: what was heard without the pile, to be told next.
    """

    number: str
    heard_s: float
    login: Question
    is_high_first: bool = False
    stage: Stage = Stage.CLAIMED
    welcomed: tuple[int, float] = (0, 0.0)
    model: str = NO_MODEL
    prices_due_s: float = 0.0
    time_due_s: float = 0.0
    waiting: list[Frame] = field(factory=list)
    turn: int = 0
    groups: dict[str, Group] = field(factory=dict)
    decided: dict[str, bool] = field(factory=dict)
    settled: list[Heard] = field(factory=list)
    out: list[Outgoing] = field(factory=list)
    _guns: dict[int, Gun] = field(factory=dict)
    _sequence: int = -1

    @property
    def guns(self) -> int:
        """How many it has said to have; one that says none has one."""
        told: int = self.login.fields["guns"]
        return max(1, told)

    def gun(self, number: int) -> Gun:
        """One of its guns: the platform knows better than its login how many it has."""
        return self._guns.setdefault(number, Gun())

    @property
    def is_idle(self) -> bool:
        """Whether no gun charges."""
        return not any(gun.is_busy for gun in self._guns.values())

    def give_up(self, now_s: float) -> None:
        """Wait no longer for what should have come."""
        self.out = [each for each in self.out if each.due_s > now_s]
        for gun in self._guns.values():
            if gun.starting is not None and gun.starting_due_s <= now_s:
                gun.begins_no_more(gun.starting)
            gun.stops = {each: stop for each, stop in gun.stops.items() if stop[2] > now_s}

    def forget(self) -> None:
        """It has started anew: what was said to it is gone."""
        self.turn += 1
        self._guns.clear()
        self.groups.clear()
        self.out.clear()

    def unix_s(self, now_s: float) -> int:
        """The Unix time."""
        unix_s, welcomed_s = self.welcomed
        return unix_s + int(now_s - welcomed_s)

    def next_sequence(self) -> bytes:
        """For a message that we begin."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        return self._sequence.to_bytes(2, "little")

    def answered(self, frame: Frame, fields: Mapping[str, Any]) -> Outgoing | None:
        """What a reply is to: rather what has its sequence, as some piles count their own."""
        found = [each for each in self.out if each.is_answered_by(frame, fields)]
        same = [each for each in found if each.sequence == frame.sequence]
        return next(iter(same or found), None)

    def dues(self) -> Iterator[float]:
        """When something of it is to be looked after."""
        if self.stage is not Stage.OPEN:
            return
        yield self.prices_due_s
        yield self.time_due_s
        for each in self.out:
            yield each.due_s
            if each.number is not None and each.sent_due_s is not None:
                yield each.sent_due_s
        for group in self.groups.values():
            yield group.due_s
        for gun in self._guns.values():
            if gun.starting is not None:
                yield gun.starting_due_s
            for _, _, due_s in gun.stops.values():
                yield due_s
