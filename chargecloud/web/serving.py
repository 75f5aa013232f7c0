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
from functools import lru_cache
from time import monotonic
from typing import cast

from attrs import evolve
from klein import Klein
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from werkzeug.exceptions import BadHost, HTTPException, MethodNotAllowed

from chargecloud.domain.errors import NotFound
from chargecloud.routes import Call, Route
from chargecloud.web import headers, json_text
from chargecloud.web.answering import path_of, refuse, respond, serve_one
from chargecloud.web.api_page import POLICY, StaticFile, static_files
from chargecloud.web.forwarding import Forwarding
from chargecloud.web.openapi import document, full_path, operation_id
from chargecloud.web.operations import Authenticate, Converters, Operation
from chargecloud.web.problems import BadRequest, NoSuchMethod

log = Logger()


#: told of each request that was answered: its route, the status, and the seconds that it took
Answered = Callable[[Route, int, float], None]


def make_resource(
    routes: Sequence[Route],
    authenticate: Authenticate,
    answered: Answered = lambda _route, _status, _took_s: None,
    forwarding: Forwarding | None = None,
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
        operation = Operation.of(route, authenticate, converters)
        if forwarding is not None:
            forwarding.know(operation)
        _attach(app, operation, answered, forwarding)

    @app.handle_errors(HTTPException)
    def no_route(request: IRequest, failure: Failure) -> bytes:
        error, path = failure.value, path_of(request)
        if isinstance(error, MethodNotAllowed):
            allowed = sorted(error.valid_methods or ())
            return refuse(request, NoSuchMethod(f"{path} allows {', '.join(allowed)}", allowed))
        return refuse(request, NotFound(f"there is nothing at {path}"))

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
                return refuse(request, BadRequest("the path has U+0000"))
            b"".join(given(b"host", [])).decode()
            answer: int | bytes = self._inner.render(request)
            return answer
        except (UnicodeDecodeError, BadHost):
            return refuse(request, BadRequest("the path or the Host header is malformed"))


@lru_cache(maxsize=4)
def _description(routes: Sequence[Route]) -> bytes:
    # written once for platforms of one process that have the same routes: it takes a quarter of
    # a second, and trials have many platforms
    return json_text.write(document(routes))


def _nothing(_call: Call) -> None:
    """What carries routes out is not in their description."""


def _describe(app: Klein, routes: Sequence[Route]) -> None:
    description = _description(
        tuple(
            evolve(route, run=_nothing, held_by=None, refusals=tuple(route.refusals))
            for route in routes
        )
    )

    @app.route("/openapi.json", methods=["GET"])
    def openapi(request: IRequest) -> bytes:
        return respond(request, 200, "application/json", description)


def _attach_page(app: Klein) -> None:
    for path, file in static_files().items():
        _attach_file(app, path, file)

    @app.route("/", methods=["GET"])
    def show_the_way(request: IRequest) -> bytes:
        # whoever has only the address finds what can be done there
        request.setHeader("Location", "/docs")
        return respond(request, 303, "text/plain", b"")


def _attach_file(app: Klein, path: str, file: StaticFile) -> None:
    @app.route(path, methods=["GET"], endpoint=path)
    def send(request: IRequest) -> bytes:
        request.setHeader("Content-Security-Policy", POLICY)
        request.setHeader("Cache-Control", "no-cache")
        if file.is_compressed:
            request.setHeader("Content-Encoding", "gzip")
        return respond(request, 200, file.media_type, file.content)


def _attach(
    app: Klein, operation: Operation, answered: Answered, forwarding: Forwarding | None
) -> None:
    route = operation.route
    elsewhere = forwarding.elsewhere if forwarding and route.held_by else None

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
        body = await serve_one(operation, request, path, elsewhere)
        answered(route, cast(Request, request).code, monotonic() - began_s)
        return body
