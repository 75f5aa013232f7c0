"""Operations on what another node holds: it carries them out, and we hand its answer on.

Each node asks who calls, and refuses what may not be asked; the node that holds the charger is
told who it was, and does the rest as if it had been asked itself.
"""

from io import BytesIO
from typing import Any

from attrs import asdict, define, evolve, field
from twisted.internet.defer import succeed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IRequest

from chargecloud.domain.errors import NodesApart, NotFound
from chargecloud.nodes.elsewhere import Elsewhere
from chargecloud.nodes.post import Post
from chargecloud.routes import Call, Caller, HeldBy, Method
from chargecloud.storage.writer import TROUBLES
from chargecloud.web.answering import serve_one
from chargecloud.web.openapi import operation_id
from chargecloud.web.operations import Operation

#: longer than any command, and any operation that waits for one
DEADLINE_S = 40.0
#: what of a request's headers an operation reads, besides its token
_TOLD = (
    b"accept-language",
    b"content-type",
    b"idempotency-key",
    b"if-match",
    b"prefer",
    b"x-request-id",
)
#: what of the response's headers is ours
_OURS = frozenset({b"x-request-id", b"cache-control"})


class Forwarded:
    """A request that came by another node; as much of one as an operation reads and writes."""

    def __init__(self, told: Any) -> None:
        self.method: bytes = told["method"]
        self.uri: bytes = told["uri"]
        self.path: bytes = self.uri.partition(b"?")[0]
        self.content = BytesIO(told["content"])
        self.requestHeaders = Headers(dict(told["headers"]))
        self.requestHeaders.setRawHeaders(b"authorization", [b"Bearer of-another-node"])
        self.responseHeaders = Headers({b"X-Request-Id": [told["request_id"]]})
        self.code = 200

    def setHeader(self, name: str | bytes, value: str | bytes) -> None:  # noqa: N802
        """As of a request."""
        raw = [each.encode() if isinstance(each, str) else each for each in (name, value)]
        self.responseHeaders.setRawHeaders(raw[0], [raw[1]])

    def setResponseCode(self, code: int, _message: bytes | None = None) -> None:  # noqa: N802
        """As of a request."""
        self.code = code


@define(eq=False)
class Forwarding:
    """
    @ivar _operations: what other nodes may ask of us.
    """

    holders: Elsewhere
    post: Post
    _operations: dict[str, Operation] = field(factory=dict, init=False)

    def know(self, operation: Operation) -> None:
        """An operation that this node serves, and so may be asked for by another."""
        if operation.route.held_by is not None:
            self._operations[operation_id(operation.route)] = operation
        self.post.answers["operation"] = self._asked

    async def elsewhere(self, operation: Operation, call: Call, request: IRequest) -> bytes | None:
        """Have an operation carried out by the node that holds its charger; C{None} if that is
        this one, or none."""
        if self.post.wire is None:
            # alone: the operation itself says what it lacks, should the database be away
            return None
        try:
            node = await self._holder(operation.route.held_by, call)
        except TROUBLES:
            # what is in memory here can be stopped; what needs the database says so itself
            return None
        if node is None:
            return None
        given = request.requestHeaders.getRawHeaders
        request.content.seek(0)
        body = {
            "operation": operation_id(operation.route),
            "method": request.method,
            "uri": request.uri,
            "path": call.path,
            "content": request.content.read(),
            "headers": [[name, values] for name in _TOLD if (values := given(name))],
            "request_id": request.responseHeaders.getRawHeaders(b"x-request-id")[0],
            "caller": asdict(call.caller) | {"permissions": sorted(call.caller.permissions)},
        }
        try:
            told = await self.post.ask(node, "operation", body, DEADLINE_S)
        except NodesApart:
            if operation.route.method is Method.GET:
                # what is written down can be shown; what is only in the other's memory is left out
                return None
            raise
        request.setResponseCode(told["status"])
        for name, values in told["headers"]:
            request.responseHeaders.setRawHeaders(name, values)
        answered: bytes = told["content"]
        return answered

    async def _holder(self, held_by: HeldBy | None, call: Call) -> int | None:
        if held_by is HeldBy.ORDER:
            return await self.holders.holder_of_order(call.id("order_id"))
        if held_by is HeldBy.PAID_ORDER:
            wanted = call.body.order
            return None if wanted is None else await self.holders.holder(wanted.charger_id)
        if "charger_id" in call.path:
            return await self.holders.holder(call.id("charger_id"))
        return await self.holders.holder(call.body.charger_id)

    async def _asked(self, told: Any) -> Any:
        operation = self._operations.get(told["operation"])
        if operation is None:
            raise NotFound("the node that holds the charger is of another version")
        caller = Caller(
            **told["caller"] | {"permissions": frozenset(told["caller"]["permissions"])}
        )
        here = evolve(operation, authenticate=lambda _token: succeed(caller))
        request: Any = Forwarded(told)
        content = await serve_one(here, request, told["path"])
        return {
            "status": request.code,
            "headers": [
                [name, values]
                for name, values in request.responseHeaders.getAllRawHeaders()
                if name.lower() not in _OURS
            ],
            "content": content,
        }
