"""What a charger receives, as values."""

from attrs import frozen

from chargecloud.domain.commands import Command
from chargecloud.domain.events import Outcome


@frozen
class Welcomed:
    """The cloud has proved itself."""

    unix_s: int
    heartbeat_s: int


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


@frozen
class HeartbeatAnswered:
    """The cloud is alive."""


@frozen
class Refused:
    """Somebody says that the cloud does not want this charger: a hint, not a proof."""

    code: int


Received = Welcomed | Ordered | Kept | HeartbeatAnswered | Refused
