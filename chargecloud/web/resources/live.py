"""C{/live}: what happens, as it happens"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from chargecloud.domain.errors import Overloaded
from chargecloud.domain.fields import choice, text
from chargecloud.routes import Call, Caller, Id, Method, Route
from chargecloud.storage.log import Logged
from chargecloud.web.event_stream import MEDIA_TYPE, EventStream, read_place
from chargecloud.web.live_feed import Listener, LiveFeed
from chargecloud.web.problems import BadRequest

#: what a caller must be allowed to read, to be told of entries whose kind begins so; of
#: others it is the plural of that word
ROOMS = {"alarm": "chargers", "record": "orders", "start_code": "orders"}


@frozen(kw_only=True)
class LiveEvent:
    """What happened: the data of one event, whose name is its kind."""

    at: datetime = choice("when it was written down")
    kind: str = text("what it is", example="order.settled")
    tenant_id: Id = choice("whose")
    charger_id: Id | None = choice("at which charger")
    order_id: Id | None = choice("of which order")
    body: Mapping[str, Any] = choice("what is to be said of it")


@frozen(kw_only=True)
class LiveQuery:
    """What is to be told; without any, all that the token may read."""

    charger_id: Id | None = choice("of this charger", default=None)
    order_id: Id | None = choice("of this order", default=None)
    tenant_id: Id | None = choice("of this company; only the platform has several", default=None)
    kind: str | None = text("that begins so", default=None, longest=40, example="order.")


def is_for(caller: Caller, query: LiveQuery) -> Callable[[Logged], bool]:
    """Tells whether an entry is for somebody who asked for that."""

    def wants(logged: Logged) -> bool:
        entry = logged.entry
        word = entry.kind.partition(".")[0]
        return (
            caller.tenant_id in (None, entry.tenant_id)
            and query.tenant_id in (None, entry.tenant_id)
            and query.charger_id in (None, entry.charger_id)
            and query.order_id in (None, entry.order_id)
            and entry.kind.startswith(query.kind or "")
            and caller.may(f"{ROOMS.get(word, word + 's')}:read")
        )

    return wants


def routes(
    feed: LiveFeed, clock: IReactorTime, find_caller: Callable[[int], Awaitable[Caller | None]]
) -> list[Route]:
    """
    The route of the live feed.

    @param find_caller: whose a token is, by its id; C{None} once it is revoked.
    """

    def live(call: Call) -> EventStream:
        caller, query = call.caller, call.query
        after = None if call.last_event_id is None else read_place(call.last_event_id)

        async def is_welcome() -> bool:
            return await find_caller(caller.token_id) == caller

        def open_to(wake: Callable[[], None]) -> Awaitable[Listener]:
            return feed.listen(is_for(caller, query), wake, after)

        return EventStream(feed, clock, open_to, is_welcome)

    return [
        Route(
            method=Method.GET,
            path="/live",
            summary="What happens, as server-sent events; goes on after a Last-Event-ID",
            permission="live:read",
            query=LiveQuery,
            answer=LiveEvent,
            media_type=MEDIA_TYPE,
            tag="live",
            refusals=(BadRequest, Overloaded),
            run=live,
        ),
    ]
