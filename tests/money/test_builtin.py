"""What is promised of every kind of tariff that comes with the platform."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from chargecloud.domain.errors import TariffError
from chargecloud.domain.tariff import Bill, Fee, Mark, Usage
from chargecloud.interfaces import ITariff
from chargecloud.money.builtin import builtin_tariffs
from tests.money.ocpi.samples import component, tariff

#: terms of each kind, for tests to use and to spoil
TERMS: dict[str, dict[str, Any]] = {
    "time_of_use": {
        "rates": {
            "peak": {"electricity": 110_000, "service": 40_000},
            "valley": {"electricity": 40_001, "service": 39_999},
        },
        "day": [
            {"from": "00:00", "rate": "valley"},
            {"from": "07:00", "rate": "peak"},
            {"from": "23:00", "rate": "valley"},
        ],
    },
    "by_time": {"price_fen": 100, "block_s": 9_000, "step_s": 60, "electricity": 60_000},
    "composed": {
        "rates": {
            "peak": {"electricity": 110_000, "service": 40_000},
            "valley": {"electricity": 40_001, "service": 39_999},
        },
        "days": {
            "workday": [{"from": "00:00", "rate": "valley"}, {"from": "08:00", "rate": "peak"}],
            "holiday": [{"from": "00:00", "rate": "valley"}],
        },
        "calendar": [{"weekdays": [6, 7], "day": "holiday"}, {"day": "workday"}],
        "rounding": "line",
        "time": {
            "price_fen": 100,
            "block_s": 9_000,
            "step_s": 60,
            "least_s": 0,
            "tiers": [
                {"up_to_w": 200, "percent": 100},
                {"up_to_w": 400, "percent": 75},
                {"percent": 50},
            ],
            "dwell_s": 120,
            "falls": False,
        },
        "start_fee": {"fen": 50, "covers_s": 600},
        "occupancy": {"grace_s": 1_800, "price_fen": 100, "block_s": 3_600, "step_s": 60},
        "discounts": [{"name": "members", "percent": 20, "of": ["service", "electricity"]}],
        "least_fen": 90,
        "most_fen": 5_000,
    },
    "ocpi": tariff(
        (
            [component("ENERGY", 0.25, 10), component("TIME", 1, 5.2, 300)],
            {"start_time": "22:00", "end_time": "07:00", "day_of_week": ["FRIDAY", "SATURDAY"]},
        ),
        ([component("ENERGY", 0.2), component("TIME", 2)], {"max_kwh": 3, "min_power": 2}),
        [component("ENERGY", 0.35, 20, 100), component("PARKING_TIME", 5)],
        min_price={"excl_vat": 0.01},
        max_price={"excl_vat": 20, "incl_vat": 23},
    ),
}

TARIFFS = st.sampled_from(builtin_tariffs())

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@st.composite
def spoiled(draw: st.DrawFn, terms: Any) -> Any:
    """Terms in which one value, at any depth, was replaced, added or left out."""
    spoiled = node = deepcopy(terms)
    while True:
        key = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or draw(st.booleans()):
            break
        node = node[key]
    match draw(st.sampled_from(["replace", "add", "leave out"])):
        case "replace":
            node[key] = draw(JSON)
        case "add" if isinstance(node, dict):
            node[draw(st.text())] = draw(JSON)
        case "add":
            node.insert(key, draw(JSON))
        case _:
            del node[key]
    return spoiled


def empty(terms: Any) -> None:
    """Take everything out of terms, at every depth."""
    for value in terms.values() if isinstance(terms, dict) else terms:
        if isinstance(value, dict | list):
            empty(value)
    terms.clear()


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Charges of up to some days, with a few marks."""
    at = datetime(2026, 10, 24, tzinfo=UTC) + timedelta(seconds=draw(st.integers(0, 200_000)))
    meter = draw(st.integers(0, 10**9))
    marks = [Mark(at, meter)]
    steps = st.tuples(st.integers(0, 40_000), st.integers(0, 10**7))
    for later, more in draw(st.lists(steps, min_size=1, max_size=6)):
        marks.append(Mark(marks[-1].at + timedelta(seconds=later), marks[-1].meter_mwh + more))
    zone = draw(st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York"]))
    whole_s = int((marks[-1].at - at).total_seconds())
    return Usage(ZoneInfo(zone), draw(st.integers(0, whole_s)), tuple(marks))


def test_kinds_are_told_apart() -> None:
    """Each provides the interface, under a name of its own."""
    kinds = [tariff.kind for tariff in builtin_tariffs() if verifyObject(ITariff, tariff)]
    assert sorted(kinds) == sorted(TERMS)


@given(TARIFFS, st.data())
def test_any_json_gives_terms_or_a_tariff_error(tariff: ITariff, data: st.DataObject) -> None:
    """What is refused is refused with places; what is not can price a charge."""
    given_terms: Any = data.draw(JSON | spoiled(TERMS[tariff.kind]))
    try:
        terms = tariff.check(given_terms)
    except TariffError as refused:
        errors = refused.facts["errors"]
        assert isinstance(errors, list)
        assert errors
        assert all(error.keys() == {"where", "what"} for error in errors)
    else:
        assert tariff.check(terms) == terms
        tariff.lines(terms, data.draw(usages()))


@pytest.mark.parametrize("tariff", builtin_tariffs(), ids=lambda tariff: tariff.kind)
def test_checked_terms_are_no_part_of_what_was_given(tariff: ITariff) -> None:
    """Whoever changes what he gave does not change the tariff."""
    given_terms = deepcopy(TERMS[tariff.kind])
    terms = tariff.check(given_terms)
    kept = deepcopy(terms)
    empty(given_terms)
    assert terms == kept == TERMS[tariff.kind]


@given(TARIFFS, usages())
def test_a_bill_adds_up(tariff: ITariff, usage: Usage) -> None:
    """No fee is negative, lines lie within the charge, and the fees make the sum."""
    terms = tariff.check(TERMS[tariff.kind])
    lines = tuple(tariff.lines(terms, usage))
    bill = Bill(tariff_id=1, tariff_version=1, lines=lines)
    assert bill.fee_fen(Fee.ELECTRICITY) + bill.fee_fen(Fee.SERVICE) == bill.amount_fen
    assert all(bill.fee_fen(fee) >= 0 for fee in Fee)
    assert all(usage.started_at <= line.start <= line.end <= usage.ended_at for line in lines)
    metered = [line for line in lines if line.unit == "mWh" and line.fee is Fee.ELECTRICITY]
    if tariff.kind == "ocpi":
        # its steps add to what was metered
        assert 0 <= sum(line.quantity for line in metered) - usage.energy_mwh < 100_000
    else:
        assert sum(line.quantity for line in metered) == usage.energy_mwh
    assert all(line.price_per == "kWh" for line in metered)
    assert tuple(tariff.lines(terms, usage)) == lines


@pytest.mark.parametrize("tariff", builtin_tariffs(), ids=lambda tariff: tariff.kind)
def test_a_charge_that_drew_nothing_has_no_lines(tariff: ITariff) -> None:
    """Nothing used, nothing to pay and nothing to explain."""
    mark = Mark(datetime(2026, 11, 22, tzinfo=UTC), 5_000_000)
    terms = dict(tariff.check(TERMS[tariff.kind]))
    terms.pop("min_price", None)
    assert not tariff.lines(terms, Usage(ZoneInfo("Asia/Shanghai"), 0, (mark, mark)))
