"""Chargers of other nodes: who holds one, and how a command gets there."""

from typing import Any

from attrs import define
from sqlalchemy import Select, bindparam, select
from twisted.internet.defer import Deferred

from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.errors import ChargerOffline
from chargecloud.nodes import wording
from chargecloud.nodes.post import Post
from chargecloud.storage.schema import chargers, orders
from chargecloud.storage.store import Store

#: an answer of a charger takes this much longer when it comes from another node
ON_THE_WAY_S = 2.0

_HOLDER = select(chargers.c.node).where(chargers.c.id == bindparam("of"))
_HOLDER_OF_ORDER = (
    select(chargers.c.node)
    .join(orders, orders.c.charger_id == chargers.c.id)
    .where(orders.c.id == bindparam("of"))
)


@define(eq=False)
class Elsewhere:
    """The chargers of other nodes."""

    store: Store
    post: Post

    async def holder(self, charger_id: int) -> int | None:
        """The node that decides about a charger, if that is another one, and lives."""
        return await self._find(_HOLDER, charger_id)

    async def holder_of_order(self, order_id: int) -> int | None:
        """The node that decides about an order, if that is another one, and lives."""
        return await self._find(_HOLDER_OF_ORDER, order_id)

    async def _find(self, query: Select[Any], of: int) -> int | None:
        node = await self.store.read(
            lambda connection: connection.execute(query, {"of": of}).scalar()
        )
        return node if node != self.store.node and node in self.store.roster.live else None

    def send(self, charger_id: int, command: Command, deadline_s: float) -> "Deferred[Answer]":
        """
        Send a command to a charger that is not here.

        Fails like the routing of the node where it is, with L{ChargerOffline} if it is
        nowhere, and with L{NodesApart} if there is no way to its node.
        """
        return Deferred.fromCoroutine(self._send(charger_id, command, deadline_s))

    async def _send(self, charger_id: int, command: Command, deadline_s: float) -> Answer:
        node = await self.holder(charger_id)
        if node is None:
            raise ChargerOffline("the charger is not connected")
        body = {
            "charger": charger_id,
            "command": wording.plain_command(command),
            "deadline_s": deadline_s,
        }
        told = await self.post.ask(node, "command", body, deadline_s + ON_THE_WAY_S)
        return wording.read_answer(told)

    def hang_up(self, charger_id: int) -> None:
        """End a charger's connection, wherever it is."""
        self.post.tell(None, "hang_up", {"charger": charger_id})
