"""C{/chargers/claim}, C{/chargers/{charger_id}/release} and C{/chargers/{charger_id}/board}"""

from collections.abc import Callable

from attrs import frozen

from chargecloud.domain.errors import Conflict, NotFound
from chargecloud.domain.fields import choice, text
from chargecloud.registry.batches import label
from chargecloud.registry.pool import Pool, WrongClaim
from chargecloud.registry.register import Register
from chargecloud.routes import Call, Id, Method, Route
from chargecloud.web.resources.charger_views import ChargerShown, Shown


@frozen(kw_only=True)
class Claim:
    """What an installer reads off a charger, and where it stands."""

    identity: str = text("on its label", longest=64)
    code: str = text("on its label", longest=40, example="7Q4M-2XKD-9TRB")
    site_id: Id = choice("where it stands now")
    name: str | None = text("what people call it; its identity if not given", default=None)


@frozen(kw_only=True)
class Board:
    """The label of a board that takes the place of a charger's."""

    identity: str = text("on its label", longest=64)
    code: str = text("on its label", longest=40)


@frozen(kw_only=True)
class Released:
    """A charger that is nobody's any more."""

    identity: str = text("of the charger")
    code: str = text("to claim it with: shown here and not again")
    label: str = text("what its new QR code says")


def routes(
    pool: Pool, register: Register, shown: Shown, hang_up: Callable[[int], None]
) -> list[Route]:
    """
    The routes of chargers that come and go.

    @param hang_up: ends a charger's connection.
    """

    async def claim(call: Call) -> ChargerShown:
        body: Claim = call.body
        charger = await pool.claim(
            call.caller.tenant_id,
            identity=body.identity,
            code=body.code,
            site_id=body.site_id,
            name=body.name,
            by=call.caller.token_id,
        )
        return shown.brief(await register.get(charger.tenant_id, charger.id))

    async def release(call: Call) -> Released:
        charger_id = call.id("charger_id")
        charger = (await register.get(call.caller.tenant_id, charger_id)).charger
        code = await pool.release(call.caller.tenant_id, charger_id, call.caller.token_id)
        hang_up(charger_id)
        return Released(identity=charger.identity, code=code, label=label(charger.identity, code))

    async def board(call: Call) -> ChargerShown:
        charger_id, body = call.id("charger_id"), call.body
        await pool.replace_board(
            call.caller.tenant_id,
            charger_id,
            identity=body.identity,
            code=body.code,
            by=call.caller.token_id,
        )
        hang_up(charger_id)
        return shown.brief(await register.get(call.caller.tenant_id, charger_id))

    return [
        Route(
            method=Method.POST,
            path="/chargers/claim",
            summary="Put a charger from its factory at a site, by the code on its label",
            permission="chargers:write",
            body=Claim,
            answer=ChargerShown,
            tag="chargers",
            refusals=(WrongClaim, NotFound, Conflict),
            run=claim,
        ),
        Route(
            method=Method.POST,
            path="/chargers/{charger_id}/release",
            summary="Give a charger up: it can be claimed again, with a new code",
            permission="chargers:write",
            answer=Released,
            tag="chargers",
            refusals=(NotFound, Conflict),
            run=release,
        ),
        Route(
            method=Method.POST,
            path="/chargers/{charger_id}/board",
            summary="A charger gets a new board: another identity and key, and the same place",
            permission="chargers:write",
            body=Board,
            answer=ChargerShown,
            tag="chargers",
            refusals=(WrongClaim, NotFound, Conflict),
            run=board,
        ),
    ]
