"""Who is connected to this node."""

from collections.abc import Iterator
from typing import Protocol

from attrs import define, field, frozen
from twisted.internet.defer import Deferred

from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import Answer, Command


class Link(Protocol):
    """A connection, as far as those who are above it are concerned.

    @ivar heard_s: when something was heard on it last, of the reactor's clock.
    """

    heard_s: float

    def send(self, identity: str, command: Command, deadline_s: float) -> "Deferred[Answer]":
        """Send a command and wait for its answer, no longer than the deadline."""

    def displace(self, identity: str) -> None:
        """The charger has logged in anew on another connection: this one is to go."""


@frozen
class Present:
    """A charger that is connected."""

    admission: Admission
    identity: str
    link: Link
    since_s: float


@define(eq=False)
class Presence:
    """
    The chargers of this node by their id.  The newest authenticated connection wins.

    @ivar _last_seen_s: of the reactor's clock; of chargers that have gone, too.
    """

    _present: dict[int, Present] = field(factory=dict)
    _last_seen_s: dict[int, float] = field(factory=dict)

    def arrive(self, present: Present) -> Present | None:
        """A charger has been admitted on a connection; the one that had to go for it, or
        was too late itself."""
        before = self._present.get(present.admission.charger_id)
        if before is not None and before.admission.epoch > present.admission.epoch:
            # this login was committed before the other, and told after it
            present.link.displace(present.identity)
            return present
        self._present[present.admission.charger_id] = present
        self._last_seen_s[present.admission.charger_id] = present.since_s
        if before is None or before.link is present.link:
            return None
        before.link.displace(before.identity)
        return before

    def miss(self, admission: Admission) -> None:
        """A login was committed whose connection has gone meanwhile: an earlier connection
        can decide nothing any more, and has to go, too."""
        present = self._present.get(admission.charger_id)
        if present is not None and present.admission.epoch < admission.epoch:
            present.link.displace(present.identity)

    def leave(self, admission: Admission, link: Link, now_s: float) -> bool:
        """A connection has gone; false if the charger has another one by now."""
        present = self._present.get(admission.charger_id)
        if present is None or present.link is not link:
            return False
        del self._present[admission.charger_id]
        self._last_seen_s[admission.charger_id] = now_s
        return True

    def find(self, charger_id: int) -> Present | None:
        """Where a charger is, if it is here."""
        return self._present.get(charger_id)

    def expect(self, charger_id: int, now_s: float) -> None:
        """A charger was elsewhere and may come here: it is away from now on."""
        self._last_seen_s[charger_id] = now_s

    def last_seen_s(self, charger_id: int) -> float | None:
        """When a charger that has gone was last here; C{None} if it never was."""
        return self._last_seen_s.get(charger_id)

    def __iter__(self) -> Iterator[int]:
        """The ids of those that are here."""
        return iter(self._present)

    def __len__(self) -> int:
        return len(self._present)
