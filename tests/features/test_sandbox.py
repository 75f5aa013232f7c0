"""The sandbox takes no money, and behaves as badly as it is asked to."""

from pathlib import Path
from typing import Any

import pytest

from chargecloud.calendar import Calendar
from chargecloud.features.sandbox.feature import SandboxFeature, SandboxSettings
from chargecloud.interfaces import IPaymentChannel, Platform
from tests.harness import clock_at
from tests.paying import Till
from tests.world import World, native_plugins


@pytest.fixture
def till(tmp_path: Path) -> Till:
    """A platform with a sandbox."""
    return Till(tmp_path)


def built(settings: SandboxSettings) -> Any:
    """What the feature adds."""
    clock = clock_at()
    platform = Platform(calendar=Calendar(clock.seconds), read=None, reactor=clock)
    return SandboxFeature().build(settings, platform)


def test_it_is_there_if_it_is_wanted() -> None:
    """Nobody finds it in service, who has not asked for it."""
    parts = built(SandboxSettings())
    assert (parts.payment_channels, parts.routes) == ((), ())
    (channel,) = built(SandboxSettings(payments=True)).payment_channels
    assert IPaymentChannel.providedBy(channel)
    assert channel.real_money is False


def test_a_platform_without_it_takes_no_payment_for_it(tmp_path: Path) -> None:
    """The channel is named as what is not there."""
    feature = SandboxFeature()
    world = World(
        tmp_path,
        plugins=native_plugins(features={"sandbox": feature}),
        feature_settings={"sandbox": SandboxSettings()},
    )
    body = {"channel": "sandbox", "amount_fen": 5, "customer_id": world.customer(0)}
    status, problem = world.http("POST", "/payments", body)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/channel")


def test_payers_who_pay_by_themselves(till: Till) -> None:
    """For a demonstration."""
    till.sandbox.pays_after_s = 5
    payment = till.open(customer_id=till.world.customer(0))
    till.wait(10)
    assert till.shown(payment)["state"] == "paid"


def test_notices_that_overtake_each_other(till: Till) -> None:
    """That of the refund comes first, and that of the payment an hour later."""
    till.sandbox.manners.notice_after_s = 3_600
    payment = till.open(customer_id=till.world.customer(0))
    till.sandbox.pay(None, payment["id"])
    till.wait(20)
    till.sandbox.manners.notice_after_s = 1
    till.world.make(f"/payments/{payment['id']}/refunds", {"amount_fen": 100, "reason": "a"})
    till.wait(3_600)
    assert [status for *_, status in till.posted] == [200, 200]
    assert till.shown(payment)["state"] == "part_refunded"
    assert till.balances() == {"channel_sandbox": -400, "wallet": 400}


def test_a_tampered_notice_is_sent_again_until_it_is_good(till: Till) -> None:
    """As often as a real channel would, and by then we have asked."""
    till.sandbox.manners.is_tampered = True
    payment = till.open(customer_id=till.world.customer(0))
    paid = till.pay(payment)
    assert paid["state"] == "opened"
    till.wait(60)
    # at once, and after 15, 15 and 30 s
    assert [status for *_, status in till.posted] == [400] * 4
    assert till.shown(payment)["state"] == "paid"
    till.sandbox.manners.is_tampered = False
    till.wait(200)
    assert till.posted[-1][-1] == 200
    assert till.balances() == {"channel_sandbox": -500, "wallet": 500}


def test_what_was_forgotten_is_no_difference(till: Till) -> None:
    """A sandbox that was started anew has no bill of the day, and nobody is alarmed."""
    till.pay(till.open(customer_id=till.world.customer(0)))
    till.sandbox.since = till.world.calendar.now()
    for _ in range(30):
        till.clock.advance(3_600)
    assert till.world.get("/payments/reconciliations")["items"] == []
    assert till.alarms("payments-differ") == []
    body = {"channel": "sandbox", "day": "2026-11-23"}
    assert till.world.http("POST", "/payments/reconciliations", body)[0] == 409
