"""Month cards: sold, used by orders, given back early, and what they have earned.

What is paid for a card is nobody's earning before it has ended: then it is spread over the sites by
the charges that it covered there.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from attrs import asdict, evolve, field, frozen
from sqlalchemy import Connection, func, select
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import (
    Conflict,
    InsufficientFunds,
    Invalid,
    MonthCardRefused,
    NotFound,
)
from chargecloud.domain.ledger import Account, Post
from chargecloud.domain.month_card import Cover, unused_fen
from chargecloud.domain.order_value import HOLDING, Order
from chargecloud.domain.units import share
from chargecloud.money.debts import Debts, find_debts
from chargecloud.money.wallets import find_wallet
from chargecloud.registry.sites import Site, find_site
from chargecloud.storage.once import RequestKey, known, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import month_card_uses, month_cards, orders
from chargecloud.storage.store import Store

#: cards that are ended in one round
AT_A_TIME = 200
#: the days of a card that is sold now begin within this
MOST_AHEAD = timedelta(days=366)
#: a card that is used under us this often is given back at the next request
MOST_TRIES = 8

#: uses by orders that have not come to their end: whether they cover something is not known yet
_OPEN_USES = (
    select(month_card_uses.c.order_id)
    .join(orders, orders.c.id == month_card_uses.c.order_id)
    .where(orders.c.state.in_([state.value for state in HOLDING]))
)


class MonthCardState(Enum):
    """Whether a card is good."""

    ACTIVE = "active"
    RETURNED = "returned"
    ENDED = "ended"


@frozen(kw_only=True)
class MonthCard:
    """
    A month card.

    @ivar days: of 24 hours from C{starts_at}, until C{ends_at}.
    @ivar site_ids: where it is good; all sites of its tenant if empty.
    @ivar seconds_a_day: that it covers on one day of a site, C{charges_a_day} how many charges
        there; C{None} for any.
    @ivar power_w: a charge that drew more is not covered; C{None} for any.
    @ivar returned_fen: what of its price went back.
    """

    id: int
    tenant_id: int
    customer_id: int
    price_fen: int
    days: int
    starts_at: datetime
    ends_at: datetime
    site_ids: Sequence[int]
    seconds_a_day: int | None
    charges_a_day: int | None
    power_w: int | None
    created_at: datetime
    state: MonthCardState = MonthCardState.ACTIVE
    version: int = 1
    closed_at: datetime | None = None
    returned_fen: int = 0

    @property
    def account(self) -> Account:
        """What was paid for it."""
        return Account(self.tenant_id, "month_cards", self.id)

    def why_not(self, customer_id: int | None, site_id: int, at: datetime) -> str | None:
        """Why it cannot cover a charge that begins then, whatever it has covered that day."""
        if self.customer_id != customer_id:
            return "somebody-elses"
        if self.state is not MonthCardState.ACTIVE:
            return "closed"
        if at < self.starts_at:
            return "not-yet"
        if at >= self.ends_at:
            return "expired"
        return "elsewhere" if self.site_ids and site_id not in self.site_ids else None


def _card(row: Any) -> MonthCard:
    return MonthCard(**(dict(row._mapping) | {"state": MonthCardState(row.state)}))


def _row(card: MonthCard) -> dict[str, Any]:
    return asdict(card) | {"state": card.state.value, "site_ids": list(card.site_ids)}


def _of(tenant_id: int | None) -> Any:
    found = select(month_cards)
    return found if tenant_id is None else found.where(month_cards.c.tenant_id == tenant_id)


def find_month_card(connection: Connection, tenant_id: int | None, card_id: int) -> MonthCard:
    """
    @raise NotFound: if the tenant has no such card.
    """
    row = connection.execute(_of(tenant_id).where(month_cards.c.id == card_id)).first()
    if row is None:
        raise NotFound(f"there is no month card {card_id}")
    return _card(row)


@frozen
class MonthCards:
    """
    The month cards of all tenants.

    @ivar cards_changed: told of a tenant whose cards for chargers have changed.
    """

    store: Store
    calendar: Calendar
    cards_changed: Callable[[int], None] = lambda _tenant_id: None
    _log: Logger = field(factory=Logger, init=False)

    async def sell(
        self, request: RequestKey | None, tenant_id: int | None, card: MonthCard
    ) -> MonthCard:
        """
        Sell a card for money that its customer has paid in.

        @param card: with any id and tenant: it is given one, and its customer's.
        @raise NotFound: if the tenant has no such customer, or the customer's no such site.
        @raise Invalid: if its days are over by now, or begin too far away.
        @raise InsufficientFunds: if less was paid in.
        """

        def read(connection: Connection) -> int:
            owner = find_wallet(connection, tenant_id, card.customer_id).tenant_id
            for site_id in card.site_ids:
                find_site(connection, owner, site_id)
            return owner

        if made := await known(self.store, request):
            return await self.get(tenant_id, made.resource_id)
        now = self.calendar.now()
        if card.starts_at > now + MOST_AHEAD:
            raise _not_from(f"is more than {MOST_AHEAD.days} days away")
        if card.starts_at <= now - timedelta(days=card.days):
            raise _not_from("is so long ago that its days are over")
        owner = await self.store.read(read)
        card = evolve(
            card,
            id=self.store.ids.next(),
            tenant_id=owner,
            ends_at=card.starts_at + timedelta(days=card.days),
            created_at=now,
        )
        wallet = Account(owner, "wallet", card.customer_id)
        paid = Post(wallet, card.account, card.price_fen, "sell", card.id)
        sold = Decision((Insert("month_cards", _row(card)), paid), (_entry(card, "sold"),))
        try:
            made = await once(self.store, request, card.id, sold)
        except Stale as stale:
            if stale.table != "accounts":
                raise
            raise InsufficientFunds(
                f"less than {card.price_fen} fen were paid in", wanted_fen=card.price_fen
            ) from None
        return await self.get(owner, made.resource_id)

    async def get(self, tenant_id: int | None, card_id: int) -> MonthCard:
        """
        @raise NotFound: if the tenant has no such card.
        """
        return await self.store.read(
            lambda connection: find_month_card(connection, tenant_id, card_id)
        )

    async def list(
        self,
        tenant_id: int | None,
        *,
        limit: int,
        cursor: str | None,
        customer_id: int | None = None,
    ) -> tuple[Sequence[MonthCard], str | None]:
        """A page of them, and the cursor of the next."""
        query = _of(tenant_id)
        if customer_id is not None:
            query = query.where(month_cards.c.customer_id == customer_id)
        return await self.store.read(
            lambda connection: read_page(
                connection, query, month_cards.c.id, _card, limit=limit, cursor=cursor
            )
        )

    async def give_back(self, tenant_id: int | None, card_id: int) -> MonthCard:
        """
        Take a card back: what is paid for its days that have not begun is in the wallet again,
        and the rest is earned.

        @raise NotFound: if the tenant has no such card.
        @raise Conflict: if it is not good any more, has a charge to cover that has not come to
            its end, or is used all the time.
        """

        def read(connection: Connection) -> tuple[MonthCard, list[str]]:
            card = find_month_card(connection, tenant_id, card_id)
            in_use = _OPEN_USES.where(month_card_uses.c.card_id == card_id)
            return card, [str(order_id) for order_id in connection.execute(in_use).scalars()]

        for _ in range(MOST_TRIES):
            card, order_ids = await self.store.read(read)
            if card.state is not MonthCardState.ACTIVE:
                raise Conflict(f"the card is {card.state.value}", state=card.state.value)
            if order_ids:
                raise Conflict("the card has charges to cover yet", order_ids=order_ids)
            now = self.calendar.now()
            back_fen = unused_fen(card.price_fen, card.days, card.starts_at, now)
            try:
                await self._close(card, MonthCardState.RETURNED, back_fen)
            except Stale:
                continue
            return await self.get(tenant_id, card_id)
        raise Conflict("the card is used faster than it can be given back")

    async def round(self) -> None:
        """End the cards whose days are over and whose charges have come to their end."""
        due = (
            select(month_cards)
            .where(
                month_cards.c.state == MonthCardState.ACTIVE.value,
                month_cards.c.ends_at <= self.calendar.now(),
                ~_OPEN_USES.where(month_card_uses.c.card_id == month_cards.c.id)
                .correlate(month_cards)
                .exists(),
            )
            .order_by(month_cards.c.ends_at)
            .limit(AT_A_TIME)
        )
        for card in await self.store.read(
            lambda connection: [_card(row) for row in connection.execute(due)]
        ):
            try:
                await self._close(card, MonthCardState.ENDED, 0)
            except Stale:
                # it was given back at the last moment, or another node has ended it
                self._log.info("month card {id} was closed meanwhile", id=card.id)

    async def _close(self, card: MonthCard, state: MonthCardState, back_fen: int) -> None:
        """End a card, and post what becomes of its price: what goes back pays what is owed."""

        def read(connection: Connection) -> tuple[dict[int, int], Debts]:
            debts = Debts(card.tenant_id, card.customer_id)
            if back_fen:
                debts = find_debts(connection, card.tenant_id, card.customer_id)
            return _counted(connection, card), debts

        counted, debts = await self.store.read(read)
        collected = debts.collect(back_fen)
        posts = []
        if back_fen:
            wallet = Account(card.tenant_id, "wallet", card.customer_id)
            posts.append(Post(card.account, wallet, back_fen, "return", card.id))
        for site_id, part_fen in spread(card.price_fen - back_fen, counted).items():
            earned = Account(card.tenant_id, "card_fees", site_id)
            posts.append(Post(card.account, earned, part_fen, "earn", card.id))
        row = {
            "state": state.value,
            "version": card.version + 1,
            "closed_at": self.calendar.now(),
            "returned_fen": back_fen,
        }
        # the version is raised by each use: what was counted is all of them
        closed = Change(
            "month_cards",
            {"id": card.id},
            row,
            {"version": card.version, "state": MonthCardState.ACTIVE.value},
        )
        entry = _entry(card, state.value, returned_fen=back_fen)
        await self.store.writer.decide(Decision((closed, *posts), (entry,)) + collected)
        if any(isinstance(write, Change) for write in collected.writes):
            self.cards_changed(card.tenant_id)

    async def claim(self, order: Order, card_id: int) -> tuple[Order, Decision]:
        """
        Have an order covered by a card.

        @return: the order with it, and what is to be committed together with the order: it
            goes stale (C{month_cards}) if the card was used, or given back, meanwhile.
        @raise MonthCardRefused: if it cannot be.
        @raise InsufficientFunds: if it may have to be paid, its customer owes, and no money limits
            it.
        """
        return await self.store.read(lambda connection: _claim(connection, order, card_id))


def spread(amount_fen: int, counted: Mapping[int, int]) -> dict[int, int]:
    """An amount over sites by how many charges are counted there; what was not used at all is
    of no site (0).  Without those that get nothing."""
    if not counted:
        return {0: amount_fen} if amount_fen else {}
    parts = share(amount_fen, list(counted.values()))
    return {site_id: fen for site_id, fen in zip(counted, parts, strict=True) if fen}


def _counted(connection: Connection, card: MonthCard) -> dict[int, int]:
    found = (
        select(month_card_uses.c.site_id, func.count())
        .where(month_card_uses.c.card_id == card.id, month_card_uses.c.order_id.is_not(None))
        .group_by(month_card_uses.c.site_id)
        .order_by(month_card_uses.c.site_id)
    )
    return {row[0]: row[1] for row in connection.execute(found)}


@frozen
class _Left:
    """
    What a card covers yet of a day.

    @ivar seconds: C{None} for any.
    """

    day: str
    seconds: int | None
    is_spent: bool


def _left(connection: Connection, card: MonthCard, at: datetime, time_zone: str) -> _Left:
    day = at.astimezone(ZoneInfo(time_zone)).date().isoformat()
    used = select(func.count(), func.coalesce(func.sum(month_card_uses.c.seconds), 0)).where(
        month_card_uses.c.card_id == card.id,
        month_card_uses.c.day == day,
        month_card_uses.c.order_id.is_not(None),
    )
    count, used_s = connection.execute(used).one()
    seconds = None if card.seconds_a_day is None else card.seconds_a_day - int(used_s)
    is_spent = card.charges_a_day is not None and count >= card.charges_a_day
    return _Left(day, seconds, is_spent or (seconds is not None and seconds <= 0))


def find_cover(connection: Connection, customer_id: int, site: Site, at: datetime) -> int | None:
    """The month card of a customer that can cover a charge that begins then; of several the one
    that ends first."""
    theirs = (
        _of(site.tenant_id)
        .where(
            month_cards.c.customer_id == customer_id,
            month_cards.c.state == MonthCardState.ACTIVE.value,
        )
        .order_by(month_cards.c.ends_at, month_cards.c.id)
    )
    for card in [_card(row) for row in connection.execute(theirs)]:
        why = card.why_not(customer_id, site.id, at)
        if why is None and not _left(connection, card, at, site.time_zone).is_spent:
            return card.id
    return None


def _claim(connection: Connection, order: Order, card_id: int) -> tuple[Order, Decision]:
    try:
        card = find_month_card(connection, order.tenant_id, card_id)
    except NotFound:
        raise MonthCardRefused("there is no such month card", why="unknown") from None
    at = order.start_at or order.created_at
    today = _left(connection, card, at, order.time_zone)
    why = card.why_not(order.customer_id, order.site_id, at)
    if why is None and today.is_spent:
        why = "spent-today"
    if why is not None:
        raise MonthCardRefused(f"the month card does not cover this order: {why}", why=why)
    if card.power_w is not None and order.limit_amount_fen is None:
        owed_fen = find_wallet(connection, order.tenant_id, card.customer_id).owed_fen
        if owed_fen:
            raise InsufficientFunds(f"{owed_fen} fen are owed", owed_fen=owed_fen)
    # what is left of the day is the order's alone until it has ended
    cover = Cover(id=card.id, number=card.version, seconds=today.seconds, power_w=card.power_w)
    use = {
        "card_id": card.id,
        "number": card.version,
        "order_id": order.id,
        "site_id": order.site_id,
        "day": today.day,
        "seconds": today.seconds or 0,
    }
    used_again = Change(
        "month_cards",
        {"id": card.id},
        {"version": card.version + 1},
        {"version": card.version, "state": MonthCardState.ACTIVE.value},
    )
    claim = Decision((used_again, Insert("month_card_uses", use)))
    return evolve(order, month_card=cover), claim


def _not_from(what: str) -> Invalid:
    return Invalid(f"starts_at {what}", errors=[{"pointer": "/starts_at", "detail": what}])


def _entry(card: MonthCard, what: str, **body: Any) -> LogEntry:
    told = {"month_card_id": str(card.id), "customer_id": card.customer_id, **body}
    return LogEntry(f"month_card.{what}", card.tenant_id, told)
