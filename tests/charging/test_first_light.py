"""One charge, end to end, in memory: from the order to the explained bill."""

from pathlib import Path

from chargecloud.domain.events import StopReason
from tests.harness import result_of
from tests.world import World


def test_a_charge_becomes_a_settled_bill(tmp_path: Path) -> None:
    """A customer orders, the charger charges 1 kWh, and the wallet pays 60 + 40 fen."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    assert box.welcomed
    order = world.order(box, customer, prepaid_fen=300)
    assert order["state"] == "starting"
    assert world.get(f"/wallets/{customer}") == {
        "customer_id": customer,
        "balance_fen": 700,
        "held_fen": 300,
        "gift_fen": 0,
        "owed_fen": 0,
    }

    started = box.begin()
    assert world.get(f"/orders/{order['id']}")["state"] == "charging"
    world.pass_time(5 * 3600, lambda: box.report(1_000_000 // 300))
    assert world.get(f"/orders/{order['id']}")["energy_mwh"] == 300 * (1_000_000 // 300)
    box.meter_mwh = 6_000_000
    box.end(2, started.order_id, 5_000_000, 5 * 3600)

    settled = world.get(f"/orders/{order['id']}")
    assert settled["state"] == "settled"
    assert settled["energy_mwh"] == 1_000_000
    assert (settled["electricity_fen"], settled["service_fen"]) == (60, 40)
    assert settled["amount_fen"] == 100
    assert settled["stop_reason"] == "full"
    bill = world.get(f"/orders/{order['id']}/bill")
    assert sum(line["amount_fen"] for line in bill["lines"]) == bill["amount_fen"] == 100
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 900
    assert world.get(f"/wallets/{customer}")["held_fen"] == 0


def test_a_stop_ends_with_the_reason_of_the_one_who_asked(tmp_path: Path) -> None:
    """The charger only knows that it was told to stop; the platform knows by whom."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    started = box.begin()
    world.pass_time(600, lambda: box.report(3000))
    asked = world._treq.request(
        "POST",
        f"http://test/api/v1/orders/{order['id']}/stop",
        headers={"Authorization": ["Bearer test"]},
    )
    box.pump()
    box.accept(box.stops()[-1])
    box.end(2, started.order_id, 5_000_000, 600, StopReason.REMOTE)
    assert world.get(f"/orders/{order['id']}")["stop_reason"] == "user"
    world._treq.flush()
    assert result_of(asked).code == 200
