"""The platform's own protocol, as a dialect."""

import re
import secrets
from collections.abc import Callable, Sequence

from attrs import frozen
from zope.interface import implementer

from chargecloud.dialects.native.decoding import decode, describe
from chargecloud.dialects.native.frames import FIRST_BYTE
from chargecloud.dialects.native.host import NativeConversation
from chargecloud.dialects.native.keys import KEY_SIZE, SERVER_NONCE_SIZE, next_key
from chargecloud.dialects.native.messages import IDENTITY_FORM, IDENTITY_LIMIT
from chargecloud.dialects.native.start_codes import ENERGY_UNIT_MWH, StartCode
from chargecloud.domain.charger import Secret
from chargecloud.domain.errors import Invalid
from chargecloud.domain.units import MWH_PER_WH
from chargecloud.interfaces import (
    DecodedFrame,
    IConversation,
    IKeyedDialect,
    Record,
    Seconds,
    record_nothing,
    stopped_clock,
)


@implementer(IKeyedDialect)
@frozen
class NativeDialect:
    """
    The native protocol.

    @ivar entropy: gives so many bytes that nobody can guess.
    """

    entropy: Callable[[int], bytes] = secrets.token_bytes

    name = "native"
    version = "1.0"
    key_bytes: int | None = KEY_SIZE
    counts_anew = False
    knows_limits = True
    nonce_bytes = SERVER_NONCE_SIZE

    def recognises(self, first: bytes) -> bool | None:
        """A HELLO tells by its first byte."""
        return first[0] == FIRST_BYTE

    def conversation(
        self, record: Record = record_nothing, seconds: Seconds = stopped_clock
    ) -> IConversation:
        """A conversation with one charger, and with what it carries."""
        return NativeConversation(self.entropy, record)

    def decode(self, data: bytes) -> Sequence[DecodedFrame]:
        """The frames of some bytes; see L{IDialect.decode}."""
        return decode(data)

    def describe(self, is_up: bool, raw: bytes, opened: bytes | None) -> DecodedFrame:
        """A frame in words; see L{IDialect.describe}."""
        return describe(is_up, raw, opened)

    def read_identity(self, identity: str) -> str:
        """
        The identity as it is, if it can be one.

        @raise Invalid: for anything but 1 to 32 ASCII letters, digits and C{- _ . :}.
        """
        if len(identity) > IDENTITY_LIMIT or not re.fullmatch(IDENTITY_FORM, identity):
            raise Invalid(f"an identity is 1 to {IDENTITY_LIMIT} letters, digits and - _ . :")
        return identity

    def next_secret(self, identity: str, secret: Secret, nonce: bytes) -> Secret:
        """The secret that NEW_KEY with this nonce makes of the present one."""
        generation = secret.generation + 1
        return Secret(next_key(secret.key, generation, nonce, identity), generation)

    def start_code(
        self, secret: Secret, counter: int, port: int | None, limit_wh: int | None
    ) -> str:
        """
        The 16 digits of a start code.

        @raise Invalid: for a port above 31, and for a limit that is not of whole tenths of a
            kWh, or above 12.7 kWh.
        """
        units, rest = divmod((limit_wh or 0) * MWH_PER_WH, ENERGY_UNIT_MWH)
        if rest or (limit_wh is not None and not units):
            what = "must be of whole tenths of a kWh"
            raise Invalid(f"a limit {what}", errors=[{"pointer": "/limit_wh", "detail": what}])
        try:
            return StartCode(counter, port or 0, units).write(secret.key)
        except ValueError as error:
            raise Invalid(str(error)) from error
