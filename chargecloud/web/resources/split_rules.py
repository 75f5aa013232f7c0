"""C{/parties} and C{/split-rules}: who gets what of what is earned."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.channel import Receiver, ReceiverKind
from chargecloud.domain.errors import Conflict, Edited, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.split import Level
from chargecloud.money.settlement.parties import Parties, Party
from chargecloud.money.settlement.rules import Every, SplitRule, SplitRules
from chargecloud.registry.tenants import Tenants
from chargecloud.routes import Call, Id, Method, Page, Paging, Route
from chargecloud.web.resources.shared import page, request_key

#: half a year, after which no payment channel splits what it holds
MOST_DEFERRED_DAYS = 180


@frozen(kw_only=True)
class ReceiverBody:
    """What a party is known by at a payment channel."""

    channel: str = text("the payment channel", longest=16)
    kind: ReceiverKind = choice("what their account there is")
    account: str = text("the channel's own number or id of them", longest=64)
    name: str | None = text("as the channel knows them", default=None, longest=200)


@frozen(kw_only=True)
class NewParty:
    """Somebody who gets parts."""

    level: Level = choice("what they are to the operator's business")
    name: str = text("what people call them", longest=200, example="Property owner, west gate")
    receivers: tuple[ReceiverBody, ...] = choice(
        "their accounts at payment channels that split, one for each channel", default=()
    )
    tenant_id: Id | None = choice("whose party; only the platform names another", default=None)

    def __attrs_post_init__(self) -> None:
        if len({each.channel for each in self.receivers}) < len(self.receivers):
            raise ValueError("a party has one account at each channel")


@frozen(kw_only=True)
class PartyShown:
    """Somebody who gets parts."""

    id: Id = choice("its id")
    tenant_id: Id = choice("whose party")
    level: Level = choice("what they are to the operator's business")
    name: str = text("what people call them")
    receivers: tuple[ReceiverBody, ...] = choice("their accounts at payment channels that split")
    created_at: datetime = choice("since when they are known")


@frozen(kw_only=True)
class RuleBody:
    """How orders are split."""

    name: str = text("what people call it", longest=200, example="Campus, four parties")
    site_id: Id | None = choice(
        "for orders of this site; of all that have no rule of their own if not given", default=None
    )
    every: Every = choice("how often its orders are settled", default=Every.MONTH)
    valid_from: date = choice("the first day on which an order ended that it is for")
    valid_until: date | None = choice("the last one; for ever if not given", default=None)
    deferred_days: int = whole(
        "how long an order has ended before it is split",
        default=0,
        least=0,
        most=MOST_DEFERRED_DAYS,
    )
    terms: Mapping[str, Any] = choice(
        "the shares of each fee (docs/settlement.rst)",
        example={
            "electricity": [{"party_id": "383059073433604099", "rest": True}],
            "service": [
                {"party_id": "383059073433604099", "rest": True},
                {"party_id": "383059073433604100", "basis_points": 3000},
            ],
        },
    )


@frozen(kw_only=True)
class NewRule(RuleBody):
    """A rule to be made."""

    tenant_id: Id | None = choice("whose it is; only the platform names another", default=None)


@frozen(kw_only=True)
class RuleShown:
    """A rule in its newest version; orders that are split keep the version they were split by."""

    id: Id = choice("its id")
    version: int = whole("counts its versions from 1", least=1)
    tenant_id: Id = choice("whose it is")
    name: str = text("what people call it")
    site_id: Id | None = choice("for orders of this site; null for all others")
    every: Every = choice("how often its orders are settled")
    valid_from: date = choice("the first day on which an order ended that it is for")
    valid_until: date | None = choice("the last one; null for ever")
    deferred_days: int = whole("how long an order has ended before it is split")
    terms: Mapping[str, Any] = choice("the shares of each fee, defaults filled in")
    is_retired: bool = choice("whether it is for no order any more that is not split yet")
    created_at: datetime = choice("when this version was made")


def show_party(party: Party) -> PartyShown:
    """A party as it is answered."""
    return PartyShown(
        id=party.id,
        tenant_id=party.tenant_id,
        level=party.level,
        name=party.name,
        receivers=tuple(
            ReceiverBody(channel=name, kind=each.kind, account=each.account, name=each.name)
            for name, each in party.receivers.items()
        ),
        created_at=party.created_at,
    )


def show(rule: SplitRule) -> RuleShown:
    """A rule as it is answered."""
    return RuleShown(
        id=rule.id,
        version=rule.version,
        tenant_id=rule.tenant_id,
        name=rule.name,
        site_id=rule.site_id,
        every=rule.every,
        valid_from=rule.valid_from,
        valid_until=rule.valid_until,
        deferred_days=rule.deferred_days,
        terms=rule.terms,
        is_retired=rule.is_retired,
        created_at=rule.created_at,
    )


def _about(body: RuleBody) -> dict[str, Any]:
    return {
        "name": body.name,
        "site_id": body.site_id,
        "every": body.every,
        "valid_from": body.valid_from,
        "valid_until": body.valid_until,
        "deferred_days": body.deferred_days,
        "terms": body.terms,
    }


def routes(parties: Parties, rules: SplitRules, tenants: Tenants) -> list[Route]:
    """The routes of parties and rules."""

    async def create_party(call: Call) -> PartyShown:
        body: NewParty = call.body
        tenant_id = await tenants.whose(call.caller.tenant_id, body.tenant_id)
        receivers = {
            each.channel: Receiver(each.kind, each.account, each.name) for each in body.receivers
        }
        made = await parties.create(request_key(call), tenant_id, body.level, body.name, receivers)
        return show_party(made)

    async def parties_listed(call: Call) -> Page[PartyShown]:
        query: Paging = call.query
        found = await parties.list(call.caller.tenant_id, limit=query.limit, cursor=query.cursor)
        return page(found, show_party)

    async def get_party(call: Call) -> PartyShown:
        return show_party(await parties.get(call.caller.tenant_id, call.id("party_id")))

    async def create(call: Call) -> RuleShown:
        body: NewRule = call.body
        tenant_id = await tenants.whose(call.caller.tenant_id, body.tenant_id)
        return show(await rules.create(request_key(call), tenant_id, **_about(body)))

    async def listed(call: Call) -> Page[RuleShown]:
        query: Paging = call.query
        found = await rules.list(call.caller.tenant_id, limit=query.limit, cursor=query.cursor)
        return page(found, show)

    async def get(call: Call) -> RuleShown:
        return show(await rules.get(call.caller.tenant_id, call.id("rule_id")))

    async def replace(call: Call) -> RuleShown:
        made = await rules.replace(
            call.caller.tenant_id, call.id("rule_id"), call.seen, **_about(call.body)
        )
        return show(made)

    async def retire(call: Call) -> RuleShown:
        return show(await rules.retire(call.caller.tenant_id, call.id("rule_id"), call.seen))

    common: dict[str, Any] = {"tag": "settlements"}
    return [
        Route(
            method=Method.POST,
            path="/parties",
            summary="Make somebody known who gets parts of what is earned",
            permission="settlements:write",
            body=NewParty,
            answer=PartyShown,
            status=201,
            refusals=(NotFound, Conflict),
            run=create_party,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/parties",
            summary="List who gets parts",
            permission="settlements:read",
            query=Paging,
            answer=Page[PartyShown],
            run=parties_listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/parties/{party_id}",
            summary="Show somebody who gets parts",
            permission="settlements:read",
            answer=PartyShown,
            refusals=(NotFound,),
            run=get_party,
            **common,
        ),
        Route(
            method=Method.POST,
            path="/split-rules",
            summary="Make a rule by which orders are split",
            permission="settlements:write",
            body=NewRule,
            answer=RuleShown,
            status=201,
            refusals=(NotFound, Conflict),
            run=create,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/split-rules",
            summary="List the rules in their newest versions",
            permission="settlements:read",
            query=Paging,
            answer=Page[RuleShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/split-rules/{rule_id}",
            summary="Show a rule in its newest version",
            permission="settlements:read",
            answer=RuleShown,
            is_versioned=True,
            refusals=(NotFound,),
            run=get,
            **common,
        ),
        Route(
            method=Method.PUT,
            path="/split-rules/{rule_id}",
            summary="Replace a rule for orders that are not split yet",
            permission="settlements:write",
            body=RuleBody,
            answer=RuleShown,
            is_versioned=True,
            refusals=(NotFound, Conflict, Edited),
            run=replace,
            **common,
        ),
        Route(
            method=Method.DELETE,
            path="/split-rules/{rule_id}",
            summary="Retire a rule: orders that are not split yet are split by others",
            permission="settlements:write",
            answer=RuleShown,
            is_versioned=True,
            refusals=(NotFound, Conflict, Edited),
            run=retire,
            **common,
        ),
    ]
