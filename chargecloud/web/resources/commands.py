"""C{/chargers/{charger_id}/commands}"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.calls import MOST_REMEMBERED, Calls, CallState, ChargerCall
from chargecloud.charging.tracking import Track
from chargecloud.domain.commands import Answer, Command, SetTime, StopCharge, VendorCall
from chargecloud.domain.errors import (
    ChargerOffline,
    CommandTimedOut,
    Conflict,
    Invalid,
    NotFound,
    Overloaded,
    Refusal,
    RequestKeyReused,
)
from chargecloud.domain.events import StopReason
from chargecloud.registry.chargers import Charger, Chargers
from chargecloud.routes import Call, Id, Later, Method, Route, choice, text, whole
from chargecloud.storage.once import RequestKey
from chargecloud.web.resources.shared import request_key


@frozen(kw_only=True)
class NewCommand:
    """A command to a charger."""

    name: str = text("stop, set_time, or one that the charger's dialect knows", longest=40)
    port: int | None = whole("which port", default=None, least=1, most=64)
    args: Mapping[str, Any] = field(
        factory=dict, metadata={"doc": "for a command that only the charger's dialect knows"}
    )


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


@define
class Repetitions:
    """The newest commands by the requests that sent them: a request that is sent again
    under its key moves no charger twice."""

    _sent: OrderedDict[tuple[int, str], tuple[str, int]] = field(factory=OrderedDict, init=False)

    def known(self, request: RequestKey | None) -> int | None:
        """
        The id of the command that an earlier sending of the request sent.

        @raise RequestKeyReused: if it asked for something else.
        """
        found = self._sent.get((request.tenant_id, request.key)) if request else None
        if request is None or found is None:
            return None
        fingerprint, call_id = found
        if fingerprint != request.fingerprint:
            raise RequestKeyReused("this Idempotency-Key came before with a different request")
        return call_id

    def keep(self, request: RequestKey | None, call_id: int) -> None:
        """A request has sent a command."""
        if request is None:
            return
        self._sent[request.tenant_id, request.key] = (request.fingerprint, call_id)
        if len(self._sent) > MOST_REMEMBERED:
            self._sent.popitem(last=False)


def routes(chargers: Chargers, book: OrderBook, calls: Calls, calendar: Calendar) -> list[Route]:
    """The routes of commands."""
    repetitions = Repetitions()

    async def send(call: Call) -> CommandShown | Later:
        charger = await chargers.get(call.caller.tenant_id, call.id("charger_id"))
        request, body = request_key(call), call.body
        before = repetitions.known(request)
        if before is not None:
            repeated = calls.get(charger.id, before)
            on_its_way = repeated.state is CallState.SENT
            return Later(show(repeated)) if on_its_way else show(repeated)
        track = _to_be_stopped(book, charger, body) if body.name == "stop" else None
        sent, answered = calls.send(charger.id, body.name, _command(charger, body, track, calendar))
        repetitions.keep(request, sent.id)
        if track is not None:
            _give_reason(track, answered)
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


def _command(
    charger: Charger, wanted: NewCommand, track: Track | None, calendar: Calendar
) -> Command:
    if track is not None:
        return StopCharge(track.order.id, track.order.port)
    if wanted.name == "set_time":
        return SetTime(int(calendar.now().timestamp()))
    fields = dict(wanted.args)
    if wanted.port is not None:
        fields["port"] = wanted.port
    return VendorCall(charger.dialect, wanted.name, fields)


def _to_be_stopped(book: OrderBook, charger: Charger, wanted: NewCommand) -> Track:
    if wanted.port is None:
        what = "is needed to stop"
        raise Invalid(f"a port {what}", errors=[{"pointer": "/port", "detail": what}])
    track = book.on_port(charger.id, wanted.port)
    if track is None:
        raise Conflict(f"port {wanted.port} has no running order")
    return track


def _give_reason(track: Track, answered: "Deferred[Answer]") -> None:
    """The end will be by the operator's will, unless the charger does not do it: then
    another reason may still come, and must not find this one in its place."""
    before, track.stop_reason = track.stop_reason, StopReason.OPERATOR

    def settled(outcome: Answer | Failure) -> Answer | Failure:
        done = isinstance(outcome, Answer) and outcome.accepted
        if not done and track.stop_reason is StopReason.OPERATOR:
            track.stop_reason = before
        return outcome

    answered.addBoth(settled)
