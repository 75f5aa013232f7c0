"""What channels give to parties: whose account it is, and what is believed of what they say."""

from pathlib import Path
from typing import Any

import pytest

from chargecloud.domain.channel import PartFact, PartWord, SplitFact
from chargecloud.money.settlement.channel_split import parts_told
from chargecloud.storage.schema import channel_splits
from tests.harness import rows_of
from tests.money.settling import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Somebody who splits."""
    return Office(tmp_path)


def test_an_account_is_of_one_party(office: Office) -> None:
    """A channel that gave to it would have given to both."""
    receivers = [{"channel": "sandbox", "kind": "merchant", "account": "m-owner", "name": None}]
    party = {"level": "partner", "name": "again", "receivers": receivers}
    http = office.world.http
    assert http("POST", "/parties", party)[0] == 409
    receivers[0]["account"] = "m-other"
    made = office.world.make("/parties", party, key="one")
    assert office.world.make("/parties", party, key="one") == made
    assert http("POST", "/parties", party)[0] == 409


@pytest.mark.parametrize(
    ("given_fen", "state"), [(100, "done"), (50, "under_way"), (150, "under_way")]
)
def test_another_amount_is_not_what_was_asked(given_fen: int, state: str) -> None:
    """It is asked after, and people are told; no money moves by it."""
    part = {"receiver": {"account": "m"}, "amount_fen": 100, "state": "under_way"}
    word = PartFact(account="m", amount_fen=given_fen, word=PartWord.DONE)
    fact = SplitFact(merchant="us", number="1", parts=(word,))
    assert [each["state"] for each in parts_told([part], fact)] == [state]


def _rows(office: Office) -> list[Any]:
    return list(rows_of(office.world.store, channel_splits))


def test_a_channel_that_is_away_is_left_alone(office: Office) -> None:
    """From the first question on that it does not answer."""
    office.rule()
    office.pay_for_charge(3)
    office.sandbox.manners.questions_lost = 1
    office.settle()
    (row,) = _rows(office)
    assert (row["state"], row["tries"]) == ("asked", 1)
    assert row["due_s"] > office.clock.seconds()


def test_what_is_called_back_later_makes_no_room(office: Office) -> None:
    """A split that was not asked for yet is cut to its limit, whatever comes back of it."""
    office.rule()
    payment = office.pay_for_charge(3)
    asking = office.world.platform.shared_rounds["split at channels"]
    asking.stopService()
    office.settle()
    adjust = {"action": "adjust", "energy_wh": 100, "reason": "the meter was wrong"}
    assert office.world.http("POST", f"/orders/{payment['order_id']}/resolve", adjust)[0] == 200
    office.settle()
    asking.startService()
    office.wait(60)
    split, *backs = _rows(office)
    assert (split["back_of"], split["state"]) == (None, "done")
    # of 500 fen 400 have gone back to the payer by then
    assert sum(part["amount_fen"] for part in split["parts"]) == 100
    assert {part["state"] for part in split["parts"]} == {"done"}
    assert {back["state"] for back in backs} == {"done"}
    assert office.alarms("channel-split-refused") == []
    office.balances()
