"""C{/orders/unmatched}, C{/orders/disputes} and C{/resolve}: what a person must decide."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import frozen

from chargecloud.charging.open_questions import OpenQuestions
from chargecloud.charging.resolving import ResolveAction, Resolving
from chargecloud.domain.errors import Conflict, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.units import MWH_PER_WH
from chargecloud.routes import Call, HeldBy, Id, Method, Page, Paging, Route
from chargecloud.web.resources.order_bodies import MOST_ENERGY_WH, OrderShown, show
from chargecloud.web.resources.shared import page


@frozen(kw_only=True)
class Decided:
    """What a person has decided, and why."""

    at: datetime = choice("when")
    resolution: str = text("what")
    reason: str = text("why")
    by: Id = choice("id of the token that was used")


@frozen(kw_only=True)
class UnmatchedShown:
    """A record that matches no order."""

    id: Id = choice("its id")
    tenant_id: Id = choice("whose charger it is of")
    charger_id: Id = choice("which charger told it")
    port: int = whole("of which port")
    order_id: Id | None = choice("the order that it names, if any")
    why: str = text("why it matches none")
    record: Mapping[str, Any] = choice("as the charger told it")
    received_at: datetime = choice("when we received it")
    decided: Decided | None = choice("what a person has decided")
    settled_order_id: Id | None = choice("the order that was made of it")


@frozen(kw_only=True)
class DisputeShown:
    """An end record of an order that has ended otherwise."""

    id: Id = choice("its id")
    tenant_id: Id = choice("whose order it is")
    order_id: Id = choice("of which order")
    charger_id: Id = choice("which charger told it")
    port: int = whole("of which port")
    why: str = text("what the order was when it came")
    kept: Mapping[str, Any] = choice("how the order had ended")
    record: Mapping[str, Any] = choice("what the charger told afterwards")
    received_at: datetime = choice("when we received it")
    decided: Decided | None = choice("what a person has decided")


@frozen(kw_only=True)
class QuestionQuery(Paging):
    """Which of them."""

    resolved: bool = choice("those that were decided, not those that are to be", default=False)


@frozen(kw_only=True)
class Resolution:
    """What is to become of a held order."""

    action: ResolveAction = choice("bill it as it is, by another energy, or not at all")
    energy_wh: int | None = whole(
        "the energy that it is billed by; for adjust only", default=None, most=MOST_ENERGY_WH
    )
    reason: str = text("why; it is kept", example="meter read on site")

    def __attrs_post_init__(self) -> None:
        if (self.action is ResolveAction.ADJUST) != (self.energy_wh is not None):
            raise ValueError("energy_wh goes with the action adjust, and with no other")


class DisputeAction(Enum):
    """What is to become of a dispute."""

    #: the order stays as it is
    KEEP = "keep"
    #: it is billed by the later record
    CORRECT = "correct"


@frozen(kw_only=True)
class DisputeResolution:
    """What is to become of a dispute."""

    action: DisputeAction = choice("keep the order as it is, or correct it by the record")
    reason: str = text("why; it is kept")


class RecordAction(Enum):
    """What is to become of a record that matches no order."""

    #: an order is made of it, and billed
    SETTLE = "settle"
    #: nothing is made of it
    DISMISS = "dismiss"


@frozen(kw_only=True)
class RecordResolution:
    """What is to become of a record that matches no order."""

    action: RecordAction = choice("make an order of it, or nothing")
    customer_id: Id | None = choice("who pays; nobody is known to if not given", default=None)
    reason: str = text("why; it is kept")

    def __attrs_post_init__(self) -> None:
        if self.customer_id is not None and self.action is RecordAction.DISMISS:
            raise ValueError("nobody pays for what is dismissed")


@frozen(kw_only=True)
class RecordResolved:
    """What has become of a record."""

    resolution: str = text("settled or dismissed")
    order: OrderShown | None = choice("the order that was made of it")


def _decided(row: Any) -> Decided | None:
    if row.resolved_at is None:
        return None
    return Decided(
        at=row.resolved_at, resolution=row.resolution, reason=row.reason, by=row.resolved_by
    )


def show_unmatched(row: Any) -> UnmatchedShown:
    """A record as it is answered."""
    return UnmatchedShown(
        id=row.id,
        tenant_id=row.tenant_id,
        charger_id=row.charger_id,
        port=row.port,
        order_id=row.order_id,
        why=row.why,
        record=row.record,
        received_at=row.received_at,
        decided=_decided(row),
        settled_order_id=row.settled_order_id,
    )


def show_dispute(row: Any) -> DisputeShown:
    """A dispute as it is answered."""
    return DisputeShown(
        id=row.id,
        tenant_id=row.tenant_id,
        order_id=row.order_id,
        charger_id=row.charger_id,
        port=row.port,
        why=row.why,
        kept=row.kept,
        record=row.record,
        received_at=row.received_at,
        decided=_decided(row),
    )


def routes(questions: OpenQuestions, resolving: Resolving) -> list[Route]:
    """The routes of what a person must decide."""

    async def unmatched(call: Call) -> Page[UnmatchedShown]:
        query: QuestionQuery = call.query
        found = await questions.unmatched(
            call.caller.tenant_id, limit=query.limit, cursor=query.cursor, resolved=query.resolved
        )
        return page(found, show_unmatched)

    async def disputes(call: Call) -> Page[DisputeShown]:
        query: QuestionQuery = call.query
        found = await questions.disputes(
            call.caller.tenant_id, limit=query.limit, cursor=query.cursor, resolved=query.resolved
        )
        return page(found, show_dispute)

    async def resolve_order(call: Call) -> OrderShown:
        body: Resolution = call.body
        energy_wh = body.energy_wh
        after = await resolving.order(
            call.caller.tenant_id,
            call.id("order_id"),
            body.action,
            None if energy_wh is None else energy_wh * MWH_PER_WH,
            body.reason,
            call.caller.token_id,
        )
        return show(after)

    async def resolve_dispute(call: Call) -> OrderShown:
        body: DisputeResolution = call.body
        after = await resolving.dispute(
            call.caller.tenant_id,
            call.id("dispute_id"),
            correct=body.action is DisputeAction.CORRECT,
            reason=body.reason,
            by=call.caller.token_id,
        )
        return show(after)

    async def resolve_unmatched(call: Call) -> RecordResolved:
        body: RecordResolution = call.body
        order = await resolving.unmatched(
            call.caller.tenant_id,
            call.id("record_id"),
            settle=body.action is RecordAction.SETTLE,
            customer_id=body.customer_id,
            reason=body.reason,
            by=call.caller.token_id,
        )
        if order is None:
            return RecordResolved(resolution="dismissed", order=None)
        return RecordResolved(resolution="settled", order=show(order))

    looking: dict[str, Any] = {
        "tag": "orders",
        "method": Method.GET,
        "permission": "orders:read",
        "query": QuestionQuery,
    }
    deciding: dict[str, Any] = {
        "tag": "orders",
        "method": Method.POST,
        "permission": "orders:resolve",
        "refusals": (NotFound, Conflict),
    }
    return [
        Route(
            path="/orders/unmatched",
            summary="List the records that match no order",
            answer=Page[UnmatchedShown],
            run=unmatched,
            **looking,
        ),
        Route(
            path="/orders/disputes",
            summary="List the end records of orders that have ended otherwise",
            answer=Page[DisputeShown],
            run=disputes,
            **looking,
        ),
        Route(
            path="/orders/{order_id}/resolve",
            held_by=HeldBy.ORDER,
            summary="Decide a held order",
            body=Resolution,
            answer=OrderShown,
            run=resolve_order,
            **deciding,
        ),
        Route(
            path="/orders/disputes/{dispute_id}/resolve",
            summary="Decide a dispute",
            body=DisputeResolution,
            answer=OrderShown,
            run=resolve_dispute,
            **deciding,
        ),
        Route(
            path="/orders/unmatched/{record_id}/resolve",
            summary="Decide a record that matches no order",
            body=RecordResolution,
            answer=RecordResolved,
            run=resolve_unmatched,
            **deciding,
        ),
    ]
