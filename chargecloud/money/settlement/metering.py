"""Electricity that a property owner has paid for by a site's master meter, given back to them.

What the master meter counts is more than what the chargers' registers do: cables, boxes and
lamps.  That is the loss: it is shown, and whoever earns the electricity fees pays for it, too.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from attrs import asdict, evolve, frozen
from sqlalchemy import Connection, func, select

from chargecloud.domain.decision import Decision, Insert, LogEntry
from chargecloud.domain.ledger import Post
from chargecloud.domain.order_value import OrderState
from chargecloud.domain.split import Inapplicable
from chargecloud.domain.units import energy_price_fen, wh
from chargecloud.money.settlement.meters import Reading, given_back_until, readings_of, turn
from chargecloud.money.settlement.parties import Party, find_parties
from chargecloud.money.settlement.rules import Every, Known, SplitRule, day_ended
from chargecloud.money.settlement.terms import Reimbursement, reimbursement_of
from chargecloud.money.settlement.value import Settlement
from chargecloud.registry.sites import find_site
from chargecloud.storage.schema import meter_readings, orders

#: electricity that was metered as these went on was drawn, whoever pays for it in the end
_DREW = [OrderState.ENDED.value, OrderState.SETTLED.value, OrderState.HELD.value]
#: what is told of a meter that counts backwards
BACKWARDS = "meter.backwards"


@frozen(kw_only=True)
class Reimbursed:
    """
    Electricity between two readings of a master meter.

    @ivar charged_mwh: what charges that ended between them drew; the rest of C{metered_mwh} is
        lost, or was drawn by charges that go on.
    @ivar price: in 1e-5 yuan for a kWh.
    """

    settlement_id: int
    site_id: int
    from_at: datetime
    until_at: datetime
    tenant_id: int
    payer_id: int
    party_id: int
    metered_mwh: int
    charged_mwh: int
    price: int
    amount_fen: int


@frozen
class _Stretch:
    """
    Readings that follow each other, on days that one rule is for.

    @ivar metered_mwh: below zero where one of the two is wrong.
    """

    rule: SplitRule
    terms: Reimbursement
    begin: Reading
    end: Reading
    metered_mwh: int


def reimburse(connection: Connection, settlement: Settlement) -> Decision:
    """What is given back by a settlement, from the reading up to which that was done before."""
    decision = Decision()
    parties = find_parties(connection, settlement.tenant_id)
    known = Known.read(connection, settlement.tenant_id)
    sites = {
        rule.site_id
        for rule in known.newest
        if rule.site_id is not None and reimbursement_of(rule.terms)
    }
    for site_id in sorted(sites):
        stretches = _stretches(connection, known, site_id, settlement.until_at)
        # rules that were before the last one go along with it: nobody else would come for them
        if not stretches or settlement.every not in (Every.HAND, stretches[-1].rule.every):
            continue
        if stretches[0].metered_mwh >= 0:
            decision += Decision((turn(connection, site_id),))
        for each in stretches:
            if each.metered_mwh < 0:
                decision += Decision(log=(_backwards(settlement, each),))
            else:
                decision += _given_back(connection, settlement, parties, each)
    return decision


def _stretches(
    connection: Connection, known: Known, site_id: int, until: datetime
) -> Sequence[_Stretch]:
    """What lies between readings and is to be given back, the oldest first; where the meter counts
    backwards that is the last, as nobody knows which of the two readings is wrong."""
    zone = ZoneInfo(find_site(connection, None, site_id).time_zone)
    found: list[_Stretch] = []
    for begin, end in pairwise(_waiting(connection, site_id, until)):
        try:
            rule, _ = known.find(site_id, day_ended(end.at, zone))
        except Inapplicable:
            continue
        terms = reimbursement_of(rule.terms)
        if terms is None:
            continue
        metered_mwh = end.energy_mwh - begin.goes_on_mwh
        if metered_mwh < 0:
            return [*found, _Stretch(rule, terms, begin, end, metered_mwh)]
        if found and found[-1].rule == rule and found[-1].end == begin:
            whole_mwh = found[-1].metered_mwh + metered_mwh
            found[-1] = evolve(found[-1], end=end, metered_mwh=whole_mwh)
        else:
            found.append(_Stretch(rule, terms, begin, end, metered_mwh))
    return found


def _waiting(connection: Connection, site_id: int, until: datetime) -> Sequence[Reading]:
    """The readings from the one up to which all was given back, the oldest first."""
    since = given_back_until(connection, site_id)
    found = readings_of(site_id).where(meter_readings.c.at <= until)
    if since is not None:
        found = found.where(meter_readings.c.at >= since)
    rows = connection.execute(found.order_by(meter_readings.c.at))
    return [Reading(**row._mapping) for row in rows]


def _given_back(
    connection: Connection,
    settlement: Settlement,
    parties: Mapping[int, Party],
    stretch: _Stretch,
) -> Decision:
    begin, end, terms = stretch.begin, stretch.end, stretch.terms
    amount_fen = energy_price_fen(stretch.metered_mwh, terms.price)
    done = Reimbursed(
        settlement_id=settlement.id,
        site_id=begin.site_id,
        from_at=begin.at,
        until_at=end.at,
        tenant_id=settlement.tenant_id,
        payer_id=terms.payer_id,
        party_id=terms.party_id,
        metered_mwh=stretch.metered_mwh,
        charged_mwh=_charged_mwh(connection, begin.site_id, begin.at, end.at),
        price=terms.price,
        amount_fen=amount_fen,
    )
    decision = Decision((Insert("reimbursements", asdict(done)),))
    if amount_fen:
        payer, party = (parties[each].account for each in (terms.payer_id, terms.party_id))
        post = Post(payer, party, amount_fen, "reimburse", settlement.id)
        decision += Decision((post,))
    return decision


def _backwards(settlement: Settlement, stretch: _Stretch) -> LogEntry:
    """That nothing is given back from a reading on, until one of the two is corrected."""
    begin, end = stretch.begin, stretch.end
    told = {
        "settlement_id": str(settlement.id),
        "site_id": str(end.site_id),
        "from_at": begin.at.isoformat(),
        "until_at": end.at.isoformat(),
        "lacks_wh": wh(-stretch.metered_mwh),
    }
    return LogEntry(BACKWARDS, settlement.tenant_id, told)


def _charged_mwh(connection: Connection, site_id: int, since: datetime, until: datetime) -> int:
    drawn_mwh = func.sum(orders.c.end_meter_mwh - orders.c.start_meter_mwh)
    found = select(drawn_mwh).where(
        orders.c.site_id == site_id,
        orders.c.ended_at >= since,
        orders.c.ended_at < until,
        orders.c.state.in_(_DREW),
    )
    return int(connection.execute(found).scalar() or 0)
