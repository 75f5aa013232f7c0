"""Chargers' keys as the database has them, and how one follows another.

A charger is told to make its next key of the present one and a nonce.  From then on both are
good, until the charger logs in with the next one; then that is its key, and the one before is
worthless.  Only the nonce is kept in between, so that however often it is told, and wherever
either side is switched off, both make the same key.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from chargecloud.domain.charger import Secret
from chargecloud.interfaces import IDialect, IKeyedDialect, IOptionalKeyDialect
from chargecloud.registry.vault import Vault, key_of
from chargecloud.storage.schema import chargers

#: the number of the key that a charger is registered with
FIRST_KEY = 1
#: instead of a number, of a charger that was registered to come without a key
NEEDS_NONE = 0
#: what a charger's secret is made of
SEALED = [chargers.c.id, chargers.c.wrapped_key, chargers.c.key_generation]


@frozen
class ChangeOfKey:
    """
    What a login does to a charger's keys.

    @ivar row: the columns that change.
    @ivar still_to_take: generation and nonce of the key that it is to be told to make.
    """

    row: Mapping[str, Any] = field(factory=dict)
    still_to_take: tuple[int, bytes] | None = None


def _whose(charger_id: int, generation: int) -> str:
    return f"charger {charger_id}, key {generation}"


@frozen
class Secrets:
    """
    @ivar vault: wraps keys.
    @ivar entropy: gives so many bytes that nobody can guess.
    """

    vault: Vault
    dialects: Mapping[str, IDialect]
    entropy: Callable[[int], bytes] = secrets.token_bytes

    def seal(self, charger_id: int, key: bytes | None, generation: int) -> bytes | None:
        """A key as the database has it."""
        return None if key is None else self.vault.wrap(key, _whose(charger_id, generation))

    def of(self, row: Any) -> Secret | None:
        """
        What a row of the columns of L{SEALED} holds.

        @raise WrongMasterKey: if another master key sealed it.
        """
        if row.wrapped_key is None:
            return None
        key = self.vault.unwrap(row.wrapped_key, _whose(row.id, row.key_generation))
        return Secret(key, row.key_generation)

    def keyed(self, dialect: str) -> IKeyedDialect | None:
        """The dialect, if its chargers may be given new keys."""
        spoken = self.dialects.get(dialect)
        return spoken if IKeyedDialect.providedBy(spoken) else None

    def read(self, dialect: str, text: str | None) -> bytes | None:
        """
        A key as a person gives it; one that is made if they do not.

        @raise Invalid: for a text that is no key of the dialect.
        """
        spoken: Any = self.dialects[dialect]
        least = spoken.least_key_bytes if IOptionalKeyDialect.providedBy(spoken) else None
        return key_of(text, spoken.key_bytes, least)

    def new_nonce(self, dialect: str) -> bytes | None:
        """What a charger's next key is to be made with, C{None} where there can be none."""
        keyed = self.keyed(dialect)
        return None if keyed is None else self.entropy(keyed.nonce_bytes)

    def following(
        self, dialect: str, identity: str, secret: Secret | None, nonce: bytes | None
    ) -> Secret | None:
        """The next secret of a charger that has been told to make one."""
        keyed = self.keyed(dialect)
        if keyed is None or secret is None or nonce is None:
            return None
        return keyed.next_secret(identity, secret, nonce)

    def at_login(
        self, dialect: str, identity: str, row: Any, generation: int | None, now: datetime
    ) -> ChangeOfKey:
        """
        What becomes of the keys of a charger that has proved itself with one of them.

        @param row: of the columns of L{SEALED}, with C{next_key_nonce}.
        @param generation: of the key that it has used.
        """
        nonce: bytes | None = row.next_key_nonce
        secret = self.of(row)
        following = self.following(dialect, identity, secret, nonce)
        if following is not None and following.generation == generation:
            return ChangeOfKey(
                {
                    "wrapped_key": self.seal(row.id, following.key, following.generation),
                    "key_generation": following.generation,
                    "next_key_nonce": None,
                    "keyed_at": now,
                    # codes are made with the key, and counted with it
                    "code_counter": 0,
                }
            )
        if secret is not None and nonce is None and secret.generation == FIRST_KEY:
            # the key that it came with has passed through many hands
            nonce = self.new_nonce(dialect)
            if nonce is not None:
                told = (secret.generation + 1, nonce)
                return ChangeOfKey({"next_key_nonce": nonce}, told)
        if secret is None or nonce is None:
            return ChangeOfKey()
        return ChangeOfKey(still_to_take=(secret.generation + 1, nonce))
