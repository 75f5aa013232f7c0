"""The OpenAPI document is valid, and says what is served."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

import pytest
from attrs import frozen
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator

from chargecloud.domain.errors import Conflict, NotFound, PortBusy, Refusal
from chargecloud.domain.fields import choice, text, whole
from chargecloud.routes import Call, Method, Page, Paging, Route
from chargecloud.web import json_text, problems
from chargecloud.web.converters import answer_converter
from chargecloud.web.openapi import document, operation_id


class Mood(Enum):
    """How it is."""

    FINE = "fine"
    SOUR = "sour"


@frozen(kw_only=True)
class Part:
    """A part of a thing.

    More words, which are not for the document.
    """

    number: int = whole("its number", most=9, example=3)
    mood: Mood | None = choice("how it is", default=None, example=Mood.SOUR)


@frozen(kw_only=True)
class NewThing:
    """A thing to make."""

    name: str = text("what it is called", longest=20, example="bell")
    parts: "tuple[Part, ...]" = choice("its parts", default=())
    mood: Mood = choice("how it is", default=Mood.FINE)


@frozen(kw_only=True)
class Thing:
    """A thing."""

    id: str = text("its id")
    made_at: datetime = choice("when it was made")
    day: date = choice("the day of it")
    weight: float | None = choice("its weight")
    works: bool = choice("whether it works")
    mood: Mood = choice("how it is")
    maker: "Maker | None" = choice("who made it")
    sizes: dict[str, int] = choice("sizes by name")
    words: list[str] = choice("words for it")
    notes: Mapping[str, Any] = choice("anything else")


@frozen(kw_only=True)
class Maker:
    """Who makes things."""

    name: str = text("the name")


@frozen(kw_only=True)
class Search(Paging):
    """Which things."""

    mood: Mood | None = choice("how they are", default=None)
    since: datetime = choice("made since")


def never(_call: Call) -> Any:
    """A route's function which is not called here."""
    raise AssertionError


def route(method: Method, path: str, **more: Any) -> Route:
    """A route with what matters to a test, and something for the rest."""
    usual: dict[str, Any] = {"summary": "Do it", "answer": Thing, "permission": "things:do"}
    return Route(method=method, path=path, run=never, tag="things", **(usual | more))


ROUTES = [
    route(Method.POST, "/things", body=NewThing, status=201, refusals=(Conflict, PortBusy)),
    route(Method.GET, "/things", answer=Page[Thing], query=Search),
    route(Method.GET, "/makers", answer=Page[Maker], query=Paging),
    route(Method.GET, "/things/{thing_id}", refusals=(NotFound,)),
    route(Method.DELETE, "/things/{thing_id}", answer=None, refusals=(NotFound,)),
    route(Method.POST, "/things/{thing_id}/ring", answer=Mapping[str, Any]),
    route(Method.GET, "/healthz", base="", permission=None, answer=Mapping[str, Any]),
]

THING = Thing(
    id="1",
    made_at=datetime(2026, 3, 1, tzinfo=UTC),
    day=date(2026, 3, 1),
    weight=None,
    works=True,
    mood=Mood.FINE,
    maker=Maker(name="Ada"),
    sizes={"height": 3},
    words=["ding"],
    notes={"a": [1]},
)


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """The document of all the routes."""
    return document(ROUTES)


def schema(made: dict[str, Any], name: str) -> dict[str, Any]:
    """A named schema, with all others beside it so that references are found."""
    return {"$ref": f"#/components/schemas/{name}", "components": made["components"]}


def test_valid(made: dict[str, Any]) -> None:
    """The document is valid OpenAPI 3.1."""
    assert list(OpenAPIV31SpecValidator(made).iter_errors()) == []


def test_no_routes() -> None:
    """A service without routes has a valid document too."""
    assert list(OpenAPIV31SpecValidator(document([])).iter_errors()) == []


@pytest.mark.parametrize(
    ("kind", "name", "answer"),
    [
        (Thing, "Thing", THING),
        (Page[Thing], "PageOfThing", Page((THING,), "next")),
        (Page[Maker], "PageOfMaker", Page(())),
        (NewThing, "NewThing", NewThing(name="x", parts=(Part(number=1), Part(number=2)))),
        (Part, "Part", Part(number=1, mood=Mood.SOUR)),
    ],
)
def test_answers_fit_their_schemas(
    made: dict[str, Any], kind: Any, name: str, answer: object
) -> None:
    """What is written of an answer is valid by its schema, and nothing less would be."""
    written = answer_converter().get_unstructure_hook(kind)(answer)
    plain = json.loads(json_text.write(written))
    validator = Draft202012Validator(schema(made, name))
    assert list(validator.iter_errors(plain)) == []
    assert set(plain) == set(made["components"]["schemas"][name]["properties"])
    assert list(validator.iter_errors({})) != []


def test_schema_of_a_body(made: dict[str, Any]) -> None:
    """A body's schema has words, limits, examples and defaults, and is closed."""
    schemas = made["components"]["schemas"]
    assert schemas["NewThing"] == {
        "description": "A thing to make.",
        "type": "object",
        "properties": {
            "name": {
                "type": "string",
                "description": "what it is called",
                "minLength": 1,
                "maxLength": 20,
                "examples": ["bell"],
            },
            "parts": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/Part"},
                "description": "its parts",
                "default": [],
            },
            "mood": {
                "$ref": "#/components/schemas/Mood",
                "description": "how it is",
                "default": "fine",
            },
        },
        "required": ["name"],
        "additionalProperties": False,
    }
    assert schemas["Mood"] == {
        "description": "How it is.",
        "type": "string",
        "enum": ["fine", "sour"],
    }
    assert schemas["Part"]["description"] == "A part of a thing."
    assert schemas["Part"]["properties"]["mood"]["examples"] == ["sour"]


def test_schema_of_an_answer(made: dict[str, Any]) -> None:
    """An answer has all of its fields, and may get more of them one day."""
    thing = made["components"]["schemas"]["Thing"]
    assert thing["required"] == list(thing["properties"])
    assert "additionalProperties" not in thing


def test_parameters(made: dict[str, Any]) -> None:
    """Path variables are strings; a query's parameters have no null, and say which must be."""
    one = made["paths"]["/api/v1/things/{thing_id}"]["get"]["parameters"]
    assert one == [
        {"name": "thing_id", "in": "path", "required": True, "schema": {"type": "string"}}
    ]
    listed = made["paths"]["/api/v1/things"]["get"]["parameters"]
    assert {each["name"]: (each["required"], each["schema"]) for each in listed} == {
        "limit": (False, {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}),
        "cursor": (False, {"type": "string", "minLength": 1, "maxLength": 200}),
        "mood": (False, {"$ref": "#/components/schemas/Mood"}),
        "since": (True, {"type": "string", "format": "date-time"}),
    }


def test_responses(made: dict[str, Any]) -> None:
    """Success, what any such route refuses, and what this one does: grouped by status."""
    responses = made["paths"]["/api/v1/things"]["post"]["responses"]
    assert list(responses) == ["201", "400", "401", "403", "409", "413", "415", "422", "503"]
    assert "/problems/conflict" in responses["409"]["description"]
    assert "/problems/port-busy" in responses["409"]["description"]
    deleted = made["paths"]["/api/v1/things/{thing_id}"]["delete"]["responses"]
    assert list(deleted) == ["204", "401", "403", "404"]
    assert "content" not in deleted["204"]


def test_security(made: dict[str, Any]) -> None:
    """An operation needs a bearer token, unless it is open to the world."""
    assert made["paths"]["/api/v1/things"]["get"]["security"] == [{"bearer": []}]
    healthz = made["paths"]["/healthz"]["get"]
    assert healthz["security"] == []
    assert list(healthz["responses"]) == ["200"]


@pytest.mark.parametrize("refusal", [Conflict("x", more=1), problems.BadRequest("y")])
def test_problems_fit_their_schema(made: dict[str, Any], refusal: Refusal) -> None:
    """Problems are valid by the schema that the document shows."""
    told = json.loads(problems.write(refusal, "/x", problems.Language.EN))
    assert list(Draft202012Validator(schema(made, "Problem")).iter_errors(told)) == []


@pytest.mark.parametrize(
    ("declared", "wanted"),
    [
        (route(Method.GET, "/orders/{order_id}/bill"), "get_orders_order_id_bill"),
        (route(Method.GET, "/healthz", base=""), "get_healthz"),
        (route(Method.GET, "/locations", base="/ocpi/2.2.1"), "get_ocpi_2_2_1_locations"),
    ],
)
def test_operation_ids(declared: Route, wanted: str) -> None:
    """Clients are generated with these names, so they follow from method and path alone."""
    assert operation_id(declared) == wanted


def test_same_name_in_two_rooms() -> None:
    """Two classes of one name both get into the document; the later one says whose it is."""

    @frozen
    class Maker:
        """Another maker."""

        age: int = whole("the age")

    made = document([*ROUTES, route(Method.GET, "/old", answer=Maker)])
    names = [name for name in made["components"]["schemas"] if name.endswith("Maker")]
    assert names == ["Maker", "PageOfMaker", f"{__name__}.Maker"]


@pytest.mark.parametrize("path", ["/things/{thing_id}", "/things-thing_id"])
def test_declared_twice(path: str) -> None:
    """Of two operations with one name, one would never be found: that stops the start."""
    with pytest.raises(ValueError, match="get_things_thing_id is declared twice"):
        document([*ROUTES, route(Method.GET, path)])


class Numbered(Enum):
    """An enumeration of numbers."""

    ONE = 1


@pytest.mark.parametrize("kind", [object, set[int], tuple[int, str], dict[int, str], Numbered])
def test_types_that_json_has_no_form_for(kind: Any) -> None:
    """A type that could not be served stops the start, not a request."""
    with pytest.raises(TypeError):
        document([route(Method.GET, "/x", answer=kind)])
