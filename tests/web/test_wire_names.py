"""A field that Python's keywords forbid is called in JSON what it is meant to be."""

from attrs import frozen

from chargecloud.domain.fields import choice, whole
from chargecloud.routes import Method, Route
from chargecloud.web.converters import answer_converter, body_converter, query_converter
from chargecloud.web.openapi import document
from chargecloud.web.reading import body_reader, query_reader


@frozen(kw_only=True)
class Span:
    """From one to another."""

    from_: int = whole("the first", most=9)
    to: int = choice("the last", default=9)


def test_bodies_queries_and_answers_say_from() -> None:
    """The trailing underscore is Python's only."""
    assert body_reader(body_converter(), Span)({"from": 3}) == Span(from_=3)
    assert query_reader(query_converter(), Span)("from=3&to=4") == Span(from_=3, to=4)
    assert answer_converter().unstructure(Span(from_=3, to=4)) == {"from": 3, "to": 4}


def test_faults_and_the_description_say_from() -> None:
    """Whoever reads either must find the name that is sent."""
    try:
        body_reader(body_converter(), Span)({"from": 12})
    except Exception as error:
        faults = error.facts["errors"]  # type: ignore[attr-defined]
    assert [fault["pointer"] for fault in faults] == ["/from"]
    route = Route(
        method=Method.GET,
        path="/spans",
        summary="s",
        tag="t",
        permission=None,
        query=Span,
        answer=Span,
        run=lambda call: call.query,
    )
    described = document([route])
    parameters = described["paths"]["/api/v1/spans"]["get"]["parameters"]
    assert [each["name"] for each in parameters] == ["from", "to"]
    assert list(described["components"]["schemas"]["Span"]["properties"]) == ["from", "to"]
