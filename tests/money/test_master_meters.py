"""Electricity by master meters: by whose rule it is given back, and what meters cannot do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from attrs import define, field
from sqlalchemy import update
from twisted.internet.defer import Deferred, maybeDeferred

from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import meter_readings
from tests.money.settling import Office

T = TypeVar("T")


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


def _said(at: str, energy_kwh: int, **more: Any) -> Any:
    return {"at": f"{at}T12:00:00+08:00", "energy_wh": energy_kwh * 1000, **more}


def _read(office: Office, at: str, energy_kwh: int, **more: Any) -> Any:
    return office.world.make(_path(office), _said(at, energy_kwh, **more))


def _refused(office: Office, at: str, energy_kwh: int, **more: Any) -> Any:
    status, answer = office.world.http("POST", _path(office), _said(at, energy_kwh, **more))
    return (status, *(each["pointer"] for each in answer.get("errors", ())))


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


@define
class Slow:
    """Writes what it is asked for once it is let."""

    waiting: list[Callable[[], object]] = field(factory=list)

    def run(self, work: Callable[[], T]) -> "Deferred[T]":
        """Run it later."""
        done: Deferred[T] = Deferred()
        self.waiting.append(lambda: maybeDeferred(work).chainDeferred(done))
        return done

    def go_on(self) -> None:
        """Let it."""
        while self.waiting:
            self.waiting.pop(0)()


def test_two_read_at_once(office: Office) -> None:
    """What the second says is looked at again: together they would have it count backwards."""
    writer = office.world.store.writer
    writer.runner = slow = Slow()
    asked = [
        office.world.begin("POST", _path(office), _said(*each))
        for each in (("2026-06-01", 20), ("2026-06-30", 10))
    ]
    slow.go_on()
    assert [office.world.whole(each)[0] for each in asked] == [201, 422]
    assert [each["energy_wh"] for each in office.world.get(_path(office))["items"]] == [20_000]


def test_a_wrong_reading_is_corrected(office: Office) -> None:
    """Until something was given back by it."""
    _rule(office, 100_000)
    for at, energy_kwh in (("2026-06-01", 0), ("2026-06-15", 100), ("2026-06-30", 200)):
        _read(office, at, energy_kwh)
    assert _refused(office, "2026-06-15", 10) == (409,)
    assert _refused(office, "2026-06-16", 10, corrects=True) == (422, "/at")
    assert _refused(office, "2026-06-15", 201, corrects=True) == (422, "/energy_wh")
    assert _read(office, "2026-06-15", 10, corrects=True)["energy_wh"] == 10_000
    assert _read(office, "2026-06-30", 20, corrects=True)["energy_wh"] == 20_000
    (first, second) = office.world.logged("meter.corrected")
    assert (first["was"], first["energy_wh"]) == ({"energy_wh": 100_000}, 10_000)
    assert second["was"] == {"energy_wh": 200_000}
    assert _given_back(office.settle()) == [(20_000, 100_000, 2_000)]
    assert _refused(office, "2026-06-30", 30, corrects=True) == (409,)


def test_a_meter_is_exchanged(office: Office) -> None:
    """The new one begins with what it has counted elsewhere, or with nothing."""
    _rule(office, 100_000)
    _read(office, "2026-06-01", 990)
    exchanged = _read(office, "2026-06-10", 1_000, new_meter_wh=3_000)
    assert exchanged["new_meter_wh"] == 3_000
    assert _refused(office, "2026-06-20", 2) == (422, "/energy_wh")
    _read(office, "2026-06-20", 8)
    assert _refused(office, "2026-06-15", 5, new_meter_wh=9_000) == (422, "/new_meter_wh")
    _read(office, "2026-06-15", 5, new_meter_wh=0)
    # 10 kWh of the first one, 2 of the second and 8 of the third
    assert _given_back(office.settle()) == [(20_000, 100_000, 2_000)]
    assert _refused(office, "2026-06-12", 4, new_meter_wh=0) == (409,)
    _read(office, "2026-07-01", 9)
    assert _given_back(office.settle()) == [(1_000, 100_000, 100)]


def test_a_meter_that_counted_backwards_keeps_nothing_else(office: Office) -> None:
    """The settlement ends; what is beyond the two readings waits for one to be corrected."""
    _rule(office, 100_000)
    for at, energy_kwh in (("2026-06-01", 0), ("2026-06-10", 10), ("2026-06-20", 20)):
        _read(office, at, energy_kwh)
    _read(office, "2026-06-30", 30)
    # as readings of former versions may be
    wrong = update(meter_readings).where(meter_readings.c.energy_mwh == 20_000_000)
    with office.world.store.engine.begin() as connection:
        connection.execute(wrong.values(energy_mwh=5_000_000))
    office.charge()
    done = office.settle()
    assert (done["orders"], _given_back(done)) == (1, [(10_000, 100_000, 1_000)])
    (alarm,) = office.alarms("master-meter-backwards")
    assert (alarm.evidence["site_id"], alarm.evidence["lacks_wh"]) == (str(office.site_id), 5_000)
    _read(office, "2026-06-20", 20, corrects=True)
    assert _given_back(office.settle()) == [(20_000, 100_000, 2_000)]
    with office.world.store.engine.connect() as connection:
        assert list(ledger_faults(connection)) == []


def test_a_reading_that_is_corrected_as_it_is_settled(office: Office) -> None:
    """Either it is given back by the corrected one, or the correction comes too late."""
    _rule(office, 100_000)
    _read(office, "2026-06-01", 0)
    _read(office, "2026-06-30", 200)
    made = office.world.make("/settlements", {})
    office.world.store.writer.runner = slow = Slow()
    corrected = office.world.begin("POST", _path(office), _said("2026-06-30", 20, corrects=True))
    office.clock.advance(5)
    slow.go_on()
    assert office.world.whole(corrected)[0] == 201
    for _ in range(5):
        office.clock.advance(5)
        slow.go_on()
    done = office.world.get(f"/settlements/{made['id']}")
    assert (done["state"], _given_back(done)) == ("done", [(20_000, 100_000, 2_000)])
