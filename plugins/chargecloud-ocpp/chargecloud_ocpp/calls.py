"""OCPP-J 1.6, section 4: calls and their results as JSON arrays."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from chargecloud_ocpp.codes import ErrorCode

CALL, RESULT, ERROR = 2, 3, 4

#: characters of an id that we take; of ours 36 may be, and some put braces around a UUID
LONGEST_ID_TAKEN = 128
#: brackets within each other; a charging profile has seven
DEEPEST = 32
#: characters of the description of an error (section 4.2.3)
LONGEST_DESCRIPTION = 255

#: text, as it must be; a number, from those who count: an answer says it as it came
Id = str | int


@frozen
class Call:
    """The far side wants something, or we do."""

    id: Id
    action: str
    payload: Mapping[str, Any]


@frozen
class Result:
    """The call of that id is done."""

    id: Id
    payload: Mapping[str, Any]


@frozen
class Error:
    """The call of that id has failed.

    @ivar code: one of L{ErrorCode}, or whatever the far side calls it.
    """

    id: Id
    code: str
    description: str = ""
    details: Mapping[str, Any] = {}


@frozen
class Unreadable:
    """
    A text that is no message.

    @ivar reason: for the log.
    @ivar code: that a CALLERROR about it has.
    @ivar id: of the message, where it can be found.
    @ivar type: L{CALL}, L{RESULT} or L{ERROR} where it can be found: only a call is answered,
        and a result ends the waiting of ours.
    """

    reason: str
    code: ErrorCode = ErrorCode.FORMATION_VIOLATION
    id: Id | None = None
    type: int | None = None


Message = Call | Result | Error

# how a message begins, with one comma too many or none
_BEGIN: Final = re.compile(r'\s*\[[\s,]*"?([234])"?[\s,]+(?:"([^"\\]{1,128})"|(\d{1,18})\b)')

# brackets, and texts that may have some in them; a text without an end takes all that is left
_BRACKETS: Final = re.compile(r'"(?:[^"\\]+|\\.?)*+"?|[\[\]{}]', re.DOTALL)


def parse(text: str) -> Message | Unreadable:
    """
    The message that a text is.

    Of two members of the same name the last one counts.  A missing or null payload is an empty
    one, as is an empty list; what stands behind the last element is not looked at.
    """
    if _is_too_deep(text):
        return _unreadable(text, "brackets too deep within each other")
    try:
        elements = json.loads(text, parse_float=_float, parse_constant=_constant)
        if "\\u" in text:
            # half of a surrogate pair is a text that nobody can write down
            json.dumps(elements, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        return _unreadable(text, f"no JSON: {type(error).__name__}: {str(error)[:100]}")
    if not isinstance(elements, list):
        return Unreadable("not an array")
    return _message(elements)


def write(message: Message) -> str:
    """
    A message as text, as short as it can be.

    @raise ValueError: for an id that is too long, or a number that JSON does not have.
    """
    if isinstance(message.id, str) and len(message.id) > LONGEST_ID_TAKEN:
        raise ValueError(f"an id of {len(message.id)} characters")
    match message:
        case Call(id, action, payload):
            elements = [CALL, id, action, payload]
        case Result(id, payload):
            elements = [RESULT, id, payload]
        case Error(id, code, description, details):
            elements = [ERROR, id, str(code), description[:LONGEST_DESCRIPTION], details]
    return json.dumps(elements, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _message(elements: list[Any]) -> Message | Unreadable:
    kind, mark, *rest = [*elements, None, None][: max(2, len(elements))]
    # some write all that they have as text
    kind = int(kind) if kind in ("2", "3", "4") else kind
    if not isinstance(kind, int) or kind not in (CALL, RESULT, ERROR):
        return Unreadable("of no type that there is")
    if isinstance(mark, bool) or not isinstance(mark, str | int):
        return Unreadable("without an id", type=kind)
    if len(str(mark)) > LONGEST_ID_TAKEN:
        return Unreadable("with too long an id", type=kind)
    first, second, third = [*rest, None, None, None][:3]
    if kind == CALL:
        if not isinstance(first, str):
            return Unreadable("without an action", id=mark, type=kind)
        payload = _object(second)
        if payload is None:
            return Unreadable(f"{first[:50]} without an object", id=mark, type=kind)
        return Call(mark, first, payload)
    if kind == RESULT:
        payload = _object(first)
        if payload is None:
            return Unreadable("a result that is no object", id=mark, type=kind)
        return Result(mark, payload)
    code = first if isinstance(first, str) else ErrorCode.GENERIC_ERROR.value
    return Error(mark, code, second if isinstance(second, str) else "", _object(third) or {})


def _object(element: Any) -> Mapping[str, Any] | None:
    if element is None or element == []:
        return {}
    return element if isinstance(element, dict) else None


def _unreadable(text: str, reason: str) -> Unreadable:
    begin = _BEGIN.match(text)
    if begin is None:
        return Unreadable(reason)
    kind, mark, number = begin.groups()
    return Unreadable(reason, id=mark if number is None else int(number), type=int(kind))


def _is_too_deep(text: str) -> bool:
    # most messages have fewer brackets than may be within each other, and are not looked at
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(text):
        if bracket in "[{":
            depth += 1
            if depth > DEEPEST:
                return True
        elif bracket in "]}":
            depth -= 1
    return False


def _float(written: str) -> float:
    value = float(written)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number beyond all bounds")
    return value


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no number")
