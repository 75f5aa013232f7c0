"""C{/cards}"""

import pytest

from chargecloud.storage.schema import event_log
from tests.harness import rows_of
from tests.web.resources.asking import Asking
from tests.world import World

UID = "04A1B2C3"


def test_a_card_is_made_shown_and_found(world: World, api: Asking) -> None:
    """In its one form, however its bytes were written."""
    customer = world.customer()
    made = api.made("/cards", {"uid": "04:a1-b2 c3", "customer_id": customer})
    assert (made["uid"], made["customer_id"], made["status"]) == (UID, customer, "active")
    assert api.found(f"/cards/{made['id']}") == made
    other = api.made("/cards", {"uid": "99"})
    assert api.found("/cards")["items"] == [made, other]
    assert api.found("/cards?uid=04a1b2c3")["items"] == [made]
    assert api.found(f"/cards?customer_id={customer}")["items"] == [made]
    assert other["customer_id"] is None


def test_a_uid_is_there_once(world: World, api: Asking) -> None:
    """Also if it is written otherwise; another tenant may have the same."""
    api.made("/cards", {"uid": UID})
    again = api.ask("POST", "/cards", {"uid": "04 a1 b2 c3"})
    assert (again.status, again.kind) == (409, "already-exists")
    _, token = api.tenant("second")
    api.made("/cards", {"uid": UID}, token=token)
    assert len(api.found("/cards")["items"]) == 2


def test_a_request_that_is_sent_again_makes_one_card(world: World, api: Asking) -> None:
    """The same key, the same card."""
    first = api.made("/cards", {"uid": UID}, key="once")
    assert api.made("/cards", {"uid": UID}, key="once") == first
    assert len(api.found("/cards")["items"]) == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "/uid"),
        ({"uid": ": -"}, "/uid"),
        ({"uid": "x" * 33}, "/uid"),
        ({"uid": UID, "status": "lost"}, "/status"),
        ({"uid": UID, "customer_id": "x"}, "/customer_id"),
    ],
)
def test_a_wrong_card_is_told_where(
    world: World, api: Asking, body: dict[str, str], place: str
) -> None:
    """And nothing is made of it."""
    answer = api.ask("POST", "/cards", body)
    assert (answer.status, answer.places) == (422, [place])
    assert api.found("/cards")["items"] == []


def test_a_card_is_blocked_and_given_to_another(world: World, api: Asking) -> None:
    """What is not said stays; each change is in the log."""
    first, second = world.customer(), world.customer()
    card = api.made("/cards", {"uid": UID, "customer_id": first})
    path = f"/cards/{card['id']}"
    blocked = api.ask("PATCH", path, {"status": "blocked"})
    assert (blocked.status, blocked.json) == (200, card | {"status": "blocked"})
    given = api.ask("PATCH", path, {"customer_id": second, "status": "active"})
    assert given.json == card | {"customer_id": second}
    assert api.ask("PATCH", path, {}).json == given.json
    assert api.ask("PATCH", path, {"customer_id": card["id"]}).status == 404
    kinds = [row["kind"] for row in rows_of(world.store, event_log) if "card" in row["kind"]]
    assert kinds == ["card.created", *["card.changed"] * 3]
