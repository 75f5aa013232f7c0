"""C{PATCH /chargers/{charger_id}} and C{/chargers/{charger_id}/decommission}"""

from collections.abc import Callable
from enum import Enum
from typing import Any

from attrs import frozen

from chargecloud.domain.charger import SystemState
from chargecloud.domain.errors import Conflict, Edited, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.registry.editing import Editing
from chargecloud.registry.register import Register
from chargecloud.routes import Call, Id, Method, Route
from chargecloud.web.resources.charger_views import ChargerShown, Shown
from chargecloud.web.resources.chargers import MOST_RATED_W
from chargecloud.web.resources.shared import editor


class Service(Enum):
    """What an edit may let a charger do; it goes for good by its own route."""

    IN_SERVICE = "in_service"
    OUT_OF_SERVICE = "out_of_service"


@frozen(kw_only=True)
class ChargerEdit:
    """What is to be changed; what is not given stays."""

    name: str = text("what people call it", default=None)
    site_id: Id = choice("where it stands from now on; not while it charges", default=None)
    status: Service = choice("whether people may begin to charge there", default=None)
    rated_w: int = whole("in W, at the most", least=1, most=MOST_RATED_W, default=None)
    vendor: str | None = text("who made it", default=None)
    owner: str | None = text("who owns it, if not the company", default=None)
    imei: str | None = text("of its modem", default=None, longest=20)
    iccid: str | None = text("of its SIM", default=None, longest=20)


@frozen(kw_only=True)
class Decommissioning:
    """Why a charger goes for good."""

    reason: str = text("why", example="replaced by a box of 20 ports")


def routes(
    editing: Editing,
    register: Register,
    shown: Shown,
    hang_up: Callable[[int], None],
    service_changed: Callable[[int], None],
) -> list[Route]:
    """
    The routes by which chargers are edited.

    @param hang_up: ends a charger's connection.
    @param service_changed: tells a charger that it is in or out of service from now on.
    """

    async def edit(call: Call) -> ChargerShown:
        charger_id, body = call.id("charger_id"), call.body
        changes = {name: getattr(body, name) for name in call.given}
        if "status" in changes:
            changes["status"] = SystemState(body.status.value)
        await editing.charger(editor(call), charger_id, changes)
        if "status" in changes:
            service_changed(charger_id)
        return shown.brief(await register.get(call.caller.tenant_id, charger_id))

    async def decommission(call: Call) -> ChargerShown:
        charger_id = call.id("charger_id")
        await editing.decommission(editor(call), charger_id, call.body.reason)
        hang_up(charger_id)
        return shown.brief(await register.get(call.caller.tenant_id, charger_id))

    common: dict[str, Any] = {
        "permission": "chargers:write",
        "answer": ChargerShown,
        "tag": "chargers",
        "is_versioned": True,
    }
    return [
        Route(
            method=Method.PATCH,
            path="/chargers/{charger_id}",
            summary="Edit a charger",
            body=ChargerEdit,
            refusals=(NotFound, Edited, Conflict),
            run=edit,
            **common,
        ),
        Route(
            method=Method.POST,
            path="/chargers/{charger_id}/decommission",
            summary="Take a charger away for good; what it did is kept",
            body=Decommissioning,
            refusals=(NotFound, Edited, Conflict),
            run=decommission,
            **common,
        ),
    ]
