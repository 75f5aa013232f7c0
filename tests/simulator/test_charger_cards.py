"""Cards that are held to a charger."""

import pytest

from chargecloud.domain.charger import ChargerTime
from chargecloud.domain.commands import StopCharge
from chargecloud.domain.events import ChargeStarted, OfflineStart, StopReason
from chargecloud.simulator.card_reader import CARD_LIMIT, Presented
from chargecloud.simulator.readings import read_port
from tests.simulator.charger_parts import ORDER, Stand, bike, new_stand


def offline() -> Stand:
    """A charger without the cloud that knows a card, with a bike at port 1."""
    stand = new_stand()
    stand.charger.memory.cards.append("KNOWN")
    stand.charger.plug(1, bike(), stand.after(50))
    return stand


def test_the_cloud_is_asked_about_a_card() -> None:
    """Each time under another number, and only once each."""
    stand = offline()
    stand.charger.is_online = True
    for uid in ("KNOWN", "NEW"):
        stand.charger.present_card(1, uid, stand.after(10))
    questions = stand.charger.cards.take_questions()
    assert questions == [Presented(1, 1, "KNOWN", 60), Presented(2, 1, "NEW", 70)]
    assert stand.charger.cards.take_questions() == []
    assert stand.charger.port(1).charge is None


def test_a_known_card_begins_a_charge_offline() -> None:
    """Under the number of its record, with the card, and without an order."""
    stand = offline()
    stand.charger.present_card(1, "KNOWN", stand.now)
    start = OfflineStart(1, "KNOWN")
    assert stand.charger.memory.records == {1: ChargeStarted(None, 1, 0, ChargerTime(1, 50), start)}
    assert read_port(stand.charger.port(1)).order_id is None
    stand.charger.unplug(1, stand.after(600))
    stand.charger.advance(stand.after(1_000))
    assert (stand.ended.order_id, stand.ended.offline) == (None, start)
    assert (stand.ended.reason, stand.ended.duration_s) == (StopReason.UNPLUGGED, 720)


def test_a_charge_has_its_order_once_the_cloud_has_named_it() -> None:
    """It is reported, stopped and ended by that name."""
    stand = offline()
    stand.charger.present_card(1, "KNOWN", stand.now)
    stand.charger.forget(1, ORDER)
    assert stand.charger.memory.records == {}
    assert read_port(stand.charger.port(1)).order_id == ORDER
    assert stand.charger.obey(StopCharge(ORDER, 1), stand.after(60)).accepted
    assert (stand.ended.order_id, stand.ended.offline) == (ORDER, None)
    # a start for that order that a network repeats does nothing
    assert stand.start(order_id=ORDER) == "refused"


def test_a_card_ends_what_it_began_offline() -> None:
    """Another card does not."""
    stand = offline()
    stand.charger.memory.cards.append("OTHER")
    stand.charger.present_card(1, "KNOWN", stand.now)
    stand.charger.present_card(1, "OTHER", stand.after(60))
    assert stand.charger.port(1).charge is not None
    stand.charger.present_card(1, "KNOWN", stand.after(60))
    assert (stand.ended.reason, stand.ended.duration_s) == (StopReason.USER, 120)


@pytest.mark.parametrize(("port", "uid"), [(1, "NEW"), (2, "KNOWN"), (3, "KNOWN")])
def test_a_charge_that_may_not_be_is_not_begun_offline(port: int, uid: str) -> None:
    """A card that the cloud has not accepted, a port without a plug, a faulty one."""
    stand = offline()
    stand.charger.plug(3, bike(), stand.now)
    stand.charger.port(3).is_faulty = True
    stand.charger.present_card(port, uid, stand.now)
    assert stand.charger.memory.records == {}


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("ok", True),
        ("stopped", True),
        ("blocked-card", False),
        ("unknown-card", False),
        ("expired-card", False),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_the_cloud_says_which_cards_are_good(code: str, known: bool, before: bool) -> None:
    """By its newest answer."""
    stand = new_stand()
    if before:
        stand.charger.memory.cards.append("CARD")
    stand.charger.is_online = True
    stand.charger.present_card(1, "CARD", stand.now)
    stand.charger.cards.take_questions()
    stand.charger.cards.answered(1, code)
    stand.charger.cards.answered(1, "ok")
    assert stand.charger.memory.cards == (["CARD"] if known else [])


@pytest.mark.parametrize("before", [True, False])
def test_some_answers_say_nothing_of_the_card(before: bool) -> None:
    """A wallet that is empty will be filled."""
    stand = new_stand()
    cards = stand.charger.memory.cards
    if before:
        cards.append("CARD")
    stand.charger.is_online = True
    stand.charger.present_card(1, "CARD", stand.now)
    stand.charger.cards.take_questions()
    stand.charger.cards.answered(1, "insufficient-funds")
    assert ("CARD" in cards) is before


def test_a_charger_remembers_the_newest_cards() -> None:
    """Flash is small."""
    stand = new_stand()
    stand.charger.is_online = True
    for number in range(CARD_LIMIT + 5):
        stand.charger.present_card(1, f"CARD{number}", stand.now)
        stand.charger.cards.take_questions()
        stand.charger.cards.answered(number + 1, "ok")
    cards = stand.charger.memory.cards
    assert len(cards) == CARD_LIMIT
    assert (cards[0], cards[-1]) == ("CARD5", f"CARD{CARD_LIMIT + 4}")


def test_questions_end_with_the_connection() -> None:
    """Nobody waits for their answers any more."""
    stand = new_stand()
    stand.charger.is_online = True
    stand.charger.present_card(1, "CARD", stand.now)
    stand.charger.hang_up()
    assert stand.charger.cards.take_questions() == []
    assert not stand.charger.is_online
