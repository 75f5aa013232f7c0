"""End records: believed, doubted, repeated, or of no order at all."""

from pathlib import Path
from typing import Any

from sqlalchemy import select

from chargecloud.dialects.native.received import Kept
from chargecloud.domain.events import Outcome, StopReason
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import disputes, unmatched
from tests.harness import result_of, rows_of
from tests.world import Box, World

RATES = {
    "rates": {
        "peak": {"electricity": 100_000, "service": 20_000},
        "valley": {"electricity": 30_000, "service": 20_000},
    },
    "day": [{"from": "00:00", "rate": "valley"}, {"from": "10:00", "rate": "peak"}],
}


def _kept(box: Box) -> list[tuple[int, Outcome]]:
    return [(each.record, each.outcome) for each in box.heard if isinstance(each, Kept)]


def _unmatched(world: World) -> list[Any]:
    return list(
        result_of(
            world.store.read(
                lambda connection: connection.execute(
                    select(unmatched.c.order_id, unmatched.c.why).order_by(unmatched.c.id)
                ).all()
            )
        )
    )


def _sound(world: World) -> None:
    assert result_of(world.store.read(lambda connection: list(ledger_faults(connection)))) == []


def test_a_repeated_end_record_gets_the_same_answer_and_bills_once(tmp_path: Path) -> None:
    """Rivals take several stops for one charge (peers 5, 10)."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=200)
    started = box.begin()
    world.pass_time(3600, lambda: box.report(10_000))
    box.end(2, started.order_id, 5_000_000, 3600)
    before = world.get(f"/orders/{order['id']}")
    box.connect()
    ended = box.meter_mwh
    box.end(2, started.order_id, 5_000_000, 3600)
    assert _kept(box)[-2:] == [(2, Outcome.KEPT), (2, Outcome.KEPT)]
    assert box.meter_mwh == ended
    assert world.get(f"/orders/{order['id']}") == before
    assert _unmatched(world) == []
    _sound(world)


def test_a_different_end_record_is_kept_apart(tmp_path: Path) -> None:
    """The first settlement stands; the second is acknowledged, kept and shown."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=200)
    started = box.begin()
    world.pass_time(3600, lambda: box.report(10_000))
    box.end(2, started.order_id, 5_000_000, 3600)
    amount = world.get(f"/orders/{order['id']}")["amount_fen"]
    box.meter_mwh += 400_000
    box.end(3, started.order_id, 5_000_000, 3600)
    assert _kept(box)[-1] == (3, Outcome.KEPT)
    assert world.get(f"/orders/{order['id']}")["amount_fen"] == amount
    assert _unmatched(world) == []
    (dispute,) = rows_of(world.store, disputes)
    assert (dispute["order_id"], dispute["why"]) == (int(order["id"]), "order settled")
    assert dispute["record"]["end_meter_mwh"] == box.meter_mwh
    _sound(world)


def test_an_end_of_an_unknown_order_never_ends_another(tmp_path: Path) -> None:
    """A stop with a random id ended the latest session of a rival (peers 7, 8)."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    box.begin()
    for record in (8, 9):
        box.end(record, 4711, 5_000_000, 3600)
    assert _kept(box)[-2:] == [(8, Outcome.KEPT), (9, Outcome.KEPT)]
    assert world.get(f"/orders/{order['id']}")["state"] == "charging"
    # the very same record is kept once, whatever number the charger gives it
    assert _unmatched(world) == [(4711, "no such order")]


def test_an_order_is_ended_by_its_own_charger_only(tmp_path: Path) -> None:
    """Another charger that names the order has no say in it."""
    world = World(tmp_path)
    site = world.site()
    box, other = world.box(site).connect(), world.box(site, "EB-0002").connect()
    order = world.order(box)
    box.begin()
    other.end(1, int(order["id"]), 5_000_000, 60)
    assert world.get(f"/orders/{order['id']}")["state"] == "charging"
    assert _unmatched(world) == [(int(order["id"]), "no such order")]


def test_more_energy_than_the_charger_can_give_is_held(tmp_path: Path) -> None:
    """A rival billed 910 kWh for 0.083 (peers 1): here a person decides, and the money
    stays where it was."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=200)
    started = box.begin()
    world.pass_time(600, box.heartbeat)
    box.meter_mwh += 910_031_000
    box.end(2, started.order_id, 5_000_000, 600)
    held = world.get(f"/orders/{order['id']}")
    assert (held["state"], held["failure"]) == ("held", "more-than-rated-power")
    assert held["amount_fen"] is None
    assert world.get(f"/wallets/{customer}") == {
        "customer_id": customer,
        "balance_fen": 800,
        "held_fen": 200,
        "gift_fen": 0,
        "owed_fen": 0,
    }
    assert _kept(box)[-1] == (2, Outcome.KEPT)
    # the port is free for the next one
    world.order(box, customer, prepaid_fen=100)


def test_a_start_meter_that_differs_from_the_told_one_is_held(tmp_path: Path) -> None:
    """A start of 0 where the register stood at 5 kWh would bill the whole odometer."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    started = box.begin()
    world.pass_time(600, lambda: box.report(10_000))
    box.end(2, started.order_id, 0, 600)
    held = world.get(f"/orders/{order['id']}")
    assert (held["state"], held["failure"]) == ("held", "start-meter-differs")


def test_a_register_that_goes_back_is_held(tmp_path: Path) -> None:
    """No bill is ever negative."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    started = box.begin()
    world.pass_time(600, box.heartbeat)
    box.meter_mwh = 4_999_999
    box.end(2, started.order_id, 5_000_000, 600)
    held = world.get(f"/orders/{order['id']}")
    assert (held["state"], held["failure"]) == ("held", "meter-went-back")
    assert held["energy_mwh"] == 0


def test_an_end_without_a_start_is_billed_all_the_same(tmp_path: Path) -> None:
    """The start's message was lost with a connection; the end record says everything."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=200)
    box.meter_mwh += 100_000
    box.end(1, int(order["id"]), 5_000_000, 30, StopReason.UNPLUGGED)
    held = world.get(f"/orders/{order['id']}")
    # 100 Wh in 30 s is more than 800 W can give
    assert (held["state"], held["failure"]) == ("held", "more-than-rated-power")

    other = world.box(order["site_id"], "EB-0002").connect()
    order = world.order(other, customer, prepaid_fen=200)
    other.meter_mwh += 5_000
    other.end(1, int(order["id"]), 5_000_000, 30, StopReason.UNPLUGGED)
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["energy_mwh"]) == ("settled", 5_000)


def test_energy_is_split_where_the_price_changes(tmp_path: Path) -> None:
    """At 10:00 peak begins.  60 readings a minute apart on each side: what counts is the
    register at 10:00 sharp, between the two readings around it."""
    world = World(tmp_path)
    box = world.box(world.site(RATES)).connect()
    # it is 9:00 in Shanghai; the boundary falls in the middle of two readings
    world.clock.advance(30)
    order = world.order(box)
    started = box.begin()
    world.pass_time(2 * 3600, lambda: box.report(6_000))
    box.end(2, started.order_id, 5_000_000, 2 * 3600)
    bill = world.get(f"/orders/{order['id']}/bill")
    energy = [line["quantity"] for line in bill["lines"] if line["fee"] == "electricity"]
    # 59.5 minutes before, 60.5 after
    assert energy == [357_000, 363_000]
    assert sum(energy) == bill["energy_mwh"] == 720_000


def test_a_charge_goes_on_over_a_restart_of_the_service(tmp_path: Path) -> None:
    """What is written down suffices: the bill is that of an uninterrupted charge."""
    world = World(tmp_path)
    site, customer = world.site(RATES), world.customer(1000)
    box = world.box(site).connect()
    order = world.order(box, customer, prepaid_fen=300)
    started = box.begin()
    world.pass_time(3600, lambda: box.report(6_000))
    # the process is killed: nothing is told to anybody

    after = World(tmp_path, world.clock)
    box.world = after
    box.connect()
    after.pass_time(3600, lambda: box.report(6_000))
    box.end(2, started.order_id, 5_000_000, 2 * 3600)
    settled = after.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["energy_mwh"]) == ("settled", 720_000)
    lines = after.get(f"/orders/{order['id']}/bill")["lines"]
    assert [line["quantity"] for line in lines if line["fee"] == "electricity"] == [
        360_000,
        360_000,
    ]
    assert after.get(f"/wallets/{customer}")["held_fen"] == 0
    _sound(after)


def test_an_order_that_was_starting_at_a_restart_comes_to_an_end(tmp_path: Path) -> None:
    """The start may never have reached the charger: the money goes back by itself."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=300)
    after = World(tmp_path, world.clock)
    world.clock.advance(61)
    assert after.get(f"/orders/{order['id']}")["state"] == "failed"
    assert after.get(f"/wallets/{customer}")["balance_fen"] == 1000


def test_a_charge_ends_before_it_costs_more_than_prepaid(tmp_path: Path) -> None:
    """The platform stops it in time, and the bill keeps within the amount."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=50)
    started = box.begin()
    began = world.clock.seconds()
    while not box.stops() and world.clock.seconds() < began + 36_000:
        world.clock.advance(60)
        box.report(10_000)
    assert len(box.stops()) == 1
    box.accept(box.stops()[0])
    charged_s = int(world.clock.seconds() - began)
    box.end(2, started.order_id, 5_000_000, charged_s, StopReason.REMOTE)
    settled = world.get(f"/orders/{order['id']}")
    assert settled["state"] == "settled"
    assert settled["stop_reason"] == "limit_amount"
    assert 48 <= settled["amount_fen"] <= 50
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 1000 - settled["amount_fen"]


def test_what_a_charger_tells_offline_beyond_the_money_is_owed(tmp_path: Path) -> None:
    """The connection was lost, so nobody could stop it: the wallet pays what it has, and
    the rest is owed; the bill is exact."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(80)
    order = world.order(box, customer, prepaid_fen=50)
    started = box.begin()
    box.drop()
    world.clock.advance(2 * 3600)
    box.meter_mwh += 900_000
    box.connect()
    box.end(2, started.order_id, 5_000_000, 2 * 3600)
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["amount_fen"]) == ("settled", 90)
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (0, 0)
    _sound(world)
