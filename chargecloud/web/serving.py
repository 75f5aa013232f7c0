"""Serving: the routes that the rooms declare, as one resource of twisted.web.

A room declares a route and knows nothing of HTTP::

    @frozen(kw_only=True)
    class NewSite:
        name: str = text("what people call it", example="North Gate")

    @frozen(kw_only=True)
    class SiteShown:
        id: str = text("its id")
        name: str = text("what people call it")

    def add_site(call: Call) -> "Deferred[SiteShown]":
        return sites.add(call.caller.tenant_id, call.body.name, call.request_key)

    Route(
        method=Method.POST,
        path="/sites",
        summary="Add a site",
        tag="sites",
        permission="sites:write",
        body=NewSite,
        answer=SiteShown,
        status=201,
        refusals=(AlreadyExists,),
        run=add_site,
    )

A request passes through these stations, and the first that refuses it answers: the path
(404) and method (405), the token (401), its permission (403), the size (413) and type
(415) of the body, its text (400), its values and those of the query (422).  Then C{run}
is called.  What it returns, or what the Deferred or coroutine that it returns comes to,
is the answer, with the route's status; C{None} is 204, and L{Later} is 202.  What it
raises becomes a problem.

A client that goes away does not stop what it began: an order that is being opened is
opened to its end, and only the answer is lost.  So C{run}'s Deferred is never cancelled.
"""

import re
from collections.abc import Callable, Sequence
from http import HTTPStatus
from time import monotonic
from typing import cast

from klein import Klein
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from werkzeug.exceptions import BadHost, HTTPException, MethodNotAllowed

from chargecloud.domain.errors import NotFound, Overloaded, Refusal
from chargecloud.routes import Route
from chargecloud.storage.writer import TROUBLES
from chargecloud.web import headers, json_text, problems
from chargecloud.web.api_page import POLICY, StaticFile, static_files
from chargecloud.web.openapi import document, full_path, operation_id
from chargecloud.web.operations import Authenticate, Converters, Operation
from chargecloud.web.problems import BadRequest, Fault, NoSuchMethod

log = Logger()


#: told of each request that was answered: its route, the status, and the seconds that it took
Answered = Callable[[Route, int, float], None]


def make_resource(
    routes: Sequence[Route],
    authenticate: Authenticate,
    answered: Answered = lambda _route, _status, _took_s: None,
) -> Resource:
    """
    The resource that serves routes, and their description at C{/openapi.json}.

    @raise ValueError: if two routes have the same method and path, or the same words in it.
    @raise TypeError: if a body, query or answer has a type that JSON has no form for.
    """
    app = Klein()
    # or else //orders is answered with a redirection to whatever host the client named
    app.url_map.merge_slashes = False
    _describe(app, routes)
    _attach_page(app)
    converters = Converters.shared()
    for route in routes:
        _attach(app, Operation.of(route, authenticate, converters), answered)

    @app.handle_errors(HTTPException)
    def no_route(request: IRequest, failure: Failure) -> bytes:
        error, path = failure.value, _path(request)
        if isinstance(error, MethodNotAllowed):
            allowed = sorted(error.valid_methods or ())
            return _refuse(request, NoSuchMethod(f"{path} allows {', '.join(allowed)}", allowed))
        return _refuse(request, NotFound(f"there is nothing at {path}"))

    return _Front(app.resource())


class _Front(Resource):
    """What every request passes before Klein sees it: the headers that every response has,
    and what Klein would answer in its own words or not at all."""

    isLeaf = True

    def __init__(self, inner: IResource) -> None:
        super().__init__()
        self._inner = inner

    def render(self, request: IRequest) -> int | bytes:
        """Answer a request, whatever its method."""
        given = request.requestHeaders.getRawHeaders
        request.setHeader("X-Request-Id", headers.request_id(given(b"x-request-id", [])))
        request.setHeader("Cache-Control", "no-store")
        try:
            if not json_text.is_keepable(b"/".join(request.postpath).decode()):
                return _refuse(request, BadRequest("the path has U+0000"))
            b"".join(given(b"host", [])).decode()
            answer: int | bytes = self._inner.render(request)
            return answer
        except (UnicodeDecodeError, BadHost):
            return _refuse(request, BadRequest("the path or the Host header is malformed"))


def _describe(app: Klein, routes: Sequence[Route]) -> None:
    description = json_text.write(document(routes))

    @app.route("/openapi.json", methods=["GET"])
    def openapi(request: IRequest) -> bytes:
        return _respond(request, 200, "application/json", description)


def _attach_page(app: Klein) -> None:
    for path, file in static_files().items():
        _attach_file(app, path, file)

    @app.route("/", methods=["GET"])
    def show_the_way(request: IRequest) -> bytes:
        # whoever has only the address finds what can be done there
        request.setHeader("Location", "/docs")
        return _respond(request, 303, "text/plain", b"")


def _attach_file(app: Klein, path: str, file: StaticFile) -> None:
    @app.route(path, methods=["GET"], endpoint=path)
    def send(request: IRequest) -> bytes:
        request.setHeader("Content-Security-Policy", POLICY)
        request.setHeader("Cache-Control", "no-cache")
        if file.is_compressed:
            request.setHeader("Content-Encoding", "gzip")
        return _respond(request, 200, file.media_type, file.content)


def _attach(app: Klein, operation: Operation, answered: Answered) -> None:
    route = operation.route

    @app.route(
        re.sub(r"{(\w+)}", r"<\1>", full_path(route)),
        methods=[route.method.value],
        endpoint=operation_id(route),
    )
    def serve(request: IRequest, **path: str) -> Deferred[bytes]:
        # Klein cancels what it waits for when the client goes away: this one is all
        # that it can cancel, and the operation behind it goes on
        waiting: Deferred[bytes] = Deferred()
        ensureDeferred(timed(request, path)).chainDeferred(waiting)
        return waiting

    async def timed(request: IRequest, path: dict[str, str]) -> bytes:
        began_s = monotonic()
        body = await _serve(operation, request, path)
        answered(route, cast(Request, request).code, monotonic() - began_s)
        return body


async def _serve(operation: Operation, request: IRequest, path: dict[str, str]) -> bytes:
    try:
        status, body = await operation.carry_out(request, path)
    except Refusal as refusal:
        return _refuse(request, refusal)
    except Exception as error:
        identity = request.responseHeaders.getRawHeaders("X-Request-Id")[0]
        log.failure(
            "{method} {path} failed, request {request_id}",
            method=operation.route.method.value,
            path=_path(request),
            request_id=identity,
        )
        if isinstance(error, TROUBLES):
            return _refuse(request, Overloaded("the database is away", request_id=identity))
        return _refuse(request, Fault("the fault is ours", request_id=identity))
    return _respond(request, status, operation.route.media_type, body)


def _refuse(request: IRequest, refusal: Refusal) -> bytes:
    language = headers.language(request.requestHeaders.getRawHeaders(b"accept-language", []))
    for name, value in problems.headers(refusal).items():
        request.setHeader(name, value)
    return _respond(
        request,
        problems.kind_of(type(refusal)).status,
        "application/problem+json",
        problems.write(refusal, _path(request), language),
    )


def _respond(request: IRequest, status: int, content_type: str, body: bytes) -> bytes:
    # Twisted has no words of its own for 422
    request.setResponseCode(status, HTTPStatus(status).phrase.encode())
    if body:
        request.setHeader("Content-Type", content_type)
        request.setHeader("Content-Length", str(len(body)))
    return body


def _path(request: IRequest) -> str:
    path: bytes = request.path
    return path.decode("ascii", "replace")
