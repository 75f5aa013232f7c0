"""The request that opens a WebSocket connection, before wsproto sees it, and its refusal.

What real chargers leave out is put into it here, where that is allowed.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from attrs import field, frozen

#: the end of the head of a request; some end lines with a line feed alone
HEAD_END = re.compile(rb"\n\r?\n")


@frozen
class Basic:
    """
    What HTTP Basic said (RFC 7617).

    @ivar password: as bytes: an C{AuthorizationKey} is not always text.
    """

    username: bytes
    password: bytes = field(repr=False)

    def written(self) -> bytes:
        """As the value of the header C{Authorization}."""
        return b"Basic " + base64.b64encode(self.username + b":" + self.password)


def read_basic(value: bytes, identity: str) -> Basic | None:
    """
    What a header C{Authorization} says; C{None} unless it is Basic, and whole.

    @param identity: who it will be: where a username is this, colons in it are its own.
    """
    scheme, _, encoded = value.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    expected = identity.encode() + b":"
    if decoded.startswith(expected):
        return Basic(expected[:-1], decoded[len(expected) :])
    username, colon, password = decoded.partition(b":")
    return Basic(username, password) if colon else None


def identity_in(path: str) -> str | None:
    """The last segment of a path, percent-decoded; C{None} if there is none that is text."""
    segment = path.partition("?")[0].rstrip("/").rpartition("/")[2]
    try:
        identity = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return None
    return identity if identity and identity.isprintable() else None


def mended(head: bytes, allow_no_connection: bool) -> bytes:
    """
    The head of a request, with C{Connection: Upgrade} where only that is missing, and without
    an empty body's C{Content-Length}.

    @raise ValueError: if a body is to follow.
    """
    lines = [line.rstrip(b"\r") for line in head.rstrip(b"\r\n").split(b"\n")]
    kept = lines[:1]
    upgrades = connects = False
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip().lower()
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")):
            raise ValueError("a request to open has no body")
        if name == b"content-length":
            continue
        upgrades |= name == b"upgrade" and value == b"websocket"
        connects |= name == b"connection" and b"upgrade" in re.split(rb"[\s,]+", value)
        kept.append(line)
    if upgrades and not connects and allow_no_connection:
        kept.append(b"Connection: Upgrade")
    return b"\r\n".join(kept) + b"\r\n\r\n"


def refusal(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """
    An HTTP response that ends the connection.

    @raise ValueError: for a header that would be two.
    """
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    own = {"Connection": "close", "Content-Length": str(len(body))}
    for name, value in [*headers, *own.items()]:
        if re.search(r"[\r\n\0]", name + value):
            raise ValueError(f"{name!r}: a line end in a header")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


#: headers that go with a status
CHALLENGE: Mapping[str, str] = {"WWW-Authenticate": 'Basic realm="OCPP", charset="UTF-8"'}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"
