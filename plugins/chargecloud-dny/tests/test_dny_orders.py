"""DNY devices on the platform: a charge from the order to its bill, and all that goes wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chargecloud.dialects.arriving import WHOLE_WITHIN_S
from chargecloud.domain.commands import VendorCall
from chargecloud_dny.conversation import IGNORED_S, SILENCE_S, SPACING_S
from chargecloud_dny.frames import Frame
from chargecloud_dny.messages import RESEND_S, START_RESEND_S
from dny_box import Alone, Device, device, dny_world, new_wire
from tests.web.resources.asking import Asking
from tests.world import World

ICCID = b"898604D9162390488297"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = dny_world(tmp_path)
    yield made
    made.killed()


@pytest.fixture
def box(world: World) -> Device:
    """A device that has said what it is."""
    made = device(world)
    made.register()
    return made


def order(world: World, box: Device, **more: Any) -> Any:
    """An order at a device's first port, of somebody with money."""
    customer = more.pop("customer_id", None) or world.customer()
    body = {"charger_id": box.charger_id, "port": 1, "customer_id": customer, **more}
    return world.make("/orders", body)


def charging(world: World, box: Device, **more: Any) -> tuple[str, bytes]:
    """An order whose charge has begun: its id, and its number on the wire."""
    made = order(world, box, **more)
    return made["id"], box.start()["order"]


def state(world: World, order_id: str) -> Any:
    """An order as the API shows it."""
    return world.get(f"/orders/{order_id}")


# ------------------------------------------------------------------------------- coming and going


def test_a_device_is_known_by_its_first_word(world: World) -> None:
    """Whatever that is; the number of the SIM comes before, and is never answered."""
    box = device(world)
    assert box.wire.send(ICCID) == []
    (answer,) = box.beat(0, 2)
    assert (answer.command, answer.data) == (0x21, b"\0")
    shown = world.get(f"/chargers/{box.charger_id}")
    assert (shown["online"], shown["iccid"]) == (True, ICCID.decode())
    assert [port["state"] for port in shown["port_states"]] == ["idle", "plugged"]


def test_a_box_is_gone_when_only_its_host_lives(world: World) -> None:
    """The host is not registered, and its sign of life says nothing of its boxes."""
    box = device(world)
    Device(box.wire, 0x09000001, "").register()
    box.register()
    for _ in range(0, int(SILENCE_S) + 60, 30):
        world.clock.advance(30)
        box.wire.send(b"link")
    assert not world.get(f"/chargers/{box.charger_id}")["online"]


def test_what_is_not_registered_is_not_answered(world: World) -> None:
    """A device that nobody knows hears nothing, and does not harm the others on its wire."""
    box = device(world)
    stranger = Device(box.wire, 0x04000007, "")
    box.register()
    assert stranger.register() == []
    assert stranger.beat() == []
    assert len(box.beat()) == 1
    # it is asked about again after a while: somebody may have registered it since
    known = device(world, "04-00000007", box.wire)
    assert known.beat() == []
    world.pass_time(IGNORED_S, lambda: box.beat())
    assert len(known.beat()) == 1


def test_a_device_that_has_lost_its_id_is_nobody(world: World) -> None:
    """Any number of those that fell back to 10011001 may be alive at once."""
    status, problem = world.http(
        "POST",
        "/chargers",
        {
            "site_id": world.site(),
            "dialect": "dny",
            "identity": "04-10011001",
            "name": "lost",
            "ports": 2,
            "kind": "ebike",
            "rated_w": 800,
        },
    )
    assert status == 422
    assert "memory has failed" in str(problem)
    lost = Device(new_wire(world), 0x04 << 24 | 10011001, "")
    assert lost.register() == []


def test_a_host_brings_its_boxes(world: World) -> None:
    """On one connection; each is online by itself, and one that falls silent goes alone."""
    wire = new_wire(world)
    host, first, second = (
        device(world, identity, wire) for identity in ("09-00000001", "04-00000001", "04-00000002")
    )
    for each in (host, first, second):
        assert len(each.beat()) == 1
    assert len(world.platform.gateway.presence) == 3

    def without_second() -> None:
        wire.send(b"link")
        host.beat()
        first.beat()

    world.pass_time(SILENCE_S + 60, without_second)
    assert [
        world.get(f"/chargers/{each.charger_id}")["online"] for each in (host, first, second)
    ] == [
        True,
        True,
        False,
    ]
    # a host asks which boxes it has on the air
    (told,) = host.say("asks_slaves", frequency=433)
    assert told.data.endswith(first.id.to_bytes(4, "little"))


def test_a_box_that_moves_to_another_host_leaves_the_first_alone(world: World) -> None:
    """The others on its old connection stay."""
    one, other = new_wire(world), new_wire(world)
    host, moving = device(world, "09-00000001", one), device(world, "04-00000001", one)
    host.beat()
    moving.beat()
    moved = Device(other, moving.id, moving.charger_id)
    assert len(moved.beat()) == 1
    assert world.get(f"/chargers/{host.charger_id}")["online"] is True
    made = order(world, moving)
    assert made["state"] == "starting"
    assert len(moved.commands("charge")) == 1


def test_the_time_is_told_when_it_is_asked_for(world: World, box: Device) -> None:
    """As Unix time, with the question's own number."""
    (told,) = box.say("asks_time", number=77)
    assert (told.command, told.number) == (0x22, 77)
    assert int.from_bytes(told.data, "little") == int(world.calendar.now().timestamp())


def test_a_frame_that_never_ends_holds_nobody_up(world: World, box: Device) -> None:
    """A length that noise has made is given up after a while, and what it hid is found."""
    hidden = Frame(box.id, 9, 0x22).write()
    assert box.wire.send(b"DNY\xff\x01" + hidden) == []
    world.clock.advance(WHOLE_WITHIN_S)
    assert [frame.command for frame in box.wire.take()] == [0x22]


# --------------------------------------------------------------------------------------- charging


def test_a_charge_is_billed(world: World, box: Device) -> None:
    """From the order to the bill, by the energy that the device has told; each counted anew."""
    for energy_10wh in (50, 80):
        order_id, number = charging(world, box)
        assert state(world, order_id)["state"] == "charging"
        world.pass_time(3_600, lambda: box.beat(1, 0))
        box.draw(number, energy_10wh - 1)
        (answer,) = box.settle(number, energy_10wh)
        assert (answer.command, answer.data) == (0x03, b"\0")
        bill = state(world, order_id)
        assert (bill["state"], bill["stop_reason"]) == ("settled", "full")
        assert bill["energy_mwh"] == energy_10wh * 10_000
        assert bill["amount_fen"] == energy_10wh


def test_limits_are_told_in_the_devices_own_units(world: World, box: Device) -> None:
    """Energy, or time, or until full."""
    order(world, box, limit={"energy_wh": 1_500, "duration_s": 7_200})
    (_, fields) = box.commands("charge")[-1]
    assert (fields["rate_mode"], fields["amount"], fields["most_s"]) == (2, 150, 7_200)
    assert (fields["port"], fields["stop_when_full"]) == (0, 1)


def test_a_start_is_sent_again_once_and_its_second_answer_counts(world: World, box: Device) -> None:
    """With the same number; "already" for the same order is yes."""
    made = order(world, box)
    (first,) = box.commands("charge")
    world.clock.advance(START_RESEND_S)
    again = box.commands("charge")
    assert [frame for frame, _ in again] == [first[0], first[0]]
    box.start(result=2)
    assert state(world, made["id"])["state"] == "charging"


@pytest.mark.parametrize(("result", "reason"), [(1, "not-plugged"), (4, "no-such-port")])
def test_a_refused_start_costs_nothing(world: World, box: Device, result: int, reason: str) -> None:
    """The order fails, and says why."""
    made = order(world, box)
    box.start(result)
    shown = state(world, made["id"])
    assert (shown["state"], shown["amount_fen"]) == ("failed", None)
    assert reason in str(shown)


def test_a_relay_that_closed_for_a_refused_start_is_opened(world: World, box: Device) -> None:
    """ "Port fault" is told although the charge runs: it is stopped at once."""
    made = order(world, box)
    box.start(result=3)
    world.clock.advance(SPACING_S)
    _, stop = box.commands("charge")[-1]
    assert stop["is_on"] == 0
    assert int(stop["order"], 16) == int(made["id"])


def test_a_short_answer_is_one(world: World, box: Device) -> None:
    """Some devices say only the result and the port."""
    made = order(world, box)
    frame, _ = box.commands("charge")[-1]
    box.wire.send(Frame(box.id, frame.number, 0x82, b"\x00\x00").write())
    assert state(world, made["id"])["state"] == "charging"


def test_an_old_device_that_has_started_already_charges(world: World, box: Device) -> None:
    """Its first answer was lost, and its second does not say for which order it is busy."""
    made = order(world, box)
    world.clock.advance(START_RESEND_S)
    frame, fields = box.commands("charge")[-1]
    box.wire.send(Frame(box.id, frame.number, 0x82, b"\x02\x00").write())
    assert state(world, made["id"])["state"] == "charging"
    box.settle(fields["order"], 50)
    assert state(world, made["id"])["energy_mwh"] == 500_000


def test_an_old_device_that_is_busy_is_so(world: World, box: Device) -> None:
    """It says so to the first try: the charge there is another's."""
    made = order(world, box)
    frame, _ = box.commands("charge")[-1]
    box.wire.send(Frame(box.id, frame.number, 0x82, b"\x02\x00").write())
    assert state(world, made["id"])["state"] == "failed"


def test_what_may_be_done_once_is_sent_once() -> None:
    """Nobody wants a box to start anew twice, or to forget what it has learnt since; also not
    when something else is to be sent just when its answer is overdue."""
    alone = Alone()
    alone.command(VendorCall("dny", "wipe", {}))
    (wipe,) = alone.sent()
    alone.clock.advance(RESEND_S + SPACING_S)
    assert wipe not in alone.sent()


def test_commands_keep_their_distance(world: World, box: Device) -> None:
    """Half a second between two: devices lose what comes sooner."""
    asking = Asking(world)
    path = f"/chargers/{box.charger_id}/commands"
    for seconds in (10, 20):
        asking.begin("POST", path, {"name": "locate", "args": {"for_s": seconds}})
    assert len(box.commands("locate")) == 1
    world.clock.advance(SPACING_S)
    assert len(box.commands("locate")) == 2


def test_a_settlement_is_acknowledged_however_often_it_comes(world: World, box: Device) -> None:
    """With another message's number and another time, on another connection: one bill."""
    order_id, number = charging(world, box)
    world.pass_time(1_800, lambda: box.beat(1, 0))
    unix_s = int(world.calendar.now().timestamp())
    assert len(box.settle(number, 40, unix_s=unix_s)) == 1
    bill = state(world, order_id)
    box.wire.drop()
    world.pass_time(1_800)
    box.wire.connect()
    (again,) = box.settle(number, 40, number=0x6E, unix_s=unix_s + 1_800)
    assert (again.number, again.data) == (0x6E, b"\0")
    assert state(world, order_id) == bill


def test_a_settlement_with_a_clock_that_was_never_set(world: World, box: Device) -> None:
    """1970: it is dated by when it came."""
    order_id, number = charging(world, box)
    world.pass_time(1_800, lambda: box.beat(1, 0))
    box.settle(number, 40, unix_s=8 * 3600 + 12)
    assert state(world, order_id)["ended_at"].startswith("2026-11-23")


def test_stopping_names_the_order(world: World, box: Device) -> None:
    """Another order's number would be ignored; the settlement follows."""
    order_id, number = charging(world, box)
    world.pass_time(600, lambda: box.beat(1, 0))
    asked = Asking(world).begin("POST", f"/orders/{order_id}/stop")
    frame, stop = box.commands("charge")[-1]
    assert (stop["is_on"], stop["order"], stop["port"]) == (0, number, 0)
    box.reply(frame, result=0, order=number, port=0, pending_ports=0)
    assert asked.answer().status == 200
    box.settle(number, 9, reason=7, duration_s=600)
    bill = state(world, order_id)
    assert (bill["state"], bill["energy_mwh"]) == ("settled", 90_000)


# ------------------------------------------------------------------------------------------ cards


def test_a_card_charges(world: World, box: Device) -> None:
    """It is answered while the person waits, and the start follows."""
    customer = world.customer(balance_fen=700)
    world.make("/cards", {"uid": "DD058D7A", "customer_id": customer, "status": "active"})
    frames = box.say("card", card=bytes.fromhex("7a8d05dd"), card_type=1, port=0, balance_fen=0)
    answer = next(frame for frame in frames if frame.command == 0x02)
    assert answer.data[:5] == bytes.fromhex("7a8d05dd") + b"\0"
    assert box.start()["port"] == 0


def test_a_card_that_nobody_knows_is_told_so(box: Device) -> None:
    """Unregistered."""
    (answer,) = box.say("card", card=bytes(4), card_type=1, port=0, balance_fen=0)
    assert answer.data[4] == 1


def test_an_offline_charge_becomes_an_order(world: World, box: Device) -> None:
    """Begun with a card while there was no connection; told once more, it is the same one."""
    customer = world.customer(balance_fen=700)
    world.make("/cards", {"uid": "DD058D7A", "customer_id": customer, "status": "active"})
    told = {"start_mode": 0, "card": bytes.fromhex("7a8d05dd")}
    assert len(box.settle(b"20260101" + bytes(8), 30, **told)) == 1
    assert len(box.settle(b"20260101" + bytes(8), 30, **told)) == 1
    (found,) = world.get(f"/orders?charger_id={box.charger_id}")["items"]
    assert (found["origin"], found["customer_id"]) == ("offline", customer)
    assert found["energy_mwh"] == 300_000


# ----------------------------------------------------------------------------------------- danger


def test_smoke_is_an_alarm(world: World, box: Device) -> None:
    """And is over when it is over."""
    box.say("alarm", kind=4, port=0, trigger=1)
    (alarm,) = world.logged("alarm.raised")
    assert (alarm["level"], alarm["rule"]) == ("critical", "smoke")


# -------------------------------------------------------------------------------- the vendor's own


def test_each_of_the_vendors_commands_is_there(world: World, box: Device) -> None:
    """By its name, with its fields; ports count from 1, bytes are hexadecimal."""
    path = f"/chargers/{box.charger_id}/commands"
    for name, args, data in (
        ("change", {"mode": 2, "port": 2, "value": 90}, "02015a00"),
        ("set_card_keys", {"sector": 3, "user_key": "ff" * 6, "new_key": "0102030405aa"}, None),
        ("set_qr", {"screen": 1, "url": "abcd"}, "01000000" + b"abcd".hex() + "00" * 68),
    ):
        asked = Asking(world).begin("POST", path, {"name": name, "args": args})
        world.clock.advance(SPACING_S)
        frame, _ = box.commands(name)[-1]
        assert data is None or frame.data.hex() == data
        box.reply(frame, result=0)
        assert asked.answer().json["accepted"] is True


@pytest.mark.parametrize(
    ("name", "args", "why"),
    [
        ("fly", {}, "DNY has no fly; it has change,"),
        ("set_card_keys", {"sector": 1, "user_key": "zz", "new_key": ""}, "user_key must be hex"),
        ("change", {"mode": 2, "port": 1, "value": 70_000}, "value: "),
        ("change", {"mode": 2}, "there is no port"),
    ],
)
def test_a_command_that_cannot_be_is_refused(
    world: World, box: Device, name: str, args: dict[str, Any], why: str
) -> None:
    """With a reason, and nothing is sent."""
    status, problem = world.http(
        "POST", f"/chargers/{box.charger_id}/commands", {"name": name, "args": args}
    )
    assert status in (409, 422), problem
    assert why in str(problem)
    assert box.wire.take() == []
