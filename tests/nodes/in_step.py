"""A wire between posts in memory: what is said is heard before saying it is done."""

from collections.abc import Callable
from typing import Any

from attrs import define, field

from chargecloud.domain.errors import NodesApart
from chargecloud.nodes.post import ALL, Post, channel_of
from chargecloud.storage.roster import Node
from chargecloud.storage.slots import LEASE_S, RENEW_S
from tests.world import World

GATEWAY = frozenset({"gateway", "web", "worker"})


@define(eq=False)
class InStepWire:
    """
    As a server with all that listen to it.

    @ivar is_cut: nothing can be said.
    @ivar said: each message with its channel, in order.
    """

    is_cut: bool = False
    said: list[tuple[str, bytes]] = field(factory=list)
    _heard: dict[str, list[Callable[[bytes], None]]] = field(factory=dict)

    @property
    def is_up(self) -> bool:
        """Whether something can be said."""
        return not self.is_cut

    def join(self, post: Post) -> None:
        """A node listens."""
        wire: Any = self
        post.wire = wire
        for channel in (channel_of(post.node), ALL):
            self._heard.setdefault(channel, []).append(post.heard)

    def leave(self, post: Post) -> None:
        """A node is gone."""
        for channel in (channel_of(post.node), ALL):
            self._heard[channel].remove(post.heard)

    async def say(self, channel: str, message: bytes, turn: int = 0) -> int:
        """As L{chargecloud.storage.redis.Wire.say}."""
        if self.is_cut:
            raise NodesApart("the wire is cut")
        self.said.append((channel, message))
        listening = list(self._heard.get(channel, ()))
        for heard in listening:
            heard(message)
        return len(listening)


def node(world: World, renewals: int = 0, roles: frozenset[str] = GATEWAY) -> Node:
    """A world, as its lease tells of it."""
    slot = world.store.node
    return Node(slot, f"world:{slot}", renewals, roles, is_draining=False)


def know_each_other(*worlds: World, roles: frozenset[str] = GATEWAY) -> None:
    """Each world sees that the others live."""
    found = [node(each, roles=roles) for each in worlds]
    for world in worlds:
        world.store.roster.look(found, world.clock.seconds())


def see_gone(world: World, *gone: World) -> None:
    """A world watches leases that are not renewed any more, until it is sure."""
    for renewals in range(int(LEASE_S / RENEW_S) + 2):
        world.clock.advance(RENEW_S)
        found = [node(world, renewals), *map(node, gone)]
        world.store.roster.look(found, world.clock.seconds())
        world.platform.custody.look()
