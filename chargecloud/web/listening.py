"""Listening: the protocol factory for HTTP, with bounds on what a request may hold."""

from io import BytesIO

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web import http
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from chargecloud.web.operations import BODY_LIMIT

#: seconds in which nothing is received before a connection is closed; more than any
#: pause of a browser's keep-alive that is worth a socket
IDLE_S = 60


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
    _requests = Logger()

    def log(self, request: http.Request) -> None:
        """A request was answered."""
        self._requests.debug(
            "{method} {uri} {status}",
            method=request.method.decode("ascii", "replace"),
            uri=request.uri.decode("ascii", "replace"),
            status=request.code,
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
