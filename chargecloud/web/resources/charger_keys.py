"""C{/chargers/{charger_id}/keys}"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.charging.rekeying import Rekeying
from chargecloud.domain.errors import Conflict, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.registry.keys import Keys, KeyState
from chargecloud.routes import Call, HeldBy, Method, Route


@frozen(kw_only=True)
class KeysShown:
    """How a charger stands with its keys."""

    generation: int = whole("counts its keys, from 1; 0 of a charger that needs none")
    has_key: bool = choice("whether it has one: without, it cannot log in")
    is_changing: bool = choice("whether it is to make the next one, and has not used it yet")
    since: datetime | None = choice("when it got its present one")


@frozen(kw_only=True)
class KeyGiven:
    """A key that somebody puts into a charger by hand."""

    key: str | None = text("in hexadecimal; made if it is not given", default=None)


@frozen(kw_only=True)
class KeyMade(KeysShown):
    """How it stands then."""

    key: str = text("in hexadecimal: shown here and not again")


def _fields(state: KeyState) -> dict[str, Any]:
    return {
        "generation": state.generation,
        "has_key": state.has_key,
        "is_changing": state.is_changing,
        "since": state.since,
    }


def routes(keys: Keys, rekeying: Rekeying, hang_up: Callable[[int], None]) -> list[Route]:
    """
    The routes of chargers' keys.

    @param hang_up: ends a charger's connection.
    """

    async def get(call: Call) -> KeysShown:
        state = await keys.get(call.caller.tenant_id, call.id("charger_id"))
        return KeysShown(**_fields(state))

    async def change(call: Call) -> KeysShown:
        charger_id = call.id("charger_id")
        state, following = await keys.change(
            call.caller.tenant_id, charger_id, call.caller.token_id
        )
        rekeying.tell(charger_id, following)
        return KeysShown(**_fields(state))

    async def replace(call: Call) -> KeyMade:
        charger_id, body = call.id("charger_id"), call.body
        state, key = await keys.replace(
            call.caller.tenant_id, charger_id, body.key, call.caller.token_id
        )
        hang_up(charger_id)
        return KeyMade(**_fields(state), key=key.hex())

    async def revoke(call: Call) -> None:
        charger_id = call.id("charger_id")
        await keys.revoke(call.caller.tenant_id, charger_id, call.caller.token_id)
        hang_up(charger_id)

    path, tag = "/chargers/{charger_id}/keys", "chargers"
    return [
        Route(
            method=Method.GET,
            path=path,
            summary="Show how a charger stands with its keys; no key itself",
            permission="chargers:read",
            answer=KeysShown,
            tag=tag,
            refusals=(NotFound,),
            run=get,
        ),
        Route(
            method=Method.POST,
            path=path,
            held_by=HeldBy.CHARGER,
            summary="Have a charger make its next key, now or when it logs in",
            permission="chargers:write",
            answer=KeysShown,
            tag=tag,
            refusals=(NotFound, Conflict),
            run=change,
        ),
        Route(
            method=Method.PUT,
            path=path,
            summary="Give a charger another key, to be put into it by hand; it is shown once",
            permission="chargers:write",
            body=KeyGiven,
            answer=KeyMade,
            tag=tag,
            refusals=(NotFound, Conflict),
            run=replace,
        ),
        Route(
            method=Method.DELETE,
            path=path,
            summary="A charger's key is lost: nobody logs in with it any more",
            permission="chargers:write",
            answer=None,
            tag=tag,
            refusals=(NotFound, Conflict),
            run=revoke,
        ),
    ]
