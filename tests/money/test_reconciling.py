"""Each day's bill of a channel is held against our books, and each difference is a case."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, fail

from chargecloud.domain.channel import BillKind, BillRow, PaymentWord
from chargecloud.domain.reconciling import Differs, Ours, differences
from chargecloud.features.sandbox.channel import SandboxChannel
from tests.harness import NOW
from tests.paying import Till

HOUR_S = 3_600


@pytest.fixture
def till(tmp_path: Path) -> Till:
    """A platform with a sandbox."""
    return Till(tmp_path)


def wait_for_next_day(till: Till) -> None:
    """Until the bills of the day are there."""
    for _ in range(27):
        till.clock.advance(HOUR_S)
    # the round that has become due by then
    till.clock.advance(60)


def test_a_day_on_which_all_agrees(till: Till) -> None:
    """It is gone through by itself, once."""
    payment = till.open(customer_id=till.world.customer(0))
    till.pay(payment)
    till.world.make(f"/payments/{payment['id']}/refunds", {"amount_fen": 100, "reason": "a"})
    wait_for_next_day(till)
    (found,) = till.world.get("/payments/reconciliations")["items"]
    assert (found["channel"], found["day"], found["differences"]) == ("sandbox", "2026-11-23", [])
    assert (found["payments"], found["paid_fen"]) == (1, 500)
    assert (found["refunds"], found["refunded_fen"]) == (1, 100)
    till.clock.advance(HOUR_S)
    assert len(till.world.get("/payments/reconciliations")["items"]) == 1
    assert till.alarms("payments-differ") == []


def test_differences_are_cases(till: Till) -> None:
    """What the bill has and we do not, and the other way round; people are told."""
    till.is_deaf = True
    rider = till.world.customer(0)
    lost, gone = till.open(customer_id=rider), till.open(customer_id=rider)
    till.sandbox.pay(None, lost["id"])
    till.sandbox.pay(None, gone["id"])
    till.wait(20)
    till.sandbox.give_back(lost["id"], 300)
    forgotten = till.sandbox.sale(gone["id"])
    assert forgotten is not None
    forgotten.word, forgotten.at = PaymentWord.WAITING, None
    wait_for_next_day(till)
    (found,) = till.world.get("/payments/reconciliations")["items"]
    cases = [(each["differs"], each["kind"], each["number"]) for each in found["differences"]]
    assert cases == [("unknown", "refund", "by-hand"), ("missing", "payment", gone["id"])]
    assert found["differences"][0]["bill"]["amount_fen"] == 300
    assert found["differences"][1]["ours"]["state"] == "paid"
    assert till.world.get(f"/payments/reconciliations/{found['id']}") == found
    (alarm,) = till.alarms("payments-differ")
    assert alarm.evidence["differences"] == 2


def test_it_is_run_by_hand(till: Till) -> None:
    """For a day that is over, as often as somebody wants."""
    payment = till.open(customer_id=till.world.customer(0))
    till.pay(payment)
    body = {"channel": "sandbox", "day": "2026-11-23"}
    status, problem = till.world.http("POST", "/payments/reconciliations", body)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/day")
    for _ in range(16):
        till.clock.advance(HOUR_S)
    for _ in range(2):
        assert till.world.make("/payments/reconciliations", body)["payments"] == 1
    earlier = till.world.make("/payments/reconciliations", body | {"day": "2026-11-22"})
    assert (earlier["payments"], earlier["differences"]) == (0, [])


def test_a_bill_that_is_late(till: Till) -> None:
    """It is asked for again."""
    till.pay(till.open(customer_id=till.world.customer(0)))
    for _ in range(26):
        till.clock.advance(HOUR_S)
    till.sandbox.manners.questions_lost = 2
    for _ in range(3):
        till.clock.advance(60)
        expected: list[Any] = till.world.get("/payments/reconciliations")["items"]
    assert len(expected) == 1


class Accountant(SandboxChannel):
    """A sandbox whose bills take their time, or are not to be had.

    @cvar after_s: until one is there; C{None}: it never is.
    """

    after_s: float | None = 60.0

    def bill(self, tenant_id: int, merchant: str, day: date) -> "Deferred[Sequence[BillRow]]":
        """All of a day, in a while."""
        if self.after_s is None:
            return fail(OSError("the file is gone"))
        late = super().bill(tenant_id, merchant, day)
        held: Deferred[Sequence[BillRow]] = Deferred()
        self.clock.callLater(self.after_s, late.chainDeferred, held)
        return held


class Busy(Accountant):
    """One that fails."""

    after_s = None


class AccountantTill(Till):
    """People pay there."""

    sandbox_is = Accountant


class BusyTill(Till):
    """So here."""

    sandbox_is = Busy


def test_a_bill_that_takes_its_time(tmp_path: Path) -> None:
    """It is large: it has longer than those who pay can wait."""
    till = AccountantTill(tmp_path)
    till.pay(till.open(customer_id=till.world.customer(0)))
    wait_for_next_day(till)
    for _ in range(12):
        till.clock.advance(60)
    days = [each["day"] for each in till.world.get("/payments/reconciliations")["items"]]
    assert days == ["2026-11-23"]


def test_bills_that_are_not_to_be_had(tmp_path: Path) -> None:
    """People are told, and go on paying meanwhile."""
    till = BusyTill(tmp_path)
    rider = till.world.customer(0)
    till.pay(till.open(customer_id=rider))
    wait_for_next_day(till)
    for _ in range(8):
        till.clock.advance(60)
    (alarm,) = till.alarms("payment-channel-fails")
    assert alarm.evidence == {"channel": "sandbox", "of": "bills", "is_over": False}
    assert till.pay(till.open(customer_id=rider))["state"] == "paid"
    assert till.world.get("/payments/reconciliations")["items"] == []


BILL = BillRow(kind=BillKind.PAYMENT, number="7", transaction="t7", amount_fen=500, at=NOW)
OURS = Ours(
    kind=BillKind.PAYMENT,
    number="7",
    state="paid",
    is_done=True,
    amount_fen=500,
    transaction="t7",
    at=NOW,
)


@pytest.mark.parametrize(
    ("bill", "ours", "expected"),
    [
        ([BILL], [OURS], []),
        ([evolve(BILL, amount_fen=501)], [OURS], [Differs.AMOUNT]),
        ([evolve(BILL, transaction="t8")], [OURS], [Differs.TRANSACTION]),
        ([BILL, BILL], [OURS], [Differs.TWICE, Differs.TWICE]),
        ([BILL], [evolve(OURS, is_done=False, transaction=None)], [Differs.NOT_DONE]),
        ([BILL], [evolve(OURS, kind=BillKind.REFUND)], [Differs.UNKNOWN, Differs.MISSING]),
        ([BILL], [], [Differs.UNKNOWN]),
        ([], [OURS], [Differs.MISSING]),
    ],
)
def test_each_difference(bill: list[BillRow], ours: list[Ours], expected: list[Differs]) -> None:
    """Each has its word, and its evidence."""
    of_the_day = [each for each in ours if each.is_done]
    found = list(differences(bill, ours, of_the_day))
    assert [each.differs for each in found] == expected
    assert all(each.bill or each.ours for each in found)


def test_a_day_is_chinas(till: Till) -> None:
    """A payment at half past midnight there belongs to the new day."""
    assert till.world.calendar.now().date() == date(2026, 11, 23)
    for _ in range(15):
        till.clock.advance(HOUR_S)
    till.clock.advance(1_800)
    till.pay(till.open(customer_id=till.world.customer(0)))
    for _ in range(24):
        till.clock.advance(HOUR_S)
    body = {"channel": "sandbox", "day": "2026-11-24"}
    assert till.world.make("/payments/reconciliations", body)["payments"] == 1
    body["day"] = "2026-11-23"
    assert till.world.make("/payments/reconciliations", body)["payments"] == 0
