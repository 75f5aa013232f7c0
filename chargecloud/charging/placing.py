"""Orders that people place: checked, held for, written down, and started."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from attrs import define, evolve, field, frozen
from sqlalchemy import Connection
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.settings import ChargingSettings
from chargecloud.charging.starting import Starting
from chargecloud.charging.waiting import waiting
from chargecloud.domain.decision import Decision, Stale
from chargecloud.domain.errors import (
    AlreadyExists,
    ChargerOffline,
    InsufficientFunds,
    Invalid,
    Overloaded,
    PortBusy,
    Refusal,
    StorageFull,
)
from chargecloud.domain.order import place
from chargecloud.domain.order_rows import instant_ms, instant_of
from chargecloud.domain.order_value import Order, OrderState, Origin
from chargecloud.domain.units import MWH_PER_WH
from chargecloud.money.coupons import Coupons
from chargecloud.money.month_cards import MonthCards
from chargecloud.money.tariffs import Tariff, find_tariff
from chargecloud.money.wallets import Spendable, find_wallet, spendable
from chargecloud.registry.chargers import Charger, check_in_service, find_charger
from chargecloud.registry.sites import Site, find_site
from chargecloud.storage.once import Made, RequestKey, known, once
from chargecloud.storage.store import Store
from chargecloud.storage.transactions import is_full
from chargecloud.storage.writer import TROUBLES

#: how often an order is tried that others are in the way of: they spend from the same wallet, so
#: that its hold is split anew between what was paid in and gift money, or use the same coupon
MOST_TRIES = 8
#: where claims go stale
_OFFERS = ("coupon_uses", "month_cards")


@frozen(kw_only=True)
class Wish:
    """
    What somebody wants to have charged.

    @ivar prepaid_fen: money to hold for it, which is also what it may cost at the most.
    @ivar ready_by: the charge may begin later, when it costs the least, but must be over by then.
    @ivar coupon: the code of one.
    @ivar month_card_id: one that is to cover it.  Without C{prepaid_fen} it holds nothing then,
        and ends when the card covers no more of the day, or what it draws.
    @ivar start_key: what the start is known by at its port; the order's id if C{None}.
    @ivar origin: how the wish was told.
    """

    charger_id: int
    port: int
    customer_id: int | None = None
    tariff_id: int | None = None
    prepaid_fen: int | None = None
    limit_energy_wh: int | None = None
    limit_duration_s: int | None = None
    limit_amount_fen: int | None = None
    until_full: bool = True
    ready_by: datetime | None = None
    coupon: str | None = None
    month_card_id: int | None = None
    start_key: str | None = None
    origin: Origin = Origin.API
    card_uid: str | None = None


@frozen
class Found:
    """What the order of a wish is made of."""

    charger: Charger
    site: Site
    tariff: Tariff
    money: Spendable


@define(eq=False)
class Placing:
    """
    @ivar calendar: tells when an order was placed.
    @ivar full: why there is no room to write a charge down to its end, if so.
    """

    store: Store
    book: OrderBook
    starting: Starting
    calendar: Calendar
    settings: ChargingSettings
    full: Callable[[], str | None]
    coupons: Coupons
    month_cards: MonthCards
    _log: Logger = field(factory=Logger, init=False)

    async def place(
        self,
        request: RequestKey | None,
        tenant_id: int | None,
        wish: Wish,
        found: Found | None = None,
    ) -> Order:
        """
        Place an order; the start goes to the charger without being waited for, or later.

        @param found: what it is made of, if that was just read.
        @raise NotFound: if the charger, the customer or the tariff is not the tenant's.
        @raise OutOfService: if nobody may begin to charge there.
        @raise ChargerOffline: if the charger is not connected.
        @raise PortBusy: if the port has an order.
        @raise InsufficientFunds: if the wallet does not hold what is to be held, or owes for what
            its month card did not cover.
        @raise CouponRefused: if it cannot have the coupon.
        @raise MonthCardRefused: if the month card does not cover it.
        @raise StorageFull: if there is no room to write it down to its end.
        @raise Overloaded: if the database is away, or what its charger told last waits for it.
        """
        try:
            return await self._place(request, tenant_id, wish, found)
        except TROUBLES as error:
            why = self.store.writer.trouble or f"the database is away: {error.orig}"
            refusal = StorageFull if is_full(error) else Overloaded
            raise refusal(f"no charge can begin: {why}") from error

    async def _place(
        self, request: RequestKey | None, tenant_id: int | None, wish: Wish, found: Found | None
    ) -> Order:
        if made := await known(self.store, request):
            return await self.book.find(made.resource_id)
        found = await self.check(tenant_id, wish, found)
        order = self.order_for(wish, found, self.calendar.now())
        if wish.ready_by is not None:
            rated_w = found.charger.rated_w
            order = waiting(order, wish.ready_by, found.tariff, rated_w, self.book.tariffs)
        if order.customer_id is not None and not order.held_fen and wish.month_card_id is None:
            raise InsufficientFunds("the wallet is empty", balance_fen=found.money.all_fen)
        return await self.book.turns.take(
            wish.charger_id, lambda: self._commit(request, order, wish)
        )

    async def check(self, tenant_id: int | None, wish: Wish, found: Found | None = None) -> Found:
        """
        Whether an order could be placed now, as far as that is known before it is; what it
        raises is what L{place} raises.

        @return: what its order is made of.
        """
        if why := self.full():
            raise StorageFull(f"no charge can begin: {why}")
        if found is None:
            found = await self.store.read(lambda connection: find_for(connection, tenant_id, wish))
        check_in_service(found.charger.status)
        self.book.tariffs.refuse_unfit(found.tariff)
        if not 1 <= wish.port <= found.charger.port_count:
            what = f"the charger has ports 1 to {found.charger.port_count}"
            raise Invalid(what, errors=[{"pointer": "/port", "detail": what}])
        if self.book.routing.presence.find(wish.charger_id) is None:
            raise ChargerOffline("the charger is not connected")
        return found

    def order_for(self, wish: Wish, found: Found, at: datetime) -> Order:
        """The order of a wish, placed at an instant; an empty wallet has nothing to hold."""
        order_id = self.store.ids.next()
        limit_fen = _least(wish.prepaid_fen, wish.limit_amount_fen)
        held_fen = 0
        if wish.customer_id is not None and (limit_fen is not None or wish.month_card_id is None):
            held_fen = (
                wish.prepaid_fen
                or limit_fen
                or min(self.settings.default_hold_fen, found.money.all_fen)
            )
            # an empty wallet, which only an offline charge may have, limits nothing
            limit_fen = _least(limit_fen, held_fen or None)
        return Order(
            id=order_id,
            start_key=wish.start_key or str(order_id),
            origin=wish.origin,
            card_uid=wish.card_uid,
            tenant_id=found.charger.tenant_id,
            site_id=found.site.id,
            charger_id=wish.charger_id,
            port=wish.port,
            customer_id=wish.customer_id,
            tariff_id=found.tariff.id,
            tariff_version=found.tariff.version,
            time_zone=found.site.time_zone,
            created_at=instant_of(instant_ms(at)),
            held_fen=held_fen,
            held_gift_fen=found.money.gift_of(held_fen),
            limit_energy_mwh=_times(wish.limit_energy_wh, MWH_PER_WH),
            limit_duration_s=wish.limit_duration_s,
            limit_amount_fen=limit_fen,
            until_full=wish.until_full,
        )

    async def _commit(self, request: RequestKey | None, order: Order, wish: Wish) -> Order:
        # in the charger's turn: no charge before it ends between this and the commit
        terms = await self.store.read(lambda connection: self.book.terms(connection, order))
        try:
            order, made = await self._placed(request, order, wish)
        except Stale as stale:
            if stale.table == "orders":
                raise AlreadyExists("this start is known already") from None
            if stale.table == "ports":
                raise PortBusy(f"port {order.port} has a running order") from None
            if stale.table == "accounts":
                raise InsufficientFunds(
                    f"the wallet holds less than {order.held_fen} fen", wanted_fen=order.held_fen
                ) from None
            if stale.table in _OFFERS:
                raise Overloaded("others use the same at this moment") from None
            raise
        except Refusal:
            raise
        except Exception:
            # the database may have failed after its commit, and the order be there
            self.starting.give_up_if_there(order)
            raise
        if made.repeated:
            return await self.book.find(made.resource_id)
        self.book.came_to[order.state] += 1
        track = self.book.track(order, terms)
        if order.state is OrderState.STARTING:
            self.starting.start(track)
        return order

    async def _placed(
        self, request: RequestKey | None, order: Order, wish: Wish
    ) -> tuple[Order, Made]:
        """Commit it, with whatever others leave it of a wallet, a coupon and a month card."""
        epoch = self.book.epoch_of(order.charger_id)
        for left in reversed(range(MOST_TRIES)):
            claimed, claims = await self._claim(order, wish)
            try:
                placed = place(claimed, epoch) + claims
                return claimed, await once(self.store, request, order.id, placed)
            except Stale as stale:
                if not left or stale.table not in ("accounts", *_OFFERS):
                    raise
                if stale.table == "accounts":
                    order = await self._split_anew(order)
        raise AssertionError("the last try returns or raises")

    async def _claim(self, order: Order, wish: Wish) -> tuple[Order, Decision]:
        """What makes it cheaper, and what is to be committed with it for that."""
        claims = Decision()
        if wish.month_card_id is not None:
            order, claim = await self.month_cards.claim(order, wish.month_card_id)
            claims += claim
            cover = order.month_card
            if cover is not None and not order.held_fen:
                lasts_s = _least(order.limit_duration_s, cover.seconds)
                order = evolve(order, limit_duration_s=lasts_s)
        if wish.coupon is not None:
            order, claim = await self.coupons.claim(order, wish.coupon)
            claims += claim
        return order, claims

    async def _split_anew(self, order: Order) -> Order:
        """Of a wallet that has enough, and only less of what was paid in than was seen, it is
        held otherwise."""
        if order.customer_id is None:
            raise Stale("accounts")
        read = partial(spendable, tenant_id=order.tenant_id, customer_id=order.customer_id)
        money = await self.store.read(read)
        if money.all_fen < order.held_fen:
            raise Stale("accounts")
        return evolve(order, held_gift_fen=money.gift_of(order.held_fen))


def find_for(connection: Connection, tenant_id: int | None, wish: Wish) -> Found:
    """
    What the order of a wish is made of.

    @raise NotFound: if the charger, the customer or the tariff is not the tenant's.
    @raise Invalid: if there is no tariff.
    """
    charger = find_charger(connection, tenant_id, wish.charger_id)
    site = find_site(connection, charger.tenant_id, charger.site_id)
    tariff_id = wish.tariff_id or site.tariff_id
    if tariff_id is None:
        what = "is needed, as the site has none"
        raise Invalid(f"a tariff {what}", errors=[{"pointer": "/tariff_id", "detail": what}])
    tariff = find_tariff(connection, charger.tenant_id, tariff_id)
    money = Spendable(0, 0)
    if wish.customer_id is not None:
        money = find_wallet(connection, charger.tenant_id, wish.customer_id).spendable
    return Found(charger, site, tariff, money)


def _least(one: int | None, other: int | None) -> int | None:
    given = [value for value in (one, other) if value is not None]
    return min(given) if given else None


def _times(value: int | None, factor: int) -> int | None:
    return None if value is None else value * factor
