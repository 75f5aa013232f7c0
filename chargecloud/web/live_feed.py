"""The live feed: entries of the event log, to those who listen, as they are committed.

The log is read once for all listeners.  One that comes back says where it was, and is
first given what it missed.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from attrs import define, field
from sqlalchemy import Connection
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chargecloud.domain.errors import Overloaded
from chargecloud.storage.log import Logged, log_end, read_after
from chargecloud.storage.store import Store
from chargecloud.web import json_text
from chargecloud.web.ids import with_ids_as_text
from chargecloud.web.simple_types import write_instant

#: entries that are read again for one who comes back; beyond it, it is told of a gap
MOST_MISSED = 20_000
#: entries that wait for one listener; beyond it, it is let go, and may come back
MOST_WAITING = 2_000
MOST_LISTENERS = 5_000

#: where in the log somebody is, by node
Place = Mapping[int, int]


@define(eq=False, slots=False)
class News:
    """An entry, put into text once for all who are told of it."""

    logged: Logged

    @cached_property
    def text(self) -> bytes:
        """Its JSON text."""
        entry = self.logged.entry
        return json_text.write(
            {
                "at": write_instant(self.logged.at),
                "kind": entry.kind,
                "tenant_id": str(entry.tenant_id),
                "charger_id": _id(entry.charger_id),
                "order_id": _id(entry.order_id),
                "body": with_ids_as_text(entry.body),
            }
        )


def _id(value: int | None) -> str | None:
    return None if value is None else str(value)


@define(eq=False)
class Listener:
    """
    Somebody who listens.

    @ivar wants: whether an entry is for them.
    @ivar wake: called when there is something to take, or they are to go.
    @ivar is_let_go: whether too much waits, or the service stops.
    @ivar place: where in the log they are, once they have taken all.
    """

    wants: Callable[[Logged], bool]
    wake: Callable[[], None]
    place: dict[int, int]
    is_let_go: bool = False
    _waiting: "deque[News | None]" = field(factory=deque, init=False)
    _is_behind: bool = field(default=False, init=False)

    def take(self, most: int) -> "Iterator[News | None]":
        """What waits, some at a time; C{None} stands for entries that were left out."""
        while self._waiting and most and not self._is_behind:
            most -= 1
            yield self._waiting.popleft()

    @property
    def has_all(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def tell(self, entries: Sequence[News]) -> None:
        """Entries were committed."""
        for news in entries:
            logged = news.logged
            if logged.seq > self.place.get(logged.node, 0):
                self.place[logged.node] = logged.seq
                if self.wants(logged):
                    self._waiting.append(news)
        self.is_let_go = self.is_let_go or len(self._waiting) > MOST_WAITING
        if self._waiting and not self._is_behind:
            self.wake()

    def fall_behind(self) -> None:
        """What comes waits, until what was missed before is read."""
        self._is_behind = True

    def catch_up(self, missed: Sequence[News], *, is_all: bool) -> None:
        """What was missed has been read, as much of it as is told."""
        self._waiting.extendleft(reversed(missed))
        if not is_all:
            self._waiting.appendleft(None)
        self._is_behind = False
        self.wake()


@define(eq=False)
class LiveFeed:
    """Tells all listeners what is committed."""

    store: Store
    _listeners: set[Listener] = field(factory=set, init=False)
    _seen: dict[int, int] = field(factory=dict, init=False)
    _is_reading: bool = field(default=False, init=False)
    _is_woken: bool = field(default=False, init=False)
    _is_closed: bool = field(default=False, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self.store.writer.on_commit.append(self._wake)

    def __len__(self) -> int:
        """How many listen."""
        return len(self._listeners)

    async def listen(
        self, wants: Callable[[Logged], bool], wake: Callable[[], None], after: Place | None
    ) -> Listener:
        """
        Listen from here on, or from an earlier place.

        @raise Overloaded: if too many listen.
        """
        end = await self.store.read(log_end)
        if self._is_closed or len(self._listeners) >= MOST_LISTENERS:
            raise Overloaded("too many listen to the live feed, or the service stops")
        if not self._listeners:
            self._seen = end
        listener = Listener(wants, wake, dict(self._seen))
        self._listeners.add(listener)
        # what was committed since the end was read
        self._wake()
        if after is not None:
            listener.fall_behind()
            try:
                await self._bring_up(listener, after, dict(listener.place))
            except BaseException:
                self.leave(listener)
                raise
        return listener

    async def _bring_up(self, listener: Listener, after: Place, end: Place) -> None:
        missed: list[News] = []
        seen, read = dict(after), 0
        while any(seq > seen.get(node, 0) for node, seq in end.items()) and read < MOST_MISSED:
            entries = await self.store.read(
                lambda connection, seen=dict(seen): _newer_than(connection, seen)  # type: ignore[misc]
            )
            if not entries:
                break
            read += len(entries)
            seen.update({each.node: each.seq for each in entries})
            known = [each for each in entries if each.seq <= end.get(each.node, 0)]
            missed += [News(each) for each in known if listener.wants(each)]
        is_all = read < MOST_MISSED and len(missed) <= MOST_WAITING
        listener.catch_up(missed if is_all else (), is_all=is_all)

    def leave(self, listener: Listener) -> None:
        """Somebody listens no more."""
        self._listeners.discard(listener)

    def close(self) -> None:
        """The service stops: everybody is let go."""
        self._is_closed = True
        self.store.writer.on_commit.remove(self._wake)
        for listener in list(self._listeners):
            listener.is_let_go = True
            listener.wake()

    def _wake(self) -> None:
        self._is_woken = True
        if self._listeners and not self._is_reading:
            self._is_reading = True
            Deferred.fromCoroutine(self._read()).addErrback(self._failed)

    async def _read(self) -> None:
        try:
            while self._is_woken and self._listeners:
                self._is_woken = False
                while entries := await self._newer():
                    self._seen.update({each.node: each.seq for each in entries})
                    news = [News(each) for each in entries]
                    for listener in list(self._listeners):
                        listener.tell(news)
        finally:
            self._is_reading = False

    async def _newer(self) -> Sequence[Logged]:
        seen = dict(self._seen)
        return await self.store.read(lambda connection: _newer_than(connection, seen))

    def _failed(self, failure: Any) -> None:
        # the next commit tries again
        self._log.failure("the live feed could not be read", failure)


def _newer_than(connection: Connection, seen: Mapping[int, int]) -> Sequence[Logged]:
    return read_after(connection, seen, log_end(connection))
