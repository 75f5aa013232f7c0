"""C{/chargers/{charger_id}/commands}"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.calls import Calls, CallState, ChargerCall, Repetitions
from chargecloud.charging.stopping import stopped_for
from chargecloud.charging.tracking import Track
from chargecloud.domain.commands import Command, SetTime, StopCharge, VendorCall
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
from chargecloud.registry.chargers import Charger, Chargers
from chargecloud.routes import Call, Id, Later, Method, Route
from chargecloud.web.problems import NotPermitted
from chargecloud.web.resources.own_commands import OWN_COMMANDS, own_command
from chargecloud.web.resources.shared import request_key

#: commands that are made of the platform's own state, and take no arguments
BARE_COMMANDS = frozenset({"stop", "set_time"})


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


def routes(
    chargers: Chargers,
    book: OrderBook,
    calls: Calls,
    calendar: Calendar,
    write_down: Callable[[Decision], Any],
) -> list[Route]:
    """
    The routes of commands.

    @param write_down: commits who has commanded what, before the charger hears of it.
    """
    repetitions = Repetitions()

    async def send(call: Call) -> CommandShown | Later:
        charger = await chargers.get(call.caller.tenant_id, call.id("charger_id"))
        request, body = request_key(call), call.body
        before = repetitions.known(request)
        if before is not None:
            repeated = calls.get(charger.id, before)
            on_its_way = repeated.state is CallState.SENT
            return Later(show(repeated)) if on_its_way else show(repeated)
        _check_args(body)
        track = _to_be_stopped(book, charger, body) if body.name == "stop" else None
        command, permission = _command(charger, body, track, calendar)
        if permission is not None and not call.caller.may(permission):
            raise NotPermitted(f"the token does not allow {permission}", permission=permission)
        await write_down(_commanded(charger, body, call.caller.token_id))
        sent, answered = calls.send(charger.id, body.name, command)
        repetitions.keep(request, sent.id)
        if track is not None:
            stopped_for(track, StopReason.OPERATOR, calendar.now(), answered)
        if call.prefer_async:
            calls.forget(answered)
            return Later(show(sent))
        await answered
        return show(sent)

    async def get(call: Call) -> CommandShown:
        charger = await chargers.get(call.caller.tenant_id, call.id("charger_id"))
        return show(calls.get(charger.id, call.id("command_id")))

    return [
        Route(
            method=Method.POST,
            path="/chargers/{charger_id}/commands",
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


def _commanded(charger: Charger, wanted: NewCommand, token_id: int) -> Decision:
    body = {
        "name": wanted.name,
        "port": wanted.port,
        "args": dict(wanted.args),
        "by": str(token_id),
    }
    return Decision(log=(LogEntry("charger.commanded", charger.tenant_id, body, charger.id),))


def _command(
    charger: Charger, wanted: NewCommand, track: Track | None, calendar: Calendar
) -> tuple[Command, str | None]:
    """The command, and the permission that it needs besides the one to command."""
    if track is not None:
        return StopCharge(track.order.id, track.order.port), None
    if wanted.name == "set_time":
        return SetTime(int(calendar.now().timestamp())), None
    own = own_command(wanted.name, wanted.args, wanted.port)
    if own is not None:
        return own
    fields = dict(wanted.args)
    if wanted.port is not None:
        fields["port"] = wanted.port
    return VendorCall(charger.dialect, wanted.name, fields), None


def _to_be_stopped(book: OrderBook, charger: Charger, wanted: NewCommand) -> Track:
    if wanted.port is None:
        what = "is needed to stop"
        raise Invalid(f"a port {what}", errors=[{"pointer": "/port", "detail": what}])
    track = book.on_port(charger.id, wanted.port)
    if track is None:
        raise Conflict(f"port {wanted.port} has no running order")
    return track
