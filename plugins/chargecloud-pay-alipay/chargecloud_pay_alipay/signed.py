"""What is signed: the parameters of a request or a notice, and a member of an answer, as it is
written (https://opendocs.alipay.com/common/02kf5q, 02mse7)."""

import json
import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

_SPACE = re.compile(r"[ \t\r\n]*")
#: amounts are in yuan with a point: as text they stay what they are
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str)


def content_of(parameters: Mapping[str, str]) -> str:
    """What is signed of parameters: all, by their names."""
    return "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))


@frozen
class Member:
    """A member of a JSON object.

    @ivar raw: its value as it is written, which a signature is of.
    @ivar value: the value, with all its numbers as text.
    """

    raw: str
    value: Any


def members_of(text: str) -> Mapping[str, Member]:
    """
    The members of a JSON object.

    @raise ValueError: if it is none, or has two members of one name: which was signed?
    """
    found: dict[str, Member] = {}
    at = _expect(text, _skip(text, 0), "{")
    if text[at : at + 1] == "}":
        at += 1
    else:
        while True:
            if text[at : at + 1] != '"':
                raise ValueError(f"no name at {at}")
            name, at = _value(text, at)
            at = _expect(text, _skip(text, at), ":")
            start = at
            value, at = _value(text, at)
            if name in found:
                raise ValueError(f"{name!r} for the second time, at {start}")
            found[name] = Member(text[start:at], value)
            at = _skip(text, at)
            if text[at : at + 1] == "}":
                at += 1
                break
            at = _expect(text, at, ",")
    if _skip(text, at) != len(text):
        raise ValueError(f"more than an object, at {at}")
    return found


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _expect(text: str, at: int, what: str) -> int:
    if text[at : at + 1] != what:
        raise ValueError(f"no {what} at {at}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    matched = _SPACE.match(text, at)
    assert matched is not None, "it matches nothing, too"
    return matched.end()
