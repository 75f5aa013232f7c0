"""The charge point's side of a WebSocket connection, for the simulator.  Sans-IO."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from attrs import frozen
from wsproto import ConnectionType
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.utilities import RemoteProtocolError

from chargecloud_ocpp.frames import PROTOCOL_ERROR, Closed, Ping, Pong, Text
from chargecloud_ocpp.requests import Basic
from chargecloud_ocpp.side import SUBPROTOCOL, Limits, Refused, Side


@frozen
class Opened:
    """The central system has accepted the connection."""

    subprotocol: str | None


Heard = Opened | Refused | Text | Ping | Pong | Closed


class ClientSide(Side[Opened | Refused]):
    """One connection to a central system; it begins with L{connect}."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(ConnectionType.CLIENT, limits)

    def connect(
        self,
        path: str,
        identity: str,
        basic: Basic | None = None,
        *,
        host: str = "localhost",
        subprotocols: Sequence[str] = (SUBPROTOCOL,),
    ) -> None:
        """
        Ask to open.  Once.

        @param path: what stands before the identity, beginning with a slash.
        """
        headers = [] if basic is None else [(b"Authorization", basic.written())]
        request = Request(
            host=host,
            target=f"{path.rstrip('/')}/{quote(identity, safe='')}",
            subprotocols=list(subprotocols),
            extra_headers=headers,
        )
        self._out += self._opening.send(request)

    def _hear_opening(self) -> Iterator[Heard]:
        try:
            head = self._take_head()
        except OverflowError:
            yield self._fail("an answer too large")
            return
        if head is not None:
            yield from self._answered(head, bytes(self._held))

    def _answered(self, head: bytes, behind: bytes) -> Iterator[Heard]:
        try:
            self._opening.receive_data(head)
            answer = next(self._opening.events(), None)
        except (RemoteProtocolError, ValueError) as error:
            yield self._fail(f"no answer of HTTP: {error}")
            return
        if isinstance(answer, AcceptConnection):
            yield Opened(answer.subprotocol)
            yield from self._open().receive(behind)
        elif isinstance(answer, RejectConnection):
            self._has_failed = True
            yield Refused(answer.status_code, "the central system refuses it")
        else:
            yield self._fail("no answer to the request")

    def _fail(self, reason: str) -> Closed:
        self._has_failed = True
        return Closed(PROTOCOL_ERROR, reason, is_fault=True)
