"""Server-sent events: a listener of the live feed as an HTTP response that does not end.

The format is that of the HTML standard, section 9.2: blocks of C{id}, C{event} and
C{data}.  A client that reads too slowly is let go and comes back by itself, with its
C{Last-Event-ID}; so does one whose connection is lost.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import LoopingCall
from zope.interface import implementer

from chargecloud.web.live_feed import Listener, LiveFeed, News, Place
from chargecloud.web.problems import BadRequest

MEDIA_TYPE = "text/event-stream"
#: between two signs of life: under what proxies allow a silent connection
BEAT_S = 15.0
#: beats in a row at which the client had not read what was written
MOST_UNREAD_BEATS = 4
#: what a client waits before it comes back
RETRY_MS = 3_000
#: entries that are written before the transport is asked again
AT_ONCE = 100

_PLACE = re.compile(r"[0-9]{1,9}-[0-9]{1,18}(,[0-9]{1,9}-[0-9]{1,18}){0,63}", re.ASCII)


def write_place(place: Place) -> str:
    """The id of an event: where in the log its reader is then."""
    return ",".join(f"{node}-{seq}" for node, seq in sorted(place.items()))


def read_place(text: str) -> Place:
    """
    A place of L{write_place}.

    @raise BadRequest: if it is none.
    """
    if not _PLACE.fullmatch(text):
        raise BadRequest("the Last-Event-ID is none of ours")
    pairs = (pair.split("-") for pair in text.split(","))
    return {int(node): int(seq) for node, seq in pairs}


def write_event(news: News, place: Place) -> bytes:
    """An entry as an event."""
    kind = news.logged.entry.kind.encode()
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (write_place(place).encode(), kind, news.text)


@implementer(IPushProducer)
@define(eq=False)
class EventStream:
    """
    What a route answers with that has no end.

    @ivar open_to: begins to listen, given what is to be called when there is news.
    @ivar is_welcome: fires with whether the caller still may listen.
    """

    feed: LiveFeed
    clock: IReactorTime
    open_to: Callable[[Callable[[], None]], Awaitable[Listener]]
    is_welcome: Callable[[], Awaitable[bool]]
    _request: Any = field(default=None, init=False)
    _listener: Listener | None = field(default=None, init=False)
    _place: dict[int, int] = field(factory=dict, init=False)
    _is_paused: bool = field(default=False, init=False)
    _unread_beats: int = field(default=0, init=False)
    _beating: LoopingCall | None = field(default=None, init=False)
    _done: "Deferred[None]" = field(factory=Deferred, init=False)

    async def serve(self, request: Any) -> None:
        """
        Answer a request of twisted.web, until the client goes, is too slow or is welcome
        no more.

        @raise Overloaded: if too many listen; nothing is written then.
        """
        self._request = request
        request.notifyFinish().addErrback(lambda _failure: self._end())
        listener = await self.open_to(self._write)
        self._listener = listener
        if self._done.called:
            self.feed.leave(listener)
            return
        self._place = dict(listener.place)
        request.setHeader("Content-Type", MEDIA_TYPE)
        # nginx would keep what is small, and everything here is
        request.setHeader("X-Accel-Buffering", "no")
        request.registerProducer(self, True)
        request.write(b"retry: %d\n\n" % RETRY_MS)
        self._beating = LoopingCall(self._beat)
        self._beating.clock = self.clock
        self._beating.start(BEAT_S, now=False)
        self._write()
        await self._done

    def pauseProducing(self) -> None:
        """The client does not read as fast as we write."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """It has read."""
        self._is_paused, self._unread_beats = False, 0
        self._write()

    def stopProducing(self) -> None:
        """The connection is lost."""
        self._end()

    def _write(self) -> None:
        listener = self._listener
        if listener is None or self._done.called:
            return
        if listener.is_let_go:
            self._end()
            return
        while not (self._is_paused or listener.has_all):
            written = [self._block(news) for news in listener.take(AT_ONCE)]
            if not written:
                return
            self._request.write(b"".join(written))

    def _block(self, news: News | None) -> bytes:
        if news is None:
            return b"event: gap\ndata: {}\n\n"
        self._place[news.logged.node] = news.logged.seq
        return write_event(news, self._place)

    async def _beat(self) -> None:
        listener = self._listener
        if self._is_paused:
            self._unread_beats += 1
        if self._unread_beats >= MOST_UNREAD_BEATS or not await self.is_welcome():
            self._end()
        elif listener is not None and not (self._is_paused or self._done.called):
            if listener.has_all:
                # so that one who comes back need not read what was not for them
                self._place = dict(listener.place)
            self._request.write(b"id: %s\n\n" % write_place(self._place).encode())

    def _end(self) -> None:
        if self._done.called:
            return
        if self._listener is not None:
            self.feed.leave(self._listener)
        if self._beating is not None:
            if self._beating.running:
                self._beating.stop()
            self._request.unregisterProducer()
            if self._is_paused:
                # what it does not read would be kept for it as long as it does not
                self._request.transport.abortConnection()
        self._done.callback(None)
