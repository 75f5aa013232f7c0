"""Chargers from a table."""

from typing import Any

import pytest

from tests.web.resources.asking import Asking
from tests.world import World

HEADING = "site_id,dialect,identity,name,ports,kind,rated_w,vendor,owner"


def table(site_id: str, *identities: str, heading: str = HEADING) -> str:
    """A line for each charger."""
    lines = (f'{site_id},native,{each},"Hall 3, {each}",10,ebike,5500,Acme,' for each in identities)
    return "\r\n".join((heading, *lines))


def taken(api: Asking, text: str, path: str = "/chargers/import", **more: Any) -> Any:
    """The report on a table."""
    answer = api.ask("POST", path, text, **more)
    assert answer.status == 200, answer
    return answer.json


def test_each_line_makes_a_charger(world: World, api: Asking) -> None:
    """Its id and its key are in the report; what stood in quotes is one cell."""
    report = taken(api, "\ufeff" + table(world.site(), "EB-1", "EB-2"))
    assert (report["created"], report["refused"]) == (2, 0)
    assert [line["line"] for line in report["lines"]] == [2, 3]
    assert len({line["key"] for line in report["lines"]}) == 2
    shown = api.found(f"/chargers/{report['lines'][0]['id']}")
    assert (shown["name"], shown["ports"], shown["owner"]) == ("Hall 3, EB-1", 10, None)


def test_a_wrong_line_keeps_the_others_from_nothing(world: World, api: Asking) -> None:
    """Each fault is told with its line and column."""
    site_id = world.site()
    text = table(site_id, "EB-1", "bad name", "EB-1", "EB-4")
    text += f"\n\n{site_id},native,EB-5,Five,no,tank,5500\n99,native,EB-6,Six,2,ebike,800"
    text += f"\n{site_id},native,EB-7,Seven,2,ebike,800,Acme,,surplus"
    report = taken(api, text)
    states = [(line["line"], line["state"]) for line in report["lines"]]
    assert states == [
        (2, "created"),
        (3, "refused"),
        (4, "refused"),
        (5, "created"),
        (7, "refused"),
        (8, "refused"),
        (9, "refused"),
    ]
    faults = {line["line"]: [each["column"] for each in line["errors"]] for line in report["lines"]}
    assert faults[3] == ["identity"]
    assert faults[7] == ["ports", "kind"]
    assert report["lines"][5]["problem"] == "/problems/not-found"
    assert "line 2 has the same charger" in report["lines"][2]["errors"][0]["detail"]
    assert len(api.found("/chargers")["items"]) == 2


def test_a_rehearsal_writes_nothing(world: World, api: Asking) -> None:
    """It tells what would come of it."""
    text = table(world.site(), "EB-1", "bad name")
    report = taken(api, text, "/chargers/import?rehearse=true")
    assert [line["state"] for line in report["lines"]] == ["fit", "refused"]
    assert api.found("/chargers")["items"] == []
    taken(api, text)
    again = taken(api, text, "/chargers/import?rehearse=true")
    assert again["lines"][0]["problem"] == "/problems/already-exists"


def test_a_table_that_is_sent_again(world: World, api: Asking) -> None:
    """Under its key each charger is made once, and each key is told again; without one they
    exist already."""
    text = table(world.site(), "EB-1", "EB-2")
    first = taken(api, text, key="spring-delivery")
    assert taken(api, text, key="spring-delivery") == first
    report = taken(api, text)
    assert {line["problem"] for line in report["lines"]} == {"/problems/already-exists"}
    reused = taken(api, table(world.site(), "EB-3"), key="spring-delivery")
    assert reused["lines"][0]["problem"] == "/problems/idempotency-key-reused"


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "the column site_id is missing"),
        ("name,site_id", "the column dialect is missing"),
        (HEADING + ",colour", "'colour' is none of"),
        (HEADING + ",name", "the column name is there twice"),
    ],
)
def test_a_heading_that_is_not_right(world: World, api: Asking, text: str, detail: str) -> None:
    """Nothing is read behind it."""
    answer = api.ask("POST", "/chargers/import", text)
    assert answer.status == 422
    assert any(detail in each["detail"] for each in answer.json["errors"])


def test_text_that_is_no_table(world: World, api: Asking) -> None:
    """A quote that is never closed is told with its line."""
    answer = api.ask("POST", "/chargers/import", HEADING + '\n1,native,"EB')
    assert (answer.status, "line 2" in answer.json["detail"]) == (422, True)


def test_a_table_is_no_json(world: World, api: Asking) -> None:
    """Its type must be said."""
    answer = api.ask("POST", "/chargers/import", {"lines": []})
    assert (answer.status, answer.kind) == (415, "wrong-media-type")


def test_another_tenants_site_is_not_filled(world: World, api: Asking) -> None:
    """To a stranger it is not there."""
    text = table(world.site(), "EB-1")
    _, stranger = api.tenant("second", "administrator")
    (line,) = taken(api, text, token=stranger)["lines"]
    assert line["problem"] == "/problems/not-found"
