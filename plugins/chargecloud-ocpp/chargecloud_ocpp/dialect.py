"""OCPP 1.6J, as a dialect."""

from collections.abc import Sequence
from typing import ClassVar

from attrs import field, frozen
from zope.interface import implementer

from chargecloud.interfaces import (
    DecodedFrame,
    IConversation,
    IDialect,
    ILenientDialect,
    INumberingDialect,
    IOptionalKeyDialect,
    Record,
    Seconds,
    record_nothing,
    stopped_clock,
)
from chargecloud_ocpp.conversation import OcppConversation
from chargecloud_ocpp.decoding import decode, describe
from chargecloud_ocpp.identities import read_identity
from chargecloud_ocpp.websocket import Allowances

_BEGINNING = b"GET /"
#: a path of nothing names no charge point: somebody's browser
_NOBODY = b" "


@implementer(ILenientDialect, INumberingDialect, IOptionalKeyDialect)
@frozen
class OcppDialect:
    """See L{IDialect}."""

    name = "ocpp"
    version = "1.0"
    #: an C{AuthorizationKey} has 16 to 20 bytes; made ones have this many
    key_bytes: ClassVar[int | None] = 20
    least_key_bytes: ClassVar[int] = 16
    counts_anew = False
    knows_limits = True
    allowances: Allowances = field(factory=Allowances)

    def recognises(self, first: bytes) -> bool | None:
        """By a request for a path."""
        if first.startswith(_BEGINNING):
            return first[len(_BEGINNING) :][:1] != _NOBODY if len(first) > len(_BEGINNING) else None
        return None if _BEGINNING.startswith(first) else False

    def strictly(self) -> IDialect:
        """Without the subprotocol, or with half a request to open, nobody is let in."""
        return OcppDialect(Allowances(no_subprotocol=False, no_connection_header=False))

    def conversation(
        self, record: Record = record_nothing, seconds: Seconds = stopped_clock
    ) -> IConversation:
        """A conversation with a charge point."""
        return OcppConversation(record, seconds, self.allowances)

    def decode(self, data: bytes) -> Sequence[DecodedFrame]:
        """The messages of some text; see L{IDialect.decode}."""
        return decode(data)

    def describe(self, is_up: bool, raw: bytes, opened: bytes | None) -> DecodedFrame:
        """A message in words; see L{IDialect.describe}."""
        return describe(raw)

    def read_identity(self, identity: str) -> str:
        """An identity; see L{chargecloud_ocpp.identities.read_identity}."""
        return read_identity(identity)
