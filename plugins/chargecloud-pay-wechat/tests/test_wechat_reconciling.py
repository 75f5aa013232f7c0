"""WeChat's bill of a day, held against our books."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.harness import result_of
from wechat_till import WeChatTill, paid, send_back


@pytest.fixture
def till(tmp_path: Path) -> WeChatTill:
    """A platform whose people pay by WeChat."""
    return WeChatTill(tmp_path)


def test_a_bill_is_read_elsewhere(till: WeChatTill) -> None:
    """It may be large, and those who pay are not to wait while it is read."""
    tenant_id = int(paid(till)["tenant_id"])
    till.clock.advance(24 * 3_600)
    held: list[tuple[Any, Any]] = []

    def in_thread(work: Any, *given: Any) -> Any:
        held.append((Deferred(), lambda: work(*given)))
        return held[-1][0]

    till.channel.in_thread = in_thread
    answered = till.channel.bill(tenant_id, "1900000109", date(2026, 11, 23))
    ((read, work),) = held
    assert not answered.called
    read.callback(work())
    assert [row.amount_fen for row in result_of(answered)] == [500]


def test_a_bill_that_is_being_made(till: WeChatTill) -> None:
    """It is asked for again, the same day."""
    paid(till)
    for _ in range(24):
        till.clock.advance(3_600)
    asked = len(till.gateway.asked)
    till.gateway.manners.before = lambda target: (
        till.gateway.manners.fail_with.append((400, "STATEMENT_CREATING"))
        if "tradebill" in target and len(till.gateway.asked) == asked + 1
        else None
    )
    for _ in range(3):
        till.clock.advance(3_600)
        till.clock.advance(60)
    days = [each["day"] for each in till.world.get("/payments/reconciliations")["items"]]
    assert days.count("2026-11-23") == 1


def next_day(till: WeChatTill) -> Any:
    """The reconciliation of the first day."""
    for _ in range(27):
        till.clock.advance(3_600)
    till.clock.advance(60)
    found = till.world.get("/payments/reconciliations")["items"]
    return next(each for each in found if each["day"] == "2026-11-23")


def test_the_bill_agrees(till: WeChatTill) -> None:
    """Of what people wrote, nothing confuses it."""
    payment = till.open(customer_id=till.world.customer(0), subject='充电, "1" 号`口')
    till.pay(payment)
    send_back(till, payment, amount_fen=100)
    found = next_day(till)
    assert found["differences"] == []
    assert (found["payments"], found["paid_fen"]) == (1, 500)
    assert (found["refunds"], found["refunded_fen"]) == (1, 100)


def test_the_bill_differs(till: WeChatTill) -> None:
    """What was sent back by hand, what WeChat does not have, and what was another amount."""
    one, other, third = (till.open(customer_id=till.world.customer(0)) for _ in range(3))
    for each in (one, other, third):
        till.pay(each)
    order = till.gateway.orders[other["id"]]
    order["at"] += timedelta(days=3)
    till.gateway.orders[third["id"]]["told"]["amount"]["total"] = 501
    at = till.gateway.now().isoformat()
    till.gateway.refunds["by-hand"] = {
        "out_trade_no": one["id"],
        "out_refund_no": "by-hand",
        "refund_id": "5030",
        "status": "SUCCESS",
        "success_time": at,
        "amount": {"refund": 300},
    }
    found = next_day(till)
    cases = {(each["differs"], each["kind"], each["number"]) for each in found["differences"]}
    assert cases == {
        ("unknown", "refund", "by-hand"),
        ("missing", "payment", other["id"]),
        ("amount", "payment", third["id"]),
    }
    assert len(till.alarms("payments-differ")) >= 1


def test_a_day_without_a_bill(till: WeChatTill) -> None:
    """What was paid by our own account is missing; a bill that is being made is waited for."""
    paid(till)
    till.clock.advance(24 * 3_600)
    body = {"channel": "wechat", "day": "2026-11-23"}
    till.gateway.manners.fail_with = [(400, "STATEMENT_CREATING")]
    status, problem = till.world.http("POST", "/payments/reconciliations", body)
    assert (status, problem["type"]) == (503, "/problems/channel-away")
    # it is no fault of the channel's
    assert till.world.platform.channels.failed == {}
    till.gateway.manners.fail_with = [(400, "NO_STATEMENT_EXIST")]
    found = till.world.make("/payments/reconciliations", body)
    assert [each["differs"] for each in found["differences"]] == ["missing"]
