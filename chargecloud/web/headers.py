"""What the headers of a request say, as pure functions of their raw values."""

import re
import secrets
from collections.abc import Sequence

from chargecloud.web.problems import BadRequest, Language, NotAuthenticated

#: what we take over from a client as the id of its request: it goes into our logs
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}", re.ASCII)

#: as long as the column that keeps it; any visible ASCII, so a UUID and a quoted
#: string of the IETF draft both pass as they are
_REQUEST_KEY = re.compile(rb"[\x21-\x7e]{1,255}")

#: the entity-tag of a version
_VERSION = re.compile(rb'"([0-9]{1,9})"')

#: RFC 6750: the scheme in any case, then the token's own alphabet
_BEARER = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)


def bearer_token(authorization: Sequence[bytes]) -> str:
    """
    The token of an Authorization header.

    @raise NotAuthenticated: if there is none, or the header has another form.
    """
    if not authorization:
        raise NotAuthenticated("a bearer token is needed")
    match = _BEARER.fullmatch(authorization[0])
    if match is None or len(authorization) > 1:
        raise NotAuthenticated("the Authorization header must be 'Bearer' and a token")
    return match[1].decode()


def request_id(given: Sequence[bytes]) -> str:
    """The X-Request-Id that the client gave, or a new one if that is not fit for a log."""
    if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]):
        return given[0].decode()
    return secrets.token_hex(8)


def request_key(given: Sequence[bytes]) -> str | None:
    """
    The Idempotency-Key.

    @raise BadRequest: if it is empty, too long, or not visible ASCII.
    """
    if not given:
        return None
    if len(given) > 1 or not _REQUEST_KEY.fullmatch(given[0]):
        raise BadRequest("the Idempotency-Key must be one of 1 to 255 visible ASCII characters")
    return given[0].decode()


def prefers_async(prefer: Sequence[bytes]) -> bool:
    """Whether Prefer asks for an answer before the work is done (RFC 7240)."""
    return any(
        preference.partition(b";")[0].strip().lower() == b"respond-async"
        for value in prefer
        for preference in value.split(b",")
    )


def is_of(media_type: str, content_type: Sequence[bytes]) -> bool:
    """Whether Content-Type says so; parameters do not matter, since all that we take is
    UTF-8 in any case."""
    return len(content_type) == 1 and (
        content_type[0].partition(b";")[0].strip().lower() == media_type.encode()
    )


def seen_versions(if_match: Sequence[bytes]) -> frozenset[int] | None:
    """The versions of our entity-tags in If-Match (RFC 9110, section 13.1.1); C{None} if any
    will do.  A tag that is none of ours matches nothing."""
    tags = [tag.strip() for value in if_match for tag in value.split(b",")]
    if not tags or tags == [b"*"]:
        return None
    found = (_VERSION.fullmatch(tag) for tag in tags)
    return frozenset(int(each[1]) for each in found if each)


def last_event_id(given: Sequence[bytes]) -> str | None:
    """The Last-Event-ID, if there is one; an empty one says that none was seen."""
    return b",".join(given).decode("latin-1") or None


def entity_tag(version: int) -> str:
    """The entity-tag of a version."""
    return f'"{version}"'


def language(accept_language: Sequence[bytes]) -> Language:
    """The language that Accept-Language weighs highest; English if it names none of ours."""
    best, best_weight = Language.EN, 0.0
    for entry in b",".join(accept_language).lower().split(b","):
        tag, _, parameter = entry.partition(b";")
        name = tag.strip().partition(b"-")[0].decode("latin-1")
        weight = _weight(parameter)
        if weight > best_weight and name in ("en", "zh"):
            best, best_weight = Language(name), weight
    return best


def _weight(parameter: bytes) -> float:
    name, _, value = parameter.strip().partition(b"=")
    if name.strip() != b"q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
