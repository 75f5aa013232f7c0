"""Reading: plain values of a body, or the text of a query, into attrs classes.

Every fault is found at once, and each is told with its place.  A field's validator sees
its one value; rules that join several fields belong into C{__attrs_post_init__}, which
raises L{ValueError} like a validator.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import attrs
from cattrs import Converter
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)

from chargecloud.domain.errors import Invalid
from chargecloud.routes import wire_name
from chargecloud.web.json_text import is_keepable
from chargecloud.web.problems import BadRequest

#: faults told at once: more than a person reads, and still an answer of some kilobytes
#: to a body that is a megabyte of faults
FAULT_LIMIT = 100
#: parameters in one query: five times what our longest list takes
PARAMETER_LIMIT = 100


def body_reader(converter: Converter, body: Any) -> Callable[[Any], Any]:
    """
    What makes an instance of a body class of plain JSON values.

    @return: a function that raises L{Invalid} with C{errors}, each C{{pointer, detail}}.
    """
    structure = converter.get_structure_hook(body)

    def read(value: Any) -> Any:
        try:
            return structure(value, body)
        except Exception as error:
            found = [
                {"pointer": "".join(f"/{_escape(step)}" for step in place), "detail": detail}
                for place, detail in islice(_faults(error, ()), FAULT_LIMIT)
            ]
            raise Invalid("the body has values that are not allowed", errors=found) from error

    return read


def query_reader(converter: Converter, query: Any) -> Callable[[str], Any]:
    """
    What makes an instance of a query class of the text behind the question mark.

    @return: a function that raises L{Invalid} with C{errors}, each C{{parameter, detail}},
        and L{BadRequest} for a text that is no query.
    """
    structure = converter.get_structure_hook(query)

    def read(text: str) -> Any:
        values, found = parameters(text)
        try:
            made = structure(values, query)
        except Exception as error:
            found += [
                {"parameter": ".".join(map(str, place)), "detail": detail}
                for place, detail in islice(_faults(error, ()), FAULT_LIMIT)
            ]
        if found:
            raise Invalid("the query has values that are not allowed", errors=found)
        return made

    return read


def parameters(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """
    The parameters of a query by name, and a fault for each name that comes twice.

    @raise BadRequest: if the text is no query, or too long a one.
    """
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=PARAMETER_LIMIT
        )
    except ValueError as error:
        raise BadRequest("the query is not UTF-8, or has too many parameters") from error
    values: dict[str, str] = {}
    twice: dict[str, dict[str, str]] = {}
    for name, value in pairs:
        if not (is_keepable(name) and is_keepable(value)):
            raise BadRequest("the query has text with U+0000")
        if name in values:
            twice[name] = {"parameter": name, "detail": "is given twice"}
        values[name] = value
    return values, list(twice.values())


def _faults(
    error: Exception, place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The faults of a value with the place of each; what is no fault of the value is
    raised as it is."""
    if isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            yield from _faults(inner, place + _step(inner))
    elif isinstance(error, ForbiddenExtraKeysError):
        known = ", ".join(wire_name(each.name) for each in attrs.fields(error.cl))
        for name in sorted(error.extra_fields):
            yield (*place, name), f"is none of {known}" if known else "is not known"
    elif isinstance(error, KeyError):
        yield place, "is missing"
    elif isinstance(error, ValueError):
        yield place, str(error)
    else:
        raise error


def _step(error: BaseException) -> tuple[str | int, ...]:
    """The last step of the way to where an error was found, from cattrs's note of it."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return (wire_name(note.name),)
        if isinstance(note, IterableValidationNote):
            return (note.index,)
    return ()


def _escape(step: str | int) -> str:
    """A step of a JSON pointer (RFC 6901)."""
    return str(step).replace("~", "~0").replace("/", "~1")
