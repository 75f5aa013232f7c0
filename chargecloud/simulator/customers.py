"""The customers that the simulated people are."""

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults

from chargecloud.simulator.api import AT_A_TIME, Api, Problem

#: what people put into their wallets when these are empty
TOP_UP_FEN = 3_000


@define(eq=False)
class Customers:
    """
    Those that are registered, and which of them are at home.

    @ivar ids: of all; it grows when there is nobody left at home.
    @ivar cards: uids of the cards that some of them have, by their ids.
    """

    api: Api
    ids: list[str]
    cards: dict[str, str] = field(factory=dict)
    _out: set[str] = field(factory=set, init=False)

    async def prepare(self, count: int) -> None:
        """
        Register people up to so many, with money, some at a time.

        @raise ApiError: if that is refused.
        """
        while len(self.ids) < count:
            some = range(min(AT_A_TIME, count - len(self.ids)))
            new = [Deferred.fromCoroutine(self._register(len(self.ids) + each)) for each in some]
            for customer_id in await gatherResults(new):
                self.ids.append(customer_id)

    async def _register(self, number: int) -> str:
        body = {"name": f"Rider {number + 1}", "phone": f"139{number + 1:08d}"}
        customer_id = str((await self.api.post("/customers", body))["id"])
        await self.top_up(customer_id)
        return customer_id

    async def take(self) -> str:
        """
        Somebody who is at home, and goes out to charge.

        @return: the customer's id, to be given to L{come_home} later.
        @raise ApiError: if a new one cannot be registered.
        """
        customer_id = next((each for each in self.ids if each not in self._out), None)
        if customer_id is None:
            number = len(self.ids) + 1
            body = {"name": f"Rider {number}", "phone": f"139{number:08d}"}
            customer_id = str((await self.api.post("/customers", body))["id"])
            self.ids.append(customer_id)
        self._out.add(customer_id)
        return customer_id

    def come_home(self, customer_id: str) -> None:
        """The customer is at home again."""
        self._out.discard(customer_id)

    async def card_of(self, customer_id: str) -> str:
        """
        The uid of somebody's card.  Who has none gets one, with money behind it.

        @raise ApiError: if it cannot be registered.
        """
        uid = self.cards.get(customer_id)
        if uid is None:
            uid = f"{int(customer_id):016X}"
            body = {"uid": uid, "customer_id": customer_id, "status": "active"}
            try:
                await self.api.post("/cards", body)
            except Problem as problem:
                # it was registered, and we have forgotten
                if problem.kind != "already-exists":
                    raise
            await self.top_up(customer_id)
            self.cards[customer_id] = uid
        return uid

    async def top_up(self, customer_id: str) -> None:
        """
        Put money into a wallet.

        @raise ApiError: if that is refused.
        """
        await self.api.post(f"/wallets/{customer_id}/top-ups", {"amount_fen": TOP_UP_FEN})
