"""C{/chargers/{charger_id}/start-codes}"""

from attrs import frozen

from chargecloud.charging.start_codes import StartCodes
from chargecloud.domain.errors import Conflict, InsufficientFunds, NotFound, OutOfService
from chargecloud.domain.fields import choice, text, whole
from chargecloud.routes import Call, Id, Method, Route
from chargecloud.web.resources.shared import request_key


@frozen(kw_only=True)
class NewCode:
    """A code for one charge."""

    customer_id: Id = choice("who pays for the charge")
    port: int | None = whole(
        "at which port; whichever is plugged in, if not given", default=None, least=1, most=31
    )
    limit_wh: int | None = whole(
        "in Wh, a multiple of 100; until full, if not given", default=None, least=100, most=12_700
    )


@frozen(kw_only=True)
class CodeShown:
    """A code that was just made."""

    id: Id = choice("its id")
    charger_id: Id = choice("where it works")
    customer_id: Id = choice("who pays")
    code: str = text("16 digits, to be typed in at the charger")
    port: int | None = whole("at which port")
    limit_wh: int | None = whole("in Wh")


def routes(codes: StartCodes) -> list[Route]:
    """The route of start codes."""

    async def sell(call: Call) -> CodeShown:
        body: NewCode = call.body
        sold = await codes.sell(
            request_key(call),
            call.caller.tenant_id,
            call.id("charger_id"),
            customer_id=body.customer_id,
            port=body.port,
            limit_wh=body.limit_wh,
        )
        return CodeShown(
            id=sold.id,
            charger_id=sold.charger_id,
            customer_id=sold.customer_id,
            code=sold.code,
            port=sold.port,
            limit_wh=sold.limit_wh,
        )

    return [
        Route(
            method=Method.POST,
            path="/chargers/{charger_id}/start-codes",
            summary="Make a code that starts one charge where there is no network",
            permission="orders:write",
            body=NewCode,
            answer=CodeShown,
            status=201,
            tag="orders",
            refusals=(NotFound, Conflict, InsufficientFunds, OutOfService),
            run=sell,
        )
    ]
