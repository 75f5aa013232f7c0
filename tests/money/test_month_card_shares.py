"""What month cards have earned reaches the parties: split by sites, once, as service is."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from chargecloud.domain.decision import Decision, Insert, Stale
from chargecloud.money.settlement.settlements import Settlements
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import card_splits
from tests.harness import failure_of, result_of, rows_of
from tests.money.settling import Office

#: of 100 fen, by the office's rule
SHARES = {"platform_share": 10, "operator_share": 80, "owner_share": 5, "agent_share": 5}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Somebody who splits."""
    return Office(tmp_path)


def _earn(office: Office, *, is_used: bool = True) -> None:
    """A card of 3,000 fen for 30 days that is given back on its first one: 100 fen are earned."""
    customer = office.world.customer(3_000)
    new = {"customer_id": customer, "price_fen": 3_000, "days": 30}
    card = office.world.make("/month-cards", new)
    if is_used:
        body = {"charger_id": str(office.box.id), "port": 1, "customer_id": customer}
        order = office.world.make("/orders", body | {"month_card_id": card["id"]})
        office.charged(int(order["id"]), 1)
    office.wait(5)
    assert office.world.http("POST", f"/month-cards/{card['id']}/return")[0] == 200


def _parts(office: Office, settlement: Any) -> list[tuple[str, int, dict[str, int]]]:
    levels = {party: f"{level}_share" for level, party in office.parties.items()}
    return [
        (
            each["site_id"],
            each["amount_fen"],
            {levels[part["party_id"]]: part["service_fen"] for part in each["parts"]},
        )
        for each in settlement["month_cards"]
    ]


def _faults(office: Office) -> list[str]:
    with office.world.store.engine.connect() as connection:
        return list(ledger_faults(connection))


def test_it_is_split_once(office: Office) -> None:
    """And what is earned later, later."""
    office.rule()
    for _ in range(2):
        _earn(office)
        done = office.settle()
        assert _parts(office, done) == [(office.site_id, 100, SHARES)]
        assert _parts(office, office.settle()) == []
    assert office.shares() == {level: 2 * fen for level, fen in SHARES.items()}
    path = f"/settlements/{done['id']}/statements/{office.parties['agent']}.csv"
    content = office.world.whole(office.world.begin("GET", path))[1].decode("utf-8-sig")
    row = list(csv.reader(io.StringIO(content)))[-2]
    assert row[3:] == [
        *("0.000", "0.00", "0.05", "0.00", "0.00", "0.05"),
        "what month cards have earned",
    ]
    assert _faults(office) == []
    with office.world.store.engine.begin() as connection:
        connection.execute(update(card_splits).values(amount_fen=99))
    assert len(_faults(office)) == 2


def test_two_settlements_split_it_once(office: Office) -> None:
    """What both have seen is given by the first one; the other looks again."""
    office.rule()
    _earn(office)
    office.wait(5)
    store = office.world.store
    settlements = Settlements(store, office.world.calendar, office.clock.seconds)
    first, second = (int(office.world.make("/settlements", {})["id"]) for _ in range(2))

    def decided() -> Decision:
        async def whole() -> Decision:
            return await settlements._next(await settlements.get(None, second))

        decision: Decision = result_of(whole())
        return decision

    # the order that the card has covered
    result_of(store.writer.decide(decided()))
    seen = decided()
    assert any(write.table == "card_splits" for write in seen.writes if isinstance(write, Insert))
    result_of(settlements.run(first))
    failure_of(store.writer.decide(seen), Stale)
    result_of(settlements.run(second))
    assert [each["amount_fen"] for each in rows_of(store, card_splits)] == [100]
    assert _faults(office) == []


def test_it_waits_for_a_rule(office: Office) -> None:
    """It is in the account of its site until then; what nobody used is the operator's for good."""
    _earn(office)
    assert _parts(office, office.settle()) == []
    assert office.shares() == {"card_fees": 100}
    office.rule(every="monthly")
    assert _parts(office, office.settle()) == [(office.site_id, 100, SHARES)]
    _earn(office, is_used=False)
    assert _parts(office, office.settle()) == []
    assert office.shares() == SHARES | {"card_fees": 100}
    assert _faults(office) == []
