"""What other servers answer, over sockets: up to a limit, and not for nobody."""

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.web.client import Agent
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from chargecloud.fetching import TooLarge, body_of


class Endless(Resource):
    """Begins to answer, and never ends.

    @ivar left: fires when who asked is gone.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.left: Deferred[None] = Deferred()

    def render(self, request: Any) -> Any:
        """Say ten bytes."""
        request.notifyFinish().addErrback(lambda _failure: self.left.callback(None))
        request.write(b"0123456789")
        return NOT_DONE_YET


class Served:
    """Where it is."""

    def __init__(self) -> None:
        self.endless = Endless()
        listening: Any = reactor
        self.port = listening.listenTCP(0, Site(self.endless), interface="127.0.0.1")
        self.url = f"http://127.0.0.1:{self.port.getHost().port}/".encode()


@pytest.fixture
def served() -> Iterator[Served]:
    """A server, until the test is over."""
    found = Served()
    yield found
    pytest_twisted.blockon(found.port.stopListening())


@pytest_twisted.inlineCallbacks
def test_an_answer_that_nobody_waits_for(served: Served) -> Any:
    """Its connection is closed, and keeps no socket."""
    response = yield Agent(reactor).request(b"GET", served.url)
    body = body_of(response, 100)
    body.cancel()
    with pytest.raises(CancelledError):
        yield body
    yield served.endless.left


@pytest_twisted.inlineCallbacks
def test_an_answer_that_is_too_large(served: Served) -> Any:
    """No more of it is taken."""
    response = yield Agent(reactor).request(b"GET", served.url)
    with pytest.raises(TooLarge, match="more than 9 bytes"):
        yield body_of(response, 9)
    yield served.endless.left
