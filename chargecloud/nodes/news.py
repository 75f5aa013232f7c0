"""News of the event log: that a node has committed something is told to the others."""

from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chargecloud.nodes.post import Post
from chargecloud.storage.writer import Writer

#: what is committed within it is told together
TOGETHER_S = 0.02
#: the log is looked at this often even if nothing is told, as Redis may be away
UNTOLD_S = 1.0


@define(eq=False, slots=False)
class News(Service):
    """Tells the others of this node's commits, and those who listen here of the others'."""

    writer: Writer
    post: Post
    clock: IReactorTime
    _telling: IDelayedCall | None = field(default=None, init=False)
    _looking: IDelayedCall | None = field(default=None, init=False)

    def startService(self) -> None:
        """Begin to tell."""
        super().startService()
        self.post.answers["log"] = self._told
        self.writer.on_commit.append(self._committed)
        self._looking = self.clock.callLater(UNTOLD_S, self._look)

    def stopService(self) -> None:
        """Tell no more."""
        super().stopService()
        del self.post.answers["log"]
        self.writer.on_commit.remove(self._committed)
        for call in (self._telling, self._looking):
            if call is not None and call.active():
                call.cancel()

    def _committed(self) -> None:
        if self._telling is None:
            self._telling = self.clock.callLater(TOGETHER_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self.post.tell(None, "log", None)

    async def _told(self, _body: Any) -> None:
        self._wake()

    def _look(self) -> None:
        self._wake()
        self._looking = self.clock.callLater(UNTOLD_S, self._look)

    def _wake(self) -> None:
        for listener in list(self.writer.on_commit):
            if listener != self._committed:
                listener()
