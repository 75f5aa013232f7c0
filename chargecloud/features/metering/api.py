"""C{/metering}"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from chargecloud.domain.decision import LogEntry
from chargecloud.domain.errors import Conflict, Invalid, NotFound
from chargecloud.domain.verification import Energy, Reading
from chargecloud.features.metering import ranking, sessions
from chargecloud.features.metering.bodies import (
    AuditShown,
    ChargerMetering,
    NewReading,
    NewSession,
    RankedShown,
    RankQuery,
    SessionQuery,
    SessionShown,
    show_audit,
    show_charger,
    show_ranked,
    show_session,
)
from chargecloud.features.metering.certificate import page_of
from chargecloud.features.metering.model import MeteringSettings, week_of
from chargecloud.features.metering.ranking import Ranked, Scope
from chargecloud.features.metering.sessions import Opening, Session
from chargecloud.features.metering.tables import audits as audits_table
from chargecloud.features.metering.tables import sessions as sessions_table
from chargecloud.interfaces import Platform
from chargecloud.registry.chargers import find_charger
from chargecloud.registry.sites import find_site
from chargecloud.routes import Call, Method, Page, Paging, Route
from chargecloud.storage.paging import read_page

#: orders that are shown with a charger
_ORDERS = 20


def routes(platform: Platform, settings: MeteringSettings) -> Sequence[Route]:
    """The routes of metering."""

    async def note(call: Call, what: str, session: Session) -> None:
        """Write down who did what."""
        body = {"session_id": str(session.row.id), "by": str(call.caller.token_id)}
        row = session.row
        await platform.log(LogEntry(f"metering.{what}", row.tenant_id, body, row.charger_id))

    # ------------------------------------------------------------------------------- orders

    async def rank(call: Call) -> Page[RankedShown]:
        query: RankQuery = call.query
        scope = Scope(_whose(call, query.tenant_id), query.site_id)
        now = platform.calendar.now()
        start = _place(query.cursor)

        def read(connection: Connection) -> Page[RankedShown]:
            if scope.site_id is not None:
                find_site(connection, scope.tenant_id, scope.site_id)
            ranked = ranking.rank(connection, scope, now, settings)
            shown = ranked[start : start + query.limit]
            end = start + len(shown)
            return Page(
                tuple(show_ranked(each, proof(connection, each, now)) for each in shown),
                str(end) if end < len(ranked) else None,
            )

        found: Page[RankedShown] = await platform.read(read)
        return found

    def proof(connection: Connection, ranked: Ranked, now: datetime) -> Sequence[Any]:
        if not ranked.times_limit:
            return ()
        since = week_of(now) - settings.weeks
        return ranking.evidence(connection, ranked.charger_id, since, ranking.MOST_EVIDENCE)

    async def charger(call: Call) -> ChargerMetering:
        charger_id, tenant_id = call.id("charger_id"), call.caller.tenant_id
        now = platform.calendar.now()

        def read(connection: Connection) -> ChargerMetering:
            there = find_charger(connection, tenant_id, charger_id)
            ranked = ranking.rank(connection, Scope(charger_id=there.id), now, settings)
            clocks = ranking.all_clocks(connection, there.id, now)
            week = week_of(now)
            if not ranked:
                # of its orders nothing is known yet
                clock = clocks[0] if clocks else None
                ranked = [ranking.without_orders(there, clock, settings)]
            return show_charger(
                ranked[0],
                ranking.evidence(connection, there.id, week - settings.weeks, _ORDERS),
                ranking.all_weeks(connection, there.id, week - settings.drift_weeks),
                clocks,
                sessions.newest_certificate(connection, there.id),
                settings,
            )

        found: ChargerMetering = await platform.read(read)
        return found

    async def orders(call: Call) -> Page[AuditShown]:
        charger_id, tenant_id = call.id("charger_id"), call.caller.tenant_id

        def read(connection: Connection) -> Page[AuditShown]:
            there = find_charger(connection, tenant_id, charger_id)
            items, cursor = read_page(
                connection,
                ranking.audits_of(there.id),
                audits_table.c.order_id,
                show_audit,
                limit=call.query.limit,
                cursor=call.query.cursor,
                newest_first=True,
            )
            return Page(tuple(items), cursor)

        found: Page[AuditShown] = await platform.read(read)
        return found

    # ------------------------------------------------------------------------------ on site

    async def begin(call: Call) -> SessionShown:
        body: NewSession = call.body
        opening = Opening(
            charger_id=body.charger_id,
            occasion=body.occasion,
            limit_permille=body.limit_permille,
            reference=body.reference,
            reference_permille=body.reference_permille,
            inspector=body.inspector,
        )
        session_id, now = platform.new_id(), platform.calendar.now()
        session: Session = await platform.transact(
            lambda connection: sessions.open_session(
                connection, call.caller.tenant_id, session_id, opening, call.caller.token_id, now
            )
        )
        await note(call, "session_opened", session)
        return show_session(session)

    async def enter(call: Call) -> SessionShown:
        session_id, body = call.id("session_id"), call.body
        reading_id, now = platform.new_id(), platform.calendar.now()
        session: Session = await platform.transact(
            lambda connection: sessions.add_reading(
                connection,
                call.caller.tenant_id,
                session_id,
                reading_id,
                _reading(body),
                body.load_w,
                now,
            )
        )
        return show_session(session)

    async def finish(call: Call) -> SessionShown:
        session_id, now = call.id("session_id"), platform.calendar.now()
        valid_until = sessions.months_later(now, settings.certificate_months)
        session: Session = await platform.transact(
            lambda connection: sessions.finish(
                connection,
                call.caller.tenant_id,
                session_id,
                call.caller.token_id,
                now,
                valid_until,
            )
        )
        await note(call, f"session_{session.row.state}", session)
        return show_session(session)

    async def show(call: Call) -> SessionShown:
        session_id = call.id("session_id")
        session: Session = await platform.read(
            lambda connection: sessions.find_session(connection, call.caller.tenant_id, session_id)
        )
        return show_session(session)

    def listed(is_certified: bool) -> Any:
        async def run(call: Call) -> Page[SessionShown]:
            query: SessionQuery = call.query
            which = sessions.sessions_of(call.caller.tenant_id, query.charger_id, is_certified)

            def read(connection: Connection) -> Page[SessionShown]:
                items, cursor = read_page(
                    connection,
                    which,
                    sessions_table.c.id,
                    lambda row: show_session(sessions.with_readings(connection, row)),
                    limit=query.limit,
                    cursor=query.cursor,
                    newest_first=True,
                )
                return Page(tuple(items), cursor)

            found: Page[SessionShown] = await platform.read(read)
            return found

        return run

    async def certificate(call: Call) -> SessionShown:
        session: Session = await platform.read(
            lambda connection: sessions.find_certificate(
                connection, call.caller.tenant_id, call.path["certificate"]
            )
        )
        return show_session(session)

    async def printed(call: Call) -> str:
        def read(connection: Connection) -> str:
            session = sessions.find_certificate(
                connection, call.caller.tenant_id, call.path["certificate"]
            )
            name = find_charger(connection, None, session.row.charger_id).name
            return page_of(show_session(session), name)

        page: str = await platform.read(read)
        return page

    base, one = "/metering", "/metering/sessions/{session_id}"

    def route(method: Method, path: str, summary: str, run: Any, answer: Any, **more: Any) -> Route:
        return Route(
            method=method,
            path=path,
            summary=summary,
            permission="metering:read" if method is Method.GET else "metering:write",
            run=run,
            answer=answer,
            tag="metering",
            **more,
        )

    missing: dict[str, Any] = {"refusals": (NotFound,)}
    acted: dict[str, Any] = {"refusals": (NotFound, Conflict)}
    return [
        # words of a path come before its variables
        route(
            Method.POST,
            f"{base}/sessions",
            "Begin a verification on site",
            begin,
            SessionShown,
            body=NewSession,
            status=201,
            **acted,
        ),
        route(
            Method.GET,
            f"{base}/sessions",
            "List the verifications, the newest first",
            listed(is_certified=False),
            Page[SessionShown],
            query=SessionQuery,
        ),
        route(Method.GET, one, "Show a verification", show, SessionShown, **missing),
        route(
            Method.POST,
            f"{one}/readings",
            "Enter what was read against the reference meter",
            enter,
            SessionShown,
            body=NewReading,
            status=201,
            **acted,
        ),
        route(
            Method.POST,
            f"{one}/finish",
            "Judge what was read: a certificate, or none",
            finish,
            SessionShown,
            **acted,
        ),
        route(
            Method.GET,
            f"{base}/certificates",
            "List the certificates, the newest first",
            listed(is_certified=True),
            Page[SessionShown],
            query=SessionQuery,
        ),
        route(
            Method.GET,
            f"{base}/certificates/{{certificate}}",
            "Show a certificate, with its record of errors",
            certificate,
            SessionShown,
            **missing,
        ),
        route(
            Method.GET,
            f"{base}/certificates/{{certificate}}/page",
            "Show a certificate as a page to be printed",
            printed,
            str,
            media_type="text/html",
            **missing,
        ),
        route(
            Method.GET,
            base,
            "Rank chargers by how far they are off, with evidence",
            rank,
            Page[RankedShown],
            query=RankQuery,
            **missing,
        ),
        route(
            Method.GET,
            f"{base}/{{charger_id}}",
            "Show what is known of a charger's meters, week by week",
            charger,
            ChargerMetering,
            **missing,
        ),
        route(
            Method.GET,
            f"{base}/{{charger_id}}/orders",
            "List what each order of a charger came to, the newest first",
            orders,
            Page[AuditShown],
            query=Paging,
            **missing,
        ),
    ]


def _reading(body: NewReading) -> Reading:
    """
    @raise Invalid: if it says nothing, or half of something.
    """
    start, end, reference = body.register_start_mwh, body.register_end_mwh, body.reference_mwh
    energy = None
    if start is not None and end is not None and reference is not None:
        if end < start:
            raise Invalid(
                "the register went back",
                errors=[{"pointer": "/register_end_mwh", "detail": "is less than at first"}],
            )
        energy = Energy(end - start, body.register_step_mwh, reference)
    elif (start, end, reference) != (None, None, None):
        raise Invalid("an energy is register_start_mwh, register_end_mwh and reference_mwh")
    if (body.told_fen is None) != (body.due_fen is None):
        raise Invalid("an amount is told_fen and due_fen")
    if energy is None and body.clock_ahead_ms is None and body.told_fen is None:
        raise Invalid("a reading has an energy, a clock, or an amount")
    return Reading(body.port, energy, body.clock_ahead_ms, body.told_fen, body.due_fen)


def _whose(call: Call, tenant_id: int | None) -> int | None:
    if call.caller.tenant_id is None:
        return tenant_id
    if tenant_id not in (None, call.caller.tenant_id):
        what = "is another's"
        raise Invalid(f"tenant_id {what}", errors=[{"parameter": "tenant_id", "detail": what}])
    return call.caller.tenant_id


def _place(cursor: str | None) -> int:
    """Where in the ranking a page begins; as it changes, a charger may come twice, or not."""
    if cursor is None:
        return 0
    if cursor.isascii() and cursor.isdigit() and len(cursor) < 10:
        return int(cursor)
    what = "is not a cursor of ours"
    raise Invalid(f"this {what}", errors=[{"parameter": "cursor", "detail": what}])
