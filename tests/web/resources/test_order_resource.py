"""C{/orders}"""

from datetime import timedelta
from typing import Any

import pytest

from chargecloud.domain.commands import Answer, StartCharge
from chargecloud.domain.events import StopReason
from chargecloud.gateway.routing import COMMAND_DEADLINE_S
from chargecloud.web.resources.order_bodies import MOST_DURATION_S, MOST_ENERGY_WH
from tests.harness import NOW
from tests.web.resources.asking import Asking
from tests.world import World


def test_an_order_is_placed_and_shown(world: World, api: Asking) -> None:
    """The money is held, the start is on its way, and nothing is known that did not happen."""
    box, customer = world.box().connect(), world.customer(1000)
    limit = {"energy_wh": 2000, "duration_s": 3600, "amount_fen": 250, "until_full": False}
    placed = api.made(
        "/orders",
        {
            "charger_id": str(box.id),
            "port": 1,
            "customer_id": customer,
            "prepaid_fen": 300,
            "limit": limit,
        },
    )
    assert placed["state"] == "starting"
    assert (placed["customer_id"], placed["held_fen"], placed["energy_wh"]) == (customer, 300, 0)
    assert placed["limit"] == limit
    unknown = ("amount_fen", "start_meter_wh", "end_meter_wh", "charged_s", "started_at")
    assert [placed[name] for name in unknown] == [None] * len(unknown)
    assert api.found(f"/orders/{placed['id']}") == placed
    assert api.found("/orders")["items"] == [placed]
    (start,) = (each.command for each in box.pump().orders(StartCharge))
    assert isinstance(start, StartCharge)
    assert (start.limit_energy_mwh, start.limit_duration_s) == (2_000_000, 3600)
    assert not start.until_full


def test_the_largest_limits_reach_the_charger(world: World, api: Asking) -> None:
    """What the API takes, the dialect can say."""
    box = world.box().connect()
    limit = {"energy_wh": MOST_ENERGY_WH, "duration_s": MOST_DURATION_S}
    api.made("/orders", {"charger_id": str(box.id), "port": 1, "limit": limit})
    (start,) = (each.command for each in box.pump().orders(StartCharge))
    assert isinstance(start, StartCharge)
    assert start.limit_energy_mwh == MOST_ENERGY_WH * 1000
    assert start.limit_duration_s == MOST_DURATION_S


def test_a_charge_and_its_bill(world: World, api: Asking) -> None:
    """An order in each of its states, and the bill once there is one."""
    box = world.box().connect()
    order_id = world.order(box)["id"]
    path = f"/orders/{order_id}"
    box.begin()
    assert api.ask("GET", f"{path}/bill").status == 404
    world.pass_time(3600, lambda: box.report(8_340))
    charging = api.found(path)
    assert (charging["state"], charging["start_meter_wh"]) == ("charging", 5000)
    assert (charging["energy_wh"], charging["energy_mwh"]) == (500, 500_400)
    box.end(2, int(order_id), 5_000_000, 3600)
    settled = api.found(path)
    assert (settled["state"], settled["end_meter_wh"]) == ("settled", 5500)
    assert settled["charged_s"] == 3600
    assert settled["ended_at"] == (NOW + timedelta(hours=1)).isoformat()
    bill = api.found(f"{path}/bill")
    assert bill["amount_fen"] == settled["amount_fen"] == 50
    assert bill["electricity_fen"] + bill["service_fen"] == bill["amount_fen"]
    assert sum(line["amount_fen"] for line in bill["lines"]) == bill["amount_fen"]


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"charger_id": "x"}, "/charger_id"),
        ({"port": 0}, "/port"),
        ({"port": 2}, "/port"),
        ({"customer_id": "x"}, "/customer_id"),
        ({"tariff_id": "x"}, "/tariff_id"),
        ({"prepaid_fen": 0}, "/prepaid_fen"),
        ({"limit": {"energy_wh": 0}}, "/limit/energy_wh"),
        ({"limit": {"energy_wh": MOST_ENERGY_WH + 1}}, "/limit/energy_wh"),
        ({"limit": {"duration_s": MOST_DURATION_S + 1}}, "/limit/duration_s"),
        ({"limit": {"colour": "red"}}, "/limit/colour"),
        ({"limit": None}, "/limit"),
    ],
)
def test_an_order_that_cannot_be(
    world: World, api: Asking, wrong: dict[str, Any], place: str
) -> None:
    """Each fault is told with its place, and the port stays free."""
    box = world.box().connect()
    answer = api.ask("POST", "/orders", {"charger_id": str(box.id), "port": 1} | wrong)
    assert (answer.status, answer.places) == (422, [place])
    assert api.found("/orders")["items"] == []
    assert box.pump().orders(StartCharge) == []


def test_a_site_without_a_tariff_needs_one(api: Asking, world: World) -> None:
    """Nothing is charged at a price that nobody has named."""
    site = api.made("/sites", {"name": "n", "time_zone": "Asia/Shanghai"})
    box = world.box(site["id"]).connect()
    answer = api.ask("POST", "/orders", {"charger_id": str(box.id), "port": 1})
    assert (answer.status, answer.places) == (422, ["/tariff_id"])


@pytest.mark.parametrize("missing", ["charger_id", "customer_id", "tariff_id"])
def test_an_order_of_what_is_not_there(world: World, api: Asking, missing: str) -> None:
    """Whatever an order names has to exist."""
    box = world.box().connect()
    body = {"charger_id": str(box.id), "port": 1, missing: "5"}
    assert api.ask("POST", "/orders", body).status == 404


def test_a_charger_that_is_away_takes_no_order(world: World, api: Asking) -> None:
    """No money is held for a charge that cannot start."""
    customer = world.customer(1000)
    body = {"charger_id": str(world.box().id), "port": 1, "customer_id": customer}
    answer = api.ask("POST", "/orders", body)
    assert (answer.status, answer.kind) == (409, "charger-offline")
    assert api.found(f"/wallets/{customer}")["held_fen"] == 0


def test_a_port_has_one_order(world: World, api: Asking) -> None:
    """The second one is refused, and holds nothing."""
    box, customer = world.box().connect(), world.customer(1000)
    world.order(box)
    body = {"charger_id": str(box.id), "port": 1, "customer_id": customer}
    answer = api.ask("POST", "/orders", body)
    assert (answer.status, answer.kind) == (409, "port-busy")
    assert api.found(f"/wallets/{customer}")["held_fen"] == 0


@pytest.mark.parametrize(("balance_fen", "prepaid_fen"), [(0, None), (0, 300), (299, 300)])
def test_a_wallet_that_does_not_suffice(
    world: World, api: Asking, balance_fen: int, prepaid_fen: int | None
) -> None:
    """No charge begins that the customer cannot pay."""
    box, customer = world.box().connect(), world.customer(balance_fen)
    body: dict[str, Any] = {"charger_id": str(box.id), "port": 1, "customer_id": customer}
    if prepaid_fen is not None:
        body["prepaid_fen"] = prepaid_fen
    answer = api.ask("POST", "/orders", body)
    assert (answer.status, answer.kind) == (409, "insufficient-funds")
    assert api.found(f"/wallets/{customer}")["balance_fen"] == balance_fen


def test_orders_are_found_by_what_is_known_of_them(world: World, api: Asking) -> None:
    """Each word of the query narrows the list."""
    site, customer = world.site(), world.customer()
    one = world.box(site).connect()
    other = world.box(identity="EB-0002").connect()
    first, second = world.order(one, customer)["id"], world.order(other)["id"]
    one.begin()

    def ids(query: str) -> list[str]:
        return [each["id"] for each in api.found(f"/orders?{query}")["items"]]

    assert ids("limit=5") == [first, second]
    assert ids("state=charging") == [first]
    assert ids(f"charger_id={other.id}") == [second]
    assert ids(f"customer_id={customer}") == [first]
    assert ids(f"site_id={site}&state=starting") == []
    assert ids("state=held") == []


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("state=happy", "state"),
        ("charger_id=x", "charger_id"),
        ("customer_id=", "customer_id"),
        (f"site_id={'9' * 19}", "site_id"),
    ],
)
def test_orders_that_cannot_be_asked_for(api: Asking, query: str, place: str) -> None:
    """A fault of a query is told with the parameter's name."""
    answer = api.ask("GET", f"/orders?{query}")
    assert (answer.status, answer.places) == (422, [place])


def test_there_is_no_such_order(api: Asking) -> None:
    """Nothing can be done with what is not there."""
    for method, path in (("GET", ""), ("GET", "/bill"), ("POST", "/stop")):
        assert api.ask(method, f"/orders/5{path}").status == 404


# --------------------------------------------------------------------------------- stopping


def test_a_stop_waits_for_the_charger(world: World, api: Asking) -> None:
    """The charger's yes is the answer; its record ends the order."""
    box = world.box().connect()
    order_id = world.order(box)["id"]
    box.begin()
    asked = api.begin("POST", f"/orders/{order_id}/stop")
    box.pump()
    box.accept(box.stops()[0])
    answer = asked.answer()
    assert (answer.status, answer.json["state"]) == (200, "charging")
    box.end(2, int(order_id), 5_000_000, 60, StopReason.REMOTE)
    assert api.found(f"/orders/{order_id}")["stop_reason"] == "user"
    assert api.ask("POST", f"/orders/{order_id}/stop").kind == "conflict"


def test_a_stop_that_the_charger_refuses(world: World, api: Asking) -> None:
    """Its no is told, and the order runs on."""
    box = world.box().connect()
    order_id = world.order(box)["id"]
    box.begin()
    asked = api.begin("POST", f"/orders/{order_id}/stop")
    box.pump()
    box.accept(box.stops()[0], Answer(False, "busy"))
    answer = asked.answer()
    assert (answer.status, answer.json["answer"]) == (409, "busy")
    assert api.found(f"/orders/{order_id}")["state"] == "charging"


def test_a_stop_that_nobody_answers(world: World, api: Asking) -> None:
    """A charger that is silent until the deadline: 504; one that is away: 409."""
    box = world.box().connect()
    order_id = world.order(box)["id"]
    box.begin()
    asked = api.begin("POST", f"/orders/{order_id}/stop")
    world.clock.advance(COMMAND_DEADLINE_S + 1)
    assert asked.answer().status == 504
    box.drop()
    assert api.ask("POST", f"/orders/{order_id}/stop").kind == "charger-offline"
