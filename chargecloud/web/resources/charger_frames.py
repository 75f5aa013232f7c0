"""C{/chargers/{charger_id}/frames}: the flight recorder"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import frozen
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.domain.errors import BadFrame, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.gateway.recorder import MOST_BYTES, FlightRecorder, RecordedFrame
from chargecloud.interfaces import IDialect
from chargecloud.registry.chargers import Chargers
from chargecloud.routes import Call, HeldBy, Method, Page, Route
from chargecloud.web import json_text

_log = Logger()


class Way(Enum):
    """Which way a frame goes."""

    #: from the charger
    UP = "up"
    #: to the charger
    DOWN = "down"


@frozen(kw_only=True)
class FrameShown:
    """A frame, as it was on the wire and in words."""

    at: datetime = choice("when it came or went")
    way: Way = choice("up from the charger, or down to it")
    dialect: str = text("what was spoken")
    dialect_version: str = text("the version of what put it into words")
    size: int = whole("its bytes")
    hex: str = text("its first bytes, in hexadecimal", longest=2 * MOST_BYTES)
    opened_hex: str | None = text("what was sealed in it", longest=2 * MOST_BYTES)
    kind: str | None = text("what the dialect calls it; null if that cannot be told")
    fields: Mapping[str, Any] = choice("what it says")
    fault: str | None = text("what was wrong with it")


@frozen(kw_only=True)
class FrameQuery:
    """Which frames."""

    limit: int = whole("how many at the most", default=50, least=1, most=1_000)
    way: Way | None = choice("that went this way", default=None)
    kind: str | None = text("of this kind", default=None, longest=40)


def routes(
    chargers: Chargers,
    recorder: FlightRecorder,
    dialects: Mapping[str, IDialect],
    calendar: Calendar,
) -> list[Route]:
    """The route of the flight recorder."""

    async def frames(call: Call) -> Page[FrameShown]:
        query: FrameQuery = call.query
        charger = await chargers.get(call.caller.tenant_id, call.id("charger_id"))
        dialect = dialects[charger.dialect]
        shown = (show(dialect, frame) for frame in recorder.of(charger.id))
        wanted = [
            each
            for each in shown
            if query.way in (None, each.way) and query.kind in (None, each.kind)
        ]
        return Page(tuple(wanted[: query.limit]))

    def show(dialect: IDialect, frame: RecordedFrame) -> FrameShown:
        kind: str | None = None
        fields: Mapping[str, Any] = {}
        fault = frame.fault
        if fault is None and frame.is_whole:
            try:
                described = dialect.describe(frame.is_up, frame.raw, frame.opened)
                # a dialect of a vendor may promise plain values and have others
                json_text.write(dict(described.fields))
                kind, fields = described.kind, described.fields
            except BadFrame as error:
                fault = error.code
            except Exception:
                # a dialect that cannot say it keeps nobody from the other frames
                _log.failure("{dialect} cannot describe a frame", dialect=dialect.name)
                fault = "not-described"
        return FrameShown(
            at=calendar.anchor.at(frame.at_s),
            way=Way.UP if frame.is_up else Way.DOWN,
            dialect=dialect.name,
            dialect_version=dialect.version,
            size=frame.size,
            hex=frame.raw.hex(),
            opened_hex=None if frame.opened is None else frame.opened.hex(),
            kind=kind,
            fields=fields,
            fault=fault,
        )

    return [
        Route(
            method=Method.GET,
            path="/chargers/{charger_id}/frames",
            held_by=HeldBy.CHARGER,
            summary="Show the last frames of a charger, both ways, the newest first",
            permission="chargers:frames",
            query=FrameQuery,
            answer=Page[FrameShown],
            tag="chargers",
            refusals=(NotFound,),
            run=frames,
        ),
    ]
