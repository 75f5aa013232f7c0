"""C{/chargers/{charger_id}/ocpp}: every operation of the central system, and what is kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import field, frozen
from sqlalchemy import Connection

from chargecloud.domain.commands import Answer, VendorCall
from chargecloud.domain.decision import LogEntry
from chargecloud.domain.errors import (
    ChargerOffline,
    CommandTimedOut,
    Conflict,
    Invalid,
    NotFound,
    NotSupported,
    Overloaded,
    Refusal,
)
from chargecloud.domain.fields import choice, text, whole
from chargecloud.interfaces import Platform
from chargecloud.registry.chargers import Charger, find_charger
from chargecloud.routes import Call, Method, Route
from chargecloud_ocpp.decoding import masked
from chargecloud_ocpp.effects import LIST_VERSION, Kind, effects, without_secrets
from chargecloud_ocpp.keeping import Kept, check_room, find_kept, keep
from chargecloud_ocpp.messages.checking import check
from chargecloud_ocpp.messages.reading import read
from chargecloud_ocpp.orders import OPERATIONS


@frozen(kw_only=True)
class Operation:
    """An operation that a charge point is to carry out."""

    payload: Mapping[str, Any] = field(
        factory=dict, metadata={"doc": "the request, by its table in docs/dialects/ocpp.rst"}
    )


@frozen(kw_only=True)
class OperationShown:
    """What a charge point has answered."""

    accepted: bool = choice("whether its status means yes; one without a status is a yes")
    code: str = text("ok, or why not")
    payload: Mapping[str, Any] = choice("the answer, or error and description")


@frozen(kw_only=True)
class KeptShown:
    """What a charge point was told to keep, as far as it was told here."""

    reservations: Mapping[str, Any] = choice("those that have not expired, by their numbers")
    list_version: int | None = whole(
        "of the local list; -1: it keeps none; null if nothing is known of it", least=-1
    )
    cards: Mapping[str, Any] = choice("the entries of the local list, by idTag")
    profiles: Mapping[str, Any] = choice("charging profiles, by their numbers")
    configuration: Mapping[str, Any] = choice("configuration keys, as they were read or set")
    certificates: Mapping[str, Any] = choice(
        "installed: the one that it has taken; offered: one that it has not, and what became of it"
    )


def routes(platform: Platform) -> Sequence[Route]:
    """The routes of OCPP."""

    def find(connection: Connection, call: Call) -> Charger:
        charger = find_charger(connection, call.caller.tenant_id, call.id("charger_id"))
        if charger.dialect != "ocpp":
            raise NotSupported(f"the charger speaks {charger.dialect}, and no OCPP")
        return charger

    async def operate(call: Call) -> OperationShown:
        action, payload = call.path["action"], dict(call.body.payload)
        if action not in OPERATIONS:
            raise NotFound(f"OCPP has no {action}; it has {', '.join(OPERATIONS)}")
        charger: Charger = await platform.read(lambda connection: find(connection, call))
        if faults := check(action, False, payload):
            errors = [{"pointer": f"/payload{each.path}", "detail": each.detail} for each in faults]
            raise Invalid(f"{action} cannot have that payload", errors=errors)
        if action == "SendLocalList":
            wanted = list(effects(action, payload, {}))
            await platform.read(lambda connection: check_room(connection, charger.id, wanted))
        body = {
            "name": action,
            "port": payload.get("connectorId"),
            "args": masked(payload),
            "by": str(call.caller.token_id),
        }
        entry = LogEntry("charger.commanded", charger.tenant_id, body, charger.id)
        await platform.log(entry)
        answer: Answer = await platform.send(charger.id, VendorCall("ocpp", action, payload))
        followed = list(effects(action, payload, answer.fields)) if answer.accepted else []
        if followed:
            now = platform.calendar.now()
            await platform.transact(
                lambda connection: keep(connection, charger.tenant_id, charger.id, followed, now)
            )
        return OperationShown(
            accepted=answer.accepted, code=answer.code, payload=without_secrets(answer.fields)
        )

    async def show(call: Call) -> KeptShown:
        def look(connection: Connection) -> Kept:
            return find_kept(connection, find(connection, call).id)

        kept: Kept = await platform.read(look)
        version = kept[Kind.LIST].get(LIST_VERSION)
        return KeptShown(
            reservations=_still(kept[Kind.RESERVATION], platform.calendar.now()),
            list_version=None if version is None else version["listVersion"],
            cards=kept[Kind.CARD],
            profiles=kept[Kind.PROFILE],
            configuration=kept[Kind.CONFIGURATION],
            certificates=kept[Kind.CERTIFICATE],
        )

    return (
        Route(
            method=Method.POST,
            path="/chargers/{charger_id}/ocpp/{action}",
            summary="Have a charge point carry out an operation of OCPP, and wait for its answer",
            permission="chargers:command",
            body=Operation,
            answer=OperationShown,
            tag="chargers",
            refusals=(NotFound, ChargerOffline, Conflict, CommandTimedOut, Overloaded, Refusal),
            run=operate,
        ),
        Route(
            method=Method.GET,
            path="/chargers/{charger_id}/ocpp",
            summary="Show what a charge point was told to keep",
            permission="chargers:read",
            answer=KeptShown,
            tag="chargers",
            refusals=(NotFound, Conflict),
            run=show,
        ),
    )


def _still(reservations: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """Those that have not come to their end."""

    def is_over(reservation: Mapping[str, Any]) -> bool:
        until = read("ReserveNow", False, reservation).values.get("expiryDate")
        return until is not None and until <= now

    return {name: each for name, each in reservations.items() if not is_over(each)}
