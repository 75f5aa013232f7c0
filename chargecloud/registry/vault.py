"""Chargers' keys, kept so that a stolen database gives none of them away."""

import os
from pathlib import Path

from attrs import field, frozen
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from chargecloud.domain.errors import Invalid

KEY_BYTES = 16
_MASTER_BYTES = 32


@frozen
class Vault:
    """
    Wraps keys with a master key (AES key wrap, RFC 3394) that is never in the database.
    """

    _master: bytes = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> "Vault":
        """The vault of a file; a missing file is made, readable for its owner only.

        Whoever loses the file loses all chargers' keys: it belongs into the backup, and
        not beside the database's.
        """
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(os.urandom(_MASTER_BYTES).hex() + "\n")
        master = bytes.fromhex(path.read_text().strip())
        if len(master) != _MASTER_BYTES:
            raise ValueError(f"{path} holds {len(master)} bytes instead of {_MASTER_BYTES}")
        return cls(master)

    def wrap(self, key: bytes) -> bytes:
        """A key as the database may hold it."""
        return aes_key_wrap(self._master, key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """
        The key.

        @raise cryptography.hazmat.primitives.keywrap.InvalidUnwrap: if another master key
            wrapped it.
        """
        return aes_key_unwrap(self._master, wrapped)


def read_key(text: str) -> bytes:
    """
    A charger's key from its hexadecimal form.

    @raise Invalid: if it is none.
    """
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        what = f"must be {KEY_BYTES} bytes in hexadecimal"
        raise Invalid(f"the key {what}", errors=[{"pointer": "/key", "detail": what}])
    return key


def new_key() -> bytes:
    """A key for a charger."""
    return os.urandom(KEY_BYTES)
