"""C{/chargers/commands}: one command to many chargers"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen
from cattrs.preconf.json import make_converter
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chargecloud.domain.charger import SystemState
from chargecloud.domain.errors import Invalid, NodesApart, NotFound, Overloaded, Refusal
from chargecloud.domain.fields import choice, text, whole
from chargecloud.nodes.elsewhere import Elsewhere
from chargecloud.registry.register import Register
from chargecloud.registry.sites import Sites
from chargecloud.routes import Call, Caller, Id, Method, Route
from chargecloud.storage.once import RequestKey
from chargecloud.storage.writer import TROUBLES
from chargecloud.web.forwarding import DEADLINE_S
from chargecloud.web.resources.commands import Commanding, CommandShown, NewCommand, show
from chargecloud.web.resources.shared import part_of, request_key

#: chargers that one request commands: each of their commands is still remembered when the
#: last was sent
MOST_CHARGERS = 500
#: what nodes tell each other of it, as plain values
_WORDS = make_converter()


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


@define(eq=False)
class BulkCommanding:
    """Sends a command to chargers of any node: each node to those that it holds, as if it alone
    had been asked; what became of it can be looked up there, as for one charger."""

    commanding: Commanding
    elsewhere: Elsewhere
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self.elsewhere.post.answers["commands"] = self._asked

    async def send(
        self,
        caller: Caller,
        charger_ids: Collection[int],
        wanted: NewCommand,
        request: RequestKey | None,
    ) -> Sequence[OfCharger]:
        """Send it to all, in order of their nodes; what became of it in their own order."""
        node_of: Mapping[int, int]
        try:
            node_of = await self.elsewhere.holders(charger_ids)
        except TROUBLES:
            # what charges here can be stopped all the same
            node_of = {}
        at_nodes: dict[int, list[int]] = {}
        for charger_id, node in node_of.items():
            at_nodes.setdefault(node, []).append(charger_id)
        asked = [
            Deferred.fromCoroutine(self._send_by(node, caller, some, wanted, request))
            for node, some in at_nodes.items()
        ]
        here = [each for each in charger_ids if each not in node_of]
        sent = await self._send_here(caller, here, wanted, request)
        for answered in asked:
            sent += await answered
        shown = {each.charger_id: each for each in sent}
        return [shown[charger_id] for charger_id in charger_ids]

    async def _send_by(
        self,
        node: int,
        caller: Caller,
        charger_ids: Sequence[int],
        wanted: NewCommand,
        request: RequestKey | None,
    ) -> list[OfCharger]:
        body = {
            "caller": _WORDS.unstructure(caller),
            "charger_ids": charger_ids,
            "wanted": _WORDS.unstructure(wanted),
            "request": _WORDS.unstructure(request),
        }
        try:
            told = await self.elsewhere.post.ask(node, "commands", body, DEADLINE_S)
            return _WORDS.structure(told, list[OfCharger])
        except Refusal as refusal:
            return [_refused(charger_id, refusal) for charger_id in charger_ids]
        except Exception:
            # as of another version: what was sent to others is told all the same
            self._log.failure("what node {node} answered cannot be read", node=node)
            apart = NodesApart(f"what node {node} answered cannot be read")
            return [_refused(charger_id, apart) for charger_id in charger_ids]

    async def _asked(self, told: Any) -> Any:
        caller = _WORDS.structure(told["caller"], Caller)
        wanted = _WORDS.structure(told["wanted"], NewCommand)
        request = told["request"] and _WORDS.structure(told["request"], RequestKey)
        return _WORDS.unstructure(
            await self._send_here(caller, told["charger_ids"], wanted, request)
        )

    async def _send_here(
        self,
        caller: Caller,
        charger_ids: Sequence[int],
        wanted: NewCommand,
        request: RequestKey | None,
    ) -> list[OfCharger]:
        # a database that hangs makes nobody wait who charges
        first = sorted(
            charger_ids, key=lambda each: not self.commanding.is_at_hand(caller, each, wanted)
        )
        return [await self._send_to(caller, each, wanted, request) for each in first]

    async def _send_to(
        self, caller: Caller, charger_id: int, wanted: NewCommand, request: RequestKey | None
    ) -> OfCharger:
        of_it = part_of(request, charger_id)
        try:
            sent, answered = await self.commanding.send(caller, charger_id, wanted, of_it)
        except Refusal as refusal:
            return _refused(charger_id, refusal)
        except TROUBLES:
            # the next may charge: that is known without the database
            return _refused(charger_id, Overloaded("the database is away"))
        if answered is not None:
            self.commanding.calls.forget(answered)
        problem = f"/problems/{sent.failure}" if sent.failure else None
        return OfCharger(charger_id=charger_id, command=show(sent), problem=problem, detail=None)


def _refused(charger_id: int, refusal: Refusal) -> OfCharger:
    return OfCharger(
        charger_id=charger_id,
        command=None,
        problem=f"/problems/{refusal.code}",
        detail=refusal.detail,
    )


def routes(bulk: BulkCommanding, register: Register, sites: Sites) -> list[Route]:
    """The route of commands to many."""

    async def send(call: Call) -> BulkShown:
        body: BulkCommand = call.body
        charger_ids = dict.fromkeys(body.charger_ids or await standing_at(call, body.site_id))
        wanted = NewCommand(name=body.name, port=body.port, args=body.args)
        shown = await bulk.send(call.caller, charger_ids, wanted, request_key(call))
        refused = sum(each.problem is not None for each in shown)
        return BulkShown(sent=len(shown) - refused, refused=refused, chargers=tuple(shown))

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
