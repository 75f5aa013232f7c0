"""What month cards have earned at sites, split among parties as what is paid for service is.

A card's price is earned when it has ended, by the sites where it was used
(L{chargecloud.money.month_cards}); what nobody used is the operator's, and is not split.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen
from sqlalchemy import Connection, func, select

from chargecloud.domain.decision import Decision, Insert
from chargecloud.domain.ledger import Account, Post
from chargecloud.domain.split import CHANNEL, Amounts, Inapplicable, Rule
from chargecloud.money.settlement.parties import find_parties
from chargecloud.money.settlement.reading import read_parts, write_parts
from chargecloud.money.settlement.rules import Every, Known, SplitRule, day_ended
from chargecloud.money.settlement.value import Settlement
from chargecloud.registry.sites import find_site
from chargecloud.storage.schema import card_splits, postings


@frozen(kw_only=True)
class CardSplit:
    """
    What month cards have earned at a site since it was split before.

    @ivar number: of this split of the site, from 1 on.
    """

    settlement_id: int
    site_id: int
    number: int
    tenant_id: int
    rule_id: int
    rule_version: int
    amount_fen: int
    parts: Mapping[int, Amounts]


def card_split_of(row: Any) -> CardSplit:
    """What a row of C{card_splits} says."""
    return CardSplit(**dict(row._mapping) | {"parts": read_parts(row.parts)})


def share_cards(connection: Connection, settlement: Settlement) -> Decision:
    """
    What a settlement makes of what month cards have earned by then.  Of two that see the same
    earnings the second one goes stale; what no rule is for waits for one.
    """
    decision = Decision()
    known = Known.read(connection, settlement.tenant_id)
    parties = find_parties(connection, settlement.tenant_id)
    for site_id, number, earned_fen in _earned(connection, settlement):
        try:
            rule, shares = _rule(connection, known, site_id, settlement)
            parts = shares.split((0, earned_fen, 0))
        except Inapplicable:
            continue
        if settlement.every not in (Every.HAND, rule.every):
            continue
        row = {
            "settlement_id": settlement.id,
            "site_id": site_id,
            "number": number,
            "tenant_id": settlement.tenant_id,
            "rule_id": rule.id,
            "rule_version": rule.version,
            "amount_fen": earned_fen,
            "parts": write_parts(parts),
        }
        decision += Decision((Insert("card_splits", row),))
        earned = Account(settlement.tenant_id, "card_fees", site_id)
        for party_id, amounts in sorted(parts.items()):
            theirs = (
                Account(settlement.tenant_id, "channel_fees")
                if party_id == CHANNEL
                else parties[party_id].account
            )
            post = Post(earned, theirs, sum(amounts), "split_cards", settlement.id)
            decision += Decision((post,))
    return decision


def _rule(
    connection: Connection, known: Known, site_id: int, settlement: Settlement
) -> tuple[SplitRule, Rule]:
    zone = ZoneInfo(find_site(connection, settlement.tenant_id, site_id).time_zone)
    return known.find(site_id, day_ended(settlement.until_at, zone))


def _earned(connection: Connection, settlement: Settlement) -> Iterator[tuple[int, int, int]]:
    """Sites at which cards have earned what is not split yet, with the number of the next split
    and fen."""
    of_site = card_splits.c.site_id
    before = {
        site_id: (count, int(fen))
        for site_id, count, fen in connection.execute(
            select(of_site, func.count(), func.sum(card_splits.c.amount_fen))
            .where(card_splits.c.tenant_id == settlement.tenant_id)
            .group_by(of_site)
        )
    }
    earned = (
        select(postings.c.credit_owner_id, func.sum(postings.c.amount_fen))
        .where(
            postings.c.tenant_id == settlement.tenant_id,
            postings.c.credit_kind == "card_fees",
            postings.c.credit_owner_id != 0,
            postings.c.at < settlement.until_at,
        )
        .group_by(postings.c.credit_owner_id)
        .order_by(postings.c.credit_owner_id)
    )
    for site_id, fen in connection.execute(earned):
        count, split_fen = before.get(site_id, (0, 0))
        if int(fen) > split_fen:
            yield site_id, count + 1, int(fen) - split_fen
