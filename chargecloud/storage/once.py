"""Requests that have their effect once, however often they are sent.

The request's key is written in the decision that carries the request out, so that no
crash can part the two.
"""

from attrs import frozen
from sqlalchemy import Connection, select

from chargecloud.domain.decision import Decision, Insert, Stale
from chargecloud.domain.errors import RequestKeyReused
from chargecloud.storage.finding import Rows
from chargecloud.storage.schema import request_keys
from chargecloud.storage.store import Store


@frozen
class RequestKey:
    """
    @ivar key: what the one who asks calls the request; unique within the tenant.
    @ivar fingerprint: of what was asked, to tell a repetition from a mistake.
    """

    tenant_id: int
    key: str
    fingerprint: str


@frozen
class Made:
    """What a request made.

    @ivar repeated: whether it was made by an earlier sending of the same request.
    """

    resource_id: int
    repeated: bool = False


_REQUESTS = Rows(request_keys, select(request_keys.c.fingerprint, request_keys.c.resource_id))


async def known(store: Store, request: RequestKey | None) -> Made | None:
    """
    What an earlier sending of the request made, if there was one.

    @raise RequestKeyReused: if it asked for something else.
    """
    if request is None:
        return None
    asked = request

    def find(connection: Connection) -> tuple[str, int] | None:
        row = _REQUESTS.first(connection, tenant_id=asked.tenant_id, request_key=asked.key)
        return None if row is None else (row.fingerprint, row.resource_id)

    found = await store.read(find)
    if found is None:
        return None
    fingerprint, resource_id = found
    if fingerprint != request.fingerprint:
        raise RequestKeyReused("this Idempotency-Key came before with a different request")
    return Made(resource_id, repeated=True)


async def once(
    store: Store, request: RequestKey | None, resource_id: int, decision: Decision
) -> Made:
    """
    Commit what a request decided, unless an earlier sending of it did.

    @param resource_id: of what the decision makes.
    @raise Stale: if a guard of the decision itself missed.
    @raise RequestKeyReused: if the key came before with a different request.
    """
    if request is None:
        await store.writer.decide(decision)
        return Made(resource_id)
    row = {
        "tenant_id": request.tenant_id,
        "request_key": request.key,
        "fingerprint": request.fingerprint,
        "resource_id": resource_id,
    }
    try:
        # the key first: a repetition is to be known as such, not by what else it hits
        await store.writer.decide(Decision((Insert("request_keys", row),)) + decision)
    except Stale:
        made = await known(store, request)
        if made is None:
            raise
        return made
    return Made(resource_id)
