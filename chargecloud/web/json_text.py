"""JSON as text: reading it strictly, writing it compactly.

What passes L{parse} can be kept by every database and written out again: numbers are
finite, text is well-formed Unicode without U+0000, nothing is nested deeper than we walk.
"""

import json
import math
from typing import Any

from chargecloud.web.problems import BadRequest

#: as deep as arrays and objects may lie in each other: four times what our bodies need,
#: and far from the depth at which Python's own recursion ends
NESTING_LIMIT = 32


def parse(content: bytes) -> Any:
    """
    The plain values of a JSON text.

    @raise BadRequest: if it is no JSON, saying where it stops being so; or if it says
        something twice or what we could not keep.
    """
    try:
        value = _read(content.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise BadRequest(
            f"the body is not JSON: {error.msg}", line=error.lineno, column=error.colno
        ) from error
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise BadRequest(_TOO_DEEP) from error
    except ValueError as error:
        # what is left: a whole number of more digits than Python converts
        raise BadRequest("the body has a number that is too long") from error
    _check(value, 0)
    return value


_TOO_DEEP = f"the body is nested deeper than {NESTING_LIMIT} levels"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, item in pairs:
        if name in value:
            raise BadRequest(f"the body has the key {name[:50]!a} twice in one object")
        value[name] = item
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise BadRequest(f"the body has {text[:20]} where a finite number must be")
    return number


def _check(value: Any, depth: int) -> None:
    """Refuse what JSON allows and we could not keep."""
    if isinstance(value, str):
        if not is_keepable(value):
            raise BadRequest("the body has text with U+0000 or half of a surrogate pair")
    elif isinstance(value, dict | list):
        if depth == NESTING_LIMIT:
            raise BadRequest(_TOO_DEEP)
        if isinstance(value, dict):
            for name in value:
                _check(name, depth + 1)
            value = value.values()
        for item in value:
            _check(item, depth + 1)


def is_keepable(text: str) -> bool:
    """Whether a text can be encoded as UTF-8 and kept by PostgreSQL, which has no U+0000."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_read = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_finite, parse_constant=_finite
).decode
_write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_write_sorted = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
).encode


def write(value: Any) -> bytes:
    """The JSON text of plain values."""
    return _write(value).encode()


def write_canonical(value: Any) -> bytes:
    """The JSON text that equal values share, whatever the order of their keys."""
    return _write_sorted(value).encode()
