"""Listening: the protocol factory for HTTP, with bounds on what a request may hold."""

from io import BytesIO

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from chargecloud.web.operations import BODY_LIMIT

#: seconds in which nothing is received before a connection is closed; more than any
#: pause of a browser's keep-alive that is worth a socket
IDLE_S = 60
#: seconds from the first byte of a request to its last: a table of a MiB over a mobile
#: network that gives 300 kbit/s
REQUEST_S = 30


class PromptChannel(http.HTTPChannel):
    """
    A connection whose requests are there in time.

    One who sends a byte now and then is never idle, and would keep its socket and what it
    has sent so far for days.
    """

    _deadline: IDelayedCall | None = None

    def dataReceived(self, data: bytes) -> None:
        """A piece of a request has come: the rest of it has to come soon."""
        if self._deadline is None:
            self._deadline = self.callLater(REQUEST_S, self._too_late)
        super().dataReceived(data)

    def allContentReceived(self) -> None:  # noqa: N802
        """A whole request is there."""
        self._forget_deadline()
        super().allContentReceived()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection has gone."""
        self._forget_deadline()
        super().connectionLost(reason)

    def _too_late(self) -> None:
        self._deadline = None
        self.forceAbortClient()

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class BoundedRequest(Request):
    """
    A request whose body takes no more room than one may have, whatever is sent.

    What comes beyond is dropped as it comes; one byte of it is kept, which tells the
    operation that the body was too large.  And since what is kept is small, it is kept
    in memory, where Twisted would write a longer body to a file on the reactor's thread.
    """

    content: BytesIO

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """The headers are complete."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """A piece of the body has come."""
        self.content.write(data[: BODY_LIMIT + 1 - self.content.tell()])


class QuietSite(Site):
    """Tells of each request at the level of debugging: a busy service has thousands in a
    second, and what went wrong with one is told where it went wrong."""

    noisy = False
    protocol = PromptChannel  # type: ignore[assignment]
    _requests = Logger()

    def log(self, request: http.Request) -> None:
        """A request was answered."""
        (request_id,) = request.responseHeaders.getRawHeaders("X-Request-Id", ["-"])
        self._requests.debug(
            "{method} {uri} {status}",
            method=request.method.decode("ascii", "replace"),
            uri=request.uri.decode("ascii", "replace"),
            status=request.code,
            request_id=request_id,
        )


def make_site(resource: IResource, reactor: IReactorTime) -> Site:
    """The protocol factory to listen with; forms are not parsed, since nobody sends any."""
    return QuietSite(
        resource,
        requestFactory=BoundedRequest,
        reactor=reactor,
        timeout=IDLE_S,
        parsePOSTFormSubmission=False,
    )
