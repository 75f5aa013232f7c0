"""Schemas: attrs classes and their fields as JSON Schema (the dialect of OpenAPI 3.1).

The words and limits of a field come from its metadata, so what is documented is what
L{chargecloud.routes} checks.
"""

import inspect
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import attrs
from attrs import define, field
from cattrs import Converter

from chargecloud.routes import Id, wire_name

Schema = dict[str, Any]

_SIMPLE: Mapping[Any, Schema] = {
    Any: {},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    Id: {"type": "string", "pattern": "^[0-9]{1,19}$"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
}

#: members of a field's metadata that are words of JSON Schema
_LIMITS = ("minimum", "maximum", "minLength", "maxLength")


@define
class Schemas:
    """
    Makes schemas and collects those that have a name.

    @ivar converter: turns examples and defaults into plain values.
    @ivar components: schemas by name.
    """

    converter: Converter
    components: dict[str, Schema] = field(factory=dict)
    _names: dict[Any, str] = field(factory=dict)

    def of_answer(self, kind: Any) -> Schema:
        """The schema of what is sent: every field is there."""
        return self._of(kind, sent=True)

    def of_body(self, kind: Any) -> Schema:
        """The schema of what is received: fields with a default may be left out, unknown
        ones may not be there."""
        return self._of(kind, sent=False)

    def of_field(self, attribute: "attrs.Attribute[Any]", *, sent: bool = False) -> Schema:
        """The schema of a field of a class whose types are resolved, with its words and
        its limits."""
        schema = dict(self._of(attribute.type, sent=sent))
        metadata = attribute.metadata
        if "doc" in metadata:
            schema["description"] = metadata["doc"]
        schema |= {name: metadata[name] for name in _LIMITS if name in metadata}
        if metadata.get("example") is not None:
            schema["examples"] = [self.converter.unstructure(metadata["example"])]
        if not sent and attribute.default is not None and _is_value(attribute.default):
            schema["default"] = self.converter.unstructure(attribute.default)
        return schema

    def _of(self, kind: Any, *, sent: bool) -> Schema:
        if kind in _SIMPLE:
            return _SIMPLE[kind]
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            return self._one_of(arguments, sent=sent)
        if origin is list or (origin is tuple and arguments[1:] == (...,)):
            return {"type": "array", "items": self._of(arguments[0], sent=sent)}
        if origin in (dict, Mapping) and arguments[0] is str:
            return {"type": "object", "additionalProperties": self._of(arguments[1], sent=sent)}
        if attrs.has(kind) or (isinstance(kind, type) and issubclass(kind, Enum)):
            return self._named(kind, sent=sent)
        raise TypeError(f"{kind} has no form in JSON")

    def _one_of(self, kinds: tuple[Any, ...], *, sent: bool) -> Schema:
        schemas = [self._of(kind, sent=sent) for kind in kinds if kind is not NoneType]
        if NoneType not in kinds:
            return {"anyOf": schemas}
        if len(schemas) == 1 and isinstance(schemas[0].get("type"), str):
            return schemas[0] | {"type": [schemas[0]["type"], "null"]}
        return {"anyOf": [*schemas, {"type": "null"}]}

    def _named(self, kind: Any, *, sent: bool) -> Schema:
        """A reference to the schema of a class, which is made when it is first needed.

        Bodies come first, so a class that is body and answer has the form of a body."""
        if kind not in self._names:
            name = _name(kind)
            if name in self.components:
                # two rooms may use the same word: the later one says whose it is
                name = f"{kind.__module__}.{name}"
            self._names[kind] = name
            self.components[name] = {}
            self.components[name] |= self._class(kind, sent=sent)
        return {"$ref": f"#/components/schemas/{self._names[kind]}"}

    def _class(self, kind: Any, *, sent: bool) -> Schema:
        schema: Schema = {"description": _summary(get_origin(kind) or kind)}
        if isinstance(kind, type) and issubclass(kind, Enum):
            return schema | {"type": "string", "enum": [_word(member) for member in kind]}
        fields = fields_of(kind)
        required = [
            wire_name(each.name) for each in fields if sent or each.default is attrs.NOTHING
        ]
        schema["type"] = "object"
        schema["properties"] = {
            wire_name(each.name): self.of_field(each, sent=sent) for each in fields
        }
        if required:
            schema["required"] = required
        if not sent:
            schema["additionalProperties"] = False
        return schema


def fields_of(kind: Any) -> list["attrs.Attribute[Any]"]:
    """The fields of an attrs class, with their types resolved and with those of a generic
    one filled in."""
    origin = get_origin(kind) or kind
    attrs.resolve_types(origin)
    filled = dict(zip(getattr(origin, "__parameters__", ()), get_args(kind), strict=True))
    return [
        each.evolve(type=_fill(each.type, filled)) if filled else each
        for each in attrs.fields(origin)
        if each.init
    ]


def _summary(kind: type) -> str:
    """The first paragraph of a class's own docstring."""
    about = inspect.cleandoc(vars(kind).get("__doc__") or "")
    return " ".join(about.partition("\n\n")[0].split())


def _word(member: Enum) -> str:
    if isinstance(member.value, str):
        return member.value
    raise TypeError(f"{member} has a value that is no text")


def _fill(kind: Any, filled: Mapping[Any, Any]) -> Any:
    if kind in filled:
        return filled[kind]
    parameters = getattr(kind, "__parameters__", ())
    return kind[tuple(filled[each] for each in parameters)] if parameters else kind


def _name(kind: Any) -> str:
    """C{Page[Order]} is C{PageOfOrder}."""
    origin = get_origin(kind)
    if origin is None:
        return str(kind.__name__)
    return f"{origin.__name__}Of{'And'.join(_name(each) for each in get_args(kind))}"


def _is_value(default: Any) -> bool:
    """Whether a default is a value rather than a way to make one, or none at all."""
    return default is not attrs.NOTHING and not isinstance(default, attrs.Factory)  # type: ignore[arg-type]
