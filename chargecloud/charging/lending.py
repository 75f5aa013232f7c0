"""Charges that begin by a card while the database is away, where C{when_database_away} allows it.

Each is a fact in the spool before its start is sent, and its order is opened from there when the
database is back, before what its charger has told since.  What may be lost by it is bounded: it is
stopped before it costs more than C{away_limit_fen}, and than its wallet had at the last look.
"""

from attrs import define, evolve, field
from sqlalchemy import Connection, select
from twisted.logger import Logger

from chargecloud.charging.at_hand import AtHand, Payer, Place
from chargecloud.charging.backlog import Backlog
from chargecloud.charging.book import OrderBook
from chargecloud.charging.forgotten import Forgotten
from chargecloud.charging.placing import Placing, Wish
from chargecloud.charging.settings import ChargingSettings, WhenAway
from chargecloud.charging.spooled import ChargePlaced, Spooled
from chargecloud.charging.stopping import Stopping
from chargecloud.charging.terms import find_order, find_start
from chargecloud.domain.charger import Admission
from chargecloud.domain.decision import Stale
from chargecloud.domain.errors import InsufficientFunds, NotFound, Overloaded, PortBusy, StorageFull
from chargecloud.domain.events import StopReason
from chargecloud.domain.order import place
from chargecloud.domain.order_value import Order, OrderState
from chargecloud.domain.units import DAY
from chargecloud.money.wallets import Spendable, spendable
from chargecloud.registry.cards import CardStatus, find_card
from chargecloud.storage.ids import slot_of
from chargecloud.storage.schema import chargers, ports

#: wallets and ports that change under us this often are left to the next occasion
MOST_TRIES = 4
#: an order of another node that is not there yet is waited for no longer
LONGEST_AWAY_S = DAY


@define(eq=False)
class Lending:
    """
    @ivar at_hand: what is known without the database.
    @ivar _lent: what the orders that wait in the spool may cost, by whose they are.
    """

    book: OrderBook
    backlog: Backlog
    placing: Placing
    stopping: Stopping
    forgotten: Forgotten
    at_hand: AtHand
    settings: ChargingSettings
    _lent: dict[int, tuple[Payer, int]] = field(factory=dict, init=False)
    _log: Logger = field(factory=Logger, init=False)

    @property
    def is_allowed(self) -> bool:
        """Whether charges may begin without the database."""
        return self.settings.when_database_away is WhenAway.ALLOW

    @property
    def is_asked(self) -> bool:
        """Whether that is so now."""
        return self.is_allowed and self.book.store.writer.trouble is not None

    # ----------------------------------------------------------------- while it is away

    async def begin(self, admission: Admission, wish: Wish) -> Order:
        """
        Begin a charge for a card.

        @param wish: without a customer, who is known by the card.
        @raise NotFound: if it is not known that one can charge there with this card.
        @raise InsufficientFunds: if its wallet is not known to have anything left.
        @raise PortBusy: if the port has an order, or its end is still to be applied.
        @raise StorageFull, Overloaded: if there is no room to write it down.
        """
        return await self.book.turns.take(
            admission.charger_id, lambda: self._begin(admission, wish), though_shut=True
        )

    async def _begin(self, admission: Admission, wish: Wish) -> Order:
        if why := self.placing.full():
            raise StorageFull(f"no charge can begin: {why}")
        known = self.at_hand.place(wish.charger_id)
        payer = self.at_hand.payer(admission.tenant_id, wish.card_uid or "")
        if known is None or payer is None:
            raise NotFound("the database is away, and card and charger are not both known")
        if not 1 <= wish.port <= known.found.charger.port_count:
            raise NotFound(f"the charger has no port {wish.port}")
        if self.book.on_port(wish.charger_id, wish.port) is not None:
            raise PortBusy(f"port {wish.port} has a running order")
        order = self._order(wish, known, payer)
        now = self.placing.calendar.now()
        self._lent[order.id] = payer, order.held_fen
        if not await self.backlog.put(Spooled(admission, ChargePlaced(order), now)):
            del self._lent[order.id]
            raise Overloaded("no charge can begin: the spool does not take it")
        self.placing.starting.start(self.book.track(order, known.terms))
        return order

    def _order(self, wish: Wish, known: Place, payer: Payer) -> Order:
        lent_fen = sum(fen for of, fen in self._lent.values() if of == payer)
        left_fen = self.at_hand.balance_fen(payer) - lent_fen
        if left_fen <= 0:
            raise InsufficientFunds("nothing is known to be left", balance_fen=max(0, left_fen))
        amount_fen = min(self.settings.away_limit_fen, left_fen)
        wish = evolve(wish, customer_id=payer.customer_id, prepaid_fen=amount_fen)
        found = evolve(known.found, money=Spendable(amount_fen, 0))
        return self.placing.order_for(wish, found, self.placing.calendar.now())

    # ------------------------------------------------------------------- when it is back

    async def open(self, told: ChargePlaced, epoch: int) -> None:
        """
        Write down an order that waited in the spool, and hold its money; in the charger's turn.

        What its wallet does not have any more is not held, and the charge is stopped; so it is
        if its card may not charge any more.

        @param epoch: the charger's newest.
        """
        order = told.order
        opened = await self._find(order.id)
        if opened is None:
            opened = await self._open(order, epoch)
            self.book.came_to[opened.state] += 1
        await self._go_on(opened)
        if opened.held_fen < order.held_fen or not await self._is_good(order):
            self.stopping.stop_soon(opened, StopReason.OPERATOR)
        payer, lent_fen = self._lent.pop(order.id, (None, 0))
        if payer is not None:
            self.at_hand.spend(payer, lent_fen)

    async def _find(self, order_id: int) -> Order | None:
        try:
            return await self.book.store.read(lambda found: find_order(found, None, order_id))
        except NotFound:
            return None

    async def _open(self, order: Order, epoch: int) -> Order:
        for _ in range(MOST_TRIES):
            covered = await self._covered(order)
            await self._make_room(covered)
            try:
                await self.book.store.writer.decide(place(covered, epoch))
            except Stale:
                # the wallet or the port has changed meanwhile
                continue
            return covered
        raise Overloaded(f"order {order.id} cannot be opened yet")

    async def _covered(self, order: Order) -> Order:
        """The order as far as its wallet can pay for it; under a name of its own, if the start
        that was asked for has made another one."""

        def read(connection: Connection) -> tuple[Spendable, Order | None]:
            money = spendable(connection, order.tenant_id, order.customer_id or 0)
            same = find_start(connection, order.charger_id, order.port, order.start_key)
            return money, same

        left, same = await self.book.store.read(read)
        held_fen = min(order.held_fen, left.all_fen)
        start_key = order.start_key if same is None else str(order.id)
        return evolve(
            order,
            held_fen=held_fen,
            held_gift_fen=left.gift_of(held_fen),
            start_key=start_key,
        )

    async def _make_room(self, order: Order) -> None:
        """Close what has the port in the database and not here: a start that was committed when
        nobody could be told so any more, and never sent."""
        there = select(ports.c.order_id).where(
            ports.c.charger_id == order.charger_id, ports.c.port == order.port
        )
        before = await self.book.store.read(lambda found: found.execute(there).scalar())
        if before is None:
            return
        await self.book.adopt(before)
        track = self.book.tracked(before)
        if track is not None:
            await self.forgotten.close(track, "another-began-there")

    async def _go_on(self, order: Order) -> None:
        """Have it in memory as it is written down."""
        of_charger = select(chargers.c.node).where(chargers.c.id == order.charger_id)

        def read(connection: Connection) -> tuple[int | None, int | None]:
            terms = self.book.terms(connection, order)
            return connection.execute(of_charger).scalar(), terms.register_before_mwh

        node, register_mwh = await self.book.store.read(read)
        if node not in (None, self.book.store.node):
            # its charger went to another node, which takes it up when it tells of it
            self.book.let_go(order.charger_id)
            self.placing.starting.give_up_if_there(order)
            return
        track = self.book.tracked(order.id)
        if track is not None:
            self.book.opened(order, register_mwh)
        elif (await self.book.adopt(order.id)).state is OrderState.STARTING:
            self.placing.starting.expect_confirmation(order)

    async def _is_good(self, order: Order) -> bool:
        """Whether its card may charge, as the database has it."""
        uid = order.card_uid
        assert uid is not None, "it was begun by a card"
        card = await self.book.store.read(lambda found: find_card(found, order.tenant_id, uid))
        return (
            card is not None
            and card.status is CardStatus.ACTIVE
            and card.customer_id == order.customer_id
        )

    def may_come(self, order_id: int) -> bool:
        """Whether an order that is not there may still be in the spool of another node."""
        if not self.is_allowed or slot_of(order_id) == self.book.store.node:
            return False
        return 0 <= self.book.store.ids.age_s(order_id) < LONGEST_AWAY_S
