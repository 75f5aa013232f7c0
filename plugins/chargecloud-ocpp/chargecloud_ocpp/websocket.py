"""The central system's side of a WebSocket connection, from its first byte.  Sans-IO.

OCPP-J 1.6, section 3: the path ends in the charge point's identity, and the subprotocol is
C{ocpp1.6}.  Nothing is raised for whatever bytes come.
"""

from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen
from wsproto import ConnectionType
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.utilities import RemoteProtocolError

from chargecloud_ocpp.frames import NORMAL, Closed, Ping, Pong, Text
from chargecloud_ocpp.requests import (
    CHALLENGE,
    Basic,
    identity_in,
    mended,
    read_basic,
    refusal,
)
from chargecloud_ocpp.side import SUBPROTOCOL, Limits, Refused, Side

__all__ = ["Allowances", "Basic", "Closed", "Handshake", "Limits", "Ping", "Pong", "Refused"]
__all__ += ["SUBPROTOCOL", "Heard", "ServerSide", "Text"]


@frozen
class Allowances:
    """What real chargers leave out.

    @ivar no_subprotocol: it offers none at all (Grizzl-E, TinyWebsockets).
    @ivar no_connection_header: it asks for an upgrade without C{Connection: Upgrade}.
    """

    no_subprotocol: bool = True
    no_connection_header: bool = True


@frozen
class Handshake:
    """
    Somebody wants to open: L{ServerSide.accept} or L{ServerSide.refuse} it.

    @ivar path: as it was asked for, with its query.
    @ivar identity: its last segment, percent-decoded.
    @ivar subprotocols: those offered, the one liked best first.
    @ivar subprotocol: ours among them, to accept; C{None} if it offers none and that is allowed.
    """

    path: str
    identity: str
    subprotocols: tuple[str, ...]
    subprotocol: str | None
    basic: Basic | None


Heard = Handshake | Refused | Text | Ping | Pong | Closed


class ServerSide(Side[Handshake | Refused]):
    """One connection that a charge point has made."""

    def __init__(self, limits: Limits | None = None, allowances: Allowances | None = None) -> None:
        super().__init__(ConnectionType.SERVER, limits)
        self._allowances = allowances or Allowances()
        self._asked: Handshake | None = None

    def accept(self, subprotocol: str | None) -> Sequence[Heard]:
        """
        Open it; what has come behind the request is heard now.

        @param subprotocol: as L{Handshake.subprotocol} has it.
        @raise ValueError: if it does not wait for that, or did not offer the subprotocol.
        """
        if self._asked is None:
            raise ValueError("nobody asks to open")
        if subprotocol is not None and subprotocol not in self._asked.subprotocols:
            raise ValueError(f"{subprotocol} was not offered")
        self._asked = None
        self._out += self._opening.send(AcceptConnection(subprotocol=subprotocol))
        held = bytes(self._held)
        self._held.clear()
        return list(self._open().receive(held))

    def refuse(
        self, status: int, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> None:
        """
        Answer with an HTTP status (401 brings its challenge with it); the connection is to be
        closed when that is sent.

        @raise ValueError: if it does not wait for that.
        """
        if self._asked is None:
            raise ValueError("nobody asks to open")
        self._refuse(status, "refused", headers, body)

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Begin to close, if it is open; one that asks to open yet is refused with 503."""
        super().close(code, reason)
        if self._frames is None and not self._has_failed:
            self._refuse(503, reason)

    def _hear_opening(self) -> Iterator[Heard]:
        if self._asked is not None:
            # nobody may speak before the answer; but some do, and are heard after it
            if len(self._held) > self._limits.message_bytes:
                yield self._refuse(400, "it does not wait for the answer")
            return
        try:
            head = self._take_head()
        except OverflowError:
            yield self._refuse(431, "a request too large")
            return
        if head is not None:
            yield self._ask(head)

    def _ask(self, head: bytes) -> Heard:
        try:
            self._opening.receive_data(mended(head, self._allowances.no_connection_header))
            request = next(self._opening.events())
        except RemoteProtocolError as error:
            hint = error.event_hint
            status = hint.status_code if isinstance(hint, RejectConnection) else 400
            extra = hint.headers if isinstance(hint, RejectConnection) else []
            told = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in extra]
            return self._refuse(status, str(error), told)
        except (ValueError, StopIteration) as error:
            # UnicodeError is a ValueError: a host or a list of tokens that is no text
            return self._refuse(400, f"no request to open: {type(error).__name__}")
        assert isinstance(request, Request)
        return self._read(request)

    def _read(self, request: Request) -> Heard:
        identity = identity_in(request.target)
        if identity is None:
            return self._refuse(404, "a path without an identity")
        # some write the header with nothing in it
        offered = tuple(filter(None, request.subprotocols))
        ours = next((each for each in offered if each.lower() == SUBPROTOCOL), None)
        if ours is None and (offered or not self._allowances.no_subprotocol):
            return self._refuse(400, f"{SUBPROTOCOL} is not offered")
        basic = None
        for name, value in request.extra_headers:
            if name == b"authorization":
                basic = read_basic(value, identity)
        self._asked = Handshake(request.target, identity, offered, ours, basic)
        return self._asked

    def _refuse(
        self,
        status: int,
        reason: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Refused:
        challenge = CHALLENGE.items() if status == 401 else ()
        self._out += refusal(status, [*headers, *challenge], body)
        self._asked = None
        self._has_failed = True
        self._held.clear()
        return Refused(status, reason)
