"""Answering: one request, carried out and put into a response."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from twisted.logger import Logger
from twisted.web.iweb import IRequest

from chargecloud.domain.errors import Overloaded, Refusal
from chargecloud.routes import Call
from chargecloud.storage.writer import TROUBLES
from chargecloud.web import headers, problems
from chargecloud.web.operations import Operation
from chargecloud.web.problems import Fault

log = Logger()

#: the body of the response, if it is another node's
Elsewhere = Callable[[Operation, Call, IRequest], Awaitable[bytes | None]]


async def serve_one(
    operation: Operation,
    request: IRequest,
    path: dict[str, str],
    elsewhere: Elsewhere | None = None,
) -> bytes:
    """Answer one request.

    @param elsewhere: carries an operation out at another node, if it belongs there.
    """
    try:
        call = await operation.read(request, path)
        answered = None if elsewhere is None else await elsewhere(operation, call, request)
        if answered is not None:
            return answered
        status, body = await operation.carry_out(call, request)
    except Refusal as refusal:
        return refuse(request, refusal)
    except Exception as error:
        identity = request.responseHeaders.getRawHeaders("X-Request-Id")[0]
        log.failure(
            "{method} {path} failed, request {request_id}",
            method=operation.route.method.value,
            path=path_of(request),
            request_id=identity,
        )
        if isinstance(error, TROUBLES):
            return refuse(request, Overloaded("the database is away", request_id=identity))
        return refuse(request, Fault("the fault is ours", request_id=identity))
    return respond(request, status, operation.route.media_type, body)


def refuse(request: IRequest, refusal: Refusal) -> bytes:
    """Answer with a problem."""
    language = headers.language(request.requestHeaders.getRawHeaders(b"accept-language", []))
    for name, value in problems.headers(refusal).items():
        request.setHeader(name, value)
    return respond(
        request,
        problems.kind_of(type(refusal)).status,
        "application/problem+json",
        problems.write(refusal, path_of(request), language),
    )


def respond(request: IRequest, status: int, content_type: str, body: bytes) -> bytes:
    """Answer with a body."""
    # Twisted has no words of its own for 422
    request.setResponseCode(status, HTTPStatus(status).phrase.encode())
    if body:
        request.setHeader("Content-Type", content_type)
        request.setHeader("Content-Length", str(len(body)))
    return body


def path_of(request: IRequest) -> str:
    """The path that was asked for, as text."""
    path: bytes = request.path
    return path.decode("ascii", "replace")
