"""C{/sandbox}: the payer's side, and how the sandbox behaves."""

from typing import Any

from attrs import frozen

from chargecloud.domain.errors import ChannelRefused, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.features.sandbox.channel import SandboxChannel
from chargecloud.features.sandbox.manners import Manners
from chargecloud.routes import Call, Id, Method, Route


@frozen(kw_only=True)
class SandboxPaid:
    """A payment that was paid in the sandbox."""

    payment_id: Id = choice("its id")
    amount_fen: int = whole("what was paid, in fen")
    transaction: str = text("the sandbox's own number of it")


def routes(channel: SandboxChannel) -> list[Route]:
    """The routes of the sandbox."""

    def pay(call: Call) -> SandboxPaid:
        number = call.id("payment_id")
        fact = channel.pay(call.caller.tenant_id, str(number))
        assert fact.amount_fen is not None
        assert fact.transaction is not None
        return SandboxPaid(
            payment_id=number, amount_fen=fact.amount_fen, transaction=fact.transaction
        )

    def behave(call: Call) -> None:
        if call.caller.tenant_id is not None:
            raise NotFound("the sandbox is the platform's")
        channel.manners = call.body

    common: dict[str, Any] = {"tag": "sandbox"}
    return [
        Route(
            method=Method.POST,
            path="/sandbox/payments/{payment_id}/pay",
            summary="Pay, as somebody who has scanned the sandbox's code",
            permission="payments:write",
            answer=SandboxPaid,
            refusals=(NotFound, ChannelRefused),
            run=pay,
            **common,
        ),
        Route(
            method=Method.POST,
            path="/sandbox/manners",
            summary="Have the sandbox behave badly, or well again",
            permission="sandbox:write",
            body=Manners,
            answer=None,
            refusals=(NotFound,),
            run=behave,
            **common,
        ),
    ]
