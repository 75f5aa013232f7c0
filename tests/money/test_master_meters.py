"""Electricity by master meters: by whose rule it is given back, and what meters cannot do."""

from pathlib import Path
from typing import Any

import pytest

from tests.money.settling import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Somebody who splits."""
    return Office(tmp_path)


def _rule(office: Office, price: int, **more: Any) -> Any:
    """A rule by which the operator gives the owner so much for a kWh."""
    terms = office.terms | {"electricity": [office.party("operator", rest=True)]}
    terms["reimbursement"] = {
        "party_id": office.parties["owner"],
        "payer_id": office.parties["operator"],
        "price": price,
    }
    return office.rule(terms, site_id=office.site_id, every="by_hand", **more)


def _path(office: Office) -> str:
    return f"/sites/{office.site_id}/meter-readings"


def _read(office: Office, at: str, energy_kwh: int) -> Any:
    body = {"at": f"{at}T12:00:00+08:00", "energy_wh": energy_kwh * 1000}
    return office.world.make(_path(office), body)


def _given_back(settlement: Any) -> list[tuple[int, int, int]]:
    return [
        (each["metered_wh"], each["price"], each["amount_fen"])
        for each in settlement["reimbursements"]
    ]


def test_each_day_has_its_rule(office: Office) -> None:
    """Two rules that follow each other, each with its own price, in one settlement."""
    _rule(office, 100_000, valid_until="2026-06-30")
    _rule(office, 200_000, valid_from="2026-07-01")
    _read(office, "2026-05-31", 0)
    _read(office, "2026-06-15", 10)
    _read(office, "2026-06-30", 20)
    _read(office, "2026-07-31", 50)
    # 20 kWh at 1 yuan, and 30 at 2
    assert _given_back(office.settle()) == [(20_000, 100_000, 2_000), (30_000, 200_000, 6_000)]
    assert office.shares()["owner_share"] == 8_000
    assert _given_back(office.settle()) == []


def test_a_reading_at_midnight_ends_the_day(office: Office) -> None:
    """It is by the rule of the day that was over."""
    _rule(office, 100_000, valid_until="2026-06-30")
    for at, energy_wh in (("2026-06-01", 0), ("2026-07-01", 1_000)):
        office.world.make(_path(office), {"at": f"{at}T00:00:00+08:00", "energy_wh": energy_wh})
    assert _given_back(office.settle()) == [(1_000, 100_000, 100)]


@pytest.mark.parametrize(
    "days", [{"valid_until": "2026-05-31"}, {"valid_from": "2026-07-01"}], ids=["over", "to come"]
)
def test_a_rule_of_other_days_moves_nothing(office: Office, days: Any) -> None:
    """One that is over, and one that is to come."""
    _rule(office, 100_000, **days)
    _read(office, "2026-06-01", 0)
    _read(office, "2026-06-30", 10)
    assert _given_back(office.settle()) == []
    assert office.shares() == {}
