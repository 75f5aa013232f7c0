"""Whatever a charge point says, it is answered with something valid, and the connection stands."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargecloud_ocpp.calls import Error, Result
from chargecloud_ocpp.messages import ACTIONS
from chargecloud_ocpp.messages.fields import Sender
from ocpp_point import Point, charging, ocpp_world, point
from ocpp_schemas import passes
from tests.world import World

OF_CHARGE_POINTS = sorted(
    name for name, row in ACTIONS.items() if row.sender is not Sender.CENTRAL_SYSTEM
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A platform."""
    made = ocpp_world(tmp_path_factory.mktemp("ocpp"))
    yield made
    made.killed()


@pytest.fixture(scope="module")
def there(world: World) -> Point:
    """A charge point that was started, and charges."""
    made = point(world, identity="answers").boot()
    charging(world, made, customer_id=world.customer(balance_fen=100_000))
    return made


@pytest.mark.parametrize("action", OF_CHARGE_POINTS)
def test_an_empty_message_is_answered(there: Point, action: str) -> None:
    """By the schema of its answer."""
    assert there.call(action, {}) is not None


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.sampled_from([0, -1, 1, 2, "1", "x" * 60, "", [], {}, [None], "2026-11-23T01:00:00", "-1"]),
    st.lists(st.dictionaries(st.sampled_from(["timestamp", "sampledValue", "value"]), st.text())),
)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_message_of_anything_is_answered(there: Point, data: st.DataObject) -> None:
    """Fields of any type, missing, or too many."""
    action = data.draw(st.sampled_from(OF_CHARGE_POINTS))
    names = [field.name for field in ACTIONS[action].request] + ["more"]
    payload = data.draw(st.dictionaries(st.sampled_from(names), VALUES))
    answer = there.answers.get(there.begin(action, payload))
    assert there.is_open
    assert isinstance(answer, Result), (action, payload, answer)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[2,"a1","StopTransaction",{"transactionId":,"meterStop":1}]', "FormationViolation"),
        (',[2,"a1","Heartbeat",{}]', None),
        ('[2,"a1","Heartb', "FormationViolation"),
        ('[2,"a1","Nonsense",{}]', "NotImplemented"),
        ('[2,"a1","RemoteStartTransaction",{"idTag":"x"}]', "NotSupported"),
        ('[2,"a1","Heartbeat",[1]]', "FormationViolation"),
        ("{}", None),
        ("", None),
        ('[3,"a1",{}]', None),
        ('[4,"a1","InternalError","",{}]', None),
    ],
)
def test_what_is_no_message_is_told_so(there: Point, text: str, code: str | None) -> None:
    """If it can be said to which; and the next one is answered as ever."""
    there.answers.pop("a1", None)
    there.say(text)
    answer = there.answers.get("a1")
    assert (answer.code if isinstance(answer, Error) else None) == code
    assert there.call("Heartbeat", {}) is not None


def test_only_ocpp_has_it(there: Point) -> None:
    """Data of a vendor that nobody here knows, and certificates that nobody here signs."""
    told: Any = there.call("DataTransfer", {"vendorId": "com.example", "data": "x"})
    assert told == {"status": "UnknownVendorId"}
    told = there.call("SignCertificate", {"csr": "x"})
    assert told == {"status": "Rejected"}
    assert passes("SignCertificate", True, told)
