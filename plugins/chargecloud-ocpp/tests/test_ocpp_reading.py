"""What chargers send is read as far as it goes, and told of."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud_ocpp.codes import ErrorCode
from chargecloud_ocpp.messages.checking import check
from chargecloud_ocpp.messages.faults import MOST_FAULTS, told
from chargecloud_ocpp.messages.reading import Read, read
from ocpp_schemas import MESSAGES

NOW = "2026-11-27T18:30:33Z"
AT = datetime(2026, 11, 27, 18, 30, 33, tzinfo=UTC)
START = {"connectorId": 1, "idTag": "abc", "meterStart": 10, "timestamp": NOW}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


def started(**other: Any) -> Read:
    """A StartTransaction with something in it that is otherwise."""
    return read("StartTransaction", False, {**START, **other})


def test_what_is_right_is_read_without_a_word() -> None:
    """Instants are instants, everything else as JSON has it."""
    found = started()
    assert found.values == {**START, "timestamp": AT}
    assert found.is_whole
    assert not found.faults


@pytest.mark.parametrize(
    ("name", "given_", "wanted"),
    [
        ("meterStart", "10", 10),
        ("meterStart", " 10.4 ", 10),
        ("meterStart", 10.0, 10),
        ("meterStart", 2**63 - 1, 2**63 - 1),
        ("idTag", 12345678, "12345678"),
        ("idTag", "x" * 40, "x" * 40),
        ("timestamp", "2026-11-27T18:30:33", AT),
        ("timestamp", "2026-11-27 18:30:33.000", AT),
        ("timestamp", "2026-11-27T18:30:33.000000000Z", AT),
        ("timestamp", "2026-11-28T02:30:33+08:00", AT),
        ("timestamp", "2026-11-28T02:30:33+0800", AT),
        ("timestamp", "1970-01-01T00:00:09Z", datetime(1970, 1, 1, 0, 0, 9, tzinfo=UTC)),
    ],
)
def test_a_value_that_is_written_otherwise_is_understood(
    name: str, given_: Any, wanted: Any
) -> None:
    """It is whole; what is not right to the letter is told of."""
    found = started(**{name: given_})
    assert found.values[name] == wanted
    assert found.is_whole


@pytest.mark.parametrize(
    ("name", "given_"),
    [
        ("meterStart", True),
        ("meterStart", "ten"),
        ("meterStart", "1_0"),
        ("meterStart", "1e999999"),
        ("meterStart", "NaN"),
        ("meterStart", 2**63),
        ("meterStart", [10]),
        ("idTag", {}),
        ("timestamp", 1764268233),
        ("timestamp", "yesterday"),
        ("timestamp", "2026-02-30T00:00:00Z"),
        ("timestamp", "0001-01-01T00:00:00+23:00"),
    ],
)
def test_a_value_that_nothing_can_be_made_of_is_not_there(name: str, given_: Any) -> None:
    """And the message is not whole, as it is required."""
    found = started(**{name: given_})
    assert name not in found.values
    assert found.error is ErrorCode.TYPE_CONSTRAINT_VIOLATION
    assert [fault.path for fault in found.faults] == [f"/{name}"]


def test_what_is_missing_is_missing() -> None:
    """Null too; something optional is no loss."""
    found = started(meterStart=None, reservationId=None)
    assert found.error is ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION
    assert set(found.values) == {"connectorId", "idTag", "timestamp"}
    assert started(reservationId="none").is_whole


def test_an_unknown_value_of_an_enumeration_is_kept_as_text() -> None:
    """'Error' is no status, and chargers have it."""
    found = read("StatusNotification", False, {**STATUS, "status": "Error", "info": "x" * 99})
    assert found.values["status"] == "Error"
    assert found.values["info"] == "x" * 99
    assert found.is_whole
    assert told(found.faults) == (
        "/info has more than 50 characters; /status is no ChargePointStatus"
    )


def test_meter_values_lose_only_what_cannot_be_read() -> None:
    """Numbers for texts, strange units, entries without a value, none at all."""
    samples = [{"value": 12.5, "unit": "Hz"}, {"unit": "Wh"}, {"value": "7"}, 5]
    payload = {
        "connectorId": 1,
        "transactionId": 0,
        "meterValue": [
            {"timestamp": NOW, "sampledValue": samples},
            {"timestamp": "?", "sampledValue": samples},
            {"timestamp": NOW, "sampledValue": {"value": "8"}},
            {"timestamp": NOW, "sampledValue": []},
        ],
    }
    found = read("MeterValues", False, payload)
    assert found.is_whole
    assert found.values["meterValue"] == [
        {"timestamp": AT, "sampledValue": [{"value": "12.5", "unit": "Hz"}, {"value": "7"}]},
        {"timestamp": AT, "sampledValue": [{"value": "8"}]},
        {"timestamp": AT, "sampledValue": []},
    ]
    assert read("MeterValues", False, {"connectorId": 0, "meterValue": []}).is_whole


def test_a_lack_within_a_structure_is_a_lack_of_the_message() -> None:
    """If the structure is required."""
    bare: dict[str, Any] = {"idTagInfo": {}}
    assert not read("Authorize", True, bare).is_whole
    assert read("StopTransaction", True, bare).is_whole


def test_a_fraction_is_read_exactly() -> None:
    """As it was written."""
    period = {"startPeriod": 0, "limit": 16.1}
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    answer = {"status": "Accepted", "chargingSchedule": schedule}
    found = read("GetCompositeSchedule", True, answer).values["chargingSchedule"]
    assert found["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": Decimal("16.1")}]


def test_what_is_wrong_all_over_is_not_told_of_in_full() -> None:
    """Nor is a name that somebody thought of at length."""
    found = started(**{f"{number}{'x' * 1000}": 1 for number in range(100)})
    assert len(found.faults) == MOST_FAULTS
    assert len(told(found.faults)) < 2500
    assert found.is_whole


def test_an_action_that_there_is_not_has_nothing_to_read() -> None:
    """And what is no object neither."""
    assert read("Nonsense", False, {}).error is ErrorCode.NOT_IMPLEMENTED
    assert read("Heartbeat", False, []).error is ErrorCode.FORMATION_VIOLATION


NAMES = ["connectorId", "idTag", "timestamp", "meterValue", "sampledValue", "value", "status"]
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just(NOW)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), inner, max_size=5),
    ),
    max_leaves=30,
)


@given(st.sampled_from(MESSAGES), ANYTHING)
def test_reading_and_checking_raise_nothing(message: tuple[str, bool], payload: Any) -> None:
    """Whatever it is; and what passes to the letter is read without a word."""
    action, is_answer = message
    found = read(action, is_answer, payload)
    assert list(check(action, is_answer, payload, strict=False)) == list(found.faults)
    assert found.faults or found.is_whole
    if not check(action, is_answer, payload):
        assert found.is_whole
    json.dumps(found.values, default=str)
