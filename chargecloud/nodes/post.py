"""The post between nodes: a question and its answer, or something that is only told.

Each message carries a seal made with a key that all nodes derive from the master key: whoever
can write to Redis but has no such key can make no node do anything.
"""

import hmac
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from itertools import count
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from chargecloud.domain.errors import NodesApart, Refusal
from chargecloud.nodes import wording
from chargecloud.storage.redis import Wire

#: clocks of two nodes may differ by this much; a message that is older is not acted on
STALE_S = 60.0
#: questions of this node that wait for an answer; beyond it they are refused
MOST_ASKED = 20_000
_SEAL_BYTES = 16
#: an answer is tried so often, with so many seconds between
ANSWER_TRIES, ANSWER_AGAIN_S = 20, 0.25

Answers = Callable[[Any], Awaitable[Any]]


def channel_of(node: int) -> str:
    """Where a node listens."""
    return f"chargecloud:{node}"


#: where all listen
ALL = "chargecloud:all"


@define
class _Asked:
    answered: "Deferred[Any]"
    too_late: IDelayedCall


@define(eq=False)
class Post:
    """
    @ivar node: this one.
    @ivar key: seals what is said.
    @ivar answers: by kind, what is asked or told; its result is the answer.
    @ivar refused: messages that no node of ours has written, that came too late, or once more.
    """

    node: int
    key: bytes = field(repr=False)
    clock: IReactorTime
    wire: Wire | None = None
    answers: dict[str, Answers] = field(factory=dict)
    refused: int = field(default=0, init=False)
    _asked: dict[int, _Asked] = field(factory=dict, init=False)
    # an answer to who had this slot before must find no question of ours
    _numbers: "count[int]" = field(factory=lambda: count(secrets.randbits(52)), init=False)
    #: questions that came, with when: a server that fails may hand one on after we were asked
    #: by another, and who listens to our servers may say one again
    _came: "deque[tuple[float, tuple[int, int]]]" = field(factory=deque, init=False)
    _known: set[tuple[int, int]] = field(factory=set, init=False)
    _log: Logger = field(factory=Logger, init=False)

    @property
    def is_connected(self) -> bool:
        """Whether there is a way to other nodes."""
        return self.wire is not None and self.wire.is_up

    @property
    def is_apart(self) -> bool:
        """Whether there may be other nodes, and there is no way to them."""
        return self.wire is not None and not self.wire.is_up

    def ask(self, node: int, kind: str, body: Any, deadline_s: float) -> "Deferred[Any]":
        """
        Ask a node something.

        @return: fires with its answer; fails with the L{Refusal} that it answers, or with
            L{NodesApart} if it cannot be reached or does not answer in time.
        """
        if len(self._asked) >= MOST_ASKED:
            return Deferred.fromCoroutine(_apart("too many questions wait for other nodes"))
        number = next(self._numbers)
        answered: Deferred[Any] = Deferred()
        too_late = self.clock.callLater(deadline_s, self._too_late, number, node)
        self._asked[number] = _Asked(answered, too_late)
        message = {"kind": kind, "number": number, "for_s": deadline_s, "body": body}
        said = Deferred.fromCoroutine(self._say(channel_of(node), message, number))
        said.addCallbacks(self._heard_by, self._end, (number, node), {}, (number,))
        return answered

    def tell(self, node: int | None, kind: str, body: Any) -> None:
        """Tell a node something, or all others for C{None}; it is lost if they are apart."""
        channel = ALL if node is None else channel_of(node)
        said = Deferred.fromCoroutine(self._say(channel, {"kind": kind, "body": body}, self.node))
        said.addErrback(lambda failure: failure.trap(NodesApart))

    async def _say(self, channel: str, message: Mapping[str, Any], turn: int) -> int:
        if self.wire is None:
            raise NodesApart("this node knows no others")
        text = wording.write({"from": self.node, "at_s": self.clock.seconds(), **message})
        return await self.wire.say(channel, self._seal(text) + text, turn)

    def _seal(self, text: bytes) -> bytes:
        return hmac.digest(self.key, text, sha256)[:_SEAL_BYTES]

    def heard(self, message: bytes) -> None:
        """A message has come."""
        seal, text = message[:_SEAL_BYTES], message[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(text)):
            self.refused += 1
            return
        told = wording.read(text)
        if told["from"] == self.node and "number" not in told:
            # what was told to all was told to ourselves, too
            return
        old_s = self.clock.seconds() - told["at_s"]
        # whoever asked has been told that nothing came of it: then nothing must
        if not -STALE_S <= old_s <= min(STALE_S, told.get("for_s", STALE_S)):
            self.refused += 1
            self._log.error(
                "a message of node {node} is {old_s:.0f} s off: Redis is slow, or the clocks of "
                "nodes do not agree",
                node=told["from"],
                old_s=old_s,
            )
            return
        if told["kind"] == "answer":
            self._answered(told)
        elif "number" in told and self._came_before((told["from"], told["number"])):
            self.refused += 1
        else:
            acted = Deferred.fromCoroutine(self._act(told))
            acted.addErrback(lambda failure: self._log.failure("not acted on", failure))

    def _came_before(self, question: tuple[int, int]) -> bool:
        now_s = self.clock.seconds()
        # as long as its time lets it pass
        while self._came and self._came[0][0] < now_s - 2 * STALE_S:
            self._known.discard(self._came.popleft()[1])
        if question in self._known:
            return True
        self._known.add(question)
        self._came.append((now_s, question))
        return False

    async def _act(self, told: Mapping[str, Any]) -> None:
        act = self.answers.get(told["kind"])
        result: dict[str, Any]
        if act is None:
            # it does something else: a node that serves no chargers has no lists of cards
            if "number" not in told:
                return
            result = {"refused": wording.plain_refusal(NodesApart("it does no such thing"))}
        else:
            try:
                result = {"answer": await act(told["body"])}
            except Refusal as refusal:
                result = {"refused": wording.plain_refusal(refusal)}
            except Exception:
                result = self._fault(told)
        if "number" not in told:
            return
        number = {"number": told["number"]}
        try:
            await self._give_answer(told["from"], {**number, **result})
        except (TypeError, ValueError):
            # it cannot be said in JSON
            await self._give_answer(told["from"], {**number, **self._fault(told)})

    def _fault(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """What is answered for what failed here."""
        self._log.failure("{kind} of node {node}", kind=told["kind"], node=told["from"])
        fault = NodesApart(f"node {self.node} has a fault of its own")
        return {"refused": wording.plain_refusal(fault)}

    async def _give_answer(self, node: int, result: Mapping[str, Any]) -> None:
        """Answer; the way may just be coming up again, and whoever asked waits."""
        for _ in range(ANSWER_TRIES):
            try:
                await self._say(channel_of(node), {"kind": "answer", **result}, result["number"])
            except NodesApart:
                await deferLater(self.clock, ANSWER_AGAIN_S)
            else:
                return

    def _answered(self, told: Mapping[str, Any]) -> None:
        asked = self._asked.pop(told["number"], None)
        if asked is None:
            return
        asked.too_late.cancel()
        if "refused" in told:
            asked.answered.errback(wording.read_refusal(told["refused"]))
        else:
            asked.answered.callback(told["answer"])

    def _heard_by(self, listeners: int, number: int, node: int) -> None:
        if not listeners:
            self._end(NodesApart(f"node {node} is not there"), number)

    def _too_late(self, number: int, node: int) -> None:
        asked = self._asked.pop(number, None)
        if asked is not None:
            asked.answered.errback(NodesApart(f"node {node} did not answer in time"))

    def _end(self, why: Any, number: int) -> None:
        asked = self._asked.pop(number, None)
        if asked is not None:
            asked.too_late.cancel()
            asked.answered.errback(why)


async def _apart(why: str) -> Any:
    raise NodesApart(why)
