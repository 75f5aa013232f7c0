"""A code is sold upstairs, works once at its charger without a network, and its buyer pays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chargecloud.dialects.native.start_codes import TakenCodes
from chargecloud.domain.events import ChargeEnded, ChargeStarted, OfflineStart, StopReason
from tests.registry.test_keys import take, use
from tests.world import Box, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = World(tmp_path)
    yield made
    made.killed()


@pytest.fixture
def box(world: World) -> Box:
    """A charger that has its own key, and no connection now."""
    made = world.box().connect()
    use(made, take(made))
    made.drop()
    return made


def sell(world: World, box: Box, customer: str, **more: object) -> dict[str, str]:
    """A code for a customer."""
    sold: dict[str, str] = world.make(
        f"/chargers/{box.id}/start-codes", {"customer_id": customer, **more}
    )
    return sold


def test_no_code_is_sold_out_of_service(world: World, box: Box) -> None:
    """A charger that a person has taken out of service is not opened by another way."""
    assert world.http("PATCH", f"/chargers/{box.id}", {"status": "out_of_service"})[0] == 200
    body = {"customer_id": world.customer(balance_fen=500)}
    status, problem = world.http("POST", f"/chargers/{box.id}/start-codes", body)
    assert (status, problem["type"].rsplit("/", 1)[-1]) == (409, "out-of-service")


def test_a_code_starts_a_charge_that_its_buyer_pays(world: World, box: Box) -> None:
    """The charger takes it once; when it has a connection again it tells, and it is an order of
    the one who bought the code."""
    customer = world.customer(balance_fen=500)
    code = sell(world, box, customer, port=1, limit_wh=1_000)["code"]
    taken = TakenCodes()
    said = taken.take(box.key, code)
    assert said is not None
    assert (said.port, said.energy) == (1, 10)
    assert taken.take(box.key, code) is None

    box.connect()
    offline = OfflineStart(7, code=code)
    box.record(1, ChargeStarted(None, 1, box.meter_mwh, box.now, offline))
    (kept,) = box.kept()
    order = world.get(f"/orders/{kept.order_id}")
    assert (order["customer_id"], order["origin"]) == (customer, "offline")
    assert box.stops() == []
    world.pass_time(5_400, lambda: box.report(11_000))
    box.report(10_000)
    meter = box.meter_mwh
    box.record(
        2,
        ChargeEnded(
            None, 1, meter - 1_000_000, meter, 5_400, StopReason.LIMIT_ENERGY, box.now, offline
        ),
    )
    order = world.get(f"/orders/{kept.order_id}")
    assert (order["state"], order["energy_wh"], order["amount_fen"]) == ("settled", 1_000, 100)
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 400


def test_a_code_that_nobody_bought_is_stopped(world: World, box: Box) -> None:
    """Somebody may know the key; the charge is an order all the same, and is ended."""
    box.connect()
    offline = OfflineStart(7, code="1" * 16)
    box.record(1, ChargeStarted(None, 1, box.meter_mwh, box.now, offline))
    assert len(box.stops()) == 1


def test_codes_are_counted_and_come_once(world: World, box: Box) -> None:
    """Two are never alike; a request that is sent again gets the same."""
    customer = world.customer()
    path, body = f"/chargers/{box.id}/start-codes", {"customer_id": customer}
    first = world.make(path, body, "k1")
    assert world.make(path, body, "k1") == first
    second = world.make(path, body)
    assert first["code"] != second["code"]
    taken = TakenCodes()
    assert taken.take(box.key, second["code"])
    # they may be used in any order
    assert taken.take(box.key, first["code"])


def test_a_code_is_refused_with_its_reason(world: World, box: Box) -> None:
    """Where it would not work, or nobody would pay."""
    path = f"/chargers/{box.id}/start-codes"
    poor = {"customer_id": world.customer(balance_fen=0)}
    assert world.http("POST", path, poor)[0] == 409
    rich = {"customer_id": world.customer()}
    assert world.http("POST", path, {**rich, "limit_wh": 150})[0] == 422
    assert world.http("POST", path, {**rich, "port": 32})[0] == 422
    assert world.http("POST", path, {"customer_id": "1"})[0] == 404
    # a code that is made with a key that is about to go would be worthless
    world.http("POST", f"/chargers/{box.id}/keys")
    assert world.http("POST", path, rich)[0] == 409
    world.http("DELETE", f"/chargers/{box.id}/keys")
    assert world.http("POST", path, rich)[0] == 409
