"""Bodies and queries are read strictly, and every fault is told with its place."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from typing import Any
from urllib.parse import quote

import attrs
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.errors import Invalid
from chargecloud.domain.fields import choice, text, whole
from chargecloud.routes import Page, Paging
from chargecloud.web.converters import ITEM_LIMIT, answer_converter, body_converter, query_converter
from chargecloud.web.problems import BadRequest
from chargecloud.web.reading import FAULT_LIMIT, PARAMETER_LIMIT, body_reader, query_reader


class Colour(Enum):
    """Colours."""

    RED = "red"
    BLUE = "blue"


@frozen(kw_only=True)
class Limit:
    """A nested body, with a rule that joins two fields."""

    energy_wh: int | None = whole("energy", default=None, least=1, most=1000)
    duration_s: int | None = whole("time", default=None, least=60)

    def __attrs_post_init__(self) -> None:
        if self.energy_wh is None and self.duration_s is None:
            raise ValueError("must limit energy or time")


@frozen(kw_only=True)
class Everything:
    """A body with a field of every type, some of them named in quotes."""

    word: str = text("a word", longest=5)
    count: int = choice("a count", default=0)
    ratio: float = choice("a ratio", default=0.0)
    on: bool = choice("a flag", default=False)
    colour: Colour = choice("a colour", default=Colour.RED)
    at: datetime | None = choice("an instant", default=None)
    day: date | None = choice("a day", default=None)
    limit: "Limit | None" = choice("nested", default=None)
    numbers: tuple[int, ...] = choice("numbers", default=())
    limits: "list[Limit] | None" = choice("many nested", default=None)
    ports: dict[str, Limit] | None = choice("by name", default=None)
    free: Mapping[str, Any] | None = choice("anything", default=None)


@frozen(kw_only=True)
class Search(Paging):
    """A query with a word of every type."""

    q: str | None = text("words", default=None)
    online: bool | None = choice("a flag", default=None)
    colour: Colour | None = choice("a colour", default=None)
    since: datetime | None = choice("an instant", default=None)
    day: date | None = choice("a day", default=None)
    ratio: float | None = choice("a ratio", default=None)


def _names(kind: type) -> str:
    return ", ".join(field.name for field in attrs.fields(kind))


read_body = body_reader(body_converter(), Everything)
read_query = query_reader(query_converter(), Search)


def faults_of(value: Any) -> dict[str, str]:
    """The faults of a body by pointer."""
    with pytest.raises(Invalid) as caught:
        read_body(value)
    errors: Any = caught.value.facts["errors"]
    return {error["pointer"]: error["detail"] for error in errors}


def query_faults_of(query: str) -> dict[str, str]:
    """The faults of a query by parameter."""
    with pytest.raises(Invalid) as caught:
        read_query(query)
    errors: Any = caught.value.facts["errors"]
    return {error["parameter"]: error["detail"] for error in errors}


def test_every_type() -> None:
    """A body with every type of field becomes an instance with values of these types."""
    assert read_body(
        {
            "word": "hello",
            "count": -3,
            "ratio": 2,
            "on": True,
            "colour": "blue",
            "at": "2026-03-01T08:00:00.5+08:00",
            "day": "2026-03-01",
            "limit": {"energy_wh": 10},
            "numbers": [1, 2],
            "limits": [{"duration_s": 60}],
            "ports": {"1": {"energy_wh": 1}},
            "free": {"x": [None, {"y": 1.5}]},
        }
    ) == Everything(
        word="hello",
        count=-3,
        ratio=2.0,
        on=True,
        colour=Colour.BLUE,
        at=datetime(2026, 3, 1, 0, 0, 0, 500_000, UTC),
        day=date(2026, 3, 1),
        limit=Limit(energy_wh=10),
        numbers=(1, 2),
        limits=[Limit(duration_s=60)],
        ports={"1": Limit(energy_wh=1)},
        free={"x": [None, {"y": 1.5}]},
    )


@pytest.mark.parametrize(
    ("field", "values", "words"),
    [
        ("word", [1, True, None, ["a"]], "must be text"),
        ("word", ["", "longer"], "must have 1 to 5 characters"),
        ("count", [True, "1", 1.0, None, 1e3], "must be a whole number"),
        ("ratio", [True, "1.5", None], "must be a number"),
        ("ratio", [10**400], "must be a number within 1e308"),
        ("on", [1, 0, "true", None], "must be true or false"),
        ("colour", ["green", "RED", 1, None, ["red"], {}], "must be one of red, blue"),
        ("limit", [[], "x", 1], "must be an object"),
        ("limit", [{}], "must limit energy or time"),
        ("numbers", [{"0": 1}, "12", 1, None], "must be an array"),
        ("limits", [{}, "x", 1], "must be an array"),
        ("ports", [[], "x"], "must be an object"),
        ("free", [[], 1], "must be an object"),
        (
            "day",
            ["2026-3-1", 20260301, "2026-03-01T00:00:00Z"],
            "must be a date such as 2026-03-01",
        ),
        ("day", ["2026-02-30"], "day is out of range for month"),
    ],
)
def test_nothing_is_coerced(field: str, values: list[Any], words: str) -> None:
    """A value of another type is refused, even where Python would take it."""
    for value in values:
        assert faults_of({"word": "x", field: value}) == {f"/{field}": words}


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T08:00:00",
        "2026-03-01 08:00:00Z",
        "2026-03-01T08:00Z",
        "20260301T080000Z",
        "2026-03-01T08:00:00+0800",
        "2026-03-01T24:00:00Z",
        "2026-13-01T08:00:00Z",
        "0001-01-01T00:00:00+08:00",
        "2026-03-01T08:00:00+99:99",
        "\u0662026-03-01T08:00:00Z",
        1772323200,
    ],
)
def test_instants_without_a_doubt(value: Any) -> None:
    """An instant that is not RFC 3339 with an offset, or not in the calendar, is refused."""
    assert list(faults_of({"word": "x", "at": value})) == ["/at"]


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_instants(local: datetime, offset_min: int) -> None:
    """The same instant comes out in UTC, whatever offset it was written with."""
    instant = local.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    made = read_body({"word": "x", "at": instant.isoformat()}).at
    assert made == instant
    assert made.tzinfo is UTC


def test_every_fault_at_once() -> None:
    """All faults of a body are told in one answer, each with a JSON pointer."""
    assert faults_of(
        {
            "count": "1",
            "limit": {"energy_wh": 0, "duration_s": True, "a/b~c": 1},
            "numbers": [1, "2", 3, None],
            "ports": {"a/1": {"energy_wh": 1001}},
            "colr": "red",
        }
    ) == {
        "/word": "is missing",
        "/count": "must be a whole number",
        "/limit/energy_wh": "must be between 1 and 1000",
        "/limit/duration_s": "must be a whole number",
        "/limit/a~1b~0c": "is none of energy_wh, duration_s",
        "/numbers/1": "must be a whole number",
        "/numbers/3": "must be a whole number",
        "/ports/a~11/energy_wh": "must be between 1 and 1000",
        "/colr": f"is none of {_names(Everything)}",
    }


@pytest.mark.parametrize("value", [None, [], "x", 1, True])
def test_body_that_is_no_object(value: Any) -> None:
    """The pointer to the whole body is empty."""
    assert faults_of(value) == {"": "must be an object"}


def test_limit_of_faults() -> None:
    """A body of nothing but faults has an answer of a bounded length."""
    assert len(faults_of({"word": "x", "numbers": ["x"] * (FAULT_LIMIT + 5)})) == FAULT_LIMIT


def test_limit_of_items() -> None:
    """An array or object that is too long is one fault, and its items are not looked at."""
    words = f"must have at most {ITEM_LIMIT} items"
    assert faults_of({"word": "x", "numbers": ["x"] * (ITEM_LIMIT + 1)}) == {"/numbers": words}
    assert faults_of({str(n): n for n in range(ITEM_LIMIT + 1)}) == {"": words}
    assert len(read_body({"word": "x", "numbers": [1] * ITEM_LIMIT}).numbers) == ITEM_LIMIT


def test_our_own_fault_is_not_the_clients() -> None:
    """What a body class raises besides ValueError is not told as a fault of the body."""

    @frozen
    class Broken:
        def __attrs_post_init__(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body_reader(body_converter(), Broken)({})


def test_query_of_every_type() -> None:
    """The words of a query become values of the types of its class."""
    since = quote("2026-03-01T08:00:00+08:00")
    query = f"limit=7&q=a%20b&online=true&colour=red&since={since}&day=2026-03-01&ratio=-1.5e1"
    assert read_query(query) == Search(
        limit=7,
        q="a b",
        online=True,
        colour=Colour.RED,
        since=datetime(2026, 3, 1, tzinfo=UTC),
        day=date(2026, 3, 1),
        ratio=-15.0,
    )


def test_empty_query() -> None:
    """A query with nothing in it has its defaults."""
    assert read_query("") == Search()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("limit=1.0", {"limit": "must be a whole number"}),
        ("limit=%201", {"limit": "must be a whole number"}),
        ("limit=1_0", {"limit": "must be a whole number"}),
        ("limit=%D9%A1", {"limit": "must be a whole number"}),
        ("limit=501", {"limit": "must be between 1 and 500"}),
        ("limit=", {"limit": "must be a whole number"}),
        ("q=", {"q": "must have 1 to 200 characters"}),
        ("online=True", {"online": "must be true or false"}),
        ("online=1", {"online": "must be true or false"}),
        ("ratio=nan", {"ratio": "must be a number"}),
        ("ratio=1e999", {"ratio": "must be a number"}),
        ("colour=green", {"colour": "must be one of red, blue"}),
        ("limits=1", {"limits": f"is none of {_names(Search)}"}),
        ("limit=1&limit=2", {"limit": "is given twice"}),
        (
            "x=1&x=2&online=no",
            {"x": f"is none of {_names(Search)}", "online": "must be true or false"},
        ),
    ],
)
def test_query_faults(query: str, wanted: dict[str, str]) -> None:
    """A word that is not exactly of its type is refused by the name of its parameter."""
    assert query_faults_of(query) == wanted


@pytest.mark.parametrize(
    "query", ["q=%ff", "q=%00", "%00=1", "&".join(["a=1"] * (PARAMETER_LIMIT + 1))]
)
def test_text_that_is_no_query(query: str) -> None:
    """What is not UTF-8, could not be kept, or never ends, is no query."""
    with pytest.raises(BadRequest):
        read_query(query)


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_any_query(query: str) -> None:
    """Whatever stands behind the question mark is a query or is refused."""
    with suppress(Invalid, BadRequest):
        assert isinstance(read_query(query), Search)


def test_answers_of_every_type() -> None:
    """An answer is written with the forms that bodies are read in."""
    converter = answer_converter()
    plain = {"word": "x", "at": "2026-03-01T00:00:00+00:00", "day": "2026-03-01", "colour": "blue"}
    answer = Page((read_body(plain),), next="c")
    written = converter.get_unstructure_hook(Page[Everything])(answer)
    assert written["next"] == "c"
    assert written["items"][0].items() >= plain.items()


def test_answer_with_a_naive_time() -> None:
    """A time without a zone is never sent: nobody could tell which instant it is."""
    converter = answer_converter()
    answer = Everything(word="x", at=datetime(2026, 3, 1))
    with pytest.raises(ValueError, match="time zone"):
        converter.unstructure(answer)
