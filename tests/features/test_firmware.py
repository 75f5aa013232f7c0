"""Firmware: what a vendor signed comes to chargers a few at a time, and stops when it fails."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from chargecloud.charging.rounds import ROUND_S
from chargecloud.dialects.native.manifest import MANIFEST, SIGNED_LABEL
from chargecloud.dialects.native.received import BlockReceived
from chargecloud.domain.commands import Answer, OfferFirmware, Query, Question, WithdrawFirmware
from chargecloud.domain.events import FirmwareStage, FirmwareTold, FirmwareWanted
from chargecloud.features.firmware.feature import FirmwareFeature, FirmwareSettings
from chargecloud.features.firmware.model import (
    BAD,
    UNDER_WAY,
    CampaignState,
    Pace,
    State,
    Update,
    follow,
    next_ones,
    picked,
    verdict,
)
from chargecloud.features.firmware.rollout import Decided, go_on, halt
from tests.harness import result_of
from tests.world import Box, World, native_plugins

VENDOR = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
IMAGE = bytes(range(256)) * 3


def signed(
    build: int = 2,
    hardware: str = "T1",
    data: bytes = IMAGE,
    key: Ed25519PrivateKey = VENDOR,
    version: str | None = None,
) -> dict[str, str]:
    """What a vendor uploads."""
    manifest = MANIFEST.write(
        {
            "hardware": hardware,
            "build": build,
            "version": version or f"{build}.0",
            "size": len(data),
            "digest": hashlib.sha512(data).digest()[:32],
        }
    )
    return {
        "manifest": manifest.hex(),
        "signature": key.sign(SIGNED_LABEL + manifest).hex(),
        "image": base64.b64encode(data).decode(),
    }


class Yard:
    """A platform, chargers at it, and a vendor who is believed."""

    def __init__(self, folder: Path, chargers: int = 4) -> None:
        self.folder = folder
        self.world = World(folder, **self._given())
        key = VENDOR.public_key().public_bytes_raw().hex()
        self.world.make("/firmware/vendors", {"name": "Example", "public_key": key})
        self.image: int = self.world.make("/firmware/images", signed())["number"]
        site = self.world.site()
        self.boxes = [
            self.world.box(site, f"EB-{number}").connect() for number in range(1, chargers + 1)
        ]
        self._start()

    @staticmethod
    def _given() -> dict[str, Any]:
        feature = FirmwareFeature()
        return {
            "plugins": native_plugins(features={"firmware": feature}),
            "feature_settings": {"firmware": FirmwareSettings()},
            "connections": 100,
        }

    def _start(self) -> None:
        for each in self.world.platform.rounds:
            each.startService()

    def restart(self) -> None:
        """The platform is killed, and starts anew; the chargers come back."""
        for each in self.world.platform.rounds:
            each.stopService()
        self.world.killed()
        self.world = World(self.folder, self.world.clock, **self._given())
        for box in self.boxes:
            box.drop()
            box.world = self.world
            box.connect()
        self._start()

    def begin(self, **more: Any) -> str:
        """Begin a campaign; its id."""
        body = {"name": "spring", "image": self.image, "canary": 0, "hold_s": 0, **more}
        made: str = self.world.make("/firmware/campaigns", body)["id"]
        return made

    def minute(self, times: int = 1) -> None:
        """Let minutes pass."""
        for _ in range(times):
            self.world.clock.advance(ROUND_S)
            self.beat()

    def beat(self) -> None:
        """Every charger gives a sign of life."""
        for box in self.boxes:
            box.pump()
            box.heartbeat()

    def offered(self) -> list[Box]:
        """Who was offered an image."""
        return [box for box in self.boxes if box.orders(OfferFirmware)]

    def shown(self, campaign: str) -> Any:
        """How a campaign is doing."""
        return self.world.get(f"/firmware/campaigns/{campaign}")

    def states(self, campaign: str) -> list[str]:
        """Where each charger is."""
        return [
            each["state"]
            for each in self.world.get(f"/firmware/campaigns/{campaign}/chargers")["items"]
        ]


def fetch(box: Box, image: int, begin: int = 0, blocks: int = 10, size: int = 192) -> bytes:
    """Take an offer, and fetch blocks from an offset on; what came."""
    wire = box._wire
    assert wire is not None
    box.accept(box.orders(OfferFirmware)[-1])
    came = b""
    for _ in range(blocks):
        wire.want_firmware(FirmwareWanted(image, begin + len(came), size))
        box.pump()
        block = box.heard[-1]
        assert isinstance(block, BlockReceived)
        if not block.data:
            break
        came += block.data
    return came


def tell(box: Box, image: int, stage: FirmwareStage) -> None:
    """The charger says how far it has come."""
    assert box._wire is not None
    box._wire.firmware(FirmwareTold(image, stage))
    box.pump()


def update(box: Box, image: int) -> None:
    """All of it, and it runs."""
    assert fetch(box, image) == IMAGE
    tell(box, image, FirmwareStage.READY)
    tell(box, image, FirmwareStage.RUNNING)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    """Four chargers."""
    made = Yard(tmp_path)
    yield made
    made.world.killed()


# ------------------------------------------------------------------------------- an image


def test_only_what_a_known_vendor_signed_is_taken(yard: Yard) -> None:
    """And only as it was signed."""
    world = yard.world
    stranger = signed(3, key=Ed25519PrivateKey.generate())
    assert world.http("POST", "/firmware/images", stranger)[0] == 422
    other = signed(3) | {"image": base64.b64encode(IMAGE[:-1]).decode()}
    assert world.http("POST", "/firmware/images", other)[0] == 422
    changed = signed(3) | {"manifest": signed(4)["manifest"]}
    assert world.http("POST", "/firmware/images", changed)[0] == 422
    assert world.http("POST", "/firmware/images", signed(3) | {"image": "?"})[0] == 422
    assert world.http("POST", "/firmware/images", signed(3) | {"manifest": "zz"})[0] == 422
    # a build is given once
    assert world.http("POST", "/firmware/images", signed(2))[0] == 409
    assert world.http("POST", "/firmware/images", signed(3))[0] == 201
    assert [each["build"] for each in world.get("/firmware/images")["items"]] == [3, 2]


def test_an_image_that_a_campaign_has_stays(yard: Yard) -> None:
    """Others may go."""
    other = yard.world.make("/firmware/images", signed(3))["number"]
    yard.begin()
    assert yard.world.http("DELETE", f"/firmware/images/{yard.image}")[0] == 409
    assert yard.world.http("DELETE", f"/firmware/images/{other}")[0] == 204
    assert yard.world.http("DELETE", f"/firmware/images/{other}")[0] == 404


# ----------------------------------------------------------------------------- a campaign


def test_a_campaign_brings_an_image_to_all_and_ends(yard: Yard) -> None:
    """Block by block; what it cost is counted."""
    campaign = yard.begin()
    assert yard.shown(campaign)["by_state"] == {"waiting": 4}
    # who did what is written down
    assert [entry["by"] for entry in yard.world.logged("firmware.campaign_begun")] == ["1"]
    assert len(yard.world.logged("firmware.image_added")) == 1
    yard.minute()
    assert yard.offered() == yard.boxes
    for box in yard.boxes:
        update(box, yard.image)
    yard.minute()
    shown = yard.shown(campaign)
    assert (shown["state"], shown["by_state"]) == ("done", {"done": 4})
    assert shown["megabytes_sent"] >= 4 * len(IMAGE) / 1e6
    assert shown["megabytes_sent"] <= shown["megabytes_estimated"] * 1.3


def test_canaries_go_first_and_the_others_wait(yard: Yard) -> None:
    """Until the canary is done and the time to hold is over; then so many at once."""
    campaign = yard.begin(canary=1, hold_s=600, at_once=2)
    yard.minute(3)
    (canary,) = yard.offered()
    update(canary, yard.image)
    yard.minute(8)
    assert yard.offered() == [canary]
    yard.minute(3)
    assert len(yard.offered()) == 3
    assert yard.shown(campaign)["by_state"] == {"done": 1, "offered": 2, "waiting": 1}


def test_a_failure_halts_the_campaign_at_once(yard: Yard) -> None:
    """Who has begun is told to forget it, and gets no more blocks; nobody else begins.  When it
    is resumed, who was stopped begins anew, and who failed does not."""
    campaign = yard.begin(at_once=3)
    yard.minute()
    first, second, third, last = yard.boxes
    fetch(first, yard.image)
    tell(first, yard.image, FirmwareStage.READY)
    fetch(second, yard.image, blocks=2)
    tell(first, yard.image, FirmwareStage.FELL_BACK)
    shown = yard.shown(campaign)
    assert shown["state"] == "halted"
    assert "1 fell_back" in shown["why"]
    second.pump()
    third.pump()
    assert second.orders(WithdrawFirmware)
    assert third.orders(WithdrawFirmware)
    assert fetch(second, yard.image, begin=384) == b""
    yard.minute(3)
    assert not last.orders(OfferFirmware)

    assert yard.world.http("POST", f"/firmware/campaigns/{campaign}/halt")[0] == 409
    # with one failure where none may be, it would halt again at once
    path = f"/firmware/campaigns/{campaign}/resume"
    status, refused = yard.world.http("POST", path, {})
    assert (status, refused["failures"]) == (409, 1)
    assert yard.world.http("POST", path, {"most_failures": 1})[0] == 200
    first.heard.clear()
    yard.minute(2)
    assert yard.shown(campaign)["by_state"] == {"fell_back": 1, "offered": 3}
    assert not first.orders(OfferFirmware)
    tell(second, yard.image, FirmwareStage.FAILED)
    assert yard.shown(campaign)["state"] == "halted"


@pytest.mark.parametrize("code", ["bad-signature", "other-hardware", "older"])
def test_a_charger_that_refuses_counts_as_a_failure(yard: Yard, code: str) -> None:
    """With its reason; a charger that is busy does not."""
    campaign = yard.begin(at_once=2, most_failures=1)
    yard.minute()
    first, second = yard.offered()
    first.accept(first.orders(OfferFirmware)[-1], Answer(False, code))
    second.accept(second.orders(OfferFirmware)[-1], Answer(False, "charging"))
    members = yard.world.get(f"/firmware/campaigns/{campaign}/chargers")["items"]
    assert sorted((each["state"], each["why"]) for each in members[:2]) == [
        ("offered", None),
        ("refused", code),
    ]
    assert yard.shown(campaign)["state"] == "running"


def test_an_update_goes_on_after_a_cut_and_a_restart(yard: Yard) -> None:
    """An offer that was lost comes again; blocks go on where they stopped, also of a platform
    that was killed in between."""
    campaign = yard.begin(at_once=1)
    yard.minute()
    (box,) = yard.offered()
    box.drop()
    box.heard.clear()
    box.connect()
    assert box.orders(OfferFirmware)
    came = fetch(box, yard.image, blocks=2)
    yard.restart()
    box.heard.clear()
    wire = box._wire
    assert wire is not None
    while len(came) < len(IMAGE):
        wire.want_firmware(FirmwareWanted(yard.image, len(came), 192))
        box.pump()
        block = box.heard[-1]
        assert isinstance(block, BlockReceived)
        assert block.data
        came += block.data
    assert came == IMAGE
    tell(box, yard.image, FirmwareStage.READY)
    tell(box, yard.image, FirmwareStage.RUNNING)
    assert "done" in yard.states(campaign)


def test_a_charger_that_does_not_come_back_is_lost(yard: Yard) -> None:
    """A day after it was gone with all of it; and is done if it comes all the same."""
    campaign = yard.begin(at_once=1, most_failures=4)
    yard.minute()
    (box,) = yard.offered()
    fetch(box, yard.image)
    tell(box, yard.image, FirmwareStage.READY)
    box.drop()
    yard.boxes.remove(box)
    yard.minute()
    assert yard.states(campaign)[0] == "ready"
    yard.world.clock.advance(24 * 3600)
    yard.minute()
    assert yard.states(campaign)[0] == "lost"
    box.connect()
    tell(box, yard.image, FirmwareStage.RUNNING)
    assert yard.states(campaign)[0] == "done"


def test_a_charger_that_stays_away_with_half_of_it_waits_its_turn_again(yard: Yard) -> None:
    """It has not failed, and holds nobody up."""
    campaign = yard.begin(at_once=1)
    yard.minute()
    (box,) = yard.offered()
    fetch(box, yard.image, blocks=2)
    box.drop()
    yard.boxes.remove(box)
    yard.minute()
    yard.world.clock.advance(24 * 3600)
    for other in yard.boxes:
        other.connect()
    yard.minute(2)
    assert yard.states(campaign)[0] == "waiting"
    assert yard.offered()
    assert yard.shown(campaign)["state"] == "running"


def test_a_charger_that_is_there_is_not_lost_however_long_it_takes(yard: Yard) -> None:
    """It has all of the image, and may start it only when no port charges."""
    campaign = yard.begin(at_once=1)
    yard.minute()
    (box,) = yard.offered()
    fetch(box, yard.image)
    tell(box, yard.image, FirmwareStage.READY)
    for _ in range(26):
        yard.world.pass_time(3600, yard.beat)
    yard.minute()
    assert yard.states(campaign)[0] == "ready"
    assert yard.shown(campaign)["state"] == "running"


def test_nothing_is_offered_while_a_port_charges(yard: Yard) -> None:
    """Others are; it is offered when the charge is over, and not before, also if it comes back
    in between."""
    box = yard.boxes[0]
    order = yard.world.order(box)
    command = box.begin()
    campaign = yard.begin()
    yard.minute(2)
    assert yard.offered() == yard.boxes[1:]
    assert yard.shown(campaign)["by_state"] == {"waiting": 1, "offered": 3}
    box.drop()
    box.connect()
    assert not box.orders(OfferFirmware)
    box.end(2, command.order_id, box.meter_mwh, 60)
    assert yard.world.get(f"/orders/{order['id']}")["state"] == "cancelled"
    yard.minute(2)
    assert box.orders(OfferFirmware)


def test_a_charger_that_was_busy_is_asked_again(yard: Yard) -> None:
    """After a while, though its connection stays."""
    yard.begin(at_once=1)
    yard.minute()
    (box,) = yard.offered()
    box.accept(box.orders(OfferFirmware)[-1], Answer(False, "charging"))
    box.heard.clear()
    yard.minute(5)
    assert not box.orders(OfferFirmware)
    yard.minute(7)
    assert box.orders(OfferFirmware)


def test_who_was_cut_off_is_asked_how_far_it_has_come(yard: Yard) -> None:
    """Its word that the image runs was lost with the connection."""
    campaign = yard.begin(at_once=1)
    yard.minute()
    (box,) = yard.offered()
    fetch(box, yard.image)
    tell(box, yard.image, FirmwareStage.READY)
    yard.restart()
    (asked,) = box.orders(Query)
    assert asked.command == Query(Question.FIRMWARE)
    box.accept(asked)
    tell(box, yard.image, FirmwareStage.RUNNING)
    assert yard.states(campaign)[0] == "done"


def test_two_campaigns_do_not_meet_at_a_charger(yard: Yard) -> None:
    """The second waits until the first is through with it."""
    first = yard.begin()
    yard.minute()
    higher = yard.world.make("/firmware/images", signed(3))["number"]
    second = yard.begin(image=higher)
    yard.minute(2)
    assert yard.shown(second)["by_state"] == {"waiting": 4}
    for box in yard.boxes:
        update(box, yard.image)
    yard.minute(2)
    assert yard.shown(first)["state"] == "done"
    assert yard.shown(second)["by_state"] == {"offered": 4}


@pytest.mark.parametrize(
    ("stage", "state", "campaign_state"),
    [
        (FirmwareStage.READY, "ready", "running"),
        (FirmwareStage.RUNNING, "done", "done"),
        (FirmwareStage.FELL_BACK, "fell_back", "halted"),
    ],
)
def test_what_could_not_be_written_is_written_when_it_is_said_again(
    yard: Yard, stage: FirmwareStage, state: str, campaign_state: str
) -> None:
    """The database is away for a moment: the charger has no answer, and repeats itself."""
    box = yard.boxes[0]
    campaign = yard.begin(charger_ids=[str(box.id)])
    yard.minute()
    fetch(box, yard.image)
    yard.world.store.writer.closed = True
    tell(box, yard.image, stage)
    yard.world.store.writer.closed = False
    assert yard.states(campaign) == ["fetching"]
    tell(box, yard.image, stage)
    assert yard.states(campaign) == [state]
    assert yard.shown(campaign)["state"] == campaign_state


def test_what_one_campaign_sends_is_not_counted_for_another(yard: Yard) -> None:
    """Though both have the charger, and it is not written down yet."""
    yard.begin()
    higher = yard.world.make("/firmware/images", signed(3))["number"]
    yard.minute()
    second = yard.begin(image=higher)
    fetch(yard.boxes[0], yard.image)
    members = yard.world.get(f"/firmware/campaigns/{second}/chargers")["items"]
    assert [each["bytes_sent"] for each in members] == [0] * 4
    assert yard.shown(second)["megabytes_sent"] == 0


def test_nodes_that_go_on_at_once_begin_no_more_than_may(yard: Yard) -> None:
    """Each with chargers of its own: what one has begun counts for the other, and after a halt
    nobody begins."""
    campaign = int(yard.begin(canary=1))
    first, second, *_ = (box.id for box in yard.boxes)
    now = yard.world.calendar.now()

    def decide(connection: Connection, free: int) -> Decided:
        return go_on(connection, campaign, {free}, now)

    transact = yard.world.store.writer.transact
    assert result_of(transact(lambda found: decide(found, first))).begun == [first]
    assert not result_of(transact(lambda found: decide(found, second))).begun
    halted = result_of(transact(lambda found: halt(found, campaign, "by hand", now)))
    assert halted.withdrawn == [first]
    after = result_of(transact(lambda found: decide(found, second)))
    assert (after.state, after.begun) == (CampaignState.HALTED, ())


def test_a_halt_at_another_node_stands(yard: Yard) -> None:
    """What a charger says of an image that it is to forget brings nothing back."""
    campaign = yard.begin(at_once=1)
    yard.minute()
    (box,) = yard.offered()
    now = yard.world.calendar.now()
    result_of(
        yard.world.store.writer.transact(lambda found: halt(found, int(campaign), "by hand", now))
    )
    fetch(box, yard.image)
    tell(box, yard.image, FirmwareStage.READY)
    assert yard.states(campaign)[0] == "withdrawn"
    tell(box, yard.image, FirmwareStage.RUNNING)
    assert yard.states(campaign)[0] == "done"
    assert yard.shown(campaign)["state"] == "halted"


def test_campaigns_are_listed_in_pages(yard: Yard) -> None:
    """The newest first, each with its own chargers' states."""
    begun = [yard.begin(charger_ids=[str(box.id)]) for box in yard.boxes[:3]]
    yard.minute()
    update(yard.boxes[0], yard.image)
    first = yard.world.get("/firmware/campaigns?limit=2")
    assert [each["id"] for each in first["items"]] == [begun[2], begun[1]]
    second = yard.world.get(f"/firmware/campaigns?limit=2&cursor={first['next']}")
    assert second["next"] is None
    (last,) = second["items"]
    assert (last["id"], last["chargers"], last["by_state"]) == (begun[0], 1, {"done": 1})
    assert last == yard.shown(begun[0])
    assert [each["by_state"] for each in first["items"]] == [{"offered": 1}] * 2


def test_a_campaign_of_fifty_halts_with_most_of_them_untouched(tmp_path: Path) -> None:
    """Five canaries go well; of the next ten three fall back, where two may."""
    yard = Yard(tmp_path, chargers=50)
    campaign = yard.begin(canary=5, hold_s=300, at_once=10, most_failures=2)
    yard.minute()
    canaries = yard.offered()
    assert len(canaries) == 5
    for box in canaries:
        update(box, yard.image)
    yard.minute(7)
    begun = [box for box in yard.offered() if box not in canaries]
    assert len(begun) == 10
    for box in begun[:3]:
        fetch(box, yard.image)
        tell(box, yard.image, FirmwareStage.READY)
        tell(box, yard.image, FirmwareStage.FELL_BACK)
    yard.minute(3)
    shown = yard.shown(campaign)
    assert shown["state"] == "halted"
    assert shown["by_state"] == {"done": 5, "fell_back": 3, "withdrawn": 7, "waiting": 35}
    assert len(yard.offered()) == 15
    yard.world.killed()


def test_who_has_it_already_is_not_asked(yard: Yard) -> None:
    """Nor is another hardware, nor another tenant's charger."""
    image = yard.world.make("/firmware/images", signed(3, hardware="T2"))["number"]
    body = {"name": "none", "image": image}
    assert yard.world.http("POST", "/firmware/campaigns", body)[0] == 422
    one = str(yard.boxes[1].id)
    campaign = yard.begin(charger_ids=[one])
    assert yard.shown(campaign)["chargers"] == 1
    assert yard.world.http("GET", "/firmware/campaigns/1")[0] == 404


def test_back_is_forward_to_a_higher_build(yard: Yard) -> None:
    """Chargers take no older one; who has the bad one gets the next."""
    campaign = yard.begin(at_once=2)
    yard.minute()
    for box in yard.offered():
        update(box, yard.image)
    path = f"/firmware/campaigns/{campaign}/rollback"
    good = yard.world.make("/firmware/images", signed(3, data=IMAGE[:300]))["number"]
    assert yard.world.http("POST", path, {"image": yard.image})[0] == 409
    status, back = yard.world.http("POST", path, {"image": good})
    assert (status, back["chargers"], back["image"]) == (201, 2, good)
    assert yard.shown(campaign)["state"] == "halted"


# -------------------------------------------------------------------------------- the rules

NOW = datetime(2026, 11, 26, tzinfo=UTC)
paces = st.builds(
    Pace,
    canary=st.integers(0, 5),
    hold=st.integers(0, 3_600).map(lambda s: timedelta(seconds=s)),
    at_once=st.integers(1, 5),
    most_failures=st.integers(0, 5),
)
all_updates = st.lists(st.tuples(st.sampled_from(State), st.integers(0, 7_200)), max_size=12).map(
    lambda told: [
        Update(number, state, NOW - timedelta(seconds=ago_s))
        for number, (state, ago_s) in enumerate(told)
    ]
)


@given(paces, all_updates, st.sets(st.integers(0, 12)))
def test_no_more_begin_than_may(pace: Pace, updates: list[Update], online: set[int]) -> None:
    """Only who waits and is connected; never more than at once; and while canaries are under
    way, nobody else."""
    chosen = next_ones(pace, updates, online, NOW)
    assert len(set(chosen)) == len(chosen)
    assert all(updates[each].state is State.WAITING and each in online for each in chosen)
    under_way = sum(update.state in UNDER_WAY for update in updates)
    if chosen:
        assert under_way + len(chosen) <= pace.at_once
        begun = sum(update.state is not State.WAITING for update in updates)
        if begun < pace.canary:
            assert begun + len(chosen) <= pace.canary


@given(paces, all_updates)
def test_a_campaign_halts_by_its_failures_alone(pace: Pace, updates: list[Update]) -> None:
    """And is done when nothing is left to do."""
    state, why = verdict(pace, updates)
    bad = sum(update.state in BAD for update in updates)
    assert (state is CampaignState.HALTED) == (bad > pace.most_failures)
    assert (why is not None) == (state is CampaignState.HALTED)


@given(st.sampled_from(State), st.lists(st.sampled_from(FirmwareStage), max_size=6))
def test_what_is_over_stays_over(state: State, stages: list[FirmwareStage]) -> None:
    """But for a charger that was given up, and runs it all the same."""
    for stage in stages:
        before, state = state, follow(state, stage)
        if before in (State.DONE, State.WAITING, State.REFUSED, State.FAILED, State.FELL_BACK):
            assert state is before


@given(st.integers(1, 10**6), st.integers(0, 100))
def test_a_share_is_about_that(campaign_id: int, percent: int) -> None:
    """And always of the same chargers."""
    chosen = [each for each in range(500) if picked(campaign_id, each, percent)]
    assert chosen == [each for each in range(500) if picked(campaign_id, each, percent)]
    assert abs(len(chosen) / 5 - percent) < 15
