"""C{/chargers/{charger_id}/commands}"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen
from twisted.internet.defer import Deferred

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.calls import Calls, CallState, ChargerCall, Repetitions
from chargecloud.charging.stopping import stopped_for
from chargecloud.charging.tracking import Track
from chargecloud.domain.commands import Answer, Command, SetTime, StopCharge, VendorCall
from chargecloud.domain.decision import Decision, LogEntry
from chargecloud.domain.errors import (
    ChargerOffline,
    CommandTimedOut,
    Conflict,
    Invalid,
    NotFound,
    Overloaded,
    Refusal,
)
from chargecloud.domain.events import StopReason
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.order_value import OrderState
from chargecloud.registry.chargers import Charger, Chargers
from chargecloud.routes import Call, Caller, HeldBy, Id, Later, Method, Route
from chargecloud.storage.once import RequestKey
from chargecloud.web.problems import NotPermitted
from chargecloud.web.resources.own_commands import OWN_COMMANDS, own_command
from chargecloud.web.resources.shared import request_key

STOP = "stop"
#: commands that are made of the platform's own state, and take no arguments
BARE_COMMANDS = frozenset({STOP, "set_time"})


@frozen(kw_only=True)
class NewCommand:
    """A command to a charger."""

    name: str = text(
        f"{', '.join(['stop', 'set_time', 'set_parameters', *OWN_COMMANDS])}, or one that only "
        "the charger's dialect knows",
        longest=40,
    )
    port: int | None = whole("which port", default=None, least=1, most=64)
    args: Mapping[str, Any] = field(factory=dict, metadata={"doc": "what the command takes"})


@frozen(kw_only=True)
class CommandShown:
    """A command, and what became of it."""

    id: Id = choice("its id")
    charger_id: Id = choice("who it went to")
    name: str = text("what was wanted")
    state: CallState = choice("where it is")
    accepted: bool | None = choice("whether the charger did it; null until it answers")
    code: str | None = text("ok, or why not")
    sent_at: datetime = choice("when it was sent")


def show(call: ChargerCall) -> CommandShown:
    """A command as it is answered."""
    return CommandShown(
        id=call.id,
        charger_id=call.charger_id,
        name=call.name,
        state=call.state,
        accepted=call.answer.accepted if call.answer else None,
        code=call.answer.code if call.answer else call.failure,
        sent_at=call.sent_at,
    )


@frozen
class Commanding:
    """
    Sends people's commands.

    @ivar write_down: commits who has commanded what, before the charger hears of it.
    @ivar write_late: writes it down as soon as that can be done, and nobody waits for it.
    """

    chargers: Chargers
    book: OrderBook
    calls: Calls
    calendar: Calendar
    write_down: Callable[[Decision], Any]
    write_late: Callable[[Decision], None]
    _repetitions: Repetitions = field(factory=Repetitions, init=False)

    async def send(
        self, caller: Caller, charger_id: int, body: NewCommand, request: RequestKey | None
    ) -> "tuple[ChargerCall, Deferred[Answer] | None]":
        """
        Send a command, unless its request has sent it already.

        @return: the command, and what fires with the answer if it was sent just now.
        @raise NotFound: if the caller has no such charger.
        @raise NotPermitted: for a command that needs a right of its own.
        @raise Refusal: if there is no such command, or nothing for it to do.
        """
        track = self._to_be_stopped(caller, charger_id, body) if body.name == STOP else None
        if track is not None:
            return self._stop(caller, track, body, request)
        charger = await self.chargers.get(caller.tenant_id, charger_id)
        before = self._sent_before(charger.id, request)
        if before is not None:
            return before, None
        _check_args(body)
        if body.name == STOP:
            raise _nothing_to_stop(body)
        command, permission = _command(charger, body, self.calendar)
        if permission is not None and not caller.may(permission):
            raise NotPermitted(f"the token does not allow {permission}", permission=permission)
        await self.write_down(_commanded(charger.tenant_id, charger.id, body, caller.token_id))
        before = self._sent_before(charger.id, request)
        if before is not None:
            # it came a second time meanwhile, and that one was faster
            return before, None
        sent, answered = self.calls.send(charger.id, body.name, command)
        self._repetitions.keep(request, sent.id)
        return sent, answered

    def _stop(
        self, caller: Caller, track: Track, body: NewCommand, request: RequestKey | None
    ) -> "tuple[ChargerCall, Deferred[Answer] | None]":
        """Stop, and write it down afterwards: a database that is away keeps no charge going."""
        order = track.order
        before = self._sent_before(order.charger_id, request)
        if before is not None:
            return before, None
        _check_args(body)
        if order.state is OrderState.WAITING:
            raise Conflict(f"order {order.id} waits, unknown to the charger: stop the order itself")
        stop = StopCharge(order.id, order.port)
        sent, answered = self.calls.send(order.charger_id, STOP, stop)
        self._repetitions.keep(request, sent.id)
        stopped_for(track, StopReason.OPERATOR, self.calendar, answered)
        self.write_late(_commanded(order.tenant_id, order.charger_id, body, caller.token_id))
        return sent, answered

    def is_at_hand(self, caller: Caller, charger_id: int, wanted: NewCommand) -> bool:
        """Whether it stops what is known here without the database."""
        return wanted.name == STOP and self._to_be_stopped(caller, charger_id, wanted) is not None

    def _to_be_stopped(self, caller: Caller, charger_id: int, wanted: NewCommand) -> Track | None:
        track = None if wanted.port is None else self.book.on_port(charger_id, wanted.port)
        is_theirs = track is not None and caller.tenant_id in (None, track.order.tenant_id)
        return track if is_theirs else None

    def _sent_before(self, charger_id: int, request: RequestKey | None) -> ChargerCall | None:
        command_id = self._repetitions.known(request)
        return None if command_id is None else self.calls.get(charger_id, command_id)

    async def get(self, caller: Caller, charger_id: int, command_id: int) -> ChargerCall:
        """
        A command that was sent before.

        @raise NotFound: if it never was, or is forgotten by now.
        """
        charger = await self.chargers.get(caller.tenant_id, charger_id)
        return self.calls.get(charger.id, command_id)


def routes(commanding: Commanding) -> list[Route]:
    """The routes of commands."""

    async def send(call: Call) -> CommandShown | Later:
        sent, answered = await commanding.send(
            call.caller, call.id("charger_id"), call.body, request_key(call)
        )
        if answered is None:
            on_its_way = sent.state is CallState.SENT
            return Later(show(sent)) if on_its_way else show(sent)
        if call.prefer_async:
            commanding.calls.forget(answered)
            return Later(show(sent))
        await answered
        return show(sent)

    async def get(call: Call) -> CommandShown:
        charger_id, command_id = call.id("charger_id"), call.id("command_id")
        return show(await commanding.get(call.caller, charger_id, command_id))

    return [
        Route(
            method=Method.POST,
            path="/chargers/{charger_id}/commands",
            held_by=HeldBy.CHARGER,
            summary="Send a command; wait for the answer unless Prefer: respond-async",
            permission="chargers:command",
            body=NewCommand,
            answer=CommandShown,
            tag="chargers",
            may_be_later=True,
            refusals=(NotFound, ChargerOffline, Conflict, CommandTimedOut, Overloaded, Refusal),
            run=send,
        ),
        Route(
            method=Method.GET,
            path="/chargers/{charger_id}/commands/{command_id}",
            held_by=HeldBy.CHARGER,
            summary="Show what became of a command",
            permission="chargers:read",
            answer=CommandShown,
            tag="chargers",
            refusals=(NotFound,),
            run=get,
        ),
    ]


def _check_args(wanted: NewCommand) -> None:
    if wanted.args and wanted.name in BARE_COMMANDS:
        what = f"are not for {wanted.name}"
        raise Invalid(f"args {what}", errors=[{"pointer": "/args", "detail": what}])


def _commanded(tenant_id: int, charger_id: int, wanted: NewCommand, token_id: int) -> Decision:
    body = {
        "name": wanted.name,
        "port": wanted.port,
        "args": dict(wanted.args),
        "by": str(token_id),
    }
    return Decision(log=(LogEntry("charger.commanded", tenant_id, body, charger_id),))


def _command(
    charger: Charger, wanted: NewCommand, calendar: Calendar
) -> tuple[Command, str | None]:
    """The command, and the permission that it needs besides the one to command."""
    if wanted.name == "set_time":
        return SetTime(int(calendar.now().timestamp())), None
    own = own_command(wanted.name, wanted.args, wanted.port)
    if own is not None:
        return own
    fields = dict(wanted.args)
    if wanted.port is not None:
        fields["port"] = wanted.port
    return VendorCall(charger.dialect, wanted.name, fields), None


def _nothing_to_stop(wanted: NewCommand) -> Refusal:
    if wanted.port is None:
        what = "is needed to stop"
        return Invalid(f"a port {what}", errors=[{"pointer": "/port", "detail": what}])
    return Conflict(f"port {wanted.port} has no running order")
