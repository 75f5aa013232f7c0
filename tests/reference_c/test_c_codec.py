"""The reference for boards is the same protocol: by the vectors, and by whatever else comes."""

import ctypes
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import example, given
from hypothesis import strategies as st

from chargecloud.dialects.native.down import DOWN
from chargecloud.dialects.native.up import UP
from chargecloud.domain.errors import RemoteError
from tests.dialects.make_native_vectors import MESSAGES
from tests.dialects.native_pair import BOOT, CONNECTION, FACTS, IDENTITY, SECRET, UPTIME_S
from tests.reference_c.building import HAS_ARM, NO_ARM, ROOT, built
from tests.reference_c.c_session import (
    CLOSED,
    FAULT_FRAME,
    FAULT_MESSAGE,
    FAULT_TAG,
    GREETED,
    OPEN,
    REFUSED,
    CSession,
    Piece,
    Session,
    library,
    rewrite,
)
from tests.reference_c.make_messages import made

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "dialects" / "native_vectors.json").read_text(encoding="ascii")
)
CCM: dict[str, Any] = VECTORS["sessions"][0]
FRAMES = [*CCM["up"], *CCM["down"]]
DOWN_BYTES = [bytes.fromhex(each["frame"]) for each in CCM["down"]]
#: the session's frames up to the first long one, which a board of this kind never asks for
SHORT = DOWN_BYTES[: next((i for i, one in enumerate(DOWN_BYTES) if one[0] == 0xCA), None)]


def greeted() -> CSession:
    """A board of the vectors that has sent its HELLO."""
    board = CSession(IDENTITY, SECRET.key, SECRET.generation, BOOT, CONNECTION, FACTS.digest).begin(
        UPTIME_S
    )
    assert board.data_to_send().hex() == CCM["hello"]
    return board


def welcomed() -> CSession:
    """The same, with its WELCOME."""
    board = greeted()
    assert board.receive(bytes.fromhex(CCM["welcome"]))
    return board


def test_the_tables_are_the_documents() -> None:
    """Nobody mends them by hand."""
    for name, text in made().items():
        assert (ROOT / "src" / name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: str(frame["name"]))
def test_each_message_is_read_and_written_alike(frame: dict[str, Any]) -> None:
    """Field by field, by the board's own tables."""
    message = bytes.fromhex(frame["message"])
    assert rewrite(message) == message


def test_the_board_makes_and_opens_the_vectors() -> None:
    """Hello, session key, every frame up, and every short one down."""
    board = welcomed()
    assert board.is_welcomed
    assert board.session.state == OPEN
    for each in CCM["up"]:
        assert board.say_written(bytes.fromhex(each["message"]))
        assert board.data_to_send().hex() == each["frame"]
    for frame in SHORT:
        assert board.receive(frame)
    assert board.heard == [bytes.fromhex(each["message"])[0] for each in CCM["down"][: len(SHORT)]]


def test_a_refusal_ends_it_and_tells_how_long_to_wait() -> None:
    """It is in clear, so that nothing else follows from it."""
    board = greeted()
    assert not board.receive(bytes.fromhex(VECTORS["refusal_unknown_charger"]))
    assert (board.session.fault, board.session.refusal, board.session.retry_s) == (REFUSED, 1, 0)
    board = greeted()
    assert not board.receive(bytes.fromhex("c304 01 04 ffff"))
    assert board.session.retry_s == 600


def test_the_next_key_and_start_codes_are_the_vectors() -> None:
    """The two other uses of the key schedule."""
    rotation = VECTORS["rotation"]
    made_key = ctypes.create_string_buffer(16)
    identity = rotation["identity"].encode()
    library().cc_next_key(
        bytes.fromhex(rotation["key"]),
        ctypes.c_uint32(rotation["generation"]),
        bytes.fromhex(rotation["nonce"]),
        Piece(identity, len(identity)),
        made_key,
    )
    assert made_key.raw.hex() == rotation["next_key"]
    for code in VECTORS["start_codes"]:
        tag = library().cc_start_code_tag(
            bytes.fromhex(code["key"]),
            ctypes.c_uint32(code["counter"]),
            ctypes.c_uint8(code["port"]),
            ctypes.c_uint8(code["energy"]),
        )
        assert tag == int(code["code"]) & (1 << 29) - 1


# ---------------------------------------------------------------------- whatever else comes

KEYS = st.binary(min_size=16, max_size=16)


@given(KEYS, st.binary(max_size=100), st.integers(0, 100))
def test_cmac_is_that_of_a_library(key: bytes, data: bytes, cut: int) -> None:
    """In pieces of any size."""
    pieces = (Piece * 2)(Piece(data[:cut], len(data[:cut])), Piece(data[cut:], len(data[cut:])))
    mac = ctypes.create_string_buffer(16)
    library().cc_cmac(key, pieces, ctypes.c_size_t(2), mac)
    expected = CMAC(AES(key))
    expected.update(data)
    assert mac.raw == expected.finalize()


@given(KEYS, st.binary(min_size=12, max_size=12), st.binary(max_size=20), st.binary(max_size=250))
def test_ccm_is_that_of_a_library(key: bytes, nonce: bytes, data: bytes, plain: bytes) -> None:
    """For all lengths of data and of what is authenticated beside them."""
    aes = ctypes.create_string_buffer(176)
    library().cc_aes_init(aes, key)
    sealed = ctypes.create_string_buffer(plain, len(plain) + 8)
    sizes = ctypes.c_size_t(len(data)), ctypes.c_size_t(len(plain))
    # without any data beside it, CCM has another first block, which the protocol never has
    beside = data or b"\0"
    sizes = ctypes.c_size_t(len(beside)), sizes[1]
    library().cc_ccm_seal(aes, nonce, beside, sizes[0], sealed, sizes[1])
    assert sealed.raw == AESCCM(key, 8).encrypt(nonce, plain, beside)


@given(st.data())
def test_bytes_may_come_in_pieces(data: st.DataObject) -> None:
    """Cut anywhere, the same is heard."""
    stream = bytes.fromhex(CCM["welcome"]) + b"".join(SHORT)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    board = greeted()
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        assert board.receive(stream[begin:end])
    assert len(board.heard) == len(SHORT)


@given(st.binary(max_size=600), st.booleans())
@example(b"\xc2\x08" + bytes(8), True)
@example(b"\xca\x00\x08" + bytes(8), True)
def test_whatever_comes_ends_the_session_or_waits(data: bytes, is_open: bool) -> None:
    """Nothing is believed that the cloud's key did not close, and nothing comes after the end."""
    board = welcomed() if is_open else greeted()
    if not board.receive(data):
        assert board.session.state == CLOSED
        assert not board.receive(bytes.fromhex(CCM["welcome"]))
        assert not board.say_written(b"\x01")
    assert board.heard == []
    assert board.is_welcomed is is_open
    assert board.data_to_send() == b""


@given(st.sampled_from([*UP.values(), *DOWN.values()]), st.binary(max_size=40))
def test_records_are_refused_alike(message: Any, record: bytes) -> None:
    """What the cloud's reader does not take, the board's does not take, and the other way round.
    The forms that some texts have to be in (of a card, an address) are the reader's of those."""
    try:
        values = message.record.read(record)
    except RemoteError as refused:
        if "characters that it may not have" in str(refused):
            return
        assert rewrite(bytes((message.number,)) + record) is None
    else:
        again = rewrite(bytes((message.number,)) + record)
        assert again is not None
        assert message.record.read(again[1:]) == values


# ----------------------------------------------------------------------------------- attacks


@pytest.mark.parametrize("at", range(len(SHORT[0])))
def test_a_frame_that_was_tampered_with_closes(at: int) -> None:
    """Each byte of it."""
    board = welcomed()
    frame = bytearray(SHORT[0])
    frame[at] ^= 1
    if board.receive(bytes(frame)):
        # a length that is longer by one waits for its last byte
        assert at == 1
        assert not board.receive(b"\0")
    assert board.session.fault in (FAULT_TAG, FAULT_FRAME)
    assert board.heard == []


def test_a_frame_that_is_replayed_closes() -> None:
    """The counter is another one."""
    board = welcomed()
    assert board.receive(SHORT[0])
    assert not board.receive(SHORT[0])
    assert board.session.fault == FAULT_TAG
    assert len(board.heard) == 1


def test_a_frame_that_is_left_out_closes() -> None:
    """Or moved: the next one does not open."""
    board = welcomed()
    assert not board.receive(SHORT[1])
    assert board.heard == []


def test_an_own_frame_that_is_sent_back_closes() -> None:
    """It is of the other direction."""
    board = welcomed()
    board.say_written(b"\x01")
    assert not board.receive(board.data_to_send())
    assert board.session.fault == FAULT_TAG


@pytest.mark.parametrize(("at", "value"), [(2, 0), (2, 2), (3, 0), (3, 2)])
def test_no_other_version_or_suite_is_taken(at: int, value: int) -> None:
    """Than the one that was offered."""
    board = greeted()
    welcome = bytearray.fromhex(CCM["welcome"])
    welcome[at] = value
    assert not board.receive(bytes(welcome))
    assert board.session.fault == FAULT_FRAME
    assert not board.is_welcomed


def test_a_welcome_to_another_connection_does_not_open() -> None:
    """The counter of connections is in the key."""
    board = CSession(
        IDENTITY, SECRET.key, SECRET.generation, BOOT, CONNECTION + 1, FACTS.digest
    ).begin(UPTIME_S)
    assert not board.receive(bytes.fromhex(CCM["welcome"]))
    assert board.session.fault == FAULT_TAG


def test_a_message_of_the_wrong_direction_closes() -> None:
    """Even if the cloud has sealed it."""
    board = welcomed()
    key = bytes.fromhex(CCM["session_key"])
    nonce = bytes((1,)) + bytes(10) + bytes((1,))
    frame = b"\xc2\x09" + AESCCM(key, 8).encrypt(nonce, b"\x01", b"\xc2\x09")
    assert not board.receive(frame)
    assert board.session.fault == FAULT_MESSAGE


def test_before_the_welcome_nothing_is_heard() -> None:
    """Nor said."""
    board = greeted()
    assert not board.say_written(b"\x01")
    assert not board.receive(SHORT[0])
    assert board.session.state == CLOSED
    assert greeted().session.state == GREETED


# -------------------------------------------------------------------------------------- size

SESSION_PARTS = ("aes", "ccm", "kdf", "record", "messages", "session")
_NODE = re.compile(r'node: { title: "([^"]+)" label: "[^"]*?(\d+) bytes \(static\)')
_EDGE = re.compile(r'edge: { sourcename: "([^"]+)" targetname: "([^"]+)"')


def deepest(folder: Path) -> int:
    """Bytes of stack on the deepest way through a session, by what the compiler says: a function
    may call itself once, as a record does that has records in it, and no table nests deeper."""
    graph = "".join((folder / "arm" / f"{part}.ci").read_text() for part in SESSION_PARTS)
    sizes = {name: int(size) for name, size in _NODE.findall(graph)}
    calls: dict[str, set[str]] = {}
    for caller, callee in _EDGE.findall(graph):
        calls.setdefault(caller, set()).add(callee)

    def below(name: str, way: tuple[str, ...]) -> int:
        if way.count(name) == 2:
            return 0
        called = [below(each, (*way, name)) for each in calls.get(name, ())]
        return sizes.get(name, 0) + max(called, default=0)

    assert {"cc_session_receive", "cc_session_begin", "cc_session_say"} <= sizes.keys()
    return max(below(name, ()) for name in sizes)


@pytest.mark.skipif(not HAS_ARM, reason=NO_ARM)
def test_codec_and_crypto_fit_a_cheap_board() -> None:
    """12 KiB of flash and 2 KiB of RAM: what is static, a session, and the stack below it."""
    folder = built("size")
    objects = [folder / "arm" / f"{name}.o" for name in SESSION_PARTS]
    told = subprocess.run(
        ["arm-none-eabi-size", "-t", *objects], capture_output=True, text=True, check=True
    ).stdout
    text, data, bss = map(int, told.splitlines()[-1].split()[:3])
    assert text + data <= 12 * 1024, told
    # its pointers take half there of what they take here
    assert data + bss + ctypes.sizeof(Session) + deepest(folder) <= 2 * 1024


def test_the_makefile_knows_the_same_parts() -> None:
    """Of which a session consists."""
    assert f"SESSION := {' '.join(SESSION_PARTS)}\n" in (ROOT / "Makefile").read_text()


def test_every_message_has_a_table() -> None:
    """In the board's client, too."""
    for number in MESSAGES:
        assert library().cc_message(number) is not None
