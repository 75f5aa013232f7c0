"""Electricity that a property owner has paid for by a site's master meter, given back to them.

What the master meter counts is more than what the chargers' registers do: cables, boxes and
lamps.  That is the loss: it is shown, and whoever earns the electricity fees pays for it, too.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from attrs import asdict, evolve, frozen
from sqlalchemy import Connection, func, select

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import Conflict, Invalid
from chargecloud.domain.ledger import Post
from chargecloud.domain.order_value import OrderState
from chargecloud.domain.split import Inapplicable
from chargecloud.domain.units import energy_price_fen, wh
from chargecloud.money.settlement.parties import Party, find_parties
from chargecloud.money.settlement.rules import Every, Known, SplitRule
from chargecloud.money.settlement.terms import Reimbursement, reimbursement_of
from chargecloud.money.settlement.value import Settlement
from chargecloud.registry.sites import find_site
from chargecloud.storage.schema import meter_readings, orders, reimbursements
from chargecloud.storage.store import Store

#: electricity that was metered as these went on was drawn, whoever pays for it in the end
_DREW = [OrderState.ENDED.value, OrderState.SETTLED.value, OrderState.HELD.value]
#: as exact as instants are kept
_MOMENT = timedelta(milliseconds=1)


@frozen(kw_only=True)
class Reading:
    """The total of a site's master meter at some time."""

    site_id: int
    at: datetime
    tenant_id: int
    energy_mwh: int
    by: int | None


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
    """Readings that follow each other, on days that one rule is for."""

    rule: SplitRule
    terms: Reimbursement
    begin: Reading
    end: Reading


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
        for each in stretches:
            decision += _given_back(connection, settlement, parties, each)
    return decision


def _stretches(
    connection: Connection, known: Known, site_id: int, until: datetime
) -> Sequence[_Stretch]:
    """What lies between readings and is to be given back, the oldest first."""
    zone = ZoneInfo(find_site(connection, None, site_id).time_zone)
    found: list[_Stretch] = []
    for begin, end in pairwise(_waiting(connection, site_id, until)):
        try:
            # a reading at midnight ends the day that is over
            rule, _ = known.find(site_id, (end.at - _MOMENT).astimezone(zone).date())
        except Inapplicable:
            continue
        terms = reimbursement_of(rule.terms)
        if terms is None:
            continue
        if found and found[-1].rule == rule and found[-1].end == begin:
            found[-1] = evolve(found[-1], end=end)
        else:
            found.append(_Stretch(rule, terms, begin, end))
    return found


def _waiting(connection: Connection, site_id: int, until: datetime) -> Sequence[Reading]:
    """The readings from the one up to which all was given back, the oldest first."""
    done = select(func.max(reimbursements.c.until_at)).where(reimbursements.c.site_id == site_id)
    since = connection.execute(done).scalar()
    found = select(meter_readings).where(
        meter_readings.c.site_id == site_id, meter_readings.c.at <= until
    )
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
    metered_mwh = end.energy_mwh - begin.energy_mwh
    amount_fen = energy_price_fen(metered_mwh, terms.price)
    done = Reimbursed(
        settlement_id=settlement.id,
        site_id=begin.site_id,
        from_at=begin.at,
        until_at=end.at,
        tenant_id=settlement.tenant_id,
        payer_id=terms.payer_id,
        party_id=terms.party_id,
        metered_mwh=metered_mwh,
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


def _charged_mwh(connection: Connection, site_id: int, since: datetime, until: datetime) -> int:
    drawn_mwh = func.sum(orders.c.end_meter_mwh - orders.c.start_meter_mwh)
    found = select(drawn_mwh).where(
        orders.c.site_id == site_id,
        orders.c.ended_at >= since,
        orders.c.ended_at < until,
        orders.c.state.in_(_DREW),
    )
    return int(connection.execute(found).scalar() or 0)


@frozen
class Meters:
    """The master meters of all sites."""

    store: Store
    calendar: Calendar

    async def read(
        self, tenant_id: int | None, site_id: int, at: datetime | None, energy_mwh: int, by: int
    ) -> Reading:
        """
        Write down what a meter counts.

        @param at: C{None} for now.
        @raise NotFound: if the tenant has no such site.
        @raise Invalid: if it is to be in the future, or a meter would have counted backwards.
        @raise Conflict: if there is another reading of that moment.
        """
        now = self.calendar.now()
        at = at or now
        site = await self.store.read(lambda connection: find_site(connection, tenant_id, site_id))
        before, after = await self.store.read(lambda connection: _beside(connection, site_id, at))
        if at > now:
            raise _refused("/at", "must not be in the future")
        if (before or 0) > energy_mwh or (after is not None and energy_mwh > after):
            raise _refused("/energy_wh", "must not be less than before, or more than later")
        reading = Reading(
            site_id=site_id, at=at, tenant_id=site.tenant_id, energy_mwh=energy_mwh, by=by
        )
        body = {"site_id": str(site_id), "energy_wh": wh(energy_mwh)}
        entry = LogEntry("meter.read", site.tenant_id, body)
        decision = Decision((Insert("meter_readings", asdict(reading)),), (entry,))
        try:
            await self.store.writer.decide(decision)
        except Stale:
            raise Conflict("there is a reading of that moment already") from None
        return reading

    async def list(self, tenant_id: int | None, site_id: int) -> Sequence[Reading]:
        """
        The newest readings, at most 500, the oldest of them first.

        @raise NotFound: if the tenant has no such site.
        """

        def read(connection: Connection) -> list[Reading]:
            find_site(connection, tenant_id, site_id)
            found = select(meter_readings).where(meter_readings.c.site_id == site_id)
            rows = connection.execute(found.order_by(meter_readings.c.at.desc()).limit(500)).all()
            return [Reading(**row._mapping) for row in reversed(rows)]

        return await self.store.read(read)


def _refused(pointer: str, what: str) -> Invalid:
    return Invalid(what, errors=[{"pointer": pointer, "detail": what}])


def _beside(connection: Connection, site_id: int, at: datetime) -> tuple[int | None, int | None]:
    """What the meter counted before and after some time."""

    def counted(function: Any, beside: Any) -> int | None:
        found = select(function(meter_readings.c.energy_mwh)).where(
            meter_readings.c.site_id == site_id, beside
        )
        value: int | None = connection.execute(found).scalar()
        return value

    return (
        counted(func.max, meter_readings.c.at < at),
        counted(func.min, meter_readings.c.at > at),
    )
