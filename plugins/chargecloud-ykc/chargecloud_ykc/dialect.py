"""YKC, as a dialect."""

from collections.abc import Sequence
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from chargecloud.interfaces import (
    DecodedFrame,
    IConversation,
    IPunctualDialect,
    Record,
    Seconds,
    record_nothing,
    stopped_clock,
)
from chargecloud_ykc.conversation import YkcConversation
from chargecloud_ykc.decoding import decode, describe
from chargecloud_ykc.facts import NAME
from chargecloud_ykc.frames import may_begin
from chargecloud_ykc.identities import read_identity
from chargecloud_ykc.messages import UP

#: of the byte that tells what a frame is
_KIND_AT = 5


@implementer(IPunctualDialect)
@frozen
class YkcDialect:
    """See L{IDialect}."""

    name = NAME
    version = "1.0"
    key_bytes: ClassVar[int | None] = None
    counts_anew = True
    #: but for one of money
    knows_limits = False
    #: protocol V1.6, 13.3(7)
    record_deadline_s = 30

    def recognises(self, first: bytes) -> bool | None:
        """By the head of a frame that a pile may send."""
        if not may_begin(first):
            return False
        return None if len(first) <= _KIND_AT else first[_KIND_AT] in UP

    def conversation(
        self, record: Record = record_nothing, seconds: Seconds = stopped_clock
    ) -> IConversation:
        """A conversation with a pile, or with a concentrator and its piles."""
        return YkcConversation(record, seconds)

    def decode(self, data: bytes) -> Sequence[DecodedFrame]:
        """The frames of some bytes; see L{IDialect.decode}."""
        return decode(data)

    def describe(self, is_up: bool, raw: bytes, opened: bytes | None) -> DecodedFrame:
        """A frame in words; see L{IDialect.describe}."""
        return describe(raw)

    def read_identity(self, identity: str) -> str:
        """A pile's number; see L{chargecloud_ykc.identities.read_identity}."""
        return read_identity(identity)
