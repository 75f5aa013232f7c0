"""Routes: declared once, served by C{web}, shown by OpenAPI, used by every room and plugin.

A body, a query and an answer are attrs classes; the fields made with L{text}, L{whole}
and L{choice} carry their documentation and their limits with them.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, BinaryIO, Generic, TypeVar

from attrs import field, frozen

from chargecloud.domain.errors import NotFound, Refusal
from chargecloud.domain.fields import choice, text, whole

T = TypeVar("T")

#: what an answer is written as, unless its route says otherwise
JSON = "application/json"

#: of a body that comes byte by byte as it was sent, with the headers: it is signed
SIGNED = "*/*"

#: the type of a field that is an id: a whole number here, and text in JSON, where 64 bits
#: are more than every reader counts exactly
Id = Annotated[int, "id"]
MOST_ID = 2**63 - 1


def read_id(given: Any) -> int:
    """
    An id from its text.

    @raise ValueError: if it is none.
    """
    # more than 19 digits are not even tried
    if isinstance(given, str) and len(given) < 20 and given.isascii() and given.isdigit():
        value = int(given)
        if value <= MOST_ID:
            return value
    raise ValueError("is not an id")


def wire_name(field_name: str) -> str:
    """What a field is called in JSON: C{from_} is C{from}, which Python keeps to itself."""
    return field_name.removesuffix("_")


@frozen
class Page(Generic[T]):
    """A part of a list.

    @ivar next: cursor of the next part, C{None} at the end.
    """

    items: tuple[T, ...] = choice("the items, in a stable order")
    next: str | None = choice("cursor of the next page, null at the end", default=None)


@frozen
class Later:
    """An answer that is given before the work is done: HTTP status 202.

    @ivar answer: of the route's answer class.
    """

    answer: Any


@frozen
class Download:
    """
    An answer that is a file, sent as fast as the client takes it; of a route whose C{media_type}
    is none of JSON.

    @ivar file: open for reading; it is closed in the end.
    @ivar name: what to call it.
    """

    file: BinaryIO
    name: str


@frozen(kw_only=True)
class Paging:
    """The query of every list."""

    limit: int = whole("how many items at the most", default=50, least=1, most=500)
    cursor: str | None = text("where the last page ended", default=None)


@frozen
class Caller:
    """Who asks.

    @ivar tenant_id: C{None} for the platform's own administrator.
    @ivar permissions: what the token allows; C{"*"} is everything.
    """

    token_id: int
    tenant_id: int | None
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        """Whether the token allows it; C{"orders:write"} is also given by C{"orders:*"}."""
        room = permission.partition(":")[0]
        return bool(self.permissions & {"*", permission, f"{room}:*"})


@frozen
class Call:
    """One request, checked and taken apart.

    @ivar path: the variables of the path.
    @ivar body: an instance of the route's body class, or C{None}.
    @ivar query: an instance of the route's query class, or C{None}.
    @ivar request_key: the Idempotency-Key.
    @ivar prefer_async: whether the caller would rather not wait (C{Prefer: respond-async}).
    @ivar given: the fields that the body has, C{null} or not: what a PATCH changes.
    @ivar seen: the versions that the caller has seen (C{If-Match}); C{None}: whichever it is.
    @ivar last_event_id: where in a stream of events the caller was.
    @ivar headers: by their names in small letters, where the route takes what is L{SIGNED}.
    @ivar fingerprint: of method, path and body, to tell a repeated request from another
        one under the same key.
    """

    caller: Caller
    path: dict[str, str]
    body: Any = None
    query: Any = None
    request_key: str | None = None
    prefer_async: bool = False
    given: frozenset[str] = frozenset()
    seen: frozenset[int] | None = None
    last_event_id: str | None = None
    fingerprint: str = ""
    headers: Mapping[str, str] = field(factory=dict, repr=False)

    def id(self, name: str) -> int:
        """
        A path variable that is an id.

        @raise NotFound: if it is none, as for an id that does not exist.
        """
        try:
            return read_id(self.path[name])
        except ValueError:
            what = name.removesuffix("_id")
            raise NotFound(f"there is no {what} {self.path[name]}") from None


class Method(Enum):
    """The methods in use."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


class HeldBy(Enum):
    """What tells which charger an operation is about: where there are several nodes, the one
    that holds the charger carries it out."""

    #: C{charger_id}, in the path or in the body
    CHARGER = "charger_id"
    #: C{order.charger_id} in the body, if there is one
    PAID_ORDER = "order.charger_id"
    #: C{order_id}, in the path
    ORDER = "order_id"


@frozen(kw_only=True)
class Route:
    """
    One operation of the HTTP API.

    @ivar path: below the base, with variables in braces: C{"/orders/{order_id}/bill"}.
    @ivar permission: what the caller's token must allow, C{None} for nobody in particular
        (such a route is open to the world).
    @ivar run: given a L{Call}, returns the answer or a Deferred of it.
    @ivar answer: class of the answer.
    @ivar status: HTTP status of success.
    @ivar may_be_later: whether the answer may be a L{Later}, when the caller prefers that.
    @ivar refusals: what it may refuse besides what every route may (bad input, token,
        permission).
    @ivar base: where the path hangs.
    @ivar is_versioned: whether the answer has a C{version}, which becomes its entity-tag; an
        edit may then say in C{If-Match} which one it is made on top of.
    @ivar consumes: the media type of the body; any but JSON comes as text, as it is, and what is
        L{SIGNED} as bytes.
    @ivar held_by: what tells where it is carried out, if not at any node.
    @ivar media_type: of the answer; of any but JSON, C{answer} is C{str}, and goes as it is,
        unless it is a L{Download}.
    """

    method: Method
    path: str
    summary: str
    answer: Any
    run: Callable[[Call], Any]
    permission: str | None
    tag: str
    body: Any = None
    query: Any = None
    status: int = 200
    may_be_later: bool = False
    refusals: Sequence[type[Refusal]] = ()
    base: str = "/api/v1"
    is_versioned: bool = False
    consumes: str = JSON
    held_by: HeldBy | None = None
    media_type: str = JSON
