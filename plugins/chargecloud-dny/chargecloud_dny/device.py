"""One device on a connection: what waits for it, and what it still has to answer."""

from collections import deque
from collections.abc import Iterator
from enum import Enum

from attrs import define, field

from chargecloud.domain.commands import Answer, Command
from chargecloud.interfaces import Answered, Heard, Told
from chargecloud_dny.frames import Frame
from chargecloud_dny.messages import Message
from chargecloud_dny.pushing import Push

#: frames that may wait for the welcome
MOST_WAITING = 32
DONE = Answer(True)


class Stage(Enum):
    """How far a device has come."""

    CLAIMED = "claimed"
    WELCOME = "welcome"
    OPEN = "open"


@define(eq=False)
class Outgoing:
    """
    A message of ours.

    @ivar number: of the command, by which the platform knows it; C{None} for one that only we
        want answered.
    @ivar push: the image that it is a block of, if it is of one.
    @ivar tries: how often it has been sent.
    @ivar due_s: when it is sent again, or given up.
    """

    message: Message
    frame: Frame
    number: int | None
    command: Command | None
    push: Push | None = None
    tries: int = 0
    due_s: float = 0.0


@define(eq=False)
class Device:
    """
    @ivar id: its physical id.
    @ivar welcomed_s: Unix time of its welcome.
    @ivar heard_s: when something of it was heard last.
    @ivar time_asked: its question for the time that waits for an answer.
    @ivar push: the image that is on its way to it.
    @ivar settled: what was heard without the device, to be told next.
    """

    id: int
    identity: str
    heard_s: float
    stage: Stage = Stage.CLAIMED
    welcomed_s: int = 0
    waiting: "deque[Frame]" = field(factory=lambda: deque(maxlen=MOST_WAITING))
    time_asked: Frame | None = None
    settled: list[Heard] = field(factory=list)
    push: Push | None = None
    _queue: "deque[Outgoing]" = field(factory=deque)
    _out: dict[int, Outgoing] = field(factory=dict)
    _numbers: int = 0

    def order(
        self,
        message: Message,
        data: bytes,
        number: int | None = None,
        command: Command | None = None,
        push: Push | None = None,
    ) -> None:
        """Have a message sent when the wire is free."""
        # message numbers are repeated after a while, and 0 looks like none
        self._numbers = self._numbers % 0xFFFF + 1
        frame = Frame(self.id, self._numbers, message.command, data)
        self._queue.append(Outgoing(message, frame, number, command, push))

    def next_frame(self, now_s: float) -> Frame | None:
        """What is to be sent next: what was never sent before what was not answered."""
        if self._queue:
            outgoing = self._queue.popleft()
        else:
            late = (
                each
                for each in self._out.values()
                if each.due_s <= now_s and each.tries < each.message.tries
            )
            found = next(late, None)
            if found is None:
                return None
            outgoing = found
        outgoing.tries += 1
        outgoing.due_s = now_s + outgoing.message.resend_s
        if outgoing.message.answer is None:
            if outgoing.number is not None:
                # it has no answer: it is done when it is said
                self.settled.append(Answered(self.identity, outgoing.number, DONE))
        else:
            self._out[outgoing.frame.number] = outgoing
        return outgoing.frame

    def give_up(self, now_s: float) -> None:
        """Wait no longer for what has been tried often enough; its command runs out, and an
        image that it was a block of does not arrive."""
        for number, each in list(self._out.items()):
            if each.tries >= each.message.tries and each.due_s <= now_s:
                del self._out[number]
                if each.push is not None and each.push is self.push:
                    self.push = None
                    self.settled.append(Told(self.identity, each.push.given_up()))

    def take_back(self, push: Push) -> None:
        """Send nothing more of what a push has ready, and hear no answer to what was sent."""
        self._queue = deque([each for each in self._queue if each.push is not push])
        self._out = {number: each for number, each in self._out.items() if each.push is not push}

    def answered(self, frame: Frame) -> Outgoing | None:
        """What a reply is to; C{None} if it comes too late, or again."""
        outgoing = self._out.get(frame.number)
        if outgoing is None or outgoing.message.command != frame.command:
            return None
        return self._out.pop(frame.number)

    @property
    def has_queue(self) -> bool:
        """Whether something was not sent yet."""
        return bool(self._queue)

    def dues(self) -> Iterator[float]:
        """When something of it must be sent again or given up."""
        for each in self._out.values():
            yield each.due_s
