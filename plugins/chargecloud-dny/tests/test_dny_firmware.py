"""Firmware reaches DNY devices through the platform's campaigns, by the vendor's transfers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from chargecloud.charging.rounds import ROUND_S
from chargecloud.dialects.native.manifest import MANIFEST
from chargecloud.domain.commands import OfferFirmware
from chargecloud.domain.events import FirmwareWanted, Outcome, Reply
from chargecloud.features.firmware.feature import FirmwareFeature, FirmwareSettings
from chargecloud.interfaces import Told
from chargecloud_dny.conversation import SPACING_S
from chargecloud_dny.dialect import DnyDialect
from chargecloud_dny.frames import Frame
from chargecloud_dny.messages import DOWN, FIRMWARE_RESEND_S, UP
from chargecloud_dny.pushing import MOST_BLOCKS, TRANSFERS, Push
from dny_box import Alone, Device, device, new_wire
from tests.features.test_firmware import VENDOR, signed
from tests.world import World, native_plugins

UP_WANTS = next(each for each in UP.values() if each.name == "wants_firmware")
IMAGE = bytes(range(250)) * 2


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform with campaigns, and a vendor who is believed."""
    own = native_plugins(features={"firmware": FirmwareFeature()})
    plugins = evolve(own, dialects={**own.dialects, "dny": DnyDialect()})
    made = World(tmp_path, plugins=plugins, feature_settings={"firmware": FirmwareSettings()})
    key = VENDOR.public_key().public_bytes_raw().hex()
    made.make("/firmware/vendors", {"name": "AP", "public_key": key})
    for each in made.platform.rounds:
        each.startService()
    yield made
    for each in made.platform.rounds:
        each.stopService()
    made.killed()


class Update:
    """A campaign that brings an image to one device."""

    def __init__(self, world: World, box: Device, hardware: str) -> None:
        self.world, self.box = world, box
        image = world.make("/firmware/images", signed(2, hardware, IMAGE, version="V2.00"))
        body = {"name": "spring", "image": image["number"], "canary": 0, "hold_s": 0}
        self.campaign: str = world.make("/firmware/campaigns", body)["id"]
        self.minute()

    def minute(self) -> None:
        """Let a minute pass."""
        self.world.clock.advance(ROUND_S)
        self.box.beat()

    @property
    def state(self) -> str:
        """Where the device's update is."""
        path = f"/firmware/campaigns/{self.campaign}/chargers"
        (row,) = self.world.get(path)["items"]
        return str(row["state"])

    def packet(self, name: str) -> Any:
        """The newest packet, and its frame."""
        self.world.clock.advance(SPACING_S)
        return self.box.commands(name)[-1]

    def take(self, name: str, size: int, *results: int) -> bytes:
        """Take all blocks, answering with these results first and then with "next"; what came."""
        image, answers = {}, list(results)
        for _ in range(100):
            frame, fields = self.packet(name)
            if not frame.data:
                # the trigger, whose answer is still on its way
                continue
            result = answers.pop(0) if answers else 0
            if fields["block"] and result == 0:
                image[fields["index"]] = fields["block"]
                assert len(fields["block"]) == size
            self.box.reply(frame, result=result, index=fields["index"])
            if fields["index"] == fields["total"] and result == 0:
                break
        return b"".join(image[index] for index in sorted(image))


def test_an_image_comes_in_blocks(world: World) -> None:
    """200 bytes each, once more if the device says so."""
    box = device(world, "05-00000001")
    box.register()
    update = Update(world, box, "E0-05")
    came = update.take("firmware_e0", 200, 0, 1)
    assert came == IMAGE.ljust(600, b"\0")
    assert update.state == "ready"


def test_an_answer_about_another_block_is_no_answer_to_this_one(world: World) -> None:
    """The device has taken an old one for it: an image with a hole in it must not start."""
    box = device(world, "05-00000001")
    box.register()
    Update(world, box, "E0-05").packet("firmware_e0")
    for index in (1, 1, 2):
        world.clock.advance(SPACING_S)
        frame, fields = box.commands("firmware_e0")[-1]
        box.reply(frame, result=0, index=index)
        told = fields["index"]
    world.clock.advance(SPACING_S)
    assert told == 2
    assert box.commands("firmware_e0")[-1][1]["index"] == 3


def test_it_is_done_when_the_device_runs_it(world: World) -> None:
    """The version that it tells at its login is the image's."""
    box = device(world, "05-00000001")
    box.register()
    update = Update(world, box, "E0-05")
    update.take("firmware_e0", 200)
    box.wire.drop()
    box.wire.connect()
    box.say("register", firmware=200, ports=10, virtual_id=1, device_type=5, work_mode=0)
    box.beat()
    assert update.state == "done"


def test_a_device_that_wants_a_sum_gets_one(world: World) -> None:
    """Behind the last block: eight fixed bytes, the sum of all, its kind and version."""
    box = device(world, "05-00000001")
    box.register()
    update = Update(world, box, "E0-05")
    for _ in range(2):
        frame, fields = update.packet("firmware_e0")
        box.reply(frame, result=0, index=fields["index"])
    frame, fields = update.packet("firmware_e0")
    assert fields["index"] == fields["total"] == 3
    box.reply(frame, result=4, index=3)
    frame, fields = update.packet("firmware_e0")
    assert (fields["total"], fields["index"]) == (4, 4)
    assert fields["block"][:8] == bytes(range(0xA1, 0xA9))
    assert int.from_bytes(fields["block"][8:12], "little") == sum(IMAGE)
    box.reply(frame, result=0, index=4)
    assert update.state == "ready"


def test_a_device_that_begins_again_gets_each_block_in_its_place(world: World) -> None:
    """However often it asks, and whatever was under way to it."""
    box = device(world, "05-00000001")
    box.register()
    update = Update(world, box, "E0-05")
    old, fields = update.packet("firmware_e0")
    box.reply(old, result=0, index=fields["index"])
    late, fields = update.packet("firmware_e0")
    assert fields["index"] == 2
    before = len(box.commands("firmware_e0"))
    for _ in range(3):
        box.say("wants_firmware", device_type=5, firmware=100, package=0)
    box.reply(late, result=0, index=2)
    for _ in range(5):
        update.packet("firmware_e0")
    # one was on its way when the device asked again
    assert [fields["index"] for _, fields in box.commands("firmware_e0")[before:]] == [1, 1]
    assert update.take("firmware_e0", 200) == IMAGE.ljust(600, b"\0")
    assert update.state == "ready"


def test_a_block_that_was_read_for_an_earlier_beginning_is_not_sent() -> None:
    """It comes from the disk when the device has begun again."""
    alone = Alone()
    manifest = {"hardware": "E0-A", "build": 2, "version": "2", "size": 500, "digest": bytes(32)}
    alone.command(OfferFirmware(1, MANIFEST.write(manifest), b""))
    wants = UP_WANTS.layout.write({"device_type": 4, "firmware": 100, "package": 0})

    def wished(number: int) -> Told:
        heard = alone.hear(Frame(alone.id, number, UP_WANTS.command, wants))
        return next(
            each
            for each in reversed(heard)
            if isinstance(each, Told) and isinstance(each.event, FirmwareWanted)
        )

    early, now = wished(2), wished(3)
    for told, block in ((early, b"early"), (now, b"now")):
        alone.acknowledge(told, Reply(Outcome.KEPT, block=block))
    (packet,) = alone.sent()
    assert packet.data[4:].startswith(b"now")
    assert alone.sent() == []


def test_a_host_is_told_first_that_something_comes(world: World) -> None:
    """An empty message; its answer begins the blocks."""
    host = device(world, "09-00000001")
    host.beat()
    update = Update(world, host, "FA-09")
    frame, _ = update.packet("firmware_host")
    assert frame.data == b""
    host.reply(frame, result=0, index=0)
    assert update.take("firmware_host", 200) == IMAGE.ljust(600, b"\0")
    assert update.state == "ready"


def test_an_old_device_takes_the_old_way(world: World) -> None:
    """256 bytes each; asking for firmware begins it anew."""
    box = device(world, "04-00000001")
    old = {
        "firmware": 90,
        "voltage_dv": 2_200,
        "ports": 2,
        "states": (0, 0),
        "powers_dw": (0, 0),
        "most_powers_dw": (0, 0),
        "virtual_id": 1,
        "signal": 20,
        "device_type": 4,
    }
    box.say("old_heartbeat", **old)
    update = Update(world, box, "F8-04")
    _, fields = update.packet("firmware_old")
    assert (fields["total"], fields["index"]) == (2, 1)
    box.say("wants_firmware", device_type=4, firmware=90, package=0)
    assert update.take("firmware_old", 256) == IMAGE.ljust(512, b"\0")
    assert update.state == "ready"


@pytest.mark.parametrize("result", [2, 3, 5, 99])
def test_what_a_device_cannot_use_fails(world: World, result: int) -> None:
    """And halts the campaign, which may have no failure."""
    box = device(world, "05-00000001")
    box.register()
    update = Update(world, box, "E0-05")
    frame, _ = update.packet("firmware_e0")
    box.reply(frame, result=result, index=1)
    assert update.state == "failed"


def test_a_device_that_does_not_answer_has_not_taken_it(world: World) -> None:
    """Each block is sent four times."""
    box = device(world, "05-00000001")
    box.register()
    update = Update(world, box, "E0-05")
    tries = DOWN[0xE0].tries
    for _ in range(tries):
        assert update.state in ("offered", "fetching")
        world.clock.advance(FIRMWARE_RESEND_S)
        box.beat()
    assert len(box.commands("firmware_e0")) == tries
    assert update.state == "failed"


def test_what_was_cut_off_begins_anew(world: World) -> None:
    """A device that comes back in the middle is offered the image again."""
    box = device(world, "05-00000001")
    box.register()
    update = Update(world, box, "E0-05")
    frame, _ = update.packet("firmware_e0")
    box.reply(frame, result=0, index=1)
    assert update.state == "fetching"
    box.wire.drop()
    box.wire = new_wire(world)
    box.register()
    assert update.take("firmware_e0", 200) == IMAGE.ljust(600, b"\0")
    assert update.state == "ready"


def test_an_image_of_more_blocks_than_can_be_counted_is_refused() -> None:
    """The number of blocks has two bytes."""
    most = MOST_BLOCKS * TRANSFERS["E0"].block_size
    manifests = [
        MANIFEST.write(
            {"hardware": "E0-A", "build": 2, "version": "2", "size": size, "digest": bytes(32)}
        )
        for size in (most, most + 1)
    ]
    taken, refused = (Push.of(OfferFirmware(1, each, b"")) for each in manifests)
    assert taken is not None
    assert taken.total == MOST_BLOCKS
    assert refused is None
