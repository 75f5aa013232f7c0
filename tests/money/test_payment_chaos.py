"""Whatever is lost, repeated or late on the way of a payment: it is credited once, what goes back
is never more than what came, and the ledger sums to zero."""

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred, succeed

from chargecloud.calendar import Calendar
from chargecloud.domain.errors import Conflict, Refusal
from chargecloud.domain.payment_value import RefundState
from chargecloud.features.sandbox.channel import SandboxChannel
from chargecloud.money.channels import Channels
from chargecloud.money.chasing import Chasing
from chargecloud.money.payments import NewPayment, Payments
from chargecloud.money.refunds import Refunds
from chargecloud.money.settings import PaymentSettings
from chargecloud.money.taking import Taking
from chargecloud.money.wallets import Wallets
from chargecloud.registry.customers import Customers
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.once import RequestKey
from chargecloud.storage.schema import payments, postings, refunds
from tests.harness import Gathering, clock_at, failure_of, open_store, result_of, rows_of
from tests.paying import Unlucky

TENANT = 1


class Desk:
    """Everything between a payer and the ledger, and a customer of one tenant."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = clock_at()
        self.calendar = Calendar(self.clock.seconds)
        self.sandbox = SandboxChannel(self.clock, self.calendar, self._post)
        self.notices: list[tuple[Mapping[str, str], bytes]] = []
        self.is_deaf = False
        self.opened = 0
        self.begin()
        people = Customers(self.store, self.calendar)
        self.rider = result_of(people.create(None, TENANT, "Li Wei", None)).id

    def begin(self) -> None:
        """The process starts."""
        self.store = open_store(self.folder, self.clock)
        self.luck = self.store.writer.runner = Unlucky()
        seconds = self.clock.seconds
        self.channels = Channels(
            {"sandbox": self.sandbox}, PaymentSettings(), self.clock, self.calendar
        )
        self.taking = Taking(self.store, self.calendar, seconds)
        common = (self.store, self.calendar, seconds, self.channels, self.taking)
        self.payments, self.refunds = Payments(*common), Refunds(*common)
        self.chasing = Chasing(self.store, seconds, self.channels, self.taking, self.refunds)

    def crash(self) -> None:
        """The process is killed, and starts anew."""
        self.store.writer.closed = True
        self.store.engine.dispose()
        # no process starts within a millisecond; ids are made of time
        self.clock.advance(1)
        self.begin()

    def _post(self, _url: str, headers: Mapping[str, str], body: bytes) -> "Deferred[int]":
        self.notices.append((headers, body))
        return succeed(0 if self.is_deaf else self.notice(headers, body))

    def notice(self, headers: Mapping[str, str], body: bytes) -> int:
        """A notice comes."""

        return 200 if self.tried(lambda: self.take(headers, body)) else 500

    async def take(self, headers: Mapping[str, str], body: bytes) -> None:
        """Take a notice, as its route does."""
        await self.taking.told("sandbox", await self.channels.read("sandbox", headers, body))

    def tried(self, work: Callable[[], Any]) -> bool:
        """Whether something was done."""
        done = Deferred.fromCoroutine(work())
        worked: list[bool] = []
        done.addCallbacks(
            lambda _result: worked.append(True), self._not_done, errbackArgs=(worked,)
        )
        assert worked, "nothing waits but for the clock, and for that nobody waits here"
        return worked[0]

    def _not_done(self, failure: Any, worked: list[bool]) -> None:
        failure.trap(Refusal, OperationalError)
        worked.append(False)

    # ------------------------------------------------------------------------- what happens

    def happen(self, what: str, number: int) -> None:
        """Something happens, to the payment of that number where it is about one."""
        found = rows_of(self.store, payments)
        one = found[number % len(found)] if found else None
        if what == "open":
            self.opened += 1
            self._open(self.opened)
        elif what == "open again":
            self._open(self.opened)
        elif what == "pay" and one is not None:
            try:
                self.sandbox.pay(None, str(one["id"]))
            except Refusal:
                return
        elif what == "refund" and one is not None:
            part_fen = 100 * (number % 4) or None
            self.tried(lambda: self.refunds.ask(None, TENANT, one["id"], part_fen, "a", None))
        elif what == "hear again" and self.notices:
            self.notice(*self.notices[number % len(self.notices)])
        elif what == "wait":
            self.clock.advance(15 * (1 + number))
            self.tried(self.chasing.round)
        elif what == "crash":
            self.crash()
        elif what == "deaf":
            self.is_deaf = not self.is_deaf
        elif what in ("before", "after"):
            self.luck.fates += ["well"] * (number % 3) + [what]
        elif what == "answer lost":
            self.sandbox.manners.answers_lost += 1
        elif what == "question lost":
            self.sandbox.manners.questions_lost += 1

    def _open(self, number: int) -> None:
        new = NewPayment(channel="sandbox", amount_fen=400, subject="x", customer_id=self.rider)
        request = RequestKey(TENANT, str(number), "print")
        self.tried(lambda: self.payments.open(request, TENANT, new))

    def come_to_rest(self) -> None:
        """All is well from now on, and time passes."""
        self.luck.fates.clear()
        self.sandbox.manners.answers_lost = self.sandbox.manners.questions_lost = 0
        for _ in range(12):
            self.clock.advance(400)
            assert self.tried(self.chasing.round)


HAPPENINGS = [
    "open",
    "open again",
    "pay",
    "refund",
    "hear again",
    "wait",
    "crash",
    "deaf",
    "before",
    "after",
    "answer lost",
    "question lost",
]
STORIES = st.lists(
    st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 20)), min_size=5, max_size=40
)


@given(STORIES)
@settings(deadline=None, max_examples=40)
def test_whatever_happens_the_money_is_there_once(story: list[tuple[str, int]]) -> None:
    """By the sandbox's own account, and by ours."""
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        for what, number in (("open", 0), ("pay", 0), *story):
            desk.happen(what, number)
        # nothing that was posted goes away: what is wrong at any time is wrong in the end
        _check_books(desk)
        desk.come_to_rest()
        _check_books(desk)
        _check_ends(desk)
        desk.store.engine.dispose()


@pytest.mark.parametrize("order", sorted({*permutations(["notice", "notice", "round"])}))
def test_all_at_one_moment(tmp_path: Path, order: tuple[str, ...]) -> None:
    """None knows of the others when it decides; one of them credits, and all are received."""
    desk = Desk(tmp_path)
    desk.is_deaf = True
    desk.happen("open", 0)
    desk.happen("pay", 0)
    desk.clock.advance(20)
    gathering = desk.store.writer.runner = Gathering()
    begun = [
        Deferred.fromCoroutine(
            desk.take(*desk.notices[0]) if what == "notice" else desk.chasing.round()
        )
        for what in order
    ]
    gathering.do_all()
    for each in begun:
        assert result_of(each) is None
    _check_books(desk)
    assert result_of(Wallets(desk.store).get(TENANT, desk.rider)).balance_fen == 400


def test_two_refunds_at_one_moment(tmp_path: Path) -> None:
    """Each alone could be; of both, one is refused."""
    desk = Desk(tmp_path)
    desk.happen("open", 0)
    desk.happen("pay", 0)
    desk.clock.advance(2)
    (payment,) = rows_of(desk.store, payments)
    gathering = desk.store.writer.runner = Gathering()
    asked = [
        Deferred.fromCoroutine(desk.refunds.ask(None, TENANT, payment["id"], 300, why, None))
        for why in ("a", "b")
    ]
    gathering.do_all()
    assert result_of(asked[0]).state is RefundState.DONE
    assert failure_of(asked[1], Conflict).facts == {"refundable_fen": 100}
    _check_books(desk)


def _check_books(desk: Desk) -> None:
    """True at every moment."""
    with desk.store.engine.connect() as connection:
        assert list(ledger_faults(connection)) == []
    sums: Counter[str] = Counter()
    credited: Counter[int] = Counter()
    for row in rows_of(desk.store, postings):
        sums[row["debit_kind"]] -= row["amount_fen"]
        sums[row["credit_kind"]] += row["amount_fen"]
        if row["cause"] == "payment":
            credited[row["reference_id"]] += row["amount_fen"]
    assert sum(sums.values()) == 0
    for row in rows_of(desk.store, payments):
        is_paid = row["paid_at"] is not None
        assert credited.pop(row["id"], 0) == (row["amount_fen"] if is_paid else 0)
        going = [each for each in rows_of(desk.store, refunds) if each["payment_id"] == row["id"]]
        by_state = Counter(
            {
                state: sum(each["amount_fen"] for each in going if each["state"] == state)
                for state in ("asked", "done")
            }
        )
        assert by_state["asked"] == row["refunding_fen"]
        assert by_state["done"] == row["refunded_fen"]
        assert row["refunding_fen"] + row["refunded_fen"] <= row["amount_fen"]
    assert not credited
    assert sums["refunding"] == sum(each["refunding_fen"] for each in rows_of(desk.store, payments))


def _check_ends(desk: Desk) -> None:
    """True once all has come to rest: we know what the sandbox knows."""
    wallet = result_of(Wallets(desk.store).get(TENANT, desk.rider))
    theirs_fen = 0
    for row in rows_of(desk.store, payments):
        sale = desk.sandbox.sale(str(row["id"]))
        assert (row["paid_at"] is not None) == (sale is not None and sale.at is not None)
        assert row["state"] in ("paid", "closed", "part_refunded", "refunded")
        back_fen = sum(each.amount_fen for each in sale.refunds.values()) if sale else 0
        assert row["refunded_fen"] == back_fen
        assert back_fen <= row["amount_fen"]
        if row["paid_at"] is not None:
            theirs_fen += row["amount_fen"] - back_fen
    assert wallet.balance_fen == theirs_fen
    assert {each["state"] for each in rows_of(desk.store, refunds)} <= {"done", "failed"}
