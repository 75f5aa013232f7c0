"""Verifications on site, written down: opened, read, finished, and told of before they expire."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from attrs import define, frozen
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.errors import Conflict, Invalid, NotFound
from chargecloud.domain.verification import (
    Energy,
    Finding,
    Occasion,
    Reading,
    find,
    measured,
)
from chargecloud.features.metering.model import MeteringSettings
from chargecloud.features.metering.tables import readings, sessions
from chargecloud.interfaces import Platform
from chargecloud.registry.chargers import find_charger

#: of one session; a person enters them
MOST_READINGS = 500
#: certificates that people are told of in one round
MOST_WARNED = 100


class SessionState(Enum):
    """Where a verification is."""

    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"


@frozen
class Session:
    """
    A verification.

    @ivar row: as it is written down.
    @ivar readings: rows of what was read.
    @ivar finding: what it comes to, once an energy was read.
    """

    row: Any
    readings: Sequence[Any]
    finding: Finding | None

    @property
    def read(self) -> Sequence[tuple[Reading, Any]]:
        """Each reading, with its row."""
        return [(_reading(row), row) for row in self.readings]

    @property
    def certificate(self) -> str | None:
        """The number of its certificate, if it has passed."""
        if self.row.state != SessionState.PASSED.value:
            return None
        return f"CC-{self.row.finished_at.year}-{self.row.id}"


@frozen(kw_only=True)
class Opening:
    """
    What a verification begins with.

    @ivar limit_permille: of the class of accuracy that is verified.
    @ivar reference: serial number and certificate of the reference meter.
    """

    charger_id: int
    occasion: Occasion
    limit_permille: int
    reference: str
    reference_permille: int
    inspector: str


def open_session(
    connection: Connection,
    tenant_id: int | None,
    session_id: int,
    opening: Opening,
    by: int,
    now: datetime,
) -> Session:
    """
    Begin one.

    @raise NotFound: if the tenant has no such charger.
    @raise Conflict: if another one of this charger is open.
    @raise Invalid: if the reference is no measure for that class.
    """
    charger = find_charger(connection, tenant_id, opening.charger_id)
    if opening.reference_permille * 3 >= opening.limit_permille:
        raise Invalid("the reference must be within less than a third of what it is to tell")
    opened = insert(sessions).values(
        id=session_id,
        tenant_id=charger.tenant_id,
        site_id=charger.site_id,
        charger_id=charger.id,
        open_charger_id=charger.id,
        occasion=opening.occasion.value,
        limit_permille=opening.limit_permille,
        reference=opening.reference,
        reference_permille=opening.reference_permille,
        inspector=opening.inspector,
        state=SessionState.OPEN.value,
        opened_at=now,
        opened_by=by,
    )
    # one that a node of an earlier version has ended is open no more
    ended = (sessions.c.open_charger_id == charger.id, sessions.c.state != SessionState.OPEN.value)
    connection.execute(update(sessions).where(*ended).values(open_charger_id=None))
    try:
        with connection.begin_nested():
            connection.execute(opened)
    except IntegrityError:
        here = sessions.c.open_charger_id == charger.id
        other = connection.execute(select(sessions.c.id).where(here)).scalar()
        raise Conflict(f"session {other} of this charger is open", session_id=str(other)) from None
    return find_session(connection, charger.tenant_id, session_id)


def find_session(connection: Connection, tenant_id: int | None, session_id: int) -> Session:
    """
    One of a tenant's, or of any for C{None}.

    @raise NotFound: if there is none.
    """
    found = _of(tenant_id).where(sessions.c.id == session_id)
    row = connection.execute(found).first()
    if row is None:
        raise NotFound(f"there is no session {session_id}")
    return with_readings(connection, row)


def with_readings(connection: Connection, row: Any) -> Session:
    """A session of its row."""
    found = select(readings).where(readings.c.session_id == row.id).order_by(readings.c.id)
    rows = connection.execute(found).all()
    read = [_reading(each) for each in rows]
    finding = None
    if any(each.energy for each in read):
        finding = find(read, Occasion(row.occasion), row.limit_permille, row.reference_permille)
    return Session(row, rows, finding)


def find_certificate(connection: Connection, tenant_id: int | None, number: str) -> Session:
    """
    The session of a certificate.

    @raise NotFound: if there is none of that number.
    """
    told = number.rpartition("-")[2]
    if told.isdecimal() and len(told) < 20:
        session = find_session(connection, tenant_id, int(told))
        if session.certificate == number:
            return session
    raise NotFound(f"there is no certificate {number}")


def add_reading(
    connection: Connection,
    tenant_id: int | None,
    session_id: int,
    reading_id: int,
    reading: Reading,
    load_w: int | None,
    now: datetime,
) -> Session:
    """
    Enter what was read.

    @raise NotFound: if there is no such session.
    @raise Conflict: if it is finished.
    @raise Invalid: if it cannot tell whether the charger is within its limit.
    """
    session = find_session(connection, tenant_id, session_id)
    row = session.row
    charger = find_charger(connection, row.tenant_id, row.charger_id)
    if reading.port > charger.port_count:
        raise Invalid(f"the charger has {charger.port_count} ports")
    if len(session.readings) >= MOST_READINGS:
        raise Conflict(f"a session has {MOST_READINGS} readings at the most")
    energy = reading.energy
    if energy is not None:
        measured(energy, row.reference_permille, row.limit_permille)
    _hold_open(connection, session_id)
    connection.execute(
        insert(readings).values(
            session_id=session_id,
            id=reading_id,
            at=now,
            port=reading.port,
            load_w=load_w,
            register_mwh=energy and energy.register_mwh,
            step_mwh=energy and energy.step_mwh,
            reference_mwh=energy and energy.reference_mwh,
            clock_ahead_ms=reading.clock_ahead_ms,
            told_fen=reading.told_fen,
            due_fen=reading.due_fen,
        )
    )
    return find_session(connection, tenant_id, session_id)


def finish(
    connection: Connection,
    tenant_id: int | None,
    session_id: int,
    by: int,
    now: datetime,
    valid_until: datetime,
) -> Session:
    """
    Judge what was read: a certificate, or none.

    @raise NotFound: if there is no such session.
    @raise Conflict: if it is finished, or no energy was read.
    """
    # whose it is comes first: what state it is in is nobody else's business
    find_session(connection, tenant_id, session_id)
    _hold_open(connection, session_id)
    finding = find_session(connection, tenant_id, session_id).finding
    if finding is None:
        raise Conflict("no energy was read yet")
    state = SessionState.PASSED if finding.has_passed else SessionState.FAILED
    connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(
            state=state.value,
            open_charger_id=None,
            finished_at=now,
            finished_by=by,
            valid_until=valid_until if finding.has_passed else None,
        )
    )
    return find_session(connection, tenant_id, session_id)


def _hold_open(connection: Connection, session_id: int) -> None:
    """See that a session is open, and that nobody finishes it before this is written."""
    held = (
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.state == SessionState.OPEN.value)
        .values(state=SessionState.OPEN.value)
    )
    if connection.execute(held).rowcount == 0:
        found = select(sessions.c.state).where(sessions.c.id == session_id)
        state = connection.execute(found).scalar()
        raise Conflict(f"the session has {state}", state=state)


def months_later(at: datetime, months: int) -> datetime:
    """The same day some months later, or the last one of a month that is shorter."""
    month = at.month - 1 + months
    year, month = at.year + month // 12, month % 12 + 1
    day = at.day
    while True:
        try:
            return at.replace(year=year, month=month, day=day)
        except ValueError:
            day -= 1


def sessions_of(tenant_id: int | None, charger_id: int | None, is_certified: bool) -> Any:
    """The query of a tenant's sessions, or of the certificates."""
    found = _of(tenant_id)
    if charger_id is not None:
        found = found.where(sessions.c.charger_id == charger_id)
    if is_certified:
        found = found.where(sessions.c.state == SessionState.PASSED.value)
    return found


def newest_certificate(connection: Connection, charger_id: int) -> Session | None:
    """The one by which a charger is verified, or was."""
    found = sessions_of(None, charger_id, is_certified=True).order_by(
        sessions.c.valid_until.desc(), sessions.c.id.desc()
    )
    row = connection.execute(found.limit(1)).first()
    return None if row is None else with_readings(connection, row)


def _of(tenant_id: int | None) -> Any:
    found = select(sessions)
    return found if tenant_id is None else found.where(sessions.c.tenant_id == tenant_id)


def _reading(row: Any) -> Reading:
    energy = None
    if row.reference_mwh is not None:
        energy = Energy(row.register_mwh, row.step_mwh, row.reference_mwh)
    return Reading(row.port, energy, row.clock_ahead_ms, row.told_fen, row.due_fen)


@define(eq=False)
class Expiring:
    """Tells people of certificates that expire soon, each at least once."""

    platform: Platform
    settings: MeteringSettings

    async def round(self) -> None:
        """Tell of those that are due.  They are told of before that is written down, all at once:
        a kill between the two has people told twice, and never not at all."""
        now = self.platform.calendar.now()
        before = now + timedelta(days=self.settings.warned_days)
        found = await self.platform.read(lambda connection: _expiring(connection, before))
        for row in found:
            self.platform.tell(_alarm(row, now))
        if found:
            told = sessions.c.id.in_([row.id for row in found])
            written = update(sessions).where(told).values(warned_at=now)
            await self.platform.transact(lambda connection: connection.execute(written) and None)


def _expiring(connection: Connection, before: datetime) -> Sequence[Any]:
    """Those that nobody was told of, and that no later one has replaced."""
    later = sessions.alias()
    is_replaced = (
        select(func.count())
        .where(
            later.c.charger_id == sessions.c.charger_id,
            later.c.state == SessionState.PASSED.value,
            later.c.id > sessions.c.id,
        )
        .scalar_subquery()
    )
    found = select(sessions).where(
        sessions.c.valid_until < before, sessions.c.warned_at.is_(None), is_replaced == 0
    )
    return connection.execute(found.order_by(sessions.c.valid_until).limit(MOST_WARNED)).all()


def _alarm(row: Any, now: datetime) -> Alarm:
    return Alarm(
        rule="certificate-expires",
        level=Level.WARNING,
        tenant_id=row.tenant_id,
        charger_id=row.charger_id,
        at=now,
        evidence={
            "certificate": Session(row, (), None).certificate,
            "valid_until": row.valid_until.isoformat(),
        },
    )
