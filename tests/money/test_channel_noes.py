"""What a channel's no is worth: to a question nothing, and to what it was to do as much as it knows
of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred, fail

from chargecloud.domain.channel import (
    PaymentAt,
    PaymentFact,
    PaymentWord,
    RefundAt,
    RefundFact,
    RefundWord,
    SplitAt,
    SplitBackAt,
    SplitBackFact,
    SplitFact,
)
from chargecloud.domain.errors import ChannelAway, ChannelRefused
from chargecloud.features.sandbox.channel import SandboxChannel
from chargecloud.storage.schema import channel_splits
from tests.harness import rows_of
from tests.money.settling import Office
from tests.paying import Till

Says = Callable[["Deferred[Any]"], "Deferred[Any]"]


@define(eq=False)
class Fickle(SandboxChannel):
    """A sandbox whose next answers are others than what it has done.

    @ivar says: by what it is asked, what is made of the answers, one after another.
    """

    says: dict[str, list[Says]] = field(factory=dict, init=False)

    def _said(self, what: str, answer: "Deferred[Any]") -> "Deferred[Any]":
        left = self.says.get(what)
        return left.pop(0)(answer) if left else answer

    def query(self, payment: PaymentAt) -> "Deferred[PaymentFact]":
        """Tell of a payment."""
        return self._said("query", super().query(payment))

    def refund(self, refund: RefundAt) -> "Deferred[RefundFact]":
        """Send money back."""
        return self._said("refund", super().refund(refund))

    def query_refund(self, refund: RefundAt) -> "Deferred[RefundFact]":
        """Tell of a refund."""
        return self._said("query_refund", super().query_refund(refund))

    def split(self, split: SplitAt) -> "Deferred[SplitFact]":
        """Give parts."""
        return self._said("split", super().split(split))

    def query_split(self, split: SplitAt) -> "Deferred[SplitFact]":
        """Tell of a split."""
        return self._said("query_split", super().query_split(split))

    def split_back(self, back: SplitBackAt) -> "Deferred[SplitBackFact]":
        """Call a part back."""
        return self._said("split_back", super().split_back(back))

    def query_split_back(self, back: SplitBackAt) -> "Deferred[SplitBackFact]":
        """Tell of what was called back."""
        return self._said("query_split_back", super().query_split_back(back))


def no(_answer: "Deferred[Any]") -> "Deferred[Any]":
    """It says no, for good, whatever it has done."""
    return fail(ChannelRefused("no", why="no"))


def nothing(_answer: "Deferred[Any]") -> "Deferred[Any]":
    """Nobody hears what it says."""
    return fail(OSError("the line is dead"))


def not_now(_answer: "Deferred[Any]") -> "Deferred[Any]":
    """It does not know yet, and that is no fault of its own."""
    return fail(ChannelAway("later"))


def otherwise(**values: Any) -> Says:
    """It tells of something else than it was asked for."""
    return lambda answer: answer.addCallback(lambda fact: evolve(fact, **values))


#: it tells what is so
same = otherwise()


class FickleTill(Till):
    """People pay at a sandbox that says what it likes."""

    sandbox_is = Fickle
    sandbox: Fickle


class FickleOffice(Office):
    """And what they pay is split there."""

    sandbox_is = Fickle
    sandbox: Fickle


@pytest.fixture
def till(tmp_path: Path) -> FickleTill:
    """A platform with it."""
    found = FickleTill(tmp_path)
    found.is_deaf = True
    return found


@pytest.fixture
def payment(till: FickleTill) -> Any:
    """5 yuan in a wallet."""
    payment = till.open(customer_id=till.world.customer(0))
    till.sandbox.pay(None, payment["id"])
    till.wait(25)
    return payment


def ask(till: FickleTill, payment: Any) -> Any:
    """All of it is to go back."""
    return till.world.make(f"/payments/{payment['id']}/refunds", {"reason": "a"})


# ------------------------------------------------------------------------------ refunds


@pytest.mark.parametrize("word", [no, not_now])
def test_a_no_to_a_question_about_a_refund(till: FickleTill, payment: Any, word: Says) -> None:
    """The payer has it: it cannot be in the wallet again, whatever the question was refused for."""
    till.sandbox.says = {"refund": [nothing], "query_refund": [word]}
    ask(till, payment)
    till.wait(25)
    assert till.refunds(payment)[0]["state"] == "asked"
    assert till.balances() == {"channel_sandbox": -500, "refunding": 500}
    # only what was not answered at all is a fault of the channel's
    assert till.world.platform.channels.failed == {"sandbox": 1}
    till.wait(60)
    assert till.shown(payment)["state"] == "refunded"
    assert till.balances() == {}


def test_a_no_to_a_refund_that_was_made(till: FickleTill, payment: Any) -> None:
    """An earlier asking was carried out and not answered: it is believed to have been made."""
    unknown = otherwise(word=RefundWord.UNKNOWN)
    till.sandbox.says = {"refund": [nothing, no], "query_refund": [unknown]}
    ask(till, payment)
    till.wait(25)
    assert till.shown(payment)["state"] == "refunded"
    assert till.balances() == {}


def test_a_no_to_a_refund_of_which_nobody_knows(till: FickleTill, payment: Any) -> None:
    """As long as the question after it is not answered, the money is nobody's."""
    till.sandbox.says = {"refund": [no], "query_refund": [nothing]}
    assert ask(till, payment)["state"] == "asked"
    till.wait(25)
    assert till.shown(payment)["state"] == "refunded"


def test_a_no_to_a_refund_that_was_not_made(till: FickleTill, payment: Any) -> None:
    """It is final, and the money is in the wallet again."""
    till.sandbox.give_back(payment["id"], 500)
    refund = ask(till, payment)
    assert (refund["state"], refund["failure"]) == ("failed", "too-much")
    assert till.balances() == {"channel_sandbox": -500, "wallet": 500}


def test_what_is_told_of_another_refund(till: FickleTill, payment: Any) -> None:
    """It is nothing about the one that was asked after, and nothing about the other."""
    body = {"reason": "a", "amount_fen": 250}
    path = f"/payments/{payment['id']}/refunds"
    till.sandbox.says = {"refund": [nothing]}
    lost = till.world.make(path, body)
    till.sandbox.says = {"refund": [otherwise(number=lost["id"], word=RefundWord.FAILED)]}
    other = till.world.make(path, body)
    assert {each["state"] for each in till.refunds(payment)} == {"asked"}
    till.wait(25)
    found = {each["id"]: each["state"] for each in till.refunds(payment)}
    assert found == {lost["id"]: "done", other["id"]: "done"}


def test_what_is_told_of_another_payment(till: FickleTill) -> None:
    """So for payments."""
    one, other = (till.open(customer_id=till.world.customer(0)) for _ in range(2))
    numbers = {one["id"]: other["id"], other["id"]: one["id"]}

    def told(answer: "Deferred[Any]") -> "Deferred[Any]":
        return answer.addCallback(
            lambda fact: evolve(fact, number=numbers[fact.number], word=PaymentWord.CLOSED)
        )

    till.sandbox.says = {"query": [told, told]}
    till.wait(25)
    assert {till.shown(each)["state"] for each in (one, other)} == {"opened"}


# ------------------------------------------------------------------------------- splits


@pytest.fixture
def office(tmp_path: Path) -> FickleOffice:
    """A platform whose payments are split there."""
    office = FickleOffice(tmp_path)
    office.rule()
    return office


def states(office: FickleOffice) -> list[str]:
    """Of what was to be given, and of what was to come back."""
    return [row["state"] for row in rows_of(office.world.store, channel_splits)]


@pytest.mark.parametrize(
    "says",
    [
        {"split": [nothing, nothing], "query_split": [no]},
        {"split": [nothing, nothing, no], "query_split": [otherwise(is_known=False, parts=())]},
        {
            "split": [otherwise(number="1")],
            "query_split": [otherwise(merchant="another")],
        },
    ],
    ids=["a no to a question", "a no to what was done", "another's"],
)
def test_a_split_that_was_made(office: FickleOffice, says: dict[str, list[Says]]) -> None:
    """The parties have it, whatever is said meanwhile; and it is posted once."""
    payment = office.pay_for_charge(3)
    office.sandbox.says = says
    office.settle()
    office.wait(100)
    assert states(office) == ["done"]
    sale = office.sandbox.sale(payment["id"])
    assert sale is not None
    (given,) = sale.splits.splits.values()
    assert office.shares()["channel_sandbox"] == -300 + sum(given.values())
    assert office.alarms("channel-split-refused") == []


@pytest.mark.parametrize(
    "says",
    [
        {"split_back": [nothing], "query_split_back": [same, same, no]},
        {
            "split_back": [nothing, same, no],
            "query_split_back": [same, same, otherwise(word=RefundWord.UNKNOWN)],
        },
        {
            "split_back": [otherwise(number="1"), otherwise(amount_fen=1)],
            "query_split_back": [
                same,
                same,
                otherwise(merchant="another"),
                otherwise(amount_fen=None),
            ],
        },
    ],
    ids=["a no to a question", "a no to what was done", "another's"],
)
def test_a_part_that_came_back(office: FickleOffice, says: dict[str, list[Says]]) -> None:
    """So for what is called back, from two."""
    payment = office.pay_for_charge(3)
    office.settle()
    office.wait(30)
    adjust = {"action": "adjust", "energy_wh": 0, "reason": "it was free"}
    assert office.world.http("POST", f"/orders/{payment['order_id']}/resolve", adjust)[0] == 200
    office.sandbox.says = says
    office.settle()
    office.wait(100)
    assert not any(says.values())
    assert set(states(office)) == {"done"}
    assert office.shares() == {}


def test_what_the_sandbox_has_forgotten(till: FickleTill, payment: Any) -> None:
    """It knows no refund of it, and makes none: that is final."""
    till.sandbox.says = {"refund": [nothing]}
    ask(till, payment)
    till.sandbox._sales.clear()
    till.wait(25)
    (refund,) = till.refunds(payment)
    assert (refund["state"], refund["failure"]) == ("failed", "not-paid")
