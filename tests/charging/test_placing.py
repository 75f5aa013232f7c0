"""Orders that people place, and starts that come to nothing."""

from pathlib import Path

from chargecloud.charging.settings import ChargingSettings
from chargecloud.domain.commands import Answer, StartCharge
from tests.world import World


def test_a_port_has_one_order(tmp_path: Path) -> None:
    """A second order for a running port is refused, and holds no money."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    world.order(box, customer, prepaid_fen=100)
    body = {"charger_id": str(box.id), "port": 1, "customer_id": customer, "prepaid_fen": 100}
    status, problem = world.http("POST", "/orders", body)
    assert (status, problem["type"]) == (409, "/problems/port-busy")
    assert world.get(f"/wallets/{customer}")["held_fen"] == 100


def test_a_charger_that_is_away_takes_no_order(tmp_path: Path) -> None:
    """An order needs a connected charger."""
    world = World(tmp_path)
    box = world.box()
    status, problem = world.http("POST", "/orders", {"charger_id": str(box.id), "port": 1})
    assert (status, problem["type"]) == (409, "/problems/charger-offline")


def test_a_wallet_gives_no_more_than_it_has(tmp_path: Path) -> None:
    """Neither a prepaid amount nor the default hold is taken from an empty wallet."""
    world = World(tmp_path)
    box, rich, poor = world.box().connect(), world.customer(99), world.customer(0)
    for customer, more in ((rich, {"prepaid_fen": 100}), (poor, {})):
        body = {"charger_id": str(box.id), "port": 1, "customer_id": customer, **more}
        status, problem = world.http("POST", "/orders", body)
        assert (status, problem["type"]) == (409, "/problems/insufficient-funds")
    assert world.get(f"/wallets/{rich}")["balance_fen"] == 99
    # the port was not taken by any of it
    world.order(box, rich, prepaid_fen=99)


def test_an_order_without_an_amount_holds_what_the_wallet_has(tmp_path: Path) -> None:
    """The default hold is no more than the balance, and limits what the charge may cost."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(80)
    order = world.order(box, customer)
    assert order["held_fen"] == 80
    assert order["limit"]["amount_fen"] == 80


def test_a_repeated_request_places_one_order(tmp_path: Path) -> None:
    """The same Idempotency-Key gives the same order, before and after it has started."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    body = {"charger_id": str(box.id), "port": 1, "customer_id": customer, "prepaid_fen": 100}
    first = world.make("/orders", body, key="k1")
    box.pump()
    box.begin()
    again = world.make("/orders", body, key="k1")
    assert again["id"] == first["id"]
    assert again["state"] == "charging"
    assert len(box.orders(StartCharge)) == 1
    assert world.get(f"/wallets/{customer}")["held_fen"] == 100
    status, problem = world.http("POST", "/orders", {**body, "prepaid_fen": 101}, key="k1")
    assert (status, problem["type"]) == (422, "/problems/idempotency-key-reused")


def test_a_refused_start_gives_the_money_back(tmp_path: Path) -> None:
    """The charger says no: the order fails with its reason, and the port is free again."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=100)
    box.accept(box.orders(StartCharge)[-1], Answer(False, "not-plugged"))
    failed = world.get(f"/orders/{order['id']}")
    assert (failed["state"], failed["failure"]) == ("failed", "not-plugged")
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (1000, 0)
    world.order(box, customer, prepaid_fen=100)


def test_an_unanswered_start_is_given_up_and_its_late_charge_stopped(tmp_path: Path) -> None:
    """Rivals wait for ever (peers 16); and what starts after all is stopped at once."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=100)
    world.clock.advance(ChargingSettings().start_deadline_s + 1)
    failed = world.get(f"/orders/{order['id']}")
    assert (failed["state"], failed["failure"]) == ("failed", "command-timed-out")
    assert world.get(f"/wallets/{customer}")["held_fen"] == 0
    box.say_started(1, int(order["id"]))
    assert [stop.command.order_id for stop in box.stops()] == [int(order["id"])]  # type: ignore[union-attr]
    assert world.get(f"/orders/{order['id']}")["state"] == "failed"


def test_a_start_says_until_when_it_is_valid(tmp_path: Path) -> None:
    """A charger that gets it later refuses it by itself."""
    world = World(tmp_path)
    box = world.box().connect()
    world.order(box)
    command = box.orders(StartCharge)[-1].command
    assert isinstance(command, StartCharge)
    deadline_s = ChargingSettings().start_deadline_s
    assert command.valid_until_s == int(world.clock.seconds()) + deadline_s


def test_an_accepted_start_that_never_charges_is_given_up(tmp_path: Path) -> None:
    """Accepted is not charging: without the charger's word, the money goes back."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=100)
    box.accept(box.orders(StartCharge)[-1])
    world.clock.advance(ChargingSettings().confirm_deadline_s + 1)
    failed = world.get(f"/orders/{order['id']}")
    assert (failed["state"], failed["failure"]) == ("failed", "not-confirmed")
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 1000


def test_a_lost_connection_fails_the_start(tmp_path: Path) -> None:
    """Nobody waits for a charger that has gone."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=100)
    box.drop()
    failed = world.get(f"/orders/{order['id']}")
    assert (failed["state"], failed["failure"]) == ("failed", "charger-offline")


def test_the_charger_is_given_the_limits(tmp_path: Path) -> None:
    """Energy and time are kept by the charger, to the mWh and the second."""
    world = World(tmp_path)
    box = world.box().connect()
    world.order(box, limit={"energy_wh": 1500, "duration_s": 7200, "until_full": False})
    command = box.orders(StartCharge)[-1].command
    assert isinstance(command, StartCharge)
    assert command.limit_energy_mwh == 1_500_000
    assert command.limit_duration_s == 7200
    assert command.until_full is False


def test_a_port_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The fault is told with its place in the body."""
    world = World(tmp_path)
    box = world.box().connect()
    status, problem = world.http("POST", "/orders", {"charger_id": str(box.id), "port": 2})
    assert status == 422
    assert problem["errors"][0]["pointer"] == "/port"
