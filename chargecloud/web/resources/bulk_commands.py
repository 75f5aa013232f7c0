"""C{/chargers/commands}: one command to many chargers"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from chargecloud.domain.charger import SystemState
from chargecloud.domain.errors import Invalid, NotFound, Overloaded, Refusal
from chargecloud.domain.fields import choice, text, whole
from chargecloud.registry.register import Register
from chargecloud.registry.sites import Sites
from chargecloud.routes import Call, Id, Method, Route
from chargecloud.storage.writer import TROUBLES
from chargecloud.web.resources.commands import Commanding, CommandShown, NewCommand, show
from chargecloud.web.resources.shared import part_of, request_key

#: chargers that one request commands: each of their commands is still remembered when the
#: last was sent
MOST_CHARGERS = 500


@frozen(kw_only=True)
class BulkCommand:
    """A command to the chargers that are named, or to those in service at a site."""

    charger_ids: tuple[Id, ...] | None = choice("who it goes to", default=None)
    site_id: Id | None = choice("or where those stand that it goes to", default=None)
    name: str = text("as for one charger", longest=40, example="set_time")
    port: int | None = whole("which port of each", default=None, least=1, most=64)
    args: Mapping[str, Any] = field(factory=dict, metadata={"doc": "what the command takes"})

    def __attrs_post_init__(self) -> None:
        if (self.charger_ids is None) == (self.site_id is None):
            raise ValueError("either charger_ids or site_id is needed")
        if self.charger_ids is not None and not 1 <= len(self.charger_ids) <= MOST_CHARGERS:
            raise ValueError(f"charger_ids must be 1 to {MOST_CHARGERS}")


@frozen(kw_only=True)
class OfCharger:
    """What became of the command at one charger."""

    charger_id: Id = choice("which")
    command: CommandShown | None = choice("the command; its end can be looked up by its id")
    problem: str | None = text("the type of the problem, if it was not sent")
    detail: str | None = text("and in words")


@frozen(kw_only=True)
class BulkShown:
    """What became of it at all of them."""

    sent: int = whole("to how many it was sent")
    refused: int = whole("to how many it could not be sent")
    chargers: tuple[OfCharger, ...] = choice("each of them")


def routes(commanding: Commanding, register: Register, sites: Sites) -> list[Route]:
    """The route of commands to many."""

    async def send(call: Call) -> BulkShown:
        body: BulkCommand = call.body
        charger_ids = dict.fromkeys(body.charger_ids or await standing_at(call, body.site_id))
        shown = [await send_to(call, charger_id) for charger_id in charger_ids]
        refused = sum(each.problem is not None for each in shown)
        return BulkShown(sent=len(shown) - refused, refused=refused, chargers=tuple(shown))

    async def send_to(call: Call, charger_id: int) -> OfCharger:
        body: BulkCommand = call.body
        wanted = NewCommand(name=body.name, port=body.port, args=body.args)
        request = part_of(request_key(call), charger_id)
        try:
            sent, answered = await commanding.send(call.caller, charger_id, wanted, request)
        except Refusal as refusal:
            return not_sent(charger_id, refusal)
        except TROUBLES:
            # the next may charge: that is known without the database
            return not_sent(charger_id, Overloaded("the database is away"))
        if answered is not None:
            commanding.calls.forget(answered)
        problem = f"/problems/{sent.failure}" if sent.failure else None
        return OfCharger(charger_id=charger_id, command=show(sent), problem=problem, detail=None)

    def not_sent(charger_id: int, why: Refusal) -> OfCharger:
        problem = f"/problems/{why.code}"
        return OfCharger(charger_id=charger_id, command=None, problem=problem, detail=why.detail)

    async def standing_at(call: Call, site_id: int | None) -> Sequence[int]:
        assert site_id is not None, "the body has one or the other"
        site = await sites.get(call.caller.tenant_id, site_id)
        found, more = await register.list(
            site.tenant_id,
            limit=MOST_CHARGERS,
            cursor=None,
            site_id=site.id,
            status=SystemState.IN_SERVICE,
        )
        if more is not None:
            what = f"has more than {MOST_CHARGERS} chargers: name them"
            raise Invalid(f"the site {what}", errors=[{"pointer": "/site_id", "detail": what}])
        return [each.charger.id for each in found]

    return [
        Route(
            method=Method.POST,
            path="/chargers/commands",
            summary="Send a command to many chargers, and wait for none of their answers",
            permission="chargers:command",
            body=BulkCommand,
            answer=BulkShown,
            status=202,
            tag="chargers",
            refusals=(NotFound,),
            run=send,
        ),
    ]
