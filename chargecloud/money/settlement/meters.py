"""The master meters of sites: what people read on them, corrected, and exchanged."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import asdict, evolve, frozen
from sqlalchemy import Connection, func, select

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import Conflict, Invalid
from chargecloud.domain.units import wh
from chargecloud.registry.sites import find_site
from chargecloud.storage.schema import master_meters, meter_readings, reimbursements
from chargecloud.storage.store import Store

#: a meter of which others say something meanwhile is looked at again so often
MOST_TRIES = 8


@frozen(kw_only=True)
class Reading:
    """
    The total of a site's master meter at some time.

    @ivar new_meter_mwh: what another meter began with that was put in then; C{None} if none was.
    """

    site_id: int
    at: datetime
    tenant_id: int
    energy_mwh: int
    by: int | None
    new_meter_mwh: int | None = None

    @property
    def goes_on_mwh(self) -> int:
        """What is counted from."""
        return self.energy_mwh if self.new_meter_mwh is None else self.new_meter_mwh


def turn(connection: Connection, site_id: int) -> Insert | Change:
    """What is written with all that is said of a site's meter: of two decisions that have seen the
    same readings, the second one goes stale."""
    found = select(master_meters.c.version).where(master_meters.c.site_id == site_id)
    version = connection.execute(found).scalar()
    if version is None:
        return Insert("master_meters", {"site_id": site_id, "version": 1})
    expect = {"version": version}
    return Change("master_meters", {"site_id": site_id}, {"version": version + 1}, expect)


def readings_of(site_id: int) -> Any:
    """Those of a site."""
    return select(meter_readings).where(meter_readings.c.site_id == site_id)


def given_back_until(connection: Connection, site_id: int) -> datetime | None:
    """The last reading up to which electricity was given back."""
    done = select(func.max(reimbursements.c.until_at)).where(reimbursements.c.site_id == site_id)
    until: datetime | None = connection.execute(done).scalar()
    return until


@frozen
class Meters:
    """The master meters of all sites."""

    store: Store
    calendar: Calendar

    async def read(
        self,
        tenant_id: int | None,
        site_id: int,
        at: datetime | None,
        energy_mwh: int,
        by: int,
        *,
        new_meter_mwh: int | None = None,
        corrects: bool = False,
    ) -> Reading:
        """
        Write down what a meter counts.

        @param at: C{None} for now.
        @param new_meter_mwh: what another one begins with that is put in then, if one is.
        @param corrects: whether the reading of that moment was wrong, and this one is in its place.
        @raise NotFound: if the tenant has no such site.
        @raise Invalid: if it is to be in the future, or a meter would have counted backwards, or
            there is nothing to be corrected.
        @raise Conflict: if there is another reading of that moment; or what is corrected, or
            exchanged, was paid for already.
        """
        now = self.calendar.now()
        reading = Reading(
            site_id=site_id,
            at=at or now,
            tenant_id=0,
            energy_mwh=energy_mwh,
            by=by,
            new_meter_mwh=new_meter_mwh,
        )
        if reading.at > now:
            raise _refused("/at", "must not be in the future")

        def decide(connection: Connection) -> tuple[Decision, Reading]:
            site = find_site(connection, tenant_id, site_id)
            of_site = evolve(reading, tenant_id=site.tenant_id)
            return _decide(connection, of_site, corrects=corrects), of_site

        for _ in range(MOST_TRIES):
            decision, decided = await self.store.read(decide)
            try:
                await self.store.writer.decide(decision)
            except Stale:
                continue
            return decided
        raise Conflict("others say something of this meter all the time")

    async def list(self, tenant_id: int | None, site_id: int) -> Sequence[Reading]:
        """
        The newest readings, at most 500, the oldest of them first.

        @raise NotFound: if the tenant has no such site.
        """

        def read(connection: Connection) -> list[Reading]:
            find_site(connection, tenant_id, site_id)
            newest = readings_of(site_id).order_by(meter_readings.c.at.desc()).limit(500)
            rows = connection.execute(newest).all()
            return [Reading(**row._mapping) for row in reversed(rows)]

        return await self.store.read(read)


def _decide(connection: Connection, reading: Reading, *, corrects: bool) -> Decision:
    at, is_at = meter_readings.c.at, meter_readings.c.at == reading.at
    was = _first(connection, readings_of(reading.site_id).where(is_at))
    if corrects and was is None:
        raise _refused("/at", "must be the moment of the reading that is corrected")
    if was is not None and not corrects:
        raise Conflict("there is a reading of that moment already")
    if corrects or reading.new_meter_mwh is not None:
        until = given_back_until(connection, reading.site_id)
        if until is not None and reading.at <= until:
            raise Conflict("electricity was given back by later readings", until=until.isoformat())
    beside = readings_of(reading.site_id)
    before = _first(connection, beside.where(at < reading.at).order_by(at.desc()))
    after = _first(connection, beside.where(at > reading.at).order_by(at))
    if before is not None and reading.energy_mwh < before.goes_on_mwh:
        raise _refused("/energy_wh", "must not be less than before")
    if after is not None and reading.goes_on_mwh > after.energy_mwh:
        which = "energy_wh" if reading.new_meter_mwh is None else "new_meter_wh"
        raise _refused(f"/{which}", "must not be more than later")
    row, key = asdict(reading), {"site_id": reading.site_id, "at": reading.at}
    body = {"site_id": str(reading.site_id), **_told(reading)}
    written: Insert | Change = Insert("meter_readings", row)
    entry = LogEntry("meter.read", reading.tenant_id, body)
    if was is not None:
        changed = {name: value for name, value in row.items() if name not in key}
        written = Change("meter_readings", key, changed)
        body |= {"at": reading.at.isoformat(), "was": _told(was)}
        entry = LogEntry("meter.corrected", reading.tenant_id, body)
    return Decision((turn(connection, reading.site_id), written), (entry,))


def _told(reading: Reading) -> dict[str, Any]:
    told = {"energy_wh": wh(reading.energy_mwh)}
    if reading.new_meter_mwh is not None:
        told["new_meter_wh"] = wh(reading.new_meter_mwh)
    return told


def _refused(pointer: str, what: str) -> Invalid:
    return Invalid(what, errors=[{"pointer": pointer, "detail": what}])


def _first(connection: Connection, found: Any) -> Reading | None:
    row = connection.execute(found.limit(1)).first()
    return None if row is None else Reading(**row._mapping)
