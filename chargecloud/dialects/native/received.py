"""What a charger receives, as values."""

from attrs import frozen

from chargecloud.domain.commands import Command
from chargecloud.domain.events import Outcome


@frozen
class Welcomed:
    """The cloud has proved itself."""

    unix_s: int
    heartbeat_s: int
    #: up to where the charger may stretch it, by trying
    heartbeat_most_s: int | None = None


@frozen
class Ordered:
    """The cloud wants something done, and an answer under this number."""

    number: int
    command: Command


@frozen
class Kept:
    """What became of the record with this number; after C{KEPT} and C{REFUSED} it may be
    forgotten."""

    record: int
    outcome: Outcome
    #: of the order, for a charge that the charger began by itself
    order_id: int | None = None


@frozen
class CardAnswered:
    """What is to be told to the one who presented a card.

    @ivar code: a word of C{CARD_CODES}.
    @ivar order_id: the order that follows, or that was stopped.
    @ivar balance_fen: what the wallet can still spend.
    """

    number: int
    code: str
    order_id: int | None = None
    balance_fen: int | None = None


@frozen
class BlockReceived:
    """A block of a firmware image.

    @ivar code: a word of C{ANSWER_CODES}; no data comes with another one than C{"ok"}.
    """

    image: int
    offset: int
    code: str
    data: bytes | None = None


@frozen
class Relayed:
    """Bytes for a device whose frames this charger carries; no bytes: its stream has ended."""

    address: int
    data: bytes


@frozen
class HeartbeatAnswered:
    """The cloud is alive."""


@frozen
class Refused:
    """Somebody says that the cloud does not want this charger: a hint, not a proof.

    @ivar retry_s: for how long to stay away at the least, where that is said.
    """

    code: int
    retry_s: int | None = None


Received = (
    Welcomed | Ordered | Kept | CardAnswered | BlockReceived | Relayed | HeartbeatAnswered | Refused
)
