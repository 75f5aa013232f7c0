"""Sequences of the Open Charge Alliance's test cases that no other test has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocpp_point import Point, charging, energy, ocpp_world, point
from tests.web.resources.asking import Answer, Asking
from tests.world import World

CARD = "04A1B2C3"


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
def customer(world: World) -> str:
    """Somebody with a card and money."""
    made = world.customer(balance_fen=700)
    world.make("/cards", {"uid": CARD, "customer_id": made, "status": "active"})
    return made


def operate(world: World, there: Point, action: str, payload: Any, **answer: Any) -> Answer:
    """Have an operation carried out; the charge point answers so."""
    path = f"/chargers/{there.charger_id}/ocpp/{action}"
    asked = Asking(world).begin("POST", path, {"payload": payload})
    there.answer(there.take(action), **(answer or {"status": "Accepted"}))
    return asked.answer()


def only_order(world: World, there: Point) -> Any:
    """The one order of a charge point."""
    (found,) = world.get(f"/orders?charger_id={there.charger_id}")["items"]
    return world.get(f"/orders/{found['id']}")


@pytest.mark.parametrize("is_plugged_first", [True, False])
def test_a_session_at_the_charge_point(
    world: World, there: Point, customer: str, is_plugged_first: bool
) -> None:
    """Plugged in or identified first: authorized, begun, metered, ended by the same card."""
    if is_plugged_first:
        there.plug("Preparing")
    assert there.call("Authorize", {"idTag": CARD})["idTagInfo"]["status"] == "Accepted"
    there.plug("Preparing")
    number = there.start(CARD)
    there.plug("Charging")
    there.live(600)
    there.meter(number, energy(1_050))
    assert there.call("Authorize", {"idTag": CARD})["idTagInfo"]["status"] == "Accepted"
    told = there.stop(number, 1_100, idTag=CARD, reason="Local")
    assert told["idTagInfo"]["status"] == "Accepted"
    for state in ("Finishing", "Available"):
        assert there.plug(state) == {}
    bill = only_order(world, there)
    assert (bill["state"], bill["stop_reason"], bill["energy_mwh"]) == ("settled", "user", 100_000)


def test_nobody_plugs_in(world: World, there: Point, customer: str) -> None:
    """The charge point gives it up by itself, and nothing is held."""
    assert there.call("Authorize", {"idTag": CARD})["idTagInfo"]["status"] == "Accepted"
    there.plug("Preparing")
    there.live(60)
    there.plug("Available")
    assert world.get(f"/orders?charger_id={there.charger_id}")["items"] == []


def test_a_card_that_is_known_from_before(world: World, there: Point, customer: str) -> None:
    """The charge point does not ask again before it begins."""
    assert there.start(CARD) > 0
    assert only_order(world, there)["customer_id"] == customer


def test_a_cable_that_is_pulled_at_the_car(world: World, there: Point) -> None:
    """It ends the charge."""
    order_id, number = charging(world, there)
    there.live(600)
    there.plug("SuspendedEV")
    there.stop(number, 1_100, reason="EVDisconnected")
    there.plug("Finishing")
    there.plug("Available")
    assert world.get(f"/orders/{order_id}")["stop_reason"] == "unplugged"


def test_a_lock_that_fails(world: World, there: Point, customer: str) -> None:
    """Nothing begins; it is told, and is no danger."""
    there.call("Authorize", {"idTag": CARD})
    there.plug("Faulted", errorCode="ConnectorLockFailure")
    assert world.logged("alarm.raised") == []
    there.plug("Available")


def test_a_cut_of_the_power(world: World, there: Point) -> None:
    """The charge point boots, and tells then that the charge had ended by it."""
    order_id, number = charging(world, there)
    there.live(600)
    at = there.now
    there.drop()
    world.clock.advance(300)
    there.boot()
    there.stop(number, 1_100, timestamp=at, reason="PowerLoss")
    bill = world.get(f"/orders/{order_id}")
    assert (bill["state"], bill["stop_reason"]) == ("settled", "power_cut")


@pytest.mark.parametrize(("tag", "is_stopped"), [(CARD, False), ("FFFF", True)])
def test_a_charge_begun_without_a_connection(
    world: World, there: Point, customer: str, tag: str, is_stopped: bool
) -> None:
    """A card that may not charge has its charge stopped."""
    at = there.now
    there.drop()
    world.clock.advance(300)
    there.connect()
    number = there.start(tag, timestamp=at)
    stops = [each.payload for each in there.calls if each.action == "RemoteStopTransaction"]
    assert stops == ([{"transactionId": number}] if is_stopped else [])


def test_a_charge_without_a_connection(world: World, there: Point, customer: str) -> None:
    """Its beginning and its end are told together, in order."""
    began = there.now
    there.drop()
    world.clock.advance(1_800)
    ended = there.now
    world.clock.advance(60)
    there.connect()
    number = there.start(CARD, timestamp=began)
    there.stop(number, 1_400, timestamp=ended)
    bill = only_order(world, there)
    assert (bill["state"], bill["energy_mwh"], bill["charged_s"]) == ("settled", 400_000, 1_800)


@pytest.mark.parametrize("kind", ["Hard", "Soft"])
def test_a_reset_and_the_boot_after_it(world: World, there: Point, kind: str) -> None:
    """The charge point answers, goes, and comes back."""
    assert operate(world, there, "Reset", {"type": kind}).json["accepted"]
    there.drop()
    assert there.boot().is_open


@pytest.mark.parametrize("connector", [1, 0])
def test_a_reservation_is_used(world: World, there: Point, customer: str, connector: int) -> None:
    """By whom it is for, at a connector, or anywhere at the charge point."""
    reservation = {
        "connectorId": connector,
        "expiryDate": "2026-11-23T02:00:00Z",
        "idTag": CARD,
        "parentIdTag": "GROUP",
        "reservationId": 7,
    }
    assert operate(world, there, "ReserveNow", reservation).json["accepted"]
    there.plug("Reserved", connector=1)
    assert there.start(CARD, reservationId=7) > 0
    assert only_order(world, there)["state"] == "charging"


@pytest.mark.parametrize(
    ("action", "payload", "told", "statuses"),
    [
        (
            "UpdateFirmware",
            {"location": "https://example.com/f", "retrieveDate": "2026-11-23T01:00:00Z"},
            "FirmwareStatusNotification",
            ["Downloading", "Downloaded", "Installing", "Installed"],
        ),
        (
            "UpdateFirmware",
            {"location": "https://example.com/f", "retrieveDate": "2026-11-23T01:00:00Z"},
            "FirmwareStatusNotification",
            ["Downloading", "DownloadFailed"],
        ),
        (
            "UpdateFirmware",
            {"location": "https://example.com/f", "retrieveDate": "2026-11-23T01:00:00Z"},
            "FirmwareStatusNotification",
            ["Downloading", "Downloaded", "Installing", "InstallationFailed"],
        ),
        (
            "GetDiagnostics",
            {"location": "ftp://example.com/"},
            "DiagnosticsStatusNotification",
            ["Uploading", "Uploaded"],
        ),
        (
            "GetDiagnostics",
            {"location": "ftp://example.com/"},
            "DiagnosticsStatusNotification",
            ["Uploading", "UploadFailed"],
        ),
        (
            "GetLog",
            {
                "logType": "SecurityLog",
                "requestId": 1,
                "log": {"remoteLocation": "ftp://example.com/"},
            },
            "LogStatusNotification",
            ["Uploading", "Uploaded"],
        ),
        (
            "SignedUpdateFirmware",
            {
                "requestId": 1,
                "firmware": {
                    "location": "https://example.com/f",
                    "retrieveDateTime": "2026-11-23T01:00:00Z",
                    "signingCertificate": "x",
                    "signature": "x",
                },
            },
            "SignedFirmwareStatusNotification",
            ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"],
        ),
        (
            "SignedUpdateFirmware",
            {
                "requestId": 1,
                "firmware": {
                    "location": "https://example.com/f",
                    "retrieveDateTime": "2026-11-23T01:00:00Z",
                    "signingCertificate": "x",
                    "signature": "x",
                },
            },
            "SignedFirmwareStatusNotification",
            ["Downloading", "Downloaded", "InvalidSignature"],
        ),
    ],
)
def test_what_becomes_of_a_file_is_heard(
    world: World, there: Point, action: str, payload: Any, told: str, statuses: list[str]
) -> None:
    """Each step is answered, whichever way it goes."""
    assert operate(world, there, action, payload, more=1).status == 200
    for status in statuses:
        assert there.call(told, {"status": status}) == {}


@pytest.mark.parametrize(
    "kind", ["InvalidChargePointCertificate", "InvalidCentralSystemCertificate"]
)
def test_a_security_event_is_heard(there: Point, kind: str) -> None:
    """And answered."""
    event = {"type": kind, "timestamp": there.now}
    assert there.call("SecurityEventNotification", event) == {}


def test_another_password(world: World, there: Point) -> None:
    """It is set at the charge point and here; the old one is worthless then."""
    key = "0b" * 20
    setting = {"key": "AuthorizationKey", "value": key}
    assert operate(world, there, "ChangeConfiguration", setting).json["accepted"]
    world.http("PUT", f"/chargers/{there.charger_id}/keys", {"key": key})
    there.drop()
    assert there.connect().refused == 401
    there.key = key
    assert there.connect().is_open


def test_another_security_profile(world: World, there: Point) -> None:
    """It is set, and the charge point comes back by TLS after a reset."""
    setting = {"key": "SecurityProfile", "value": "2"}
    assert operate(world, there, "ChangeConfiguration", setting).json["accepted"]
    assert operate(world, there, "Reset", {"type": "Hard"}).json["accepted"]


def test_a_start_with_a_charging_profile(world: World, there: Point, customer: str) -> None:
    """By hand, for a card: what begins is that card's charge."""
    period = {"startPeriod": 0, "limit": 6.0}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]},
    }
    wanted = {"connectorId": 1, "idTag": CARD, "chargingProfile": profile}
    assert operate(world, there, "RemoteStartTransaction", wanted).json["accepted"]
    there.start(CARD)
    assert only_order(world, there)["customer_id"] == customer


@pytest.mark.parametrize(
    ("action", "payload", "answer", "is_accepted"),
    [
        ("UnlockConnector", {"connectorId": 1}, {"status": "Unlocked"}, True),
        ("UnlockConnector", {"connectorId": 1}, {"status": "UnlockFailed"}, False),
        ("UnlockConnector", {"connectorId": 9}, {"status": "NotSupported"}, False),
        ("ChangeConfiguration", {"key": "x", "value": "1"}, {"status": "NotSupported"}, False),
        ("ChangeConfiguration", {"key": "x", "value": "-1"}, {"status": "Rejected"}, False),
        ("GetConfiguration", {"key": ["x"]}, {"unknownKey": ["x"]}, True),
        ("RemoteStopTransaction", {"transactionId": 1}, {"status": "Rejected"}, False),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}, {"status": "Rejected"}, False),
        ("GetLocalListVersion", {}, {"listVersion": 0}, True),
        (
            "SendLocalList",
            {"listVersion": 1, "updateType": "Full"},
            {"status": "NotSupported"},
            False,
        ),
        ("SendLocalList", {"listVersion": 1, "updateType": "Full"}, {"status": "Failed"}, False),
        (
            "GetCompositeSchedule",
            {"connectorId": 1, "duration": 300},
            {"status": "Accepted", "connectorId": 1},
            True,
        ),
        (
            "InstallCertificate",
            {"certificateType": "ManufacturerRootCertificate", "certificate": "x"},
            {"status": "Accepted"},
            True,
        ),
        *[
            (
                "ReserveNow",
                {
                    "connectorId": 1,
                    "expiryDate": "2026-11-23T02:00:00Z",
                    "idTag": CARD,
                    "reservationId": 7,
                },
                {"status": status},
                False,
            )
            for status in ("Faulted", "Occupied", "Unavailable", "Rejected")
        ],
    ],
)
def test_what_an_operation_comes_to_is_told(
    world: World, there: Point, action: str, payload: Any, answer: Any, is_accepted: bool
) -> None:
    """Yes or no, with all that the charge point has said."""
    told = operate(world, there, action, payload, **answer).json
    assert (told["accepted"], told["payload"]) == (is_accepted, answer)
