"""YKC piles on the platform: their logins, their prices, their faults, what they can be told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from chargecloud.storage.schema import hazards
from chargecloud_ykc.conversation import SILENCE_S
from chargecloud_ykc.frames import Frame, has_order
from chargecloud_ykc.messages import UP
from chargecloud_ykc.pile import PRICES_S
from chargecloud_ykc.trades import NO_TRADE
from tests.harness import result_of
from tests.world import FLAT, World
from ykc_pile import (
    Pile,
    command,
    pass_time,
    pile,
    ykc_world,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = ykc_world(tmp_path)
    yield made
    made.killed()


@pytest.fixture
def dc(world: World) -> Pile:
    """A pile that has logged in, and told of its guns."""
    made = pile(world)
    made.login()
    made.reading()
    made.reading(gun=2, is_plugged=0)
    return made


def test_a_pile_logs_in_and_is_told_the_time(world: World) -> None:
    """With what it has said of itself."""
    made = pile(world)
    made.login()
    assert made.last("login_reply")["result"] == 0
    assert made.last("time")["at"] == world.calendar.now().replace(microsecond=0)
    shown = world.get(f"/chargers/{made.charger_id}")
    assert (shown["online"], shown["firmware"], shown["hardware"]) == (True, "V4.1.50", "DC V1.5")


def test_what_is_not_registered_is_refused(world: World) -> None:
    """The pile hears it, and waits; a concentrator that it shares goes on."""
    made = pile(world)
    stranger = Pile(made.wire, "32010200000009", "")
    stranger.login()
    assert stranger.last("login_reply")["result"] == 1
    made.login()
    assert made.last("login_reply")["result"] == 0


def test_each_pile_is_answered_in_its_own_order_of_the_check(world: World) -> None:
    """And with the bytes of its sequence, whatever they count."""
    made = pile(world)
    made.is_high_first = True
    made.login()
    (answer,) = made.say("heartbeat", b"\x25\xd3", gun=1, status=0)
    assert (answer.sequence, answer.is_high_first) == (b"\x25\xd3", True)


def test_a_concentrator_has_several_piles_on_a_connection(world: World) -> None:
    """One that falls silent is gone, and the others are not."""
    one = pile(world)
    other = pile(world, "32010200000002", one.wire)
    one.login()
    other.login()
    for _ in range(int(SILENCE_S) // 10 + 1):
        world.clock.advance(10)
        one.say("heartbeat", gun=1, status=0)
    shown = [world.get(f"/chargers/{each.charger_id}")["online"] for each in (one, other)]
    assert shown == [True, False]


def test_a_frame_of_an_unknown_gun_or_type_does_no_harm(world: World, dc: Pile) -> None:
    """It is logged in all the same."""
    dc.reading(gun=7)
    dc.say("bms_wants", trade=NO_TRADE, gun=1, data=bytes(20))
    assert world.get(f"/chargers/{dc.charger_id}")["online"]


def test_the_billing_model_is_that_of_the_sites_tariff(world: World) -> None:
    """A pile asks whether it has it, and is given it."""
    made = pile(world)
    made.login()
    made.say("check_model", model="0000")
    assert made.last("check_model_reply")["result"] == 1
    made.say("ask_model")
    model = made.last("model")
    assert model["flat_electricity_e5"] > 0
    made.say("check_model", model=model["model"])
    assert made.last("check_model_reply")["result"] == 0


def test_other_prices_are_pushed_when_nothing_charges(world: World, dc: Pile) -> None:
    """Within a quarter of an hour."""
    dc.say("ask_model")
    before = dc.last("model")
    site = world.get(f"/chargers/{dc.charger_id}")["site_id"]
    dear = {**FLAT, "rates": {"all": {"electricity": 90_000, "service": 60_000}}}
    tariff = world.make("/tariffs", {"name": "dear", "kind": "time_of_use", "terms": dear})
    assert world.http("PATCH", f"/sites/{site}", {"tariff_id": tariff["id"]})[0] == 200
    pass_time(world, dc, int(PRICES_S) + 10)
    pushed = dc.last("set_model")
    assert pushed["flat_electricity_e5"] > before["flat_electricity_e5"]
    dc.say("set_model_reply", result=1)
    pass_time(world, dc, int(PRICES_S) + 10)
    assert len(dc.told("set_model")) == 1


def test_a_check_without_an_order_changes_none(world: World) -> None:
    """Its two bytes are alike: what the pile said before holds."""
    made = pile(world)
    made.is_high_first = True
    made.login()
    body = UP[0x03].layout.write({"pile": made.number, "gun": 1, "status": 0})
    alike = (
        frame
        for number in range(0x10000)
        if not has_order((frame := Frame(0x03, body, number.to_bytes(2, "big"))).write())
    )
    made.wire.send(next(alike).write())
    # what is said next, and by nobody's question, is in its order
    command(world, made, "reboot", when_idle=True)
    assert made.told("reboot")[-1][0].is_high_first


def test_faults_are_told_when_they_come_and_go(world: World, dc: Pile) -> None:
    """A door that stands open is a hazard, and its end is told; and the next time, again."""
    dc.reading(faults=1 << 12)
    dc.reading(faults=1 << 12)
    dc.reading(faults=0)
    pass_time(world, dc, 3_600)
    dc.reading(faults=1 << 12)
    told = result_of(world.store.read(lambda c: list(c.execute(select(hazards)))))
    assert [(row.hazard, row.port, row.is_over) for row in told] == [
        ("door", 1, False),
        ("door", 1, True),
        ("door", 1, False),
    ]


def test_cards_are_synchronised_in_frames_that_fit(world: World, dc: Pile) -> None:
    """The next goes when the one before is answered."""
    cards = [f"{number:032X}" for number in range(15)]
    command(world, dc, "cards", cards=cards)
    assert [fields["count"] for _, fields in dc.told("cards")] == [11]
    dc.say("cards_reply", dc.told("cards")[-1][0].sequence, result=1, reason=0)
    assert [fields["count"] for _, fields in dc.told("cards")] == [11, 4]


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("reboot", {"when_idle": True}, "reboot"),
        ("work", {"is_locked": 1, "most_power_percent": 60}, "work"),
        ("lock", {"port": 1, "operation": 0x55, "reserved": "00000000"}, "lock"),
        (
            "update",
            {
                "pile_model": 1,
                "power": 60,
                "ftp_host": "192.0.2.7",
                "ftp_port": 21,
                "user": "u",
                "password": "p",
                "path": "/fw.bin",
                "when": 2,
                "timeout_minutes": 10,
            },
            "update",
        ),
    ],
)
def test_what_only_a_pile_has_can_be_sent(
    world: World, dc: Pile, name: str, args: Any, message: str
) -> None:
    """By the names of the tables."""
    command(world, dc, name, **args)
    assert len(dc.told(message)) == 1


@pytest.mark.parametrize("gun", [0, 100, "1"])
def test_a_gun_that_no_pile_has_is_refused(world: World, dc: Pile, gun: Any) -> None:
    """With the reason, and nothing is sent."""
    body = {"name": "lock", "args": {"port": gun, "operation": 0x55, "reserved": "00000000"}}
    status, _ = world.http("POST", f"/chargers/{dc.charger_id}/commands", body)
    assert status in (400, 409, 422)
    assert not dc.told("lock")
