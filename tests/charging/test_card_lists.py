"""Chargers have the cards that may charge offline, by version and by difference."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.charging.card_lists import GATHERED_S, MOST_BYTES, Held, Standing
from chargecloud.domain.commands import Answer, UpdateCards
from tests.world import Box, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = World(tmp_path)
    yield made
    made.killed()


def card(world: World, uid: str, customer: str | None) -> str:
    """A card of a customer; its id."""
    made: str = world.make("/cards", {"uid": uid, "customer_id": customer})["id"]
    return made


def charger(world: World, slots: int | None = 100) -> Box:
    """One that has room for a list, and an empty one."""
    box = world.box()
    box.card_list, box.card_slots = 0, slots
    return box


def follow(box: Box, held: set[str]) -> set[str]:
    """The charger takes what it is told, until nothing more comes; what it has then."""
    box.pump()
    taken = 0
    while len(box.orders(UpdateCards)) > taken:
        ordered = box.orders(UpdateCards)[taken]
        command = ordered.command
        assert isinstance(command, UpdateCards)
        assert command.from_version in (0, box.card_list)
        held = (held if command.from_version else set()) | set(command.add)
        held -= set(command.remove)
        box.card_list = command.to_version
        box.accept(ordered)
        taken += 1
    box.heard.clear()
    return held


def rest(world: World) -> None:
    """Until a change of a card is the first again."""
    for _ in range(2):
        world.clock.advance(GATHERED_S)


def test_a_charger_gets_its_owners_cards_and_their_changes(world: World) -> None:
    """Those that are active and somebody's; what changes is told at once, and as a difference."""
    customer = world.customer()
    for number in range(20):
        card(world, f"04A1B2C3D4E5{number:04}", customer)
    lost = card(world, "0000AAAA", customer)
    card(world, "0000BBBB", None)
    box = charger(world).connect()
    held = follow(box, set())
    assert len(held) == 21
    rest(world)
    assert "0000BBBB" not in held

    assert world.http("PATCH", f"/cards/{lost}", {"status": "blocked"})[0] == 200
    box.pump()
    (ordered,) = box.orders(UpdateCards)
    assert ordered.command == UpdateCards(
        box.card_list or 0, (box.card_list or 0) + 1, (), ("0000AAAA",)
    )
    held = follow(box, held)
    assert "0000AAAA" not in held
    # what changed while it was away comes when it is back, and nothing if nothing did
    box.drop()
    card(world, "0000CCCC", customer)
    box.connect()
    assert follow(box, held) == held | {"0000CCCC"}
    box.drop()
    box.connect()
    assert box.orders(UpdateCards) == []


def test_a_charger_out_of_service_has_no_cards(world: World) -> None:
    """It begins no charge on its own while the network is away; back in service, it may."""
    card(world, "0000AAAA", world.customer())
    box = charger(world).connect()
    held = follow(box, set())
    assert world.http("PATCH", f"/chargers/{box.id}", {"status": "out_of_service"})[0] == 200
    held = follow(box, held)
    assert held == set()
    assert world.http("PATCH", f"/chargers/{box.id}", {"status": "in_service"})[0] == 200
    assert follow(box, held) == {"0000AAAA"}


def test_another_version_begins_anew(world: World) -> None:
    """A charger that says so, or tells of a list that we do not know."""
    customer = world.customer()
    card(world, "0000AAAA", customer)
    box = charger(world).connect()
    held = follow(box, set())
    rest(world)
    card(world, "0000BBBB", customer)
    box.pump()
    ordered = box.orders(UpdateCards)[-1]
    box.heard.clear()
    box.accept(ordered, Answer(False, "other-version"))
    again = box.orders(UpdateCards)[-1].command
    assert isinstance(again, UpdateCards)
    assert (again.from_version, set(again.add)) == (0, {"0000AAAA", "0000BBBB"})
    assert follow(box, held) == {"0000AAAA", "0000BBBB"}
    # its memory was wiped
    box.drop()
    box.card_list = 0
    box.connect()
    assert follow(box, set()) == {"0000AAAA", "0000BBBB"}


def test_changes_that_follow_each_other_come_together(world: World) -> None:
    """An office that hands out cards does not have each of them sent to all chargers."""
    customer = world.customer()
    box = charger(world).connect()
    card(world, "0000AAAA", customer)
    held = follow(box, set())
    for uid in ("0000BBBB", "0000CCCC", "0000DDDD"):
        card(world, uid, customer)
    assert box.pump().orders(UpdateCards) == []
    world.clock.advance(GATHERED_S)
    (ordered,) = box.pump().orders(UpdateCards)
    assert isinstance(ordered.command, UpdateCards)
    assert set(ordered.command.add) == {"0000BBBB", "0000CCCC", "0000DDDD"}
    assert follow(box, held) == held | set(ordered.command.add)


def test_a_full_list_makes_room_first(world: World) -> None:
    """What is added with what goes never is more than the charger has room for."""
    customer = world.customer()
    for uid in ("0000AAAA", "0000BBBB"):
        card(world, uid, customer)
    box = world.box()
    box.card_list, box.card_slots = 0, 2
    held = follow(box.connect(), set())
    rest(world)
    card(world, "0000CCCC", customer)
    box.pump()
    (ordered,) = box.orders(UpdateCards)
    assert isinstance(ordered.command, UpdateCards)
    assert (ordered.command.add, ordered.command.remove) == (("0000CCCC",), ("0000AAAA",))
    assert follow(box, held) == {"0000BBBB", "0000CCCC"}


def test_who_has_no_room_gets_no_list(world: World) -> None:
    """And little room is for the newest cards."""
    customer = world.customer()
    for uid in ("0000AAAA", "0000BBBB", "0000CCCC"):
        card(world, uid, customer)
    assert charger(world, None).connect().orders(UpdateCards) == []
    box = world.box(identity="EB-0002")
    box.card_list, box.card_slots = 0, 2
    assert follow(box.connect(), set()) == {"0000BBBB", "0000CCCC"}


uids = st.frozensets(st.text("0123456789ABCDEF", min_size=1, max_size=32), max_size=40)


@given(uids, uids, st.integers(0, 2**31), st.integers(0, 20))
def test_steps_come_to_what_is_wanted(
    held: frozenset[str], wanted: frozenset[str], at: int, spare: int
) -> None:
    """Each fits a frame and the charger's room, has the next version, and brings the list
    nearer."""
    slots = max(len(held), len(wanted)) + spare
    standing = Standing(Held(at, held), wanted, slots)
    for _ in range(100):
        step = standing.next_step()
        if step is None:
            break
        command, after = step
        assert sum(len(uid) + 1 for uid in (*command.add, *command.remove)) <= MOST_BYTES
        assert (command.from_version, command.to_version) == (
            standing.held.version,
            standing.held.version + 1,
        )
        assert after.uids == (standing.held.uids | set(command.add)) - set(command.remove)
        assert len(after.uids) <= slots
        standing = Standing(after, wanted, slots)
    assert standing.held.uids == wanted
