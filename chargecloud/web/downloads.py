"""Files as answers: sent as fast as the client takes them, and never all in memory.

Twisted's C{FileSender} has its pieces asked for by the global reactor, which a platform in memory
has not.
"""

from os import SEEK_END
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from chargecloud.routes import Download

#: bytes that are written before the transport is asked again
PIECE = 64 * 1024


async def send(download: Download, media_type: str, request: Any) -> None:
    """
    Answer a request of twisted.web with a file.

    A client that goes before the end has what it has.
    """
    with download.file as file:
        size = file.seek(0, SEEK_END)
        file.seek(0)
        request.setHeader("Content-Type", media_type)
        request.setHeader("Content-Length", str(size))
        request.setHeader("Content-Disposition", f'attachment; filename="{download.name}"')
        if request.channel is None:
            # the client has gone already, and nothing would say so again
            return
        await _Sending(file, request).done


@implementer(IPushProducer)
@define(eq=False)
class _Sending:
    file: Any
    request: Any
    done: "Deferred[None]" = field(factory=Deferred, init=False)
    _is_paused: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.request.notifyFinish().addErrback(lambda _failure: self.stopProducing())
        self.request.registerProducer(self, True)
        self.resumeProducing()

    def pauseProducing(self) -> None:
        """The client does not read as fast as we write."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """It has read."""
        self._is_paused = False
        while not (self._is_paused or self.done.called):
            piece = self.file.read(PIECE)
            if not piece:
                self.request.unregisterProducer()
                self.done.callback(None)
                return
            self.request.write(piece)

    def stopProducing(self) -> None:
        """The client is gone."""
        if not self.done.called:
            self.done.callback(None)
