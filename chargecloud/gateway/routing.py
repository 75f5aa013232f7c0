"""The way of a command to the connection that holds its charger."""

from typing import Protocol

from attrs import frozen
from twisted.internet.defer import Deferred, fail

from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.errors import ChargerOffline
from chargecloud.gateway.presence import Presence

#: a person waits; a charger on a slow mobile network still answers within this
COMMAND_DEADLINE_S = 15.0


class Elsewhere(Protocol):
    """The chargers of other nodes."""

    def send(self, charger_id: int, command: Command, deadline_s: float) -> "Deferred[Answer]":
        """Send a command; it always comes to an end."""

    def hang_up(self, charger_id: int) -> None:
        """End a charger's connection, if it has one."""


@frozen
class Routing:
    """
    @ivar presence: of this node.
    @ivar elsewhere: where there are other nodes.
    """

    presence: Presence
    elsewhere: Elsewhere | None = None

    def hang_up(self, charger_id: int) -> None:
        """End a charger's connection, if it has one."""
        if not self.hang_up_here(charger_id) and self.elsewhere is not None:
            self.elsewhere.hang_up(charger_id)

    def hang_up_here(self, charger_id: int) -> bool:
        """End a charger's connection; false if it has none at this node."""
        present = self.presence.find(charger_id)
        if present is not None:
            present.link.displace(present.identity)
        return present is not None

    def hang_up_older(self, charger_id: int, epoch: int) -> None:
        """End a charger's connection if it is of an earlier login: it has come to another node."""
        present = self.presence.find(charger_id)
        if present is not None and present.admission.epoch < epoch:
            present.link.displace(present.identity)

    def send(
        self, charger_id: int, command: Command, deadline_s: float = COMMAND_DEADLINE_S
    ) -> "Deferred[Answer]":
        """
        Send a command to a charger; it always comes to an end.

        Fails with L{ChargerOffline} if the charger is not connected or its connection is
        lost meanwhile, with L{CommandTimedOut} after the deadline, and with L{Refusal}
        if its dialect has no such command.
        """
        present = self.presence.find(charger_id)
        if present is None and self.elsewhere is not None:
            return self.elsewhere.send(charger_id, command, deadline_s)
        if present is None:
            return fail(ChargerOffline("the charger is not connected"))
        return present.link.send(present.identity, command, deadline_s)
