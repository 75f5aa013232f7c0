"""C{/customers} and C{/wallets}"""

import pytest

from chargecloud.web.resources.customers import MOST_TOP_UP_FEN
from tests.web.resources.asking import Asking
from tests.world import World


def test_a_customer_is_made_with_an_empty_wallet(api: Asking) -> None:
    """A customer can be shown, listed and looked into the wallet of from the first moment."""
    made = api.made("/customers", {"name": "Li Wei", "phone": "13800000000"})
    assert (made["name"], made["phone"]) == ("Li Wei", "13800000000")
    assert api.found(f"/customers/{made['id']}") == made
    assert api.found("/customers")["items"] == [made]
    wallet = api.found(f"/wallets/{made['id']}")
    nothing = dict.fromkeys(("balance_fen", "held_fen", "gift_fen", "owed_fen"), 0)
    assert wallet == {"customer_id": made["id"], **nothing}
    assert api.found(f"/wallets/{made['id']}/movements")["items"] == []


def test_money_comes_in_and_is_held(world: World, api: Asking) -> None:
    """A wallet's movements are told with their sign, and sum to its balance."""
    customer, box = world.customer(0), world.box().connect()
    assert api.made(f"/wallets/{customer}/top-ups", {"amount_fen": 1000})["balance_fen"] == 1000
    order = world.order(box, customer, prepaid_fen=300)
    movements = api.found(f"/wallets/{customer}/movements")["items"]
    assert [(each["cause"], each["amount_fen"]) for each in movements] == [
        ("top_up", 1000),
        ("hold", -300),
    ]
    assert movements[1]["reference_id"] == order["id"]
    wallet = api.found(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (700, 300)


@pytest.mark.parametrize("amount_fen", [0, -5, MOST_TOP_UP_FEN + 1, 1.5, "7", None, True])
def test_a_top_up_that_cannot_be(world: World, api: Asking, amount_fen: object) -> None:
    """A slip is refused with its place, and moves no money."""
    customer = world.customer(0)
    answer = api.ask("POST", f"/wallets/{customer}/top-ups", {"amount_fen": amount_fen})
    assert (answer.status, answer.places) == (422, ["/amount_fen"])
    assert api.found(f"/wallets/{customer}")["balance_fen"] == 0


@pytest.mark.parametrize("path", ["/customers/5", "/wallets/5", "/wallets/5/movements"])
def test_there_is_no_such_customer(api: Asking, path: str) -> None:
    """Who is not there has no wallet either."""
    assert api.ask("GET", path).status == 404
    assert api.ask("POST", "/wallets/5/top-ups", {"amount_fen": 5}).status == 404
