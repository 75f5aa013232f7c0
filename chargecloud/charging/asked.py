"""What other nodes ask of this one about the chargers that it holds."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from chargecloud.charging.book import OrderBook
from chargecloud.charging.card_lists import CardLists
from chargecloud.domain.errors import ChargerOffline
from chargecloud.gateway.routing import Routing
from chargecloud.nodes import wording
from chargecloud.nodes.post import Answers, Post


@frozen
class AskedOfUs:
    """Carries out what comes by the post."""

    routing: Routing
    book: OrderBook
    lists: CardLists

    @property
    def answers(self) -> Mapping[str, Answers]:
        """By the kind of what is asked, or only told."""
        return {
            "command": self._command,
            "hang_up": self._hang_up,
            "moved": self._moved,
            "cards": self._cards,
            "service": self._service,
        }

    async def _command(self, told: Any) -> Any:
        # here or nowhere: it is not sent on to a third node
        if self.routing.presence.find(told["charger"]) is None:
            raise ChargerOffline("the charger is not connected")
        command = wording.read_command(told["command"])
        answer = await self.routing.send(told["charger"], command, told["deadline_s"])
        return wording.plain_answer(answer)

    async def _hang_up(self, told: Any) -> None:
        self.routing.hang_up_here(told["charger"])

    async def _moved(self, told: Any) -> None:
        """A charger has logged in elsewhere: what it has here is of the past."""
        self.routing.hang_up_older(told["charger"], told["epoch"])
        epoch = self.book.epoch_of(told["charger"])
        if epoch is not None and epoch < told["epoch"]:
            self.book.let_go(told["charger"])

    async def _cards(self, tenant_id: Any) -> None:
        self.lists.changed(tenant_id)

    async def _service(self, charger_id: Any) -> None:
        self.lists.service_changed(charger_id)

    def cards_changed_everywhere(self, post: Post) -> Callable[[int], None]:
        """What to call when a tenant's cards have changed: their chargers are anywhere."""

        def changed(tenant_id: int) -> None:
            self.lists.changed(tenant_id)
            post.tell(None, "cards", tenant_id)

        return changed

    def service_changed_everywhere(self, post: Post) -> Callable[[int], None]:
        """What to call when a charger was taken out of service, or back into it."""

        def changed(charger_id: int) -> None:
            self.lists.service_changed(charger_id)
            post.tell(None, "service", charger_id)

        return changed
