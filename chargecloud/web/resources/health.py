"""C{/healthz} and C{/readyz}"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud import __version__
from chargecloud.calendar import Calendar
from chargecloud.domain.errors import Overloaded
from chargecloud.domain.fields import choice, text
from chargecloud.routes import Call, Method, Route


@frozen(kw_only=True)
class Alive:
    """The process runs, and its loop turns."""

    alive: bool = choice("true")
    version: str = text("of ChargeCloud")


@frozen(kw_only=True)
class CalendarShown:
    """The calendar that orders, tariffs and days follow."""

    now: datetime = choice("the date and time")
    speed: float = choice("its seconds in a real one; 1 in service")
    is_true: bool = choice("whether the date is the real one")


@frozen(kw_only=True)
class Ready:
    """The service can take requests and chargers."""

    ready: bool = choice("true")
    limited: tuple[str, ...] = choice("what it does not do at present, and why")
    calendar: CalendarShown = choice("its calendar")


class NotReady(Overloaded):
    """It is starting or stopping, or something that it needs is missing."""

    code = "not-ready"


def routes(
    calendar: Calendar,
    missing: Callable[[], Sequence[str]],
    limited: Callable[[], Sequence[str]],
) -> list[Route]:
    """
    The routes of health.

    @param missing: what the service still lacks, each in a few words; empty when ready.
    @param limited: what it does not do although it is ready, each with the reason.
    """

    def healthz(_call: Call) -> Alive:
        return Alive(alive=True, version=__version__)

    def readyz(_call: Call) -> Ready:
        if lacks := missing():
            raise NotReady("the service is not ready", missing=list(lacks))
        shown = CalendarShown(
            now=calendar.now(), speed=calendar.anchor.speed, is_true=calendar.is_true
        )
        return Ready(ready=True, limited=tuple(limited()), calendar=shown)

    common: dict[str, Any] = {
        "method": Method.GET,
        "permission": None,
        "tag": "health",
        "base": "",
    }
    return [
        Route(
            path="/healthz",
            summary="Whether the process is alive",
            answer=Alive,
            run=healthz,
            **common,
        ),
        Route(
            path="/readyz",
            summary="Whether the service can work, and if not, why not",
            answer=Ready,
            run=readyz,
            refusals=(NotReady,),
            **common,
        ),
    ]
