"""DNY, as a dialect."""

from collections.abc import Sequence
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from chargecloud.interfaces import (
    DecodedFrame,
    IConversation,
    IDialect,
    Record,
    Seconds,
    record_nothing,
    stopped_clock,
)
from chargecloud_dny.conversation import DnyConversation
from chargecloud_dny.decoding import decode, describe
from chargecloud_dny.frames import HEAD, LINK
from chargecloud_dny.identities import read_identity

_BEGINNINGS = (HEAD, LINK, b"89")


@implementer(IDialect)
@frozen
class DnyDialect:
    """See L{IDialect}."""

    name = "dny"
    version = "1.0"
    key_bytes: ClassVar[int | None] = None
    counts_anew = True
    knows_limits = True

    def recognises(self, first: bytes) -> bool | None:
        """By the head of a frame, a sign of life, or the number of a SIM."""
        if first.startswith(_BEGINNINGS):
            return True
        return None if any(each.startswith(first) for each in _BEGINNINGS) else False

    def conversation(
        self, record: Record = record_nothing, seconds: Seconds = stopped_clock
    ) -> IConversation:
        """A conversation with a device, or with a host and its boxes."""
        return DnyConversation(record, seconds)

    def decode(self, data: bytes) -> Sequence[DecodedFrame]:
        """The frames of some bytes; see L{IDialect.decode}."""
        return decode(data)

    def describe(self, is_up: bool, raw: bytes, opened: bytes | None) -> DecodedFrame:
        """A frame in words; see L{IDialect.describe}."""
        return describe(is_up, raw)

    def read_identity(self, identity: str) -> str:
        """A physical id; see L{chargecloud_dny.identities.read_identity}."""
        return read_identity(identity)
