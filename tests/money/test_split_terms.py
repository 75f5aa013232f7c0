"""Terms of split rules: whatever is wrong with them is told, with its place."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chargecloud.domain.errors import Invalid
from chargecloud.money.settlement.recurring import last_end
from chargecloud.money.settlement.rules import Every
from chargecloud.money.settlement.terms import check, rule_of
from tests.money.settling import Office

REST = {"party_id": "1", "rest": True}
WHOLE = [REST]
SIXTY = [{"party_id": each, "basis_points": 6_000} for each in ("2", "3")]
STEEP = [{"up_to_fen": 100, "basis_points": 4_001}, {"basis_points": 9_000}]


def _faults(site_id: int | None = None, **terms: Any) -> set[str]:
    with pytest.raises(Invalid) as told:
        check({"electricity": WHOLE, "service": WHOLE, **terms}, site_id)
    return {each["pointer"] for each in told.value.facts["errors"]}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("service", "where"),
    [
        ([], ""),
        ("x", ""),
        ([5], "/0"),
        ([{"party_id": "1"}], "/0"),
        ([{"party_id": "x", "rest": True}], "/0/party_id"),
        ([REST, REST], "/1/party_id"),
        ([REST, {"party_id": "01", "basis_points": 5_000}], "/1/party_id"),
        ([REST, {"party_id": "2", "rest": True}], ""),
        ([{"party_id": "1", "basis_points": 9_999}], ""),
        ([{"party_id": "1", "fixed_fen": 5}], ""),
        ([REST, {"party_id": "2", "basis_points": 10_001}], "/1/basis_points"),
        ([REST, {"party_id": "2", "basis_points": True}], "/1/basis_points"),
        ([REST, {"party_id": "2", "fixed_fen": -1}], "/1/fixed_fen"),
        ([REST, {"party_id": "2", "tiers": []}], "/1/tiers"),
        ([REST, {"party_id": "2", "tiers": [{"basis_points": 5}] * 2}], "/1/tiers/0/up_to_fen"),
        ([{"party_id": "1", "rest": False}], "/0/rest"),
        ([REST, *SIXTY], ""),
        ([REST, SIXTY[0], {"party_id": "4", "tiers": STEEP}], ""),
    ],
)
def test_shares_that_make_no_whole(service: Any, where: str) -> None:
    """Each of them."""
    assert f"/terms/service{where}" in _faults(service=service)


def test_what_else_is_wrong() -> None:
    """All at once."""
    percent = [{"party_id": "1", "basis_points": 10_000}]
    found = _faults(
        service=percent,
        least_fen=5,
        channel_fees={"sandbox": 5_000},
        reimbursement={"party_id": "1", "payer_id": "1", "price": 0},
        typo=1,
    )
    assert found == {
        "/terms/service",
        "/terms/channel_fees/sandbox",
        "/terms/reimbursement",
        "/terms/reimbursement/price",
        "/terms/typo",
    }


def test_what_is_good_makes_a_rule() -> None:
    """With percent alone, and with tiers beside a rest."""
    tiers = [{"up_to_fen": 100, "basis_points": 1_000}, {"basis_points": 0}]
    terms = {
        "electricity": [{"party_id": "1", "basis_points": 10_000}],
        "service": [REST, {"party_id": "2", "tiers": tiers}],
    }
    rule = rule_of(check(terms, None))
    assert rule.split((10, 300, 0)) == {1: (10, 290, 0), 2: (0, 10, 0)}


def test_what_some_orders_are_too_small_for_is_good() -> None:
    """These are held, and all others are split."""
    tiers = [{"up_to_fen": 100, "basis_points": 9_000}, {"basis_points": 4_000}]
    service = [REST, SIXTY[0], {"party_id": "4", "tiers": tiers}]
    assert check({"electricity": WHOLE, "service": service}, None)["service"] == service


def test_rules_over_http(tmp_path: Path) -> None:
    """Two for the same orders, parties that there are none of, and versions."""
    office = Office(tmp_path)
    rule = office.rule(valid_until="2026-06-30")
    assert rule["terms"]["least_fen"] == 0
    again = {"name": "again", "valid_from": "2026-06-30", "terms": office.terms}
    http = office.world.http
    assert http("POST", "/split-rules", again)[0] == 409
    assert http("POST", "/split-rules", again | {"valid_from": "2026-07-01"})[0] == 201
    assert http("POST", "/split-rules", again | {"site_id": office.site_id})[0] == 201
    strange = {"electricity": [{"party_id": "5", "rest": True}], "service": WHOLE}
    status, problem = http("POST", "/split-rules", again | {"terms": strange, "site_id": "5"})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/terms")
    backwards = again | {"valid_from": "2027-01-01", "valid_until": "2026-01-01"}
    assert http("POST", "/split-rules", backwards)[0] == 422
    path = f"/split-rules/{rule['id']}"
    status, _, _ = office.world.whole(
        office.world.begin("DELETE", path, None, **{"If-Match": '"7"'})
    )
    assert status == 412
    assert http("DELETE", path)[1]["is_retired"]
    assert http("DELETE", path)[1]["version"] == 2


@pytest.mark.parametrize(
    ("every", "wanted"),
    [
        (Every.DAY, "2026-12-02T00:00:00+08:00"),
        (Every.WEEK, "2026-11-30T00:00:00+08:00"),
        (Every.MONTH, "2026-12-01T00:00:00+08:00"),
    ],
)
def test_when_a_period_ended(every: Every, wanted: str) -> None:
    """At a midnight in China, where it is Wednesday already."""
    now = datetime(2026, 12, 1, 18, tzinfo=UTC)
    assert last_end(every, now, ZoneInfo("Asia/Shanghai")).isoformat() == wanted
