"""YKC piles on the platform: a charge from the order to its bill, and all that goes wrong."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from chargecloud.charging.settings import ChargingSettings
from chargecloud.storage.schema import hazards
from chargecloud_ykc.conversation import SILENCE_S
from chargecloud_ykc.frames import Frame, has_order
from chargecloud_ykc.messages import UP
from chargecloud_ykc.pile import GROUP_S, PRICES_S, SECOND_CHANCE_S
from chargecloud_ykc.trades import NO_TRADE, write_trade
from tests.harness import result_of
from tests.web.resources.asking import Asking
from tests.world import FLAT, World
from ykc_pile import CARD, Pile, pile, ykc_world

CONFIRM_S = ChargingSettings().confirm_deadline_s
NOT_PLUGGED = 5


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


def order(world: World, dc: Pile, **more: Any) -> Any:
    """An order at a pile's first gun, of somebody with money."""
    customer = more.pop("customer_id", None) or world.customer(10_000)
    body = {"charger_id": dc.charger_id, "port": 1, "customer_id": customer, **more}
    return world.make("/orders", body)


def charging(world: World, dc: Pile, **more: Any) -> tuple[str, str]:
    """An order whose charge has begun: its id, and its trade number."""
    made = order(world, dc, **more)
    trade = dc.start_reply()["trade"]
    dc.reading(trade)
    return made["id"], trade


def state(world: World, order_id: str) -> Any:
    """An order as the API shows it."""
    return world.get(f"/orders/{order_id}")


def beating(dc: Pile) -> Any:
    """A pile's signs of life."""
    return lambda: dc.say("heartbeat", gun=1, status=0)


def pass_time(world: World, dc: Pile, seconds: int) -> None:
    """Let time pass, with the heartbeats of a pile."""
    for _ in range(0, seconds, 10):
        world.clock.advance(10)
        beating(dc)()


# ------------------------------------------------------------------------------- coming and going


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


# ------------------------------------------------------------------------------------- prices


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


# ------------------------------------------------------------------------------------- charging


def test_a_charge_ends_as_an_explained_bill(world: World, dc: Pile) -> None:
    """Started, read, stopped, and settled by the record; which is acknowledged once it is kept."""
    order_id, trade = charging(world, dc)
    assert trade == write_trade(int(order_id))
    assert state(world, order_id)["state"] == "charging"
    for energy_e4 in range(10_000, 60_001, 10_000):
        pass_time(world, dc, 120)
        dc.reading(trade, energy_e4=energy_e4)
    Asking(world).begin("POST", f"/orders/{order_id}/stop", {})
    dc.say("stop_reply", dc.told("stop")[-1][0].sequence, gun=1, result=1, reason=0)
    dc.record(trade, 60_000, started=world.calendar.now() - timedelta(seconds=720))
    assert dc.last("record_reply") == {"trade": trade, "result": 0}
    shown = state(world, order_id)
    assert (shown["state"], shown["energy_mwh"]) == ("settled", 6_000_000)
    assert (shown["stop_reason"], shown["amount_fen"]) == ("user", 600)


def test_a_record_that_comes_again_is_no_second_bill(world: World, dc: Pile) -> None:
    """By its trade number; on another connection, too."""
    order_id, trade = charging(world, dc)
    pass_time(world, dc, 60)
    dc.record(trade, 500)
    bill = state(world, order_id)
    dc.wire.drop()
    dc.wire.connect()
    dc.login()
    dc.record(trade, 500)
    assert len(dc.told("record_reply")) == 2
    assert state(world, order_id) == bill


def test_a_gun_without_a_plug_has_a_second_chance(world: World, dc: Pile) -> None:
    """A failure for want of a plug is not final for a minute."""
    made = order(world, dc)
    dc.start_reply(0, NOT_PLUGGED)
    assert state(world, made["id"])["state"] == "starting"
    pass_time(world, dc, 40)
    dc.reading(dc.start_reply()["trade"])
    assert state(world, made["id"])["state"] == "charging"
    pass_time(world, dc, CONFIRM_S)
    assert state(world, made["id"])["state"] == "charging"


def test_a_second_chance_that_nobody_takes_fails_the_order(world: World, dc: Pile) -> None:
    """The money goes back, and the customer is told why."""
    made = order(world, dc)
    dc.start_reply(0, NOT_PLUGGED)
    pass_time(world, dc, CONFIRM_S + 10)
    shown = state(world, made["id"])
    assert (shown["state"], shown["failure"]) == ("failed", "not-plugged")


def test_a_start_after_all_is_stopped_at_once(world: World, dc: Pile) -> None:
    """Its order has failed: nobody would pay for it."""
    order(world, dc)
    dc.start_reply(0, NOT_PLUGGED)
    pass_time(world, dc, CONFIRM_S + 10)
    before = len(dc.told("stop"))
    trade = dc.start_reply()["trade"]
    assert dc.told("query")
    dc.reading(trade)
    assert len(dc.told("stop")) > before


@pytest.mark.parametrize(("reason", "code"), [(1, "refused"), (2, "busy"), (3, "fault")])
def test_a_refusal_fails_the_order(world: World, dc: Pile, reason: int, code: str) -> None:
    """At once, with the reason."""
    made = order(world, dc)
    dc.start_reply(0, reason)
    assert (state(world, made["id"])["state"], state(world, made["id"])["failure"]) == (
        "failed",
        code,
    )


def test_a_start_whose_answer_was_lost_is_known_by_the_reading(world: World, dc: Pile) -> None:
    """The gun tells of the order by its trade number."""
    made = order(world, dc)
    dc.reading(write_trade(int(made["id"])))
    assert state(world, made["id"])["state"] == "charging"


def test_a_stop_waits_until_it_is_known_whose_charge_it_ends(world: World, dc: Pile) -> None:
    """It names no order: after a new connection the gun is asked first."""
    order_id, trade = charging(world, dc)
    dc.wire.drop()
    dc.wire.connect()
    dc.login()
    Asking(world).begin("POST", f"/orders/{order_id}/stop", {})
    assert dc.told("query")
    assert not dc.told("stop")
    dc.reading(trade)
    assert len(dc.told("stop")) == 1


def test_the_stop_of_another_order_is_not_sent(world: World, dc: Pile) -> None:
    """The gun charges for somebody else by now."""
    order_id, _ = charging(world, dc)
    dc.reading(write_trade(int(order_id) + 1))
    told = len(dc.told("stop"))
    # the platform ends the stranger's charge, and no other stop follows for the order's own
    Asking(world).begin("POST", f"/orders/{order_id}/stop", {})
    assert len(dc.told("stop")) == told


def test_money_is_a_limit_that_the_pile_keeps(world: World, dc: Pile) -> None:
    """It is told what may be spent, and when that changes."""
    order(world, dc, prepaid_fen=3_000)
    assert dc.start_reply()["balance_fen"] == 3_000


def test_a_failed_start_has_a_record_and_no_bill(world: World, dc: Pile) -> None:
    """Piles make one for each start that they were told of."""
    made = order(world, dc)
    trade = dc.start_reply(0, 3)["trade"]
    dc.record(trade, 0, reason=0x4F)
    assert dc.last("record_reply")["trade"] == trade
    assert state(world, made["id"])["state"] == "failed"


@pytest.mark.parametrize("more", [{"state": 0}, {"state": 1}, {"state": 4}])
def test_a_stop_reaches_a_gun_whatever_state_it_tells(
    world: World, dc: Pile, more: dict[str, int]
) -> None:
    """It draws power in a state that no charge has: nothing but "idle" keeps a stop from it."""
    order_id, trade = charging(world, dc)
    dc.reading(trade, **more)
    Asking(world).begin("POST", f"/orders/{order_id}/stop", {})
    assert len(dc.told("stop")) == 1


def test_a_gun_that_names_no_order_is_stopped_at_its_limit(world: World, dc: Pile) -> None:
    """It charges under no trade number, and the money is used up."""
    charging(world, dc, prepaid_fen=100)
    for energy_e4 in range(0, 40_001, 4_000):
        pass_time(world, dc, 20)
        dc.reading(NO_TRADE, state=3, energy_e4=energy_e4)
    assert dc.told("stop")


def test_a_late_answer_to_an_old_start_ends_nobody_elses_charge(world: World, dc: Pile) -> None:
    """The gun charges for the next order by then."""
    order(world, dc)
    sequence, first = dc.told("start")[-1]
    dc.start_reply(0, 3)
    order_id, trade = charging(world, dc)
    stops = len(dc.told("stop"))
    told = {name: first[name] for name in ("trade", "gun")}
    dc.say("start_reply", sequence.sequence, **told, result=1, reason=0)
    dc.reading(trade)
    assert len(dc.told("stop")) == stops
    assert state(world, order_id)["state"] == "charging"


def test_a_yes_that_no_charge_follows_is_taken_back(world: World, dc: Pile) -> None:
    """Within 90 s both the answer and a reading are wanted (13.3(1))."""
    made = order(world, dc)
    dc.start_reply()
    pass_time(world, dc, CONFIRM_S + 10)
    assert state(world, made["id"])["state"] == "failed"
    assert len(dc.told("stop")) == 1


def test_an_answer_may_take_longer_than_other_commands(world: World, dc: Pile) -> None:
    """Piles have 90 s."""
    made = order(world, dc)
    pass_time(world, dc, 30)
    dc.reading(dc.start_reply()["trade"])
    assert state(world, made["id"])["state"] == "charging"


def test_a_record_of_a_gun_that_the_login_left_out_is_kept(world: World) -> None:
    """Nothing that may be money is dropped in silence."""
    made = pile(world)
    made.login(guns=0)
    made.record(f"{made.number}022601050900000001", 20_000, gun=2, begun_by=4)
    assert made.told("record_reply")


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


# --------------------------------------------------------------------------------- cards and cars


def with_card(world: World, uid: str = CARD, balance_fen: int = 5_000) -> str:
    """A customer with a card; their id."""
    customer = world.customer(balance_fen)
    world.make("/cards", {"uid": uid, "customer_id": customer, "status": "active"})
    return customer


def test_a_card_may_charge(world: World, dc: Pile) -> None:
    """The answer names the order, and the gun starts by it: there is no start besides."""
    with_card(world)
    dc.ask_start()
    told = dc.last("may_start")
    assert told["is_authorised"] == 1
    assert 0 < told["balance_fen"] <= 5_000
    assert not dc.told("start")
    dc.reading(told["trade"])
    (made,) = world.get(f"/orders?charger_id={dc.charger_id}")["items"]
    assert (made["state"], made["origin"]) == ("charging", "card")
    assert told["trade"] == write_trade(int(made["id"]))


@pytest.mark.parametrize(
    ("balance_fen", "card", "reason"), [(0, CARD, 3), (5_000, "00000000D14B0A55", 1)]
)
def test_a_card_that_may_not_is_told_why(
    world: World, dc: Pile, balance_fen: int, card: str, reason: int
) -> None:
    """In YKC's numbers."""
    with_card(world, balance_fen=balance_fen)
    dc.ask_start(card=card)
    told = dc.last("may_start")
    assert (told["is_authorised"], told["reason"], told["trade"]) == (0, reason, NO_TRADE)


def test_a_question_that_comes_again_makes_no_second_order(world: World, dc: Pile) -> None:
    """The pile has lost the answer, and asks with the same sequence."""
    with_card(world)
    for _ in range(2):
        dc.ask_start(sequence=b"\0\x55")
    first, second = (fields["trade"] for _, fields in dc.told("may_start"))
    assert first == second
    assert len(world.get(f"/orders?charger_id={dc.charger_id}")["items"]) == 1


def test_a_car_charges_by_its_vin(world: World, dc: Pile) -> None:
    """Which comes backwards, and is registered like a card."""
    vin = "LSVAU033X72170001"
    with_card(world, vin)
    dc.ask_start(mode=3, card="0" * 16, vin=vin[::-1].encode())
    assert dc.last("may_start")["is_authorised"] == 1
    dc.ask_start(gun=2, mode=3, card="0" * 16, vin=b"Z" * 17)
    assert dc.last("may_start")["reason"] == 9


def test_an_account_with_a_password_is_nobodys(world: World, dc: Pile) -> None:
    """Customers of the platform have none at piles."""
    dc.ask_start(mode=2)
    assert dc.last("may_start")["reason"] == 1


def test_an_offline_charge_is_billed_to_its_card(world: World, dc: Pile) -> None:
    """It comes with a trade number of the pile's own, after the login."""
    with_card(world)
    trade = f"{dc.number}012601050900000001"
    dc.record(trade, 20_000, begun_by=4, card=bytes.fromhex(CARD))
    assert dc.last("record_reply")["trade"] == trade
    (made,) = world.get(f"/orders?charger_id={dc.charger_id}")["items"]
    assert (made["state"], made["card_uid"], made["energy_mwh"]) == ("settled", CARD, 2_000_000)
    dc.record(trade, 20_000, begun_by=4, card=bytes.fromhex(CARD))
    assert len(world.get(f"/orders?charger_id={dc.charger_id}")["items"]) == 1


def test_a_question_after_a_charge_is_another(world: World, dc: Pile) -> None:
    """A pile's sequence stands still, or has begun anew: the order before is paid already."""
    with_card(world)
    trades = []
    for _ in range(2):
        dc.ask_start(sequence=b"\0\1")
        trades.append(dc.last("may_start")["trade"])
        dc.reading(trades[-1])
        pass_time(world, dc, 60)
        dc.record(trades[-1], 500, started=world.calendar.now() - timedelta(seconds=60))
        dc.reading()
    assert len(set(trades)) == 2


def test_a_question_that_comes_again_may_spend_no_more(world: World, dc: Pile) -> None:
    """The order's own limit, and not what is in the wallet."""
    with_card(world, balance_fen=9_000)
    for sequence in (b"\0\1", b"\0\2"):
        dc.ask_start(sequence=sequence)
    first, second = (fields["balance_fen"] for _, fields in dc.told("may_start"))
    assert first == second < 9_000


GROUP = "202601050900"


def test_guns_that_charge_together_start_together(world: World, dc: Pile) -> None:
    """Only when both may."""
    with_card(world)
    with_card(world, "00000000D14B0A99")
    dc.ask_start(is_main=1, group=GROUP)
    assert not dc.told("may_start_parallel")
    dc.ask_start(gun=2, card="00000000D14B0A99", is_main=0, group=GROUP)
    told = [fields for _, fields in dc.told("may_start_parallel")]
    assert [(each["gun"], each["is_authorised"], each["group"]) for each in told] == [
        (1, 1, GROUP),
        (2, 1, GROUP),
    ]


def test_a_gun_of_a_group_may_ask_again(world: World, dc: Pile) -> None:
    """Its answer was lost."""
    with_card(world)
    with_card(world, "00000000D14B0A99")
    dc.ask_start(sequence=b"\0\1", is_main=1, group=GROUP)
    dc.ask_start(gun=2, card="00000000D14B0A99", is_main=0, group=GROUP)
    dc.ask_start(sequence=b"\0\1", is_main=1, group=GROUP)
    told = [fields["is_authorised"] for _, fields in dc.told("may_start_parallel")]
    assert told == [1, 1, 1]


@pytest.mark.parametrize("asks", [True, False])
def test_of_guns_that_charge_together_none_starts_alone(world: World, dc: Pile, asks: bool) -> None:
    """The other may not, or never asks; the order that was made for the first fails."""
    with_card(world)
    dc.ask_start(is_main=1, group=GROUP)
    if asks:
        dc.ask_start(gun=2, card="00000000D14B0A99", is_main=0, group=GROUP)
    else:
        pass_time(world, dc, int(GROUP_S) + 10)
    assert {fields["is_authorised"] for _, fields in dc.told("may_start_parallel")} == {0}
    pass_time(world, dc, 10)
    (made,) = world.get(f"/orders?charger_id={dc.charger_id}")["items"]
    assert made["state"] == "failed"


# ------------------------------------------------------------------------------------ the pile


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


def command(world: World, dc: Pile, name: str, **args: Any) -> Asking:
    """Begin a command."""
    asking = Asking(world)
    asking.begin("POST", f"/chargers/{dc.charger_id}/commands", {"name": name, "args": args})
    return asking


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


def test_a_second_chance_is_not_longer_than_the_documents() -> None:
    """Sixty seconds; and the platform waits longer than the gun."""
    assert SECOND_CHANCE_S == 60
    assert CONFIRM_S > SECOND_CHANCE_S


@pytest.mark.parametrize("gun", [0, 100, "1"])
def test_a_gun_that_no_pile_has_is_refused(world: World, dc: Pile, gun: Any) -> None:
    """With the reason, and nothing is sent."""
    body = {"name": "lock", "args": {"port": gun, "operation": 0x55, "reserved": "00000000"}}
    status, _ = world.http("POST", f"/chargers/{dc.charger_id}/commands", body)
    assert status in (400, 409, 422)
    assert not dc.told("lock")
