"""Orders that are paid for first: placed with the money, and what is not used goes back."""

from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from chargecloud.domain.commands import Answer, StartCharge
from chargecloud.domain.events import StopReason
from chargecloud.storage.schema import payments
from tests.harness import rows_of
from tests.paying import Till, Unlucky
from tests.world import Box


@frozen
class Stand:
    """A till, and a charger beside it."""

    till: Till
    box: Box

    def open(self, **more: Any) -> Any:
        """Open a payment for a charge."""
        return self.till.open(order={"charger_id": str(self.box.id), "port": 1}, **more)

    def pay(self, payment: Any) -> Any:
        """Pay, and carry the start to the charger."""
        paid = self.till.pay(payment)
        self.box.pump()
        return paid

    def charge(self, energy_mwh: int) -> None:
        """Charge, and end."""
        meter_mwh = self.box.meter_mwh
        started = self.box.begin()
        for _ in range(6):
            self.till.clock.advance(60)
            self.box.report(energy_mwh // 6, power_dw=energy_mwh // 10)
        self.box.end(2, started.order_id, meter_mwh, 360, StopReason.FULL)
        self.till.wait(10)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """A charger that is online."""
    till = Till(tmp_path)
    return Stand(till, till.world.box().connect())


def test_a_guest_pays_and_gets_back_what_is_left(stand: Stand) -> None:
    """0.06 kWh of 1 yuan each: 6 fen of 500."""
    payment = stand.open()
    assert payment["is_guest"] is True
    assert payment["order_part"] == "wanted"
    paid = stand.pay(payment)
    assert paid["order_part"] == "placed"
    order = stand.till.world.get(f"/orders/{paid['order_id']}")
    assert (order["held_fen"], order["limit"]["amount_fen"]) == (500, 500)
    stand.charge(60_000)
    assert stand.till.world.get(f"/orders/{paid['order_id']}")["amount_fen"] == 6
    shown = stand.till.shown(payment)
    assert (shown["state"], shown["order_part"]) == ("part_refunded", "over")
    (refund,) = stand.till.refunds(payment)
    assert (refund["amount_fen"], refund["state"], refund["by"]) == (494, "done", None)
    assert stand.till.balances() == {
        "channel_sandbox": -6,
        "electricity_fees": 4,
        "service_fees": 2,
    }
    assert stand.till.world.get("/customers")["items"] == []
    (found,) = stand.till.world.get(f"/payments?order_id={paid['order_id']}")["items"]
    assert found["id"] == payment["id"]


def test_what_a_customer_does_not_use_stays_in_the_wallet(stand: Stand) -> None:
    """They know where it is."""
    rider = stand.till.world.customer(0)
    payment = stand.open(customer_id=rider)
    stand.pay(payment)
    stand.charge(60_000)
    assert stand.till.world.get(f"/wallets/{rider}")["balance_fen"] == 494
    shown = stand.till.shown(payment)
    assert (shown["state"], shown["order_part"]) == ("paid", "over")
    assert stand.till.refunds(payment) == []


@pytest.mark.parametrize("is_guest", [True, False])
def test_an_order_that_cannot_be_placed(stand: Stand, is_guest: bool) -> None:
    """The charger went away before it was paid: the money goes back by itself."""
    more = {} if is_guest else {"customer_id": stand.till.world.customer(0)}
    payment = stand.open(**more)
    stand.box.drop()
    shown = stand.till.pay(payment)
    assert (shown["order_part"], shown["order_failure"]) == ("refused", "charger-offline")
    assert (shown["state"], shown["refunded_fen"]) == ("refunded", 500)
    assert stand.till.balances() == {}


@pytest.mark.parametrize("is_guest", [True, False])
def test_an_order_that_does_not_start(stand: Stand, is_guest: bool) -> None:
    """The charger refuses the start: the money goes back by itself, all of it."""
    more = {} if is_guest else {"customer_id": stand.till.world.customer(0)}
    payment = stand.open(**more)
    stand.pay(payment)
    stand.box.accept(stand.box.orders(StartCharge)[-1], Answer(False, "no-plug"))
    stand.till.wait(10)
    shown = stand.till.shown(payment)
    assert (shown["state"], shown["order_part"]) == ("refunded", "over")
    assert stand.till.balances() == {}


def test_a_charge_that_draws_nothing(stand: Stand) -> None:
    """It costs nothing, and a guest has all back."""
    payment = stand.open()
    stand.pay(payment)
    stand.charge(0)
    assert stand.till.shown(payment)["state"] == "refunded"
    assert stand.till.balances() == {}


def test_nobody_is_asked_to_pay_for_what_cannot_be_had(stand: Stand) -> None:
    """A port that is taken, a charger that is away."""
    body = {
        "channel": "sandbox",
        "amount_fen": 500,
        "order": {"charger_id": str(stand.box.id), "port": 1},
    }
    stand.till.world.order(stand.box)
    assert stand.till.world.http("POST", "/payments", body)[1]["type"] == "/problems/port-busy"
    stand.box.drop()
    problem = stand.till.world.http("POST", "/payments", body)[1]
    assert problem["type"] == "/problems/charger-offline"
    body["order"]["port"] = 2  # type: ignore[index]
    assert stand.till.world.http("POST", "/payments", body)[0] == 422
    assert stand.till.world.get("/payments")["items"] == []


def test_two_pay_for_one_port(stand: Stand) -> None:
    """The first one charges, the other has the money back."""
    first, second = stand.open(), stand.open()
    stand.pay(first)
    shown = stand.pay(second)
    assert (shown["state"], shown["order_failure"]) == ("refunded", "port-busy")
    assert stand.till.balances() == {"channel_sandbox": -500, "held": 500}


def test_a_payment_that_was_paid_while_the_service_was_down(stand: Stand) -> None:
    """The order is placed when the notice comes again and the charger is back, once."""
    stand.till.is_deaf = True
    payment = stand.open()
    stand.till.sandbox.pay(None, payment["id"])
    world = stand.till.restarted()
    stand.box.world = world
    stand.box.power_up()
    stand.till.is_deaf = False
    stand.till.wait(16)
    stand.box.pump()
    assert stand.till.shown(payment)["order_part"] == "placed"
    assert len(world.get("/orders")["items"]) == 1


def test_an_order_that_ended_while_nobody_looked(stand: Stand) -> None:
    """What is due is written down with the order's end, and a restart finds it."""
    payment = stand.open()
    stand.pay(payment)
    for service in stand.till.world.platform.rounds:
        service.stopService()
    stand.charge(60_000)
    (row,) = rows_of(stand.till.world.store, payments)
    assert row["due_s"] == 0
    world = stand.till.restarted()
    stand.till.wait(10)
    assert stand.till.shown(payment)["refunded_fen"] == 494
    assert world.platform.channels.failed == {}


def test_a_bill_that_is_corrected_later(stand: Stand) -> None:
    """What a guest has paid too much goes back, too."""
    payment = stand.open()
    paid = stand.pay(payment)
    stand.charge(60_000)
    started = int(paid["order_id"])
    stand.box.end(3, started, stand.box.meter_mwh - 30_000, 360)
    world = stand.till.world
    (dispute,) = world.get("/orders/disputes")["items"]
    status, _ = world.http(
        "POST",
        f"/orders/disputes/{dispute['id']}/resolve",
        {"action": "correct", "reason": "the first was wrong"},
    )
    assert status == 200
    stand.till.wait(10)
    refunds = stand.till.refunds(payment)
    assert [each["amount_fen"] for each in refunds] == [494, 3]
    assert stand.till.balances()["channel_sandbox"] == -3


def pay_with(stand: Stand, payment: Any, fates: list[str]) -> Any:
    """Pay while the database has such luck with its commits; followers have none meanwhile."""
    world = stand.till.world
    for each in world.platform.followings:
        each.stopService()
    luck = world.store.writer.runner = Unlucky(fates)
    paid = stand.pay(payment)
    assert luck.fates == []
    for each in world.platform.followings:
        each.startService()
    return paid


def test_a_crash_after_the_order_was_placed(stand: Stand) -> None:
    """It is not placed again: the payment learns which one it was."""
    payment = stand.open()
    # it is paid, the order is placed, and then the disk is gone
    assert pay_with(stand, payment, ["well", "well", "before"])["order_part"] == "wanted"
    stand.box.world = stand.till.restarted()
    stand.box.power_up()
    stand.till.wait(5)
    shown = stand.till.shown(payment)
    (order,) = stand.till.world.get("/orders")["items"]
    assert (shown["order_part"], shown["order_id"]) == ("placed", order["id"])
    assert stand.till.balances() == {"channel_sandbox": -500, "held": 500}


def test_nobody_knows_whether_the_order_was_placed(stand: Stand) -> None:
    """The word of its commit was lost: its start is not sent, it is given up, and all goes back."""
    payment = stand.open()
    assert pay_with(stand, payment, ["well", "after"])["order_part"] == "wanted"
    stand.till.wait(200)
    shown = stand.till.shown(payment)
    assert (shown["state"], shown["order_part"]) == ("refunded", "over")
    (order,) = stand.till.world.get("/orders")["items"]
    assert order["state"] == "failed"
    assert stand.till.balances() == {}
