"""Messages in words: for the flight recorder, and for whoever has some text."""

from pathlib import Path

import pytest

from chargecloud.domain.errors import BadFrame
from chargecloud_ocpp.dialect import OcppDialect
from chargecloud_ocpp.numbers import order_tag
from ocpp_point import ocpp_world, point

DIALECT = OcppDialect()


def test_messages_are_told_in_words() -> None:
    """One a line, of either side."""
    text = b'[2,"1","Heartbeat",{}]\n[3,"1",{"a":1}]\n[4,"2","GenericError","no",{}]'
    assert [(each.kind, each.fields) for each in DIALECT.decode(text)] == [
        ("Heartbeat", {"id": "1", "payload": {}}),
        ("result", {"id": "1", "payload": {"a": 1}}),
        ("error", {"id": "2", "code": "GenericError", "description": "no", "details": {}}),
    ]


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b'[2,"1","Heartbeat",{}]\nx'])
def test_what_is_no_message_is_none(data: bytes) -> None:
    """And a text that came all the same is shown with what is wrong with it."""
    with pytest.raises(BadFrame):
        DIALECT.decode(data)
    if data != b"\xff":
        shown = DIALECT.describe(True, data, None)
        assert shown.kind == "unreadable"


def test_cards_and_secrets_are_not_shown() -> None:
    """The order that is told to start is."""
    tag = order_tag(7)
    for payload, shown in (
        ('{"idTag":"04A1B2C3"}', {"idTag": "****B2C3"}),
        (f'{{"idTag":"{tag}"}}', {"idTag": tag}),
        (
            '{"localAuthorizationList":[{"idTag":"04A1B2C3"}]}',
            {"localAuthorizationList": [{"idTag": "****B2C3"}]},
        ),
        (
            '{"key":"AuthorizationKey","value":"00"}',
            {"key": "AuthorizationKey", "value": "****"},
        ),
    ):
        (frame,) = DIALECT.decode(f'[2,"1","Any",{payload}]'.encode())
        assert frame.fields["payload"] == shown


def test_a_charge_points_frames_are_shown(tmp_path: Path) -> None:
    """By the API, in the dialect's words."""
    world = ocpp_world(tmp_path)
    there = point(world).boot()
    there.call("Authorize", {"idTag": "04A1B2C3"})
    frames = world.get(f"/chargers/{there.charger_id}/frames")["items"]
    kinds = [frame["kind"] for frame in frames]
    assert {"BootNotification", "Authorize", "ChangeConfiguration", "result"} <= set(kinds)
    assert "04A1B2C3" not in str([frame["fields"] for frame in frames])
    world.killed()
