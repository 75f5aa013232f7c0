"""What the resources share: who is asking about what, and how lists are told."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from chargecloud.domain.errors import Invalid
from chargecloud.registry.tokens import PLATFORM
from chargecloud.routes import Call, Page
from chargecloud.storage.ids import MOST_ID
from chargecloud.storage.once import RequestKey

T = TypeVar("T")
V = TypeVar("V")


def request_key(call: Call) -> RequestKey | None:
    """The key that makes a repeated request have its effect once, if it has one."""
    if call.request_key is None:
        return None
    tenant_id = PLATFORM if call.caller.tenant_id is None else call.caller.tenant_id
    return RequestKey(tenant_id, call.request_key, call.fingerprint)


def page(found: tuple[Sequence[T], str | None], show: Callable[[T], V]) -> Page[V]:
    """A page of a list, as it is answered."""
    items, following = found
    return Page(tuple(show(item) for item in items), following)


def id_of(text: str, field: str) -> int:
    """
    An id from a body.

    @raise Invalid: if it is none.
    """
    return _id(text, field, {"pointer": f"/{field}"})


def maybe_id(text: str | None, field: str) -> int | None:
    """The same, for an id that may be absent."""
    return None if text is None else id_of(text, field)


def asked_id(text: str | None, parameter: str) -> int | None:
    """
    An id from a query, if it is there.

    @raise Invalid: if it is none.
    """
    return None if text is None else _id(text, parameter, {"parameter": parameter})


def _id(text: str, name: str, place: dict[str, str]) -> int:
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MOST_ID:
        return int(text)
    what = "is not an id"
    raise Invalid(f"{name} {what}", errors=[place | {"detail": what}])


def id_text(value: int | None) -> str | None:
    """An id as JSON has it: 64 bits are more than every reader of JSON counts exactly."""
    return None if value is None else str(value)
