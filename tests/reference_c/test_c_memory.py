"""What a board keeps over power cuts, and which firmware it starts."""

import ctypes
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from chargecloud.dialects.native.manifest import MANIFEST, SIGNED_LABEL
from tests.reference_c.c_session import library

SLOT, SECTOR, SECTORS = 128, 4096, 8
SLOTS = SECTORS * SECTOR // SLOT

_ACCESS = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t)
_ERASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32)


class PowerCut(Exception):
    """In the middle of a write."""


class BoardSeam(ctypes.Structure):
    """C{cc_board}, of which memories are given."""

    _fields_ = (
        ("others", ctypes.c_void_p * 7),
        ("read_kept", _ACCESS),
        ("write_kept", _ACCESS),
        ("read_flash", _ACCESS),
        ("program_flash", _ACCESS),
        ("erase_sector", _ERASE),
        ("more", ctypes.c_void_p * 9),
    )


class Ring(ctypes.Structure):
    """C{cc_ring}"""

    _fields_ = (
        ("board", ctypes.c_void_p),
        ("context", ctypes.c_void_p),
        ("next", ctypes.c_uint16),
        ("count", ctypes.c_uint16),
        ("waiting", ctypes.c_uint16),
    )


class Memories:
    """Flash and kept memory that a power cut may tear.

    @ivar left: bytes that may still be written before the power is cut; C{None}: any number.
    @ivar erased: how often each sector was erased.
    """

    def __init__(self) -> None:
        self.flash = bytearray(b"\xff" * SECTORS * SECTOR)
        self.kept = bytearray(b"\xff" * 16_384)
        self.left: int | None = None
        self.erased = [0] * SECTORS
        self.seam = BoardSeam(
            read_kept=_ACCESS(self._reading(self.kept)),
            write_kept=_ACCESS(self._writing(self.kept, lambda _old, new: new)),
            read_flash=_ACCESS(self._reading(self.flash)),
            # bits go from 1 to 0 only
            program_flash=_ACCESS(self._writing(self.flash, lambda old, new: old & new)),
            erase_sector=_ERASE(self._erase),
        )
        self.ring = Ring()

    def _reading(self, memory: bytearray) -> Callable[..., None]:
        def read(_context: object, at: int, to: int, size: int) -> None:
            assert at + size <= len(memory)
            ctypes.memmove(to, bytes(memory[at : at + size]), size)

        return read

    def _writing(self, memory: bytearray, put: Callable[[int, int], int]) -> Callable[..., None]:
        def write(_context: object, at: int, given: int, size: int) -> None:
            assert at + size <= len(memory)
            for offset, byte in enumerate(ctypes.string_at(given, size)):
                if self.left == 0:
                    return
                if self.left is not None:
                    self.left -= 1
                memory[at + offset] = put(memory[at + offset], byte)

        return write

    def _erase(self, _context: object, at: int) -> None:
        if self.left != 0:
            self.flash[at : at + SECTOR] = b"\xff" * SECTOR
            self.erased[at // SECTOR] += 1

    def start(self) -> None:
        """The power is back."""
        self.left = None
        library().cc_ring_open(ctypes.byref(self.ring), ctypes.byref(self.seam), None)

    def add(self, message: bytes) -> bool:
        """Write a record down."""
        return bool(
            library().cc_ring_add(ctypes.byref(self.ring), message, ctypes.c_size_t(len(message)))
        )

    def waiting(self) -> list[tuple[int, bytes]]:
        """What the cloud has not kept, oldest first, with its slots."""
        library().cc_ring_oldest.restype = ctypes.c_uint16
        library().cc_ring_find.restype = ctypes.c_size_t
        library().cc_ring_step.restype = ctypes.c_bool
        found: list[tuple[int, bytes]] = []
        ring = ctypes.byref(self.ring)
        slot = ctypes.c_uint16(library().cc_ring_oldest(ring))
        message = (ctypes.c_uint8 * SLOT)()
        while size := library().cc_ring_find(ring, ctypes.byref(slot), message):
            found.append((slot.value, bytes(message[:size])))
            if not library().cc_ring_step(ring, ctypes.byref(slot)):
                break
        return found

    def mark(self, slot: int) -> None:
        """The cloud has kept it."""
        library().cc_ring_mark(ctypes.byref(self.ring), ctypes.c_uint16(slot))


def record(number: int) -> bytes:
    """Of a length of its own."""
    return number.to_bytes(4, "big") + b"r" * (number % 100)


def test_the_ring_holds_two_hundred_and_overwrites_none() -> None:
    """When it is full nothing more is taken; what was kept makes room, a sector at a time."""
    memories = Memories()
    memories.start()
    count = 0
    while memories.add(record(count)):
        count += 1
    assert count >= 200
    assert [message for _slot, message in memories.waiting()] == [
        record(each) for each in range(count)
    ]
    memories.start()
    assert not memories.add(record(count))
    waiting = memories.waiting()
    assert len(waiting) == count == memories.ring.waiting
    for slot, _message in waiting[:40]:
        memories.mark(slot)
    assert memories.add(record(count))
    assert [message for _slot, message in memories.waiting()] == [
        record(each) for each in range(40, count + 1)
    ]


def test_the_flash_is_worn_evenly() -> None:
    """And not for each record."""
    memories = Memories()
    memories.start()
    for number in range(10 * SLOTS):
        assert memories.add(record(number))
        memories.mark(memories.waiting()[0][0])
    assert max(memories.erased) - min(memories.erased) <= 1
    assert sum(memories.erased) <= 10 * SECTORS + 1


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(st.just("add"), st.just("mark"), st.integers(0, 140)), min_size=1, max_size=120
    ),
    st.integers(0, SLOTS),
)
def test_a_power_cut_tears_at_most_what_is_being_written(steps: list[Any], turned: int) -> None:
    """Wherever in the ring it is, and whatever was written before: what was whole is there, in its
    order, and goes on to be written.  A number is the bytes after which the power is cut."""
    memories = Memories()
    memories.start()
    for number in range(turned):
        memories.add(record(number))
        memories.mark(memories.waiting()[0][0])
    expected: list[bytes] = []
    number = turned
    for step in steps:
        if step == "add":
            if memories.add(record(number)):
                expected.append(record(number))
            number += 1
        elif step == "mark" and expected:
            slot, message = memories.waiting()[0]
            assert message == expected.pop(0)
            memories.mark(slot)
        elif isinstance(step, int):
            memories.left = step
            memories.add(record(number))
            memories.start()
            found = [message for _slot, message in memories.waiting()]
            assert found in (expected, [*expected, record(number)])
            expected = found
            number += 1
        assert [message for _slot, message in memories.waiting()] == expected
        assert memories.ring.waiting == len(expected)


@given(st.lists(st.tuples(st.binary(min_size=60, max_size=60), st.integers(0, 70)), max_size=12))
def test_what_is_kept_is_the_newest_that_was_whole(values: list[tuple[bytes, int]]) -> None:
    """A write that is cut off leaves the value before it."""
    memories = Memories()
    library().cc_recall.restype = ctypes.c_bool
    seam, size = ctypes.byref(memories.seam), ctypes.c_size_t(60)
    last: bytes | None = None
    for value, left in values:
        memories.left = left
        library().cc_keep(seam, None, ctypes.c_uint(3), value, size)
        memories.left = None
        found = ctypes.create_string_buffer(60)
        if library().cc_recall(seam, None, ctypes.c_uint(3), found, size):
            assert found.raw in (last, value)
            assert left < 64 or found.raw == value
            last = found.raw
        else:
            assert last is None


# ------------------------------------------------------------------------------- firmware

VENDOR = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
IMAGE = b"firmware" * 100
GOOD, UNSIGNED, FOREIGN, OLDER, BROKEN = range(5)

_IS_SIGNED = ctypes.CFUNCTYPE(
    ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p
)
_HAS_DIGEST = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)


class Image(ctypes.Structure):
    """C{cc_image}"""

    _fields_ = (
        ("manifest", ctypes.c_char_p),
        ("manifest_size", ctypes.c_size_t),
        ("signature", ctypes.c_char_p),
    )


class Verify(ctypes.Structure):
    """C{cc_verify}"""

    _fields_ = (
        ("context", ctypes.c_void_p),
        ("is_signed", _IS_SIGNED),
        ("has_digest", _HAS_DIGEST),
    )


class Trial(ctypes.Structure):
    """C{cc_trial}"""

    _fields_ = (("is_on_trial", ctypes.c_bool), ("starts", ctypes.c_uint8))


def _is_signed(_context: object, manifest: int, size: int, signature: int) -> bool:
    try:
        VENDOR.public_key().verify(
            ctypes.string_at(signature, 64), SIGNED_LABEL + ctypes.string_at(manifest, size)
        )
    except InvalidSignature:
        return False
    return True


def check(manifest: bytes, signature: bytes, image: bytes = IMAGE) -> int:
    """What the boot code says of an image, on hardware B2 with build 6 confirmed."""

    def has_digest(_context: object, size: int, digest: int) -> bool:
        return hashlib.sha512(image[:size]).digest()[:32] == ctypes.string_at(digest, 32)

    verify = Verify(None, _IS_SIGNED(_is_signed), _HAS_DIGEST(has_digest))
    given_image = Image(manifest, len(manifest), signature)
    fault: int = library().cc_check_image(
        ctypes.byref(given_image), ctypes.byref(verify), b"B2", ctypes.c_uint32(6)
    )
    return fault


def manifest(**other: object) -> bytes:
    """Of a firmware that may be started, but for what is said."""
    fields = {
        "hardware": "B2",
        "build": 7,
        "version": "1.5.0",
        "size": len(IMAGE),
        "digest": hashlib.sha512(IMAGE).digest()[:32],
    }
    return MANIFEST.write({**fields, **other})


def sign(signed: bytes) -> bytes:
    """As the vendor does."""
    return VENDOR.sign(SIGNED_LABEL + signed)


def test_the_vendors_firmware_is_started() -> None:
    """It is for this hardware, newer, and whole."""
    assert check(manifest(), sign(manifest())) == GOOD


@pytest.mark.parametrize("at", [0, 5, 20, 63])
def test_what_the_vendor_did_not_sign_is_not(at: int) -> None:
    """Each byte of the signature counts; and no other vendor's does."""
    signature = bytearray(sign(manifest()))
    signature[at] ^= 1
    assert check(manifest(), bytes(signature)) == UNSIGNED
    other = Ed25519PrivateKey.generate().sign(SIGNED_LABEL + manifest())
    assert check(manifest(), other) == UNSIGNED
    # what it has signed for another use
    assert check(manifest(), VENDOR.sign(manifest())) == UNSIGNED


def test_another_hardwares_an_older_and_a_broken_one_are_not() -> None:
    """Although the vendor has signed them."""
    for foreign in ("B", "B22", "C2"):
        signed = manifest(hardware=foreign)
        assert check(signed, sign(signed)) == FOREIGN
    for older in (0, 5, 6):
        signed = manifest(build=older)
        assert check(signed, sign(signed)) == OLDER
    assert check(manifest(), sign(manifest()), IMAGE[:-1] + b"X") == BROKEN


def test_a_firmware_that_does_not_log_in_is_left_after_three_starts() -> None:
    """Or after ten minutes."""
    trial = Trial(True, 0)
    choices = [library().cc_choose(ctypes.byref(trial)) for _ in range(5)]
    assert choices == [1, 1, 1, 0, 0]
    assert not trial.is_on_trial
    library().cc_trial_has_failed.restype = ctypes.c_bool
    trial = Trial(True, 1)
    assert not library().cc_trial_has_failed(ctypes.byref(trial), ctypes.c_uint32(599))
    assert library().cc_trial_has_failed(ctypes.byref(trial), ctypes.c_uint32(600))
    trial.is_on_trial = False
    assert not library().cc_trial_has_failed(ctypes.byref(trial), ctypes.c_uint32(600))
