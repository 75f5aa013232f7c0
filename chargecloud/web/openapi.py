"""The OpenAPI 3.1 document of the routes that are served."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from types import NoneType
from typing import Any, Union, get_args

import attrs

from chargecloud import __version__
from chargecloud.domain.errors import Edited, Invalid, Overloaded, Refusal, RequestKeyReused
from chargecloud.routes import JSON, SIGNED, Method, Route, wire_name
from chargecloud.web.converters import answer_converter
from chargecloud.web.problems import (
    BadRequest,
    BodyTooLarge,
    NotAuthenticated,
    NotJson,
    NotPermitted,
    WrongMediaType,
    kind_of,
)
from chargecloud.web.schemas import Schema, Schemas, fields_of

#: the form of every problem
PROBLEM: Schema = {
    "description": "Why a request was not carried out (RFC 9457), with the facts of it beside.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "errors": {
            "description": "each fault with its place: a JSON pointer, or a parameter's name",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "format": "json-pointer"},
                    "parameter": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance"],
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """
    The document.

    @raise ValueError: if two routes have the same method and path, or paths whose words
        are the same, so that their operations would have one name.
    @raise TypeError: if a body, query or answer has a type that JSON has no form for.
    """
    schemas = Schemas(answer_converter(), components={"Problem": PROBLEM})
    for route in routes:
        if route.body is not None:
            _body_schema(route, schemas)
    paths: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for route in routes:
        if operation_id(route) in names:
            raise ValueError(f"the operation {operation_id(route)} is declared twice")
        names.add(operation_id(route))
        methods = paths.setdefault(full_path(route), {})
        methods[route.method.value.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "ChargeCloud", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def full_path(route: Route) -> str:
    """The path from the root, with variables in braces."""
    return route.base + route.path


def operation_id(route: Route) -> str:
    """
    A name that stays while method and path do: C{get_orders_order_id_bill}.

    The words of the base are left out where it is the usual one.
    """
    usual = attrs.fields_dict(Route)["base"].default
    path = route.path if route.base == usual else full_path(route)
    return "_".join([route.method.value.lower(), *re.findall(r"\w+", path)])


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": list(_parameters(route, schemas)),
        "responses": _responses(route, schemas),
        "security": [] if route.permission is None else [{"bearer": []}],
    }
    if route.permission is not None:
        operation["description"] = f"The token must allow `{route.permission}`."
    if route.body is not None:
        content = {route.consumes: {"schema": _body_schema(route, schemas)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _body_schema(route: Route, schemas: Schemas) -> dict[str, Any]:
    return schemas.of_body(route.body) if route.consumes == JSON else {"type": "string"}


def _parameters(route: Route, schemas: Schemas) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", full_path(route)):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for each in fields_of(route.query) if route.query is not None else ():
        schema = schemas.of_field(each.evolve(type=_without_none(each.type)))
        parameter = {
            "name": wire_name(each.name),
            "in": "query",
            "required": each.default is attrs.NOTHING,
        }
        yield parameter | {"description": schema.pop("description", ""), "schema": schema}
    if route.may_be_later:
        yield {
            "name": "Prefer",
            "in": "header",
            "description": "`respond-async` is answered before the work is done",
            "schema": {"type": "string"},
        }
    if _is_edit(route):
        yield {
            "name": "If-Match",
            "in": "header",
            "description": "the entity-tag that was seen: an edit on top of another is refused",
            "schema": {"type": "string"},
        }
    if _is_done_once(route):
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "a request that is sent again under its key is carried out once",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }


def _without_none(kind: Any) -> Any:
    """A query has no null: a parameter that is not given is left out."""
    kinds = tuple(each for each in get_args(kind) if each is not NoneType)
    return Union[kinds] if NoneType in get_args(kind) else kind  # noqa: UP007


def _responses(route: Route, schemas: Schemas) -> dict[str, Any]:
    if route.answer is None:
        success: tuple[int, dict[str, Any]] = (204, {"description": "done"})
    else:
        content = {route.media_type: {"schema": schemas.of_answer(route.answer)}}
        success = (route.status, {"description": "done", "content": content})
        if route.is_versioned:
            tag = {"description": "of its version", "schema": {"type": "string"}}
            success[1]["headers"] = {"ETag": tag}
    responses = {str(success[0]): success[1]}
    if route.may_be_later:
        responses["202"] = {**success[1], "description": "begun, and not waited for"}
    by_status: dict[HTTPStatus, list[type[Refusal]]] = {}
    for refusal in (*_usual_refusals(route), *route.refusals):
        by_status.setdefault(kind_of(refusal).status, []).append(refusal)
    for status, refusals in sorted(by_status.items()):
        codes = dict.fromkeys(refusal.code for refusal in refusals)
        titles = {refusal.code: kind_of(refusal).en for refusal in refusals}
        responses[str(status.value)] = {
            "description": "; ".join(f"`/problems/{code}` {titles[code]}" for code in codes),
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
    return responses


def _is_edit(route: Route) -> bool:
    """Whether it changes something that has a version."""
    return route.is_versioned and route.method is not Method.GET


def _is_done_once(route: Route) -> bool:
    """Whether it makes something, or moves something in the world."""
    makes = route.status in (201, 202) or route.consumes not in (JSON, SIGNED)
    return route.method is Method.POST and (makes or route.may_be_later)


def _usual_refusals(route: Route) -> Iterable[type[Refusal]]:
    """What a route may refuse because of what it is declared to take."""
    if route.permission is not None:
        yield from (NotAuthenticated, NotPermitted)
    if route.body is not None:
        yield BodyTooLarge
        if route.consumes != SIGNED:
            yield NotJson if route.consumes == JSON else WrongMediaType
    if route.body is not None or route.query is not None:
        yield from (BadRequest, Invalid)
    elif route.method is Method.POST:
        yield BadRequest
    if _is_edit(route):
        yield Edited
    if _is_done_once(route):
        # what is made is made once, and not while too much waits already
        yield from (RequestKeyReused, Overloaded)
