"""Keys and seals: how both sides prove themselves, and how every message is closed.

A session's key comes from the charger's key and from all that was said before the first
sealed byte.  Whoever changes any of that in transit, the offered suites or the version
among it, gives the two sides different keys.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import define, field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

from chargecloud.dialects.native.frames import FrameKind, start_of
from chargecloud.domain.errors import BadTag, LimitExceeded

KEY_SIZE = 16
SERVER_NONCE_SIZE = 16
SESSION_LABEL = b"ChargeCloud 1 session"
ROTATION_LABEL = b"ChargeCloud 1 rotate"

#: frames under one key in one direction; far below what CCM with a short tag can bear, and
#: a session that lasts a hundred years does not come to it
COUNTER_LIMIT = 2**32

#: the seal's nonce: whose frame it is, and its number in that direction
CHARGER_TO_CLOUD = b"\x00\x00\x00\x00"
CLOUD_TO_CHARGER = b"\x01\x00\x00\x00"


class Aead(Protocol):
    """What C{cryptography}'s ciphers have in common."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Ciphertext and tag."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Plaintext, or C{InvalidTag}."""


@frozen
class Suite:
    """A cipher with the size of its tag.

    @ivar number: in WELCOME; the suite's bit in HELLO is the one below it.
    """

    number: int
    tag_size: int
    cipher: Callable[[bytes], Aead]

    @property
    def bit(self) -> int:
        """Its bit among the suites that a charger offers."""
        return 1 << self.number - 1


CCM = Suite(1, 8, lambda key: AESCCM(key, tag_length=8))
GCM = Suite(2, 16, AESGCM)
SUITES: Mapping[int, Suite] = {suite.number: suite for suite in (CCM, GCM)}


def choose_suite(offered: int) -> Suite | None:
    """The suite for a charger that offers these bits.  Who can do GCM asked for it."""
    return next((suite for suite in (GCM, CCM) if offered & suite.bit), None)


def derive(key: bytes, label: bytes, context: bytes) -> bytes:
    """
    A key from another: NIST SP 800-108 in counter mode, with AES-CMAC.

    @param label: what the new key is for.
    @raise ValueError: if the charger's key is not one of AES-128.
    """
    if len(key) != KEY_SIZE:
        raise ValueError(f"a charger's key has {KEY_SIZE} bytes, not {len(key)}")
    derivation = KBKDFCMAC(
        algorithm=AES,
        mode=Mode.CounterMode,
        length=KEY_SIZE,
        rlen=1,
        llen=2,
        location=CounterLocation.BeforeFixed,
        label=label,
        context=context,
        fixed=None,
    )
    return derivation.derive(key)


def session_key(charger_key: bytes, transcript: bytes) -> bytes:
    """The key of one connection; the transcript is the whole HELLO frame, and WELCOME up to
    its nonce's end."""
    return derive(charger_key, SESSION_LABEL, transcript)


def next_key(charger_key: bytes, generation: int, nonce: bytes, identity: str) -> bytes:
    """The key that follows a charger's present one; the generation is the next one's."""
    context = generation.to_bytes(4, "big") + nonce + identity.encode()
    return derive(charger_key, ROTATION_LABEL, context)


@define(eq=False)
class Seal:
    """Closes and opens one side's frames of one connection.

    Frames are counted and not numbered: one that is lost, repeated, moved or sent back to
    its maker meets the wrong count, and does not open.
    """

    suite: Suite
    _cipher: Aead
    _own_way: bytes
    _other_way: bytes
    _sent: int = field(default=0, init=False)
    _received: int = field(default=0, init=False)

    @classmethod
    def of_cloud(cls, suite: Suite, key: bytes) -> "Seal":
        """The cloud's side."""
        return cls(suite, suite.cipher(key), CLOUD_TO_CHARGER, CHARGER_TO_CLOUD)

    @classmethod
    def of_charger(cls, suite: Suite, key: bytes) -> "Seal":
        """The charger's side."""
        return cls(suite, suite.cipher(key), CHARGER_TO_CLOUD, CLOUD_TO_CHARGER)

    def close(self, plaintext: bytes, associated: bytes) -> bytes:
        """
        Ciphertext and tag of the next frame that goes out.

        @raise LimitExceeded: if the key has been used up.
        """
        sealed = self._cipher.encrypt(_nonce(self._own_way, self._sent), plaintext, associated)
        self._sent += 1
        return sealed

    def frame(self, message: bytes) -> bytes:
        """A whole SEALED frame with a message in it."""
        start = start_of(FrameKind.SEALED, len(message) + self.suite.tag_size)
        return start + self.close(message, start)

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """
        Plaintext of the next frame that comes in.

        @raise BadTag: if it is not the far side's next frame; nothing has changed then.
        @raise LimitExceeded: if the key has been used up.
        """
        try:
            plaintext = self._cipher.decrypt(
                _nonce(self._other_way, self._received), sealed, associated
            )
        except InvalidTag:
            raise BadTag("a frame that its key did not close") from None
        self._received += 1
        return plaintext


def _nonce(direction: bytes, counter: int) -> bytes:
    if counter >= COUNTER_LIMIT:
        raise LimitExceeded("this key has closed as many frames as it may")
    return direction + counter.to_bytes(8, "big")
