"""Chargers' keys, kept so that a stolen database gives none of them away."""

import hmac
import os
from hashlib import sha256
from pathlib import Path

from attrs import field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chargecloud.domain.errors import Invalid

_MASTER_BYTES = 32
_NONCE_BYTES = 12


class WrongMasterKey(Exception):
    """The master key is not the one that the chargers' keys were wrapped with."""


@frozen
class Vault:
    """
    Wraps keys with a master key (AES-256-GCM) that is never in the database.
    """

    _master: bytes = field(repr=False)

    @classmethod
    def open(cls, path: Path, *, may_make: bool = True) -> "Vault":
        """
        The vault of a file; a missing file is made, readable for its owner only.

        Whoever loses the file loses all chargers' keys: it belongs into the backup, and
        not beside the database's.

        @param may_make: false where keys are wrapped already: a new one would open none.
        @raise WrongMasterKey: if the file is missing and may not be made, or holds no key.
        """
        if not path.exists():
            if not may_make:
                raise WrongMasterKey(
                    f"the master key {path} is missing, and chargers' keys are wrapped with it: "
                    "put it back from its backup"
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(os.urandom(_MASTER_BYTES).hex() + "\n")
                # keys that are wrapped with it must never outlast it
                file.flush()
                os.fsync(descriptor)
        try:
            master = bytes.fromhex(path.read_text().strip())
        except ValueError:
            master = b""
        if len(master) != _MASTER_BYTES:
            raise WrongMasterKey(f"{path} is no master key: {_MASTER_BYTES} bytes in hexadecimal")
        return cls(master)

    def wrap(self, key: bytes, whose: str) -> bytes:
        """
        A key as the database may hold it.

        @param whose: the charger and the number of its key: what was wrapped for one opens
            for no other, also for somebody who can write the database.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._master).encrypt(nonce, key, whose.encode())

    def unwrap(self, wrapped: bytes, whose: str) -> bytes:
        """
        The key.

        @raise WrongMasterKey: if another master key wrapped it, or for another charger.
        """
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return AESGCM(self._master).decrypt(nonce, sealed, whose.encode())
        except InvalidTag as error:
            raise WrongMasterKey(
                f"the master key does not open the key of {whose}: is it from another backup?"
            ) from error

    def derive(self, purpose: str) -> bytes:
        """A key of its own for a purpose, the same wherever the master key is; 32 bytes."""
        return hmac.digest(self._master, purpose.encode(), sha256)


def key_of(text: str | None, size: int | None, least: int | None = None) -> bytes | None:
    """
    A charger's key: the one that is given, or else a new one.

    @param text: in hexadecimal; C{None} to have one made.
    @param size: bytes of a key in the charger's dialect; C{None} if it has no keys.
    @param least: of its shortest, if they have several lengths.
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
    least = size if least is None else least
    if not least <= len(key) <= size:
        sizes = str(size) if least == size else f"{least} to {size}"
        raise _invalid(f"must be {sizes} bytes in hexadecimal")
    return key


def _invalid(what: str) -> Invalid:
    return Invalid(f"the key {what}", errors=[{"pointer": "/key", "detail": what}])
