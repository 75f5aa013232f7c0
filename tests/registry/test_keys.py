"""Chargers get new keys: at their first login, when somebody wants it, and after a loss; and
neither a lost frame nor a power cut locks one out, or leaves an old key good for ever."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargecloud.dialects.native.keys import next_key
from chargecloud.domain.commands import Answer, ComeBack, NewKey
from tests.harness import clock_at
from tests.world import Box, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = World(tmp_path)
    yield made
    made.killed()


def new_key(box: Box) -> NewKey:
    """What it was told last of its next key."""
    command = box.new_keys[-1].command
    assert isinstance(command, NewKey)
    return command


def take(box: Box) -> bytes:
    """It makes its next key, and says so; the key."""
    command = new_key(box)
    assert command.generation == box.generation + 1
    made = next_key(box.key, command.generation, command.nonce, box.identity)
    box.accept(box.new_keys[-1])
    return made


def use(box: Box, key: bytes) -> Box:
    """It comes back with its next key."""
    box.drop()
    box.key, box.generation = key, box.generation + 1
    return box.connect()


def state(world: World, box: Box) -> tuple[int, bool]:
    """Which key it has, and whether it is to make another one."""
    shown = world.get(f"/chargers/{box.id}/keys")
    return shown["generation"], shown["is_changing"]


def test_the_first_login_ends_the_factorys_key(world: World) -> None:
    """The charger is told to make the next, to come back with it, and the first is worthless."""
    box = world.box().connect()
    first = box.key
    assert state(world, box) == (1, True)
    key = take(box)
    assert box.orders(ComeBack)
    use(box, key)
    assert box.welcomed
    assert state(world, box) == (2, False)

    thief = Box(world, box.id, box.identity, first, boot=9).connect()
    assert not thief.welcomed
    # and it is not told again
    assert len(box.new_keys) == 1


def test_an_answer_that_is_lost_locks_nobody_out(world: World) -> None:
    """The charger may have made its key or not: both of its keys are good until it uses the
    next one, and the same one is told again."""
    box = world.box().connect()
    told = new_key(box)
    # the command was lost: it comes back with the key that it has
    box.drop()
    box.connect()
    assert new_key(box) == told
    # it has made it, and its answer was lost
    use(box, next_key(box.key, 2, told.nonce, box.identity))
    assert state(world, box) == (2, False)


def test_a_charger_that_takes_none_goes_on_with_its_key(world: World) -> None:
    """It is asked again at each login, and can be seen to wait."""
    box = world.box().connect()
    box.accept(box.new_keys[-1], Answer(False, "unknown-command"))
    assert not box.orders(ComeBack)
    box.drop()
    box.connect()
    assert len(box.new_keys) == 2
    assert state(world, box) == (1, True)
    assert world.get(f"/chargers/{box.id}")["online"]


def test_a_new_key_at_will(world: World) -> None:
    """Now, if it is connected; else when it logs in.  Wanted twice, it is one."""
    box = world.box().connect()
    use(box, take(box))
    assert world.http("POST", f"/chargers/{box.id}/keys")[0] == 200
    assert world.http("POST", f"/chargers/{box.id}/keys")[0] == 200
    box.pump()
    assert {each.command for each in box.new_keys[1:]} == {new_key(box)}
    use(box, take(box))
    assert state(world, box) == (3, False)

    box.drop()
    assert world.http("POST", f"/chargers/{box.id}/keys")[0] == 200
    box.connect()
    assert new_key(box).generation == 4
    assert [each["by"] for each in world.logged("charger.key_wanted")] == ["1", "1"]


def test_a_lost_key_locks_out_one_charger_at_once(world: World) -> None:
    """Its connection ends, and nobody comes in with it; the others stay.  With a key that was
    put in by hand it is back."""
    site = world.site()
    box, other = world.box(site).connect(), world.box(site, "EB-0002").connect()
    assert world.http("DELETE", f"/chargers/{box.id}/keys")[0] == 204
    assert not world.get(f"/chargers/{box.id}")["online"]
    assert world.get(f"/chargers/{other.id}")["online"]
    box.heard.clear()
    box.connect()
    assert not box.welcomed
    assert world.http("POST", f"/chargers/{box.id}/keys")[0] == 409

    status, made = world.http("PUT", f"/chargers/{box.id}/keys", {})
    assert status == 200
    box.key, box.generation = bytes.fromhex(made["key"]), 1
    assert box.connect().welcomed
    assert world.http("PUT", f"/chargers/{box.id}/keys", {"key": "00"})[0] == 422


def test_no_key_is_shown(world: World) -> None:
    """Only the one that was just made, once."""
    box = world.box().connect()
    assert set(world.get(f"/chargers/{box.id}/keys")) == {
        "generation",
        "has_key",
        "is_changing",
        "since",
    }


STEPS = st.lists(
    st.sampled_from(["lose the command", "lose the answer", "restart", "want", "take", "use"]),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_whatever_is_lost_when_both_sides_agree_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """A walk: the charger always comes in with a key that it has, and the cloud's generation is
    never above the charger's next."""
    folder, clock = tmp_path_factory.mktemp("walk"), clock_at()
    world = World(folder, clock)
    box = world.box().connect()
    coming: bytes | None = None
    for step in steps:
        if step == "want":
            assert world.http("POST", f"/chargers/{box.id}/keys")[0] == 200
        elif step == "restart":
            box.drop()
            world.killed()
            world = box.world = World(folder, clock)
            box.heard.clear()
            box.new_keys.clear()
            box.connect()
        elif step == "lose the command":
            box.drop()
            box.heard.clear()
            box.new_keys.clear()
            box.connect()
        elif box.new_keys and new_key(box).generation == box.generation + 1:
            told = new_key(box)
            coming = next_key(box.key, told.generation, told.nonce, box.identity)
            if step == "take":
                take(box)
            elif step == "use":
                box.heard.clear()
                box.new_keys.clear()
                use(box, coming)
                coming = None
        assert box.welcomed or step in ("want", "take", "lose the answer", "use")
        assert world.get(f"/chargers/{box.id}")["online"]
        generation, _is_changing = state(world, box)
        assert generation == box.generation
    world.killed()
