"""How each type is written: in a body, in a query, in an answer.

=============  ============================  =====================================
type           JSON                          query
=============  ============================  =====================================
text           string                        the word itself
whole number   number without . and e        decimal digits
id             string of decimal digits      the same
number         number                        decimal, C{1.5e3}
flag           true, false                   C{true}, C{false}
enumeration    its value                     its value
date           C{"2026-03-01"}               the same
instant        RFC 3339 with an offset       the same (+ is written %2B)
tuple, list    array                         not there
dict, Mapping  object                        not there
attrs class    object, unknown keys refused  the query itself
=============  ============================  =====================================

Nothing is coerced.  Instants are read into UTC, and must be aware to be answered.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any, get_origin

import attrs
from cattrs import Converter
from cattrs.cols import (
    homogenous_tuple_structure_factory,
    is_mapping,
    list_structure_factory,
    mapping_structure_factory,
)
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from chargecloud.routes import Id, read_id, wire_name
from chargecloud.web import simple_types

Structure = Callable[[Any, Any], Any]

#: items of one array or object of a body: ten times our longest import, while finding a
#: fault in each of them keeps the reactor for a tenth of a second and not for three
ITEM_LIMIT = 10_000


def body_converter() -> Converter:
    """Structures the plain values of a JSON body."""
    converter = _structuring()
    converter.register_structure_hook(str, simple_types.text)
    converter.register_structure_hook(bool, simple_types.flag)
    converter.register_structure_hook(int, simple_types.whole)
    converter.register_structure_hook(float, simple_types.number)
    return converter


def query_converter() -> Converter:
    """Structures the words of a query."""
    converter = _structuring()
    converter.register_structure_hook(str, simple_types.text)
    converter.register_structure_hook(bool, simple_types.flag_word)
    converter.register_structure_hook(int, simple_types.whole_word)
    converter.register_structure_hook(float, simple_types.number_word)
    return converter


def answer_converter() -> Converter:
    """Unstructures answers into plain JSON values."""
    converter = Converter()
    converter.register_unstructure_hook(datetime, simple_types.write_instant)
    converter.register_unstructure_hook(date, date.isoformat)
    converter.register_unstructure_hook_func(_is_id, str)
    converter.register_unstructure_hook_factory(_is_renamed, _renamed)
    return converter


def _structuring() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook(datetime, simple_types.instant)
    converter.register_structure_hook(date, simple_types.day)
    converter.register_structure_hook_func(_is_id, lambda given, _kind: read_id(given))
    converter.register_structure_hook_factory(_is_enum, _member)
    for is_kind, given, words, factory in (
        (is_mapping, dict, "must be an object", mapping_structure_factory),
        (_is_tuple, list, "must be an array", homogenous_tuple_structure_factory),
        (_is_list, list, "must be an array", list_structure_factory),
        (attrs.has, dict, "must be an object", _attrs_class),
    ):
        converter.register_structure_hook_factory(is_kind, _guarded(given, words, factory))
    return converter


# ------------------------------------------------------------------------ compound types


def _is_id(kind: Any) -> bool:
    return bool(kind == Id)


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


def _guarded(
    given: type[Any], words: str, factory: Callable[[Any, Converter], Structure]
) -> Callable[[Any, Converter], Structure]:
    """A factory whose structure functions see values of the given type only."""

    def make(kind: Any, converter: Converter) -> Structure:
        structure = factory(kind, converter)

        def guard(value: Any, kind: Any) -> Any:
            if not isinstance(value, given):
                raise ValueError(words)
            if len(value) > ITEM_LIMIT:
                raise ValueError(f"must have at most {ITEM_LIMIT} items")
            return structure(value, kind)

        return guard

    return make


def _attrs_class(kind: Any, converter: Converter) -> Structure:
    """Its fields' validators run field by field, so that each fault has its own place;
    left to the constructor, the first would hide the rest."""
    attrs.resolve_types(kind)
    overrides = {
        field.name: override(
            rename=wire_name(field.name),
            struct_hook=_validated(field, converter) if field.validator is not None else None,
        )
        for field in attrs.fields(kind)
        if field.validator is not None or wire_name(field.name) != field.name
    }
    return make_dict_structure_fn(kind, converter, **overrides)  # type: ignore[arg-type]


def _is_renamed(kind: Any) -> bool:
    return attrs.has(kind) and any(
        wire_name(field.name) != field.name for field in attrs.fields(get_origin(kind) or kind)
    )


def _renamed(kind: Any, converter: Converter) -> Callable[[Any], Any]:
    attrs.resolve_types(kind)
    names = {field.name: override(rename=wire_name(field.name)) for field in attrs.fields(kind)}
    return make_dict_unstructure_fn(kind, converter, **names)  # type: ignore[arg-type]


def _validated(field: "attrs.Attribute[Any]", converter: Converter) -> Structure:
    structure = converter.get_structure_hook(field.type)
    validate: Any = field.validator

    def make(given: Any, kind: Any) -> Any:
        value = structure(given, kind)
        validate(None, field, value)
        return value

    return make


def _member(kind: type[Enum]) -> Structure:
    members: Mapping[str, Enum] = {str(member.value): member for member in kind}
    words = "must be one of " + ", ".join(members)

    def make(given: Any, _kind: Any) -> Any:
        if isinstance(given, str) and given in members:
            return members[given]
        raise ValueError(words)

    return make
