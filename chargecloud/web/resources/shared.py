"""What the resources share: who is asking about what, and how lists are told."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeVar

from attrs import evolve

from chargecloud.registry.editing import Editor
from chargecloud.registry.tokens import PLATFORM
from chargecloud.routes import Call, Page
from chargecloud.storage.once import RequestKey

T = TypeVar("T")
V = TypeVar("V")


def request_key(call: Call) -> RequestKey | None:
    """The key that makes a repeated request have its effect once, if it has one."""
    if call.request_key is None:
        return None
    tenant_id = PLATFORM if call.caller.tenant_id is None else call.caller.tenant_id
    return RequestKey(tenant_id, call.request_key, call.fingerprint)


def part_of(request: RequestKey | None, name: object) -> RequestKey | None:
    """The key of one part of a request that has many, each of which has its effect once."""
    if request is None:
        return None
    return evolve(request, key=sha256(f"{request.key} {name}".encode()).hexdigest())


def editor(call: Call) -> Editor:
    """Who edits, and on top of what."""
    return Editor(tenant_id=call.caller.tenant_id, token_id=call.caller.token_id, seen=call.seen)


def page(found: tuple[Sequence[T], str | None], show: Callable[[T], V]) -> Page[V]:
    """A page of a list, as it is answered."""
    items, following = found
    return Page(tuple(show(item) for item in items), following)
