"""The board's session, called from here: bytes in, messages and bytes out."""

import ctypes
from functools import cache

from attrs import define, field

from tests.reference_c.building import built


class Value(ctypes.Structure):
    """C{cc_value}"""

    _fields_ = (
        ("number", ctypes.c_uint64),
        ("bytes", ctypes.c_void_p),
        ("size", ctypes.c_uint16),
        ("is_there", ctypes.c_bool),
    )

    @property
    def raw(self) -> bytes:
        """The bytes that it points at."""
        return ctypes.string_at(self.bytes, self.size) if self.size else b""


class Credentials(ctypes.Structure):
    """C{cc_credentials}"""

    _fields_ = (
        ("identity", ctypes.c_char_p),
        ("key", ctypes.c_char_p),
        ("key_generation", ctypes.c_uint32),
        ("boot", ctypes.c_uint32),
        ("connection", ctypes.c_uint32),
        ("login_digest", ctypes.c_uint8 * 4),
    )


class Piece(ctypes.Structure):
    """C{cc_piece}"""

    _fields_ = (("bytes", ctypes.c_char_p), ("size", ctypes.c_size_t))


_SEND = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint8), ctypes.c_size_t)
_WELCOMED = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(Value))
_HEARD = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint8, ctypes.POINTER(Value))


class Listener(ctypes.Structure):
    """C{cc_listener}"""

    _fields_ = (("send", _SEND), ("welcomed", _WELCOMED), ("heard", _HEARD))


class Session(ctypes.Structure):
    """C{cc_session}"""

    _fields_ = (
        ("listener", ctypes.POINTER(Listener)),
        ("context", ctypes.c_void_p),
        ("who", Credentials),
        ("round_keys", ctypes.c_uint8 * 176),
        ("sent", ctypes.c_uint32),
        ("received", ctypes.c_uint32),
        ("state", ctypes.c_int),
        ("fault", ctypes.c_int),
        ("refusal", ctypes.c_uint8),
        ("retry_s", ctypes.c_uint16),
        ("waiting", ctypes.c_uint16),
        ("greeting", ctypes.c_uint16),
        ("received_bytes", ctypes.c_uint8 * 256),
        ("out", ctypes.c_uint8 * 256),
    )


GREETED, OPEN, CLOSED = 1, 2, 3
FAULT_FRAME, FAULT_TAG, FAULT_MESSAGE, USED_UP, REFUSED = 1, 2, 3, 4, 5


@cache
def library() -> ctypes.CDLL:
    """The client as a library."""
    loaded = ctypes.CDLL(str(built() / "libchargecloud.so"))
    loaded.cc_session_receive.restype = ctypes.c_bool
    loaded.cc_session_say.restype = ctypes.c_bool
    loaded.cc_session_say_written.restype = ctypes.c_bool
    loaded.cc_read.restype = ctypes.c_bool
    loaded.cc_write.restype = ctypes.c_size_t
    loaded.cc_message.restype = ctypes.c_void_p
    loaded.cc_start_code_tag.restype = ctypes.c_uint32
    return loaded


@define(eq=False)
class CSession:
    """
    One connection of a board.

    @ivar heard: the types of the messages that have come, in order.
    @ivar is_welcomed: whether the cloud has proved itself.
    """

    identity: str
    key: bytes
    generation: int
    boot: int
    connection: int
    login_digest: bytes = b"\0\0\0\0"
    heard: list[int] = field(factory=list)
    is_welcomed: bool = False
    session: Session = field(factory=Session)
    _sent: bytearray = field(factory=bytearray)
    _listener: Listener = field(init=False)

    def __attrs_post_init__(self) -> None:
        def send(_context: object, data: "ctypes._Pointer[ctypes.c_uint8]", size: int) -> None:
            self._sent += bytes(data[:size])

        def welcomed(_context: object, _values: object) -> None:
            self.is_welcomed = True

        def heard(_context: object, kind: int, _values: object) -> None:
            self.heard.append(kind)

        self._listener = Listener(_SEND(send), _WELCOMED(welcomed), _HEARD(heard))

    def begin(self, uptime_s: int) -> "CSession":
        """Send HELLO."""
        digest = (ctypes.c_uint8 * 4)(*self.login_digest)
        who = Credentials(
            self.identity.encode(), self.key, self.generation, self.boot, self.connection, digest
        )
        library().cc_session_begin(
            ctypes.byref(self.session),
            ctypes.byref(self._listener),
            None,
            ctypes.byref(who),
            uptime_s,
        )
        return self

    def receive(self, data: bytes) -> bool:
        """Take bytes; false once the connection is to be closed."""
        is_open: bool = library().cc_session_receive(
            ctypes.byref(self.session), data, ctypes.c_size_t(len(data))
        )
        return is_open

    def say_written(self, message: bytes) -> bool:
        """Send a message."""
        is_said: bool = library().cc_session_say_written(
            ctypes.byref(self.session), message, ctypes.c_size_t(len(message))
        )
        return is_said

    def data_to_send(self) -> bytes:
        """Take what is to be sent."""
        data = bytes(self._sent)
        self._sent.clear()
        return data


#: of the longest table
MOST_FIELDS = 20


def rewrite(message: bytes) -> bytes | None:
    """A message as the board reads it and writes it again; C{None} if it does not take it.

    @raise KeyError: for a message that it does not know.
    """
    table = library().cc_message(message[0])
    if table is None:
        raise KeyError(message[0])
    values = (Value * MOST_FIELDS)()
    record = message[1:]
    if not library().cc_read(ctypes.c_void_p(table), record, ctypes.c_size_t(len(record)), values):
        return None
    out = (ctypes.c_uint8 * 2000)()
    size = library().cc_write(ctypes.c_void_p(table), values, out, ctypes.c_size_t(2000))
    return message[:1] + bytes(out[:size])
