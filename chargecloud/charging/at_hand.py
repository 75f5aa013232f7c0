"""What is known while the database is away, as of the last look: where one can charge and at which
price, and which cards pay for it."""

from collections.abc import Iterable, Mapping
from functools import partial

from attrs import define, field, frozen
from sqlalchemy import Connection, and_, select

from chargecloud.charging.placing import Found
from chargecloud.charging.settings import CutOffs
from chargecloud.charging.terms import Terms
from chargecloud.domain.charger import SystemState
from chargecloud.gateway.presence import Presence
from chargecloud.money.tariffs import Tariff, find_tariff
from chargecloud.money.wallets import Spendable
from chargecloud.registry.cards import CardStatus
from chargecloud.registry.chargers import COLUMNS, Charger, read_charger
from chargecloud.registry.cut_offs import find_cut_off
from chargecloud.registry.sites import find_site
from chargecloud.storage.schema import accounts, cards, chargers
from chargecloud.storage.store import Store

#: seconds between two looks: what one sees is so old at the most when the database goes
LOOK_S = 30.0
#: cards of which it is known; the newest where there are more.  Some 25 MB
MOST_CARDS = 100_000
#: chargers that are read at a time
AT_A_TIME = 500


@frozen
class Place:
    """
    A charger that is connected and in service, whose site has a tariff.

    @ivar terms: without the ports' registers, which change with each charge.
    """

    found: Found
    terms: Terms


@frozen
class Payer:
    """Whose card it is; his card is active, and his wallet has money."""

    tenant_id: int
    customer_id: int


@define(eq=False)
class AtHand:
    """
    @ivar presence: of this node: no other chargers ask it.
    @ivar cut_offs: where a site has no rules of its own.
    """

    store: Store
    presence: Presence
    cut_offs: CutOffs
    _places: Mapping[int, Place] = field(factory=dict, init=False)
    _payers: Mapping[tuple[int, str], Payer] = field(factory=dict, init=False)
    _balances: dict[Payer, int] = field(factory=dict, init=False)

    async def look(self) -> None:
        """Look anew; while the database is away, what was seen last stands."""
        here = tuple(self.presence)
        places: dict[int, Place] = {}
        for start in range(0, len(here), AT_A_TIME):
            some = here[start : start + AT_A_TIME]
            places |= await self.store.read(partial(self._read, some))
        tenants = {place.found.charger.tenant_id for place in places.values()}
        rows = await self.store.read(lambda connection: _read_cards(connection, tenants))
        self._places = places
        self._payers = {
            (tenant_id, uid): Payer(tenant_id, customer_id)
            for tenant_id, uid, customer_id, _balance_fen in rows
        }
        self._balances = {
            Payer(tenant_id, customer_id): balance_fen
            for tenant_id, _uid, customer_id, balance_fen in rows
        }

    def place(self, charger_id: int) -> Place | None:
        """A charger, if a charge could begin there."""
        return self._places.get(charger_id)

    def payer(self, tenant_id: int, uid: str) -> Payer | None:
        """Who pays for a card."""
        return self._payers.get((tenant_id, uid))

    def balance_fen(self, payer: Payer) -> int:
        """What his wallet has, without what was spent of it since."""
        return self._balances.get(payer, 0)

    def spend(self, payer: Payer, amount_fen: int) -> None:
        """So much less of it is to be spent until the next look."""
        self._balances[payer] = self.balance_fen(payer) - amount_fen

    def _read(self, charger_ids: Iterable[int], connection: Connection) -> dict[int, Place]:
        wanted = select(*COLUMNS).where(
            chargers.c.id.in_(list(charger_ids)),
            chargers.c.status == SystemState.IN_SERVICE.value,
        )
        found = [read_charger(row) for row in connection.execute(wanted)]
        sites = {
            each.site_id: find_site(connection, each.tenant_id, each.site_id) for each in found
        }
        tariffs: dict[int, Tariff] = {
            site.tariff_id: find_tariff(connection, None, site.tariff_id)
            for site in sites.values()
            if site.tariff_id is not None
        }
        rules = {
            key: find_cut_off(connection, *key, self.cut_offs.by_kind[key[1]])
            for key in {(each.site_id, each.kind) for each in found}
        }

        def place(charger: Charger, tariff: Tariff) -> Place:
            terms = Terms(
                charger.dialect,
                tariff,
                charger.rated_w,
                rules[charger.site_id, charger.kind],
                None,
            )
            return Place(Found(charger, sites[charger.site_id], tariff, Spendable(0, 0)), terms)

        return {
            each.id: place(each, tariffs[tariff_id])
            for each in found
            if (tariff_id := sites[each.site_id].tariff_id) is not None
        }


def _read_cards(connection: Connection, tenants: Iterable[int]) -> list[tuple[int, str, int, int]]:
    wallet = and_(
        accounts.c.tenant_id == cards.c.tenant_id,
        accounts.c.kind == "wallet",
        accounts.c.owner_id == cards.c.customer_id,
    )
    found = (
        select(cards.c.tenant_id, cards.c.uid, cards.c.customer_id, accounts.c.balance_fen)
        .join(accounts, wallet)
        .where(
            cards.c.tenant_id.in_(list(tenants)),
            cards.c.status == CardStatus.ACTIVE.value,
            accounts.c.balance_fen > 0,
        )
        .order_by(cards.c.id.desc())
        .limit(MOST_CARDS)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(found)]
