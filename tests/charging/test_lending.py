"""Cards begin charges while the database is away, where that is allowed: each has one order, in the
right place, and costs no more than was lent."""

from pathlib import Path

import pytest
from sqlalchemy import update

from chargecloud.charging.settings import ChargingSettings, WhenAway
from chargecloud.dialects.native.received import CardAnswered
from chargecloud.domain.commands import StartCharge
from chargecloud.storage.schema import cards
from tests.charging.test_spooling import UID, Street
from tests.harness import result_of

#: what is in the way is put into its engine
pytestmark = pytest.mark.sqlite

LIMIT_FEN = 20


@pytest.fixture
def street(tmp_path: Path) -> Street:
    """A street where cards may charge without the database; it was looked at a moment ago."""
    allowed = ChargingSettings(
        when_database_away=WhenAway.ALLOW, away_limit_fen=LIMIT_FEN, confirm_deadline_s=90
    )
    street = Street.open(tmp_path, allowed)
    look_around(street)
    return street


def look_around(street: Street) -> None:
    """As the service does each minute."""
    for rounds in street.world.platform.rounds:
        rounds.startService()
    street.world.pass_time(60, street.box.heartbeat)


def lose(street: Street) -> None:
    """The database is away, and somebody has noticed."""
    street.database.is_away = True
    street.end(1, 4711)
    street.box.heard.clear()


def present(street: Street, number: int = 1) -> CardAnswered:
    """Hold the customer's card to the box."""
    answer = street.box.card(number, UID)
    assert answer is not None
    return answer


def charge_without_a_database(street: Street) -> int:
    """A card is presented in an outage, and its charge draws; the order that it is to have."""
    lose(street)
    order_id = present(street).order_id
    assert order_id is not None
    street.box.begin()
    street.draw()
    return order_id


def only_order(street: Street) -> int:
    """The only one that there is."""
    (order,) = street.world.get("/orders")["items"]
    return int(order["id"])


def settle_strays(street: Street) -> None:
    """The record by which the outage was noticed is of no order; a person sees it off."""
    for each in street.world.get("/orders/unmatched")["items"]:
        body = {"action": "dismiss", "reason": "none"}
        street.world.http("POST", f"/orders/unmatched/{each['id']}/resolve", body)


def test_a_charge_of_an_outage_is_opened_held_and_settled(street: Street) -> None:
    """All of it while the database is away."""
    lose(street)
    answer = present(street)
    assert answer.code == "ok"
    order_id = answer.order_id
    assert order_id is not None
    assert len(street.box.orders(StartCharge)) == 1
    street.box.begin()
    street.draw()
    street.end(2, order_id)
    street.come_back()
    assert only_order(street) == order_id
    assert street.order(order_id) == ("settled", 60_000, 6)
    events = street.world.get(f"/orders/{order_id}/events")["items"]
    assert [each["kind"] for each in events] == [
        "order.placed",
        "order.started",
        "order.ended",
        "order.settled",
    ]
    settle_strays(street)
    street.must_agree()


def test_the_first_card_that_finds_it_away_is_let_charge(street: Street) -> None:
    """Nobody has noticed before: nothing was decided about it yet."""
    street.database.is_away = True
    assert present(street).code == "ok"
    street.box.begin()
    street.come_back()
    assert street.world.get(f"/orders/{only_order(street)}")["state"] == "charging"


def test_one_that_goes_on_is_written_down(street: Street) -> None:
    """Its money is held once, and its readings before that count."""
    order_id = charge_without_a_database(street)
    track = street.world.platform.book.tracked(order_id)
    assert track is not None
    assert track.energy_mwh == 60_000
    street.come_back()
    assert street.world.get(f"/orders/{order_id}")["state"] == "charging"
    assert track.energy_mwh == 60_000
    assert street.world.get(f"/wallets/{street.customer}")["held_fen"] == LIMIT_FEN
    street.end(2, order_id)
    assert street.order(order_id) == ("settled", 60_000, 6)
    settle_strays(street)
    street.must_agree()


def test_it_is_stopped_before_it_costs_more_than_was_lent(street: Street) -> None:
    """By the readings, while the database is away."""
    lose(street)
    present(street)
    street.box.begin()
    street.draw()
    assert not street.box.stops()
    street.world.pass_time(3600, lambda: street.box.report(6_000))
    assert street.box.stops()
    track = next(iter(street.world.platform.book.of_charger(street.box.id)))
    assert track.order.limit_amount_fen == LIMIT_FEN


def test_the_same_question_has_the_same_order(street: Street) -> None:
    """And another one by the same card, before it was confirmed."""
    lose(street)
    first = present(street)
    assert present(street) == first
    assert present(street, 2).order_id == first.order_id
    street.come_back()
    assert only_order(street) == first.order_id


def test_a_kill_in_the_outage(street: Street) -> None:
    """The start is in the spool before it was sent: its order is there, and given up if its
    charger never tells of it."""
    lose(street)
    order_id = present(street).order_id
    assert order_id is not None
    street.restart()
    assert only_order(street) == order_id
    assert street.order(order_id)[0] == "starting"
    street.world.pass_time(100, lambda: None)
    assert street.order(order_id)[0] == "failed"
    assert street.world.get(f"/wallets/{street.customer}")["held_fen"] == 0
    settle_strays(street)
    street.must_agree()


def test_what_was_spent_elsewhere_is_not_held_and_the_charge_stopped(street: Street) -> None:
    """Its wallet is empty when the database is back: what was drawn is owed."""
    order_id = charge_without_a_database(street)
    street.database.is_away = False
    spent = street.world.order(street.world.box(identity="EB-0002").connect(), street.customer)
    assert spent["id"] != str(order_id)
    _empty(street)
    street.come_back()
    street.box.pump()
    assert len(street.box.stops()) == 1
    street.end(2, order_id)
    assert street.order(order_id) == ("settled", 60_000, 6)


def _empty(street: Street) -> None:
    """Hold all that is left for another order."""
    left_fen = street.world.get(f"/wallets/{street.customer}")["balance_fen"]
    other = street.world.box(identity="EB-0003").connect()
    street.world.order(other, street.customer, prepaid_fen=left_fen)


def test_a_card_that_was_blocked_meanwhile(street: Street) -> None:
    """It was good at the last look: its charge is stopped, and paid."""
    order_id = charge_without_a_database(street)
    street.database.is_away = False
    blocked = update(cards).values(status="blocked")
    result_of(street.world.store.writer.transact(lambda found: found.execute(blocked)))
    street.come_back()
    street.box.pump()
    assert street.box.stops()
    street.end(2, order_id)
    assert street.order(order_id) == ("settled", 60_000, 6)


def test_a_start_that_nobody_knows_was_committed(street: Street) -> None:
    """The card that met the loss of a commit is told to try again; its order was made after all,
    and is given up for the one that was begun."""
    street.database.commits_lost = 1
    street.database.is_away = False
    assert present(street, 1).code == "not-now"
    street.database.is_away = True
    answer = present(street, 2)
    assert answer.code == "ok"
    street.box.begin()
    street.come_back()
    orders = {each["id"]: each["state"] for each in street.world.get("/orders")["items"]}
    assert orders.pop(str(answer.order_id)) == "charging"
    assert list(orders.values()) == ["failed"]
    assert street.world.get(f"/wallets/{street.customer}")["held_fen"] == LIMIT_FEN


def test_who_is_not_known_is_told_to_come_again(street: Street) -> None:
    """No card, no wallet, no place: nothing begins, and nothing is left of it."""
    lose(street)
    answer = street.box.card(1, "0000")
    assert answer is not None
    assert answer.code == "not-now"
    assert not street.box.orders(StartCharge)
    street.come_back()
    assert street.world.get("/orders")["items"] == []


def test_no_more_is_lent_than_a_wallet_had(tmp_path: Path) -> None:
    """A second charge has what the first left of it, and a third nothing."""
    street = Street.open(
        tmp_path, ChargingSettings(when_database_away=WhenAway.ALLOW, away_limit_fen=600)
    )
    others = [street.world.box(identity=f"EB-100{each}").connect() for each in (1, 2)]
    look_around(street)
    lose(street)
    assert present(street).code == "ok"
    second, third = (each.card(1, UID) for each in others)
    assert second is not None
    assert third is not None
    assert (second.code, third.code) == ("ok", "insufficient-funds")
    street.world.clock.advance(1)
    street.database.is_away = False
    street.world.clock.advance(3)
    wallet = street.world.get(f"/wallets/{street.customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (0, 1000)


def test_a_full_spool_begins_nothing(street: Street) -> None:
    """What is not on the disk is not sent."""
    lose(street)
    street.world.platform.backlog.spool.most_bytes = 100
    assert present(street).code == "not-now"
    assert not street.box.orders(StartCharge)
