"""An operation: a route, and all that is made of it once so that a request costs little."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from attrs import frozen
from cattrs import Converter
from twisted.internet.defer import Deferred
from twisted.web.iweb import IRequest

from chargecloud.routes import JSON, SIGNED, Call, Caller, Download, Later, Route
from chargecloud.web import headers, json_text
from chargecloud.web.converters import answer_converter, body_converter, query_converter
from chargecloud.web.downloads import send
from chargecloud.web.event_stream import EventStream
from chargecloud.web.problems import (
    BadRequest,
    BodyTooLarge,
    NotAuthenticated,
    NotJson,
    NotPermitted,
    WrongMediaType,
)
from chargecloud.web.reading import body_reader, query_reader

#: bytes of a body: an import of a thousand chargers is a fifth of it, and a hundred
#: clients that send it at once do not fill the memory of a small machine
BODY_LIMIT = 1024 * 1024

#: finds out who a token belongs to; C{None} if nobody
Authenticate = Callable[[str], "Deferred[Caller | None]"]

#: who calls a route that is open to the world: nobody, in a tenant that cannot exist
#: (none at all would mean the platform's administrator, and zero is the platform's own)
NOBODY = Caller(token_id=-1, tenant_id=-1, permissions=frozenset())


@frozen
class Converters:
    """One of each kind; they keep what they once made for a class, and know nothing else."""

    body: Converter
    query: Converter
    answer: Converter

    @classmethod
    @cache
    def shared(cls) -> "Converters":
        """Those of all operations: what is made for a class takes longer than many requests."""
        return cls(body_converter(), query_converter(), answer_converter())


@frozen
class Operation:
    """
    A route that is ready to be called.

    @ivar read_body: of plain JSON values, an instance of the route's body class.
    @ivar read_query: of the text behind the question mark, one of its query class.
    @ivar write: of an answer, the bytes of a response.
    """

    route: Route
    authenticate: Authenticate
    read_body: Callable[[Any], Any]
    read_query: Callable[[str], Any]
    write: Callable[[Any], bytes]

    @classmethod
    def of(cls, route: Route, authenticate: Authenticate, converters: Converters) -> "Operation":
        """The operation of a route."""
        plain = converters.answer.get_unstructure_hook(route.answer)
        return cls(
            route,
            authenticate,
            body_reader(converters.body, route.body or _Nothing)
            if route.consumes == JSON
            else lambda content: content,
            query_reader(converters.query, route.query or _Nothing),
            (lambda answer: json_text.write(plain(answer)))
            if route.media_type == JSON
            else str.encode,
        )

    async def read(self, request: IRequest, path: dict[str, str]) -> Call:
        """
        What a request asks.

        @raise Refusal: if whoever asks may not, or it cannot be understood.
        """
        return self._call(request, await self._admit(request), path)

    async def carry_out(self, call: Call, request: IRequest) -> tuple[int, bytes]:
        """
        Do what a request asks.

        @return: status and body of the response; its entity-tag is set on the request.
        @raise Refusal: if it is not done.
        """
        answer = self.route.run(call)
        if isinstance(answer, Awaitable):
            answer = await answer
        if isinstance(answer, EventStream):
            await answer.serve(request)
            return HTTPStatus.OK, b""
        if isinstance(answer, Download):
            await send(answer, self.route.media_type, request)
            return self.route.status, b""
        if answer is None:
            return HTTPStatus.NO_CONTENT, b""
        if isinstance(answer, Later):
            return HTTPStatus.ACCEPTED, self.write(answer.answer)
        if self.route.is_versioned:
            request.setHeader("ETag", headers.entity_tag(answer.version))
        return self.route.status, self.write(answer)

    async def _admit(self, request: IRequest) -> Caller:
        permission = self.route.permission
        if permission is None:
            return NOBODY
        token = headers.bearer_token(_raw(request, b"authorization"))
        caller = await self.authenticate(token)
        if caller is None:
            raise NotAuthenticated("the token is not known")
        if not caller.may(permission):
            raise NotPermitted(f"the token does not allow {permission}", permission=permission)
        return caller

    def _call(self, request: IRequest, caller: Caller, path: dict[str, str]) -> Call:
        # what is signed is known again by what it says
        is_signed = self.route.consumes == SIGNED
        key = None if is_signed else headers.request_key(_raw(request, b"idempotency-key"))
        values = self._body_values(request)
        query = request.uri.partition(b"?")[2].decode("ascii", "replace")
        return Call(
            caller=caller,
            path=path,
            body=self.read_body(values) if self.route.body else None,
            query=self.read_query(query) if self.route.query or query else None,
            request_key=key,
            given=frozenset(values) if isinstance(values, dict) else frozenset(),
            seen=headers.seen_versions(_raw(request, b"if-match"))
            if self.route.is_versioned
            else None,
            last_event_id=headers.last_event_id(_raw(request, b"last-event-id")),
            fingerprint=_fingerprint(request, values) if key else "",
            headers=_all_headers(request) if is_signed else {},
            prefer_async=headers.prefers_async(_raw(request, b"prefer")),
        )

    def _body_values(self, request: IRequest) -> Any:
        """The body as plain values; a route without a body takes none, or an empty object
        as many a client sends it."""
        content = request.content.read(BODY_LIMIT + 1)
        if len(content) > BODY_LIMIT:
            raise BodyTooLarge(f"a body may have {BODY_LIMIT} bytes", limit_bytes=BODY_LIMIT)
        if self.route.body is None:
            if content.strip() not in (b"", b"{}"):
                raise BadRequest("this operation takes no body")
            return None
        wanted = self.route.consumes
        if wanted == SIGNED:
            return content
        if not headers.is_of(wanted, _raw(request, b"content-type")):
            refusal = NotJson if wanted == JSON else WrongMediaType
            raise refusal(f"the Content-Type of the body must be {wanted}")
        return json_text.parse(content) if wanted == JSON else _text(content)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not UTF-8 at its byte {error.start}") from error


@frozen
class _Nothing:
    """The body or query of a route that has none."""


def _raw(request: IRequest, name: bytes) -> Sequence[bytes]:
    return request.requestHeaders.getRawHeaders(name) or ()


def _all_headers(request: IRequest) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }


def _fingerprint(request: IRequest, values: Any) -> str:
    """What two requests under one key must share to be the same request."""
    parts = (request.method, request.path, json_text.write_canonical(values))
    return sha256(b"\n".join(parts)).hexdigest()
