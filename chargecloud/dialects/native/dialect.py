"""The platform's own protocol, as a dialect."""

import re
import secrets
from collections.abc import Callable

from attrs import frozen
from zope.interface import implementer

from chargecloud.dialects.native.frames import FIRST_BYTE
from chargecloud.dialects.native.host import NativeConversation
from chargecloud.dialects.native.keys import KEY_SIZE
from chargecloud.dialects.native.messages import IDENTITY_FORM, IDENTITY_LIMIT
from chargecloud.domain.errors import Invalid
from chargecloud.interfaces import IConversation, IDialect


@implementer(IDialect)
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

    def recognises(self, first: bytes) -> bool | None:
        """A HELLO tells by its first byte."""
        return first[0] == FIRST_BYTE

    def conversation(self) -> IConversation:
        """A conversation with one charger."""
        return NativeConversation(self.entropy)

    def read_identity(self, identity: str) -> str:
        """
        The identity as it is, if it can be one.

        @raise Invalid: for anything but 1 to 32 ASCII letters, digits and C{- _ . :}.
        """
        if len(identity) > IDENTITY_LIMIT or not re.fullmatch(IDENTITY_FORM, identity):
            raise Invalid(f"an identity is 1 to {IDENTITY_LIMIT} letters, digits and - _ . :")
        return identity
