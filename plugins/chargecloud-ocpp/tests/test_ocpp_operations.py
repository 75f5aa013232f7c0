"""C{/chargers/{id}/ocpp}: every operation of the central system, and what is kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, inspect

from chargecloud_ocpp.calls import Error
from chargecloud_ocpp.effects import Kind as Kept
from chargecloud_ocpp.effects import Put
from chargecloud_ocpp.keeping import MOST_CARDS, keep
from chargecloud_ocpp.messages import ACTIONS
from chargecloud_ocpp.messages.fields import (
    Choice,
    Flag,
    Fraction,
    Instant,
    Kind,
    ListOf,
    Structure,
    Text,
    Whole,
)
from chargecloud_ocpp.orders import OPERATIONS
from chargecloud_ocpp.tables import metadata
from ocpp_point import Point, ocpp_world, point
from tests.harness import result_of
from tests.web.resources.asking import Answer, Asking
from tests.world import World

CARDS = [{"idTag": "A", "idTagInfo": {"status": "Accepted"}}, {"idTag": "B"}]
SCHEDULE = {
    "chargingRateUnit": "W",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 3500.5}],
}


def profile(number: int, level: int = 0, purpose: str = "TxDefaultProfile") -> dict[str, Any]:
    """A charging profile."""
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": SCHEDULE,
    }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = ocpp_world(tmp_path)
    yield made
    made.killed()


@pytest.fixture
def there(world: World) -> Point:
    """A charge point that was started."""
    return point(world).boot()


@pytest.fixture
def asking(world: World) -> Asking:
    """Those who ask the API; each answer is held against the platform's own document."""
    return Asking(world)


def operate(asking: Asking, there: Point, action: str, payload: Any, answer: Any = None) -> Answer:
    """Have an operation carried out; the charge point answers so."""
    path = f"/chargers/{there.charger_id}/ocpp/{action}"
    asked = asking.begin("POST", path, {"payload": payload})
    call = there.take(action)
    assert call.payload == payload
    there.answer(call, **(answer or {"status": "Accepted"}))
    return asked.answer()


def kept(asking: Asking, there: Point) -> Any:
    """What is kept of a charge point."""
    return asking.begin("GET", f"/chargers/{there.charger_id}/ocpp").answer().json


def least(kind: Kind) -> Any:
    """The least value of a kind that there is."""
    match kind:
        case Text():
            return "x"
        case Whole() | Fraction():
            return 1
        case Flag():
            return True
        case Instant():
            return "2026-11-24T00:00:00Z"
        case Choice(_, values):
            return values[0]
        case Structure(_, fields):
            return {each.name: least(each.kind) for each in fields if each.is_required}
        case ListOf(each, _):
            return [least(each)]


@pytest.mark.parametrize("action", OPERATIONS)
def test_every_operation_is_carried_out(asking: Asking, there: Point, action: str) -> None:
    """Of all profiles and of the security extension, with the least that each may say."""
    row = ACTIONS[action]
    request, result = (
        {each.name: least(each.kind) for each in fields if each.is_required}
        for fields in (row.request, row.answer)
    )
    answer = operate(asking, there, action, request, result or {"more": 1})
    assert answer.status == 200
    assert answer.json["payload"] == result


def test_what_a_charge_point_refuses_is_told(asking: Asking, there: Point) -> None:
    """By its status, or by an error; and nothing is kept."""
    reservation = {
        "connectorId": 1,
        "expiryDate": "2026-11-23T02:00:00Z",
        "idTag": "A",
        "reservationId": 7,
    }
    told = operate(asking, there, "ReserveNow", reservation, {"status": "Occupied"}).json
    assert (told["accepted"], told["code"]) == (False, "busy")
    path = f"/chargers/{there.charger_id}/ocpp/ReserveNow"
    asked = asking.begin("POST", path, {"payload": reservation})
    there.send(Error(there.take("ReserveNow").id, "NotImplemented", "no"))
    told = asked.answer().json
    assert (told["code"], told["payload"]["error"]) == ("unknown-command", "NotImplemented")
    assert kept(asking, there)["reservations"] == {}


@pytest.mark.parametrize(
    ("action", "payload", "status", "places"),
    [
        ("Nonsense", {}, 404, None),
        # what only a charge point may begin
        ("Heartbeat", {}, 404, None),
        ("Reset", {"type": "Soon"}, 422, ["/payload/type"]),
        ("Reset", {}, 422, ["/payload/type"]),
        ("Reset", {"type": "Soft", "more": 1}, 422, ["/payload/more"]),
        ("ReserveNow", {"connectorId": "1"}, 422, None),
    ],
)
def test_what_is_no_operation_is_refused(
    asking: Asking, there: Point, action: str, payload: Any, status: int, places: Any
) -> None:
    """Strictly by the tables, and before anything is sent."""
    path = f"/chargers/{there.charger_id}/ocpp/{action}"
    answer = asking.begin("POST", path, {"payload": payload}).answer()
    assert answer.status == status
    assert places is None or answer.places == places
    assert there.calls == []


def test_others_chargers_are_none(world: World, asking: Asking, there: Point) -> None:
    """Of another tenant, or of another dialect."""
    path = f"/chargers/{there.charger_id}/ocpp"
    native = world.box()
    _, token = asking.tenant("other")
    assert asking.begin("GET", path, token=token).answer().status == 404
    reset = {"payload": {"type": "Soft"}}
    assert asking.begin("POST", f"{path}/Reset", reset, token=token).answer().status == 404
    answer = asking.begin("GET", f"/chargers/{native.id}/ocpp").answer()
    assert (answer.status, answer.kind) == (409, "not-supported")


# ------------------------------------------------------------------------------- what is kept


def test_reservations_are_kept_until_they_are_over(
    world: World, asking: Asking, there: Point
) -> None:
    """By their time, or by being cancelled."""
    for number, until in ((7, "02:00"), (8, "01:05")):
        reservation = {
            "connectorId": 1,
            "expiryDate": f"2026-11-23T{until}:00Z",
            "idTag": "A",
            "reservationId": number,
        }
        operate(asking, there, "ReserveNow", reservation)
    assert set(kept(asking, there)["reservations"]) == {"7", "8"}
    there.live(360)
    assert set(kept(asking, there)["reservations"]) == {"7"}
    operate(asking, there, "CancelReservation", {"reservationId": 7}, {"status": "Rejected"})
    assert set(kept(asking, there)["reservations"]) == {"7"}
    operate(asking, there, "CancelReservation", {"reservationId": 7})
    assert kept(asking, there)["reservations"] == {}


def test_the_local_list_is_kept(asking: Asking, there: Point) -> None:
    """Its version, and its entries as they change."""
    assert kept(asking, there)["list_version"] is None
    full = {"listVersion": 3, "updateType": "Full", "localAuthorizationList": CARDS[:1]}
    operate(asking, there, "SendLocalList", full)
    change = {
        "listVersion": 4,
        "updateType": "Differential",
        "localAuthorizationList": [{"idTag": "C", "idTagInfo": {"status": "Blocked"}}],
    }
    operate(asking, there, "SendLocalList", change, {"status": "VersionMismatch"})
    assert kept(asking, there)["list_version"] == 3
    operate(asking, there, "SendLocalList", change)
    found = kept(asking, there)
    assert (found["list_version"], set(found["cards"])) == (4, {"A", "C"})
    gone = {
        "listVersion": 5,
        "updateType": "Differential",
        "localAuthorizationList": [{"idTag": "A"}],
    }
    operate(asking, there, "SendLocalList", gone)
    assert set(kept(asking, there)["cards"]) == {"C"}
    operate(asking, there, "SendLocalList", {"listVersion": 6, "updateType": "Full"})
    assert kept(asking, there)["cards"] == {}
    operate(asking, there, "GetLocalListVersion", {}, {"listVersion": -1})
    assert kept(asking, there)["list_version"] == -1


def cards(count: int) -> list[dict[str, Any]]:
    """So many entries of a local list."""
    return [{"idTag": f"{n:08}", "idTagInfo": {"status": "Accepted"}} for n in range(count)]


def test_a_full_list_hides_nothing_and_grows_no_more(
    world: World, asking: Asking, there: Point
) -> None:
    """As many cards as are kept, beside what else is; one more is refused, by itself and in
    addition, and not sent."""
    operate(
        asking,
        there,
        "SetChargingProfile",
        {"connectorId": 1, "csChargingProfiles": profile(1)},
    )
    effects = [Put(Kept.CARD, each["idTag"], each["idTagInfo"]) for each in cards(MOST_CARDS)]
    effects.append(Put(Kept.LIST, "version", {"listVersion": 3}))
    now = world.calendar.now()
    statements: list[str] = []

    def write(connection: Connection) -> None:
        event.listen(
            connection,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, *_: statements.append(statement),
        )
        keep(connection, 1, there.charger_id, effects, now)

    result_of(world.store.writer.transact(write))
    # nobody else can write meanwhile
    assert len(statements) < 50
    found = kept(asking, there)
    assert len(found["cards"]) == MOST_CARDS
    assert (found["list_version"], set(found["profiles"])) == (3, {"1"})
    path = f"/chargers/{there.charger_id}/ocpp/SendLocalList"
    for kind, entries in (("Full", cards(MOST_CARDS + 1)), ("Differential", CARDS[:1])):
        more = {"listVersion": 4, "updateType": kind, "localAuthorizationList": entries}
        answer = asking.begin("POST", path, {"payload": more}).answer()
        assert (answer.status, answer.places) == (422, ["/payload/localAuthorizationList"])
    assert there.calls == []
    change = {
        "listVersion": 4,
        "updateType": "Differential",
        "localAuthorizationList": [{"idTag": "00000000"}, *CARDS[:1]],
    }
    operate(asking, there, "SendLocalList", change)
    assert len(kept(asking, there)["cards"]) == MOST_CARDS
    operate(asking, there, "SendLocalList", {"listVersion": 5, "updateType": "Full"})
    assert kept(asking, there)["cards"] == {}


def test_charging_profiles_are_kept(asking: Asking, there: Point) -> None:
    """One of each purpose and level at a connector, until they are cleared."""
    for connector, made in (
        (0, profile(1)),
        (0, profile(2)),
        (0, profile(3, level=1)),
        (1, profile(4, purpose="TxProfile")),
    ):
        payload = {"connectorId": connector, "csChargingProfiles": made}
        operate(asking, there, "SetChargingProfile", payload)
    assert set(kept(asking, there)["profiles"]) == {"2", "3", "4"}
    operate(asking, there, "ClearChargingProfile", {"connectorId": 0, "stackLevel": 1})
    assert set(kept(asking, there)["profiles"]) == {"2", "4"}
    operate(asking, there, "ClearChargingProfile", {"id": 4})
    assert set(kept(asking, there)["profiles"]) == {"2"}
    operate(asking, there, "ClearChargingProfile", {}, {"status": "Unknown"})
    assert set(kept(asking, there)["profiles"]) == {"2"}
    operate(asking, there, "ClearChargingProfile", {})
    assert kept(asking, there)["profiles"] == {}


def test_the_configuration_is_kept_without_its_secrets(asking: Asking, there: Point) -> None:
    """As it was read, or set since."""
    keys = [
        {"key": "HeartbeatInterval", "readonly": False, "value": "60"},
        {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
        {"key": "AuthorizationKey", "readonly": False, "value": "00"},
    ]
    operate(asking, there, "GetConfiguration", {}, {"configurationKey": keys})
    setting = {"key": "HeartbeatInterval", "value": "300"}
    operate(asking, there, "ChangeConfiguration", setting, {"status": "RebootRequired"})
    secret = {"key": "AuthorizationKey", "value": "0a" * 20}
    operate(asking, there, "ChangeConfiguration", secret)
    found = kept(asking, there)["configuration"]
    assert {key: each["value"] for key, each in found.items()} == {
        "HeartbeatInterval": "300",
        "NumberOfConnectors": "2",
    }


def test_who_did_what_is_written_down_without_secrets(
    world: World, asking: Asking, there: Point
) -> None:
    """In the event log, as every command is."""
    secret = {"key": "AuthorizationKey", "value": "0a" * 20}
    operate(asking, there, "ChangeConfiguration", secret)
    (logged,) = world.logged("charger.commanded")
    assert (logged["name"], logged["args"]["value"]) == ("ChangeConfiguration", "****")


def test_the_migration_makes_the_tables(world: World) -> None:
    """Alembic finds no difference."""

    def differences(connection: Any) -> Any:
        context = MigrationContext.configure(connection)
        ours = set(metadata.tables)
        assert ours <= set(inspect(connection).get_table_names())
        found = compare_metadata(context, metadata)
        return [each for each in found if each[0] not in ("remove_table", "remove_index")]

    assert result_of(world.store.read(differences)) == []
