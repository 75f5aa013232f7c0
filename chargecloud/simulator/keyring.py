"""A simulated charger's keys: the one that it has, and one that it has been told to make."""

from attrs import define

from chargecloud.dialects.native.keys import next_key
from chargecloud.domain.charger import Secret


@define
class Keyring:
    """
    What is kept of them over a cut of the power.

    @ivar key: in hex; C{next_key} the same, if there is one.
    """

    identity: str
    key: str
    generation: int = 1
    next_key: str | None = None

    def secret(self, *, before: bool = False) -> Secret:
        """What the next connection is made with: the newest, or the one before it."""
        if self.next_key is None or before:
            return Secret(bytes.fromhex(self.key), self.generation)
        return Secret(bytes.fromhex(self.next_key), self.generation + 1)

    def make(self, generation: int, nonce: bytes) -> bool:
        """Make the next key; false for any but the next."""
        if generation != self.generation + 1:
            return False
        made = next_key(bytes.fromhex(self.key), generation, nonce, self.identity)
        self.next_key = made.hex()
        return True

    def proved(self, generation: int) -> None:
        """The cloud has opened a connection with the key of this number."""
        if self.next_key is not None and generation == self.generation + 1:
            self.key, self.generation, self.next_key = self.next_key, generation, None
