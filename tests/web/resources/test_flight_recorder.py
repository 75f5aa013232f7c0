"""The last frames of a charger, as its operator sees them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.commands import SetTime
from chargecloud.domain.errors import BadTag
from chargecloud.gateway.recorder import MOST_BYTES, FlightRecorder, RecordedFrame
from tests.web.resources.asking import Asking
from tests.world import Box, World


def frames(api: Asking, box: Box, query: str = "") -> list[Any]:
    """What the recorder has of a box, the oldest first."""
    items: list[Any] = api.found(f"/chargers/{box.id}/frames{query}")["items"]
    return items[::-1]


def test_both_ways_from_the_login_on(world: World, api: Asking) -> None:
    """Raw and in words; what was sealed is open to those who may look."""
    box = world.box(world.site()).connect()
    box.heartbeat()
    box.pump()
    told = [(each["way"], each["kind"]) for each in frames(api, box)]
    assert told[:3] == [("up", "hello"), ("down", "welcome"), ("up", "login")]
    assert told[-2:] == [("up", "heartbeat"), ("down", "heartbeat_answer")]
    hello = frames(api, box)[0]
    assert hello["fields"]["identity"] == box.identity
    assert bytes.fromhex(hello["hex"])[0] == 0xC0
    assert (hello["opened_hex"], hello["fault"]) == (None, None)
    assert (hello["dialect"], hello["size"]) == ("native", len(bytes.fromhex(hello["hex"])))


def test_a_report_is_read_as_it_was_said(world: World, api: Asking) -> None:
    """Its fields are those of the protocol."""
    box = world.box(world.site()).connect()
    box.report(power_dw=1234)
    (report,) = frames(api, box, "?kind=report&way=up")
    assert report["fields"]["ports"][0]["power_dw"] == 1234
    assert report["opened_hex"] is not None


def test_a_command_and_its_answer(world: World, api: Asking) -> None:
    """Both are there, in their order."""
    box = world.box(world.site()).connect()
    api.ask("POST", f"/chargers/{box.id}/commands", {"name": "set_time"}, prefer="respond-async")
    (ordered,) = box.pump().orders(SetTime)
    box.accept(ordered)
    assert [each["kind"] for each in frames(api, box)][-2:] == ["time", "answer"]


def test_what_a_new_key_is_made_with_is_not_shown(world: World, api: Asking) -> None:
    """Who has stolen the present key does not learn the next one here."""
    box = world.box(world.site()).connect()
    secret = [each["hex"] for each in frames(api, box, "?way=down") if each["opened_hex"] is None]
    assert len(secret) == 2, "the welcome, and the frame with the nonce"
    sealed = [each for each in frames(api, box) if each["kind"] == "sealed"]
    assert [each["fields"] for each in sealed] == [{"size": sealed[0]["size"] - 2}]


def test_what_ended_a_connection(world: World, api: Asking) -> None:
    """The bytes, and the code of what was wrong with them."""
    box = world.box(world.site()).connect()
    box._protocol.dataReceived(bytes.fromhex("c202ffff"))
    last = frames(api, box)[-1]
    assert (last["hex"], last["kind"], last["fault"]) == ("c202ffff", None, "bad-tag")


def test_nobody_who_only_claims_to_be_it_is_recorded(world: World, api: Asking) -> None:
    """What is heard under its name before it has proved itself is not its."""
    box = world.box(world.site()).connect()
    before = frames(api, box)
    stranger = Box(world, box.id, box.identity, bytes(16), boot=9)
    with pytest.raises(BadTag):
        stranger.connect()
    assert frames(api, box) == before


def test_a_viewer_does_not_look_into_frames(world: World, api: Asking) -> None:
    """There are card numbers in them."""
    box = world.box(world.site()).connect()
    _, viewer = api.tenant("second", "viewer")
    assert api.ask("GET", f"/chargers/{box.id}/frames", token=viewer).status == 403


def test_the_ring_is_bounded() -> None:
    """By the number of frames, and by the bytes of each."""
    recorder = FlightRecorder(2)
    log = recorder.log(1)
    for size in (*range(1, 50), 2, MOST_BYTES + 1):
        log.append(1.5, True, bytes(size), bytes(size))
    newest, before = recorder.of(1)
    assert (newest.size, len(newest.raw), newest.opened, newest.is_whole) == (
        MOST_BYTES + 1,
        MOST_BYTES,
        None,
        False,
    )
    assert before.size == 2
    assert before == RecordedFrame(1.5, True, bytes(2), bytes(2), 2)
    assert recorder.of(2) == ()


FRAMES = st.tuples(
    st.floats(0, 2**40),
    st.booleans(),
    st.binary(max_size=40),
    st.none() | st.binary(max_size=20),
    st.sampled_from(["", "bad-frame"]),
)


@given(st.lists(FRAMES, max_size=60), st.integers(1, 20))
def test_what_was_recorded_is_what_is_shown(frames: list[Any], most: int) -> None:
    """The last of them, whatever they are and however many came."""
    recorder = FlightRecorder(most)
    for frame in frames:
        recorder.log(1).append(*frame)
    shown = [
        RecordedFrame(at_s, is_up, raw, opened, len(raw), fault or None)
        for at_s, is_up, raw, opened, fault in frames
    ]
    assert list(recorder.of(1)) == shown[::-1][:most]
