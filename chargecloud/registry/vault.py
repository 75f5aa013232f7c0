"""Chargers' keys, kept so that a stolen database gives none of them away."""

import os
from pathlib import Path

from attrs import field, frozen
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from chargecloud.domain.errors import Invalid

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


def key_of(text: str | None, size: int | None) -> bytes | None:
    """
    A charger's key: the one that is given, or else a new one.

    @param text: in hexadecimal; C{None} to have one made.
    @param size: bytes of a key in the charger's dialect; C{None} if it has no keys.
    @raise Invalid: for a text that is no such key.
    """
    if size is None:
        if text is not None:
            raise _invalid("is not wanted: the dialect has no keys")
        return None
    if text is None:
        return os.urandom(size)
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != size:
        raise _invalid(f"must be {size} bytes in hexadecimal")
    return key


def _invalid(what: str) -> Invalid:
    return Invalid(f"the key {what}", errors=[{"pointer": "/key", "detail": what}])
