"""Whose orders a node decides about: two nodes on one database, each with its own memory."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, update

from chargecloud.charging.settings import ChargingSettings
from chargecloud.charging.starting import COMES_BACK_S
from chargecloud.charging.watchdog import ROUND_S
from chargecloud.dialects.native.received import Kept
from chargecloud.domain.events import Outcome
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import chargers, event_log, orders
from tests.harness import Gathering, InStep, result_of, rows_of
from tests.nodes.in_step import InStepWire, know_each_other, node, see_gone
from tests.outage import Outage
from tests.world import Box, World

RATES = {
    "rates": {
        "peak": {"electricity": 100_000, "service": 20_000},
        "valley": {"electricity": 30_000, "service": 20_000},
    },
    "day": [{"from": "00:00", "rate": "valley"}, {"from": "10:00", "rate": "peak"}],
}


def two(folder: Path, *, wire: InStepWire | None = None) -> tuple[World, World]:
    """Two nodes that know each other; and speak, if they have a wire."""
    here = World(folder)
    there = World(folder, here.clock, slot=2)
    know_each_other(here, there)
    for each in (here, there):
        if wire is not None:
            wire.join(each.platform.post)
    return here, there


def move(box: Box, to: World) -> Any:
    """A charger logs in at another node; its connection before, which nobody has closed."""
    before = (box.transport, box._protocol, box._wire)
    box.world = to
    box.connect()
    return before


def sound(world: World) -> None:
    """The books agree with each other."""
    assert result_of(world.store.read(lambda connection: list(ledger_faults(connection)))) == []


def read(world: World, order_id: Any) -> Any:
    """An order as it is written down."""
    return next(row for row in rows_of(world.store, orders) if row["id"] == int(order_id))


def told(world: World, order_id: Any) -> list[str]:
    """What the log has of an order, in order."""
    rows = [row for row in rows_of(world.store, event_log) if row["order_id"] == int(order_id)]
    rows.sort(key=lambda row: (row["at"], row["node"], row["seq"]))
    return [row["kind"] for row in rows]


def outcomes(box: Box) -> list[tuple[int, Outcome]]:
    """What the charger was told of its records."""
    return [(each.record, each.outcome) for each in box.heard if isinstance(each, Kept)]


def log_in_up_to_its_orders(box: Box, to: World) -> Gathering:
    """A charger moves, and all is done but the reading of its orders: who is to do that."""
    to.store.readers = held = Gathering()
    box.heard.clear()
    move(box, to)
    held.do_next()
    box.pump().heartbeat()
    while to.platform.book.epoch_of(box.id) is None:
        held.do_next()
    return held


def fail_all(held: Gathering, world: World) -> None:
    """What waits is asked of a database that has just gone; it is back at once."""
    outage = Outage(world.store.engine)
    outage.is_away = True
    held.do_all()
    outage.is_away = False
    assert outage.failed
    world.store.readers = InStep()


@pytest.mark.parametrize("wired", [True, False], ids=["wired", "apart"])
def test_a_charger_takes_its_order_along(tmp_path: Path, wired: bool) -> None:
    """Its readings and its end are the new node's, and it is billed once for all of it."""
    a, b = two(tmp_path, wire=InStepWire() if wired else None)
    box, customer = a.box(a.site(RATES)).connect(), a.customer(1000)
    order = a.order(box, customer, prepaid_fen=300)
    started = box.begin()
    a.pass_time(1800, lambda: box.report(6_000))
    move(box, b)
    b.pass_time(5400, lambda: box.report(6_000))
    box.end(2, started.order_id, 5_000_000, 7200)
    settled = b.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["energy_mwh"]) == ("settled", 720_000)
    lines = b.get(f"/orders/{order['id']}/bill")["lines"]
    assert [line["quantity"] for line in lines if line["fee"] == "electricity"] == [
        360_000,
        360_000,
    ]
    assert a.platform.book.tracked(started.order_id) is None or not wired
    assert read(a, order["id"])["state"] == "settled"
    assert told(a, order["id"]).count("order.settled") == 1
    sound(b)


@pytest.mark.parametrize("wired", [True, False], ids=["wired", "apart"])
def test_a_charger_that_comes_back_brings_what_it_drew_elsewhere(
    tmp_path: Path, wired: bool
) -> None:
    """The price changed while it was at the other node: what this one remembers is older."""
    a, b = two(tmp_path, wire=InStepWire() if wired else None)
    box, customer = a.box(a.site(RATES)).connect(), a.customer(1000)
    order = a.order(box, customer, prepaid_fen=300)
    started = box.begin()
    a.pass_time(1800, lambda: box.report(6_000))
    move(box, b)
    # 10:00 is at the end of the first half hour of it
    b.pass_time(1800, lambda: box.report(2_000))
    b.pass_time(1800, lambda: box.report(20_000))
    move(box, a)
    a.pass_time(1800, lambda: box.report(6_000))
    box.end(2, started.order_id, 5_000_000, 7200)
    settled = a.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["energy_mwh"]) == ("settled", 1_020_000)
    lines = a.get(f"/orders/{order['id']}/bill")["lines"]
    assert [line["quantity"] for line in lines if line["fee"] == "electricity"] == [
        240_000,
        780_000,
    ]
    sound(a)


def test_what_comes_late_by_the_old_connection_decides_nothing(tmp_path: Path) -> None:
    """A's connection is still open, as far as A knows: a stop, a reading, a record of it are
    superseded, the record is not acknowledged, and the connection is ended: a charger that is
    at its far end logs in anew."""
    a, b = two(tmp_path)
    box, customer = a.box().connect(), a.customer(1000)
    order = a.order(box, customer, prepaid_fen=300)
    started = box.begin()
    a.pass_time(600, lambda: box.report(6_000))
    old = move(box, b)
    b.pass_time(120, lambda: box.report(6_000))
    before = read(b, order["id"])

    new = (box.transport, box._protocol, box._wire)
    box.transport, box._protocol, box._wire = old
    box.meter_mwh += 1_000
    box.report(1_000)
    box.end(2, started.order_id, 5_000_000, 720)
    assert (2, Outcome.KEPT) not in outcomes(box)
    assert read(b, order["id"]) == before
    assert old[0].disconnecting

    box.transport, box._protocol, box._wire = new
    box.end(2, started.order_id, 5_000_000, 720)
    assert outcomes(box)[-1] == (2, Outcome.KEPT)
    assert b.get(f"/orders/{order['id']}")["state"] == "settled"
    assert told(b, order["id"]).count("order.settled") == 1
    sound(b)


def test_the_watchdog_of_a_node_that_lost_a_charger_closes_nothing(tmp_path: Path) -> None:
    """A does not know that it lost it: it sees it absent for longer than it would wait."""
    a = World(tmp_path, charging=ChargingSettings(lost_after_s=3600))
    b = World(tmp_path, a.clock, slot=2)
    know_each_other(a, b)
    box = a.box().connect()
    order = a.order(box)
    started = box.begin()
    a.pass_time(600, lambda: box.report(6_000))
    _transport, at_a, _wire = move(box, b)
    at_a.connectionLost(None)
    b.pass_time(2 * 3600, lambda: box.report(3_000))
    assert b.get(f"/orders/{order['id']}")["state"] == "charging"
    assert told(b, order["id"]) == ["order.placed", "order.started"]
    assert a.platform.book.tracked(started.order_id) is None


def test_two_nodes_that_both_think_they_have_a_charger_make_one_order(tmp_path: Path) -> None:
    """A has its old connection and was told nothing: it can place none there; one is made, and
    one bill."""
    wire = InStepWire()
    a, b = two(tmp_path, wire=wire)
    box, customer = a.box().connect(), a.customer(1000)
    wire.is_cut = True
    old = move(box, b)
    body = {"charger_id": str(box.id), "port": 1, "customer_id": customer, "prepaid_fen": 100}
    status, said = a.http("POST", "/orders", body)
    # a node that knows of the other asks it, and there is no way
    assert (status, said["type"]) == (503, "/problems/nodes-apart")
    # as if it had asked where the charger is a moment before it moved
    forward = a.platform.forwarding
    forward.holders = World(tmp_path / "none", a.clock).platform.forwarding.holders
    status, said = a.http("POST", "/orders", body)
    assert (status, said["type"]) == (409, "/problems/port-busy")
    assert rows_of(a.store, orders) == []
    assert not old[0].disconnecting

    order = b.order(box, customer, prepaid_fen=100)
    started = box.begin()
    b.pass_time(600, lambda: box.report(6_000))
    box.end(2, started.order_id, 5_000_000, 600)
    assert b.get(f"/orders/{order['id']}")["state"] == "settled"
    assert len(rows_of(a.store, orders)) == 1
    assert a.get(f"/wallets/{customer}")["held_fen"] == 0
    sound(b)


def test_the_orders_of_a_node_that_died_are_taken_over(tmp_path: Path) -> None:
    """Its chargers have not come back: another gateway looks after their orders as soon as it
    is sure, and an end that was not billed yet is billed once."""
    a, b = two(tmp_path)
    site, customer = a.site(), a.customer(1000)
    running, ended = (a.box(site, who).connect() for who in ("EB-1", "EB-2"))
    orders_made = [a.order(each, customer, prepaid_fen=200) for each in (running, ended)]
    starts = [each.begin() for each in (running, ended)]

    def report() -> None:
        for each in (running, ended):
            each.report(6_000)

    a.pass_time(600, report)
    ended.end(2, starts[1].order_id, 5_000_000, 600)
    _unbill(a, starts[1].order_id)
    a.killed()

    b.platform.custody.look()
    assert b.platform.book.tracked(starts[0].order_id) is None
    see_gone(b, a)
    assert b.platform.book.tracked(starts[0].order_id) is not None
    assert read(b, starts[1].order_id)["state"] == "settled"
    assert {row["node"] for row in rows_of(b.store, chargers)} == {2}
    assert not any(row["connected"] for row in rows_of(b.store, chargers))

    b.pass_time(ChargingSettings().suspend_after_s + 60)
    assert b.get(f"/orders/{orders_made[0]['id']}")["state"] == "suspended"
    move(running, b)
    running.report(6_000, order_id=starts[0].order_id)
    assert b.get(f"/orders/{orders_made[0]['id']}")["state"] == "charging"
    running.end(3, starts[0].order_id, 5_000_000, 660)
    assert b.get(f"/orders/{orders_made[0]['id']}")["state"] == "settled"
    for each in starts:
        assert told(b, each.order_id).count("order.settled") == 1


def test_a_charger_whose_orders_were_taken_over_has_time_to_come(tmp_path: Path) -> None:
    """It was never at this node, which has been there for days: it is away since the other one
    is known to be gone, and not for days."""
    a, b = two(tmp_path)
    charging = ChargingSettings()
    a.clock.advance(3 * charging.lost_after_s)
    box = a.box()
    box.booted_at = a.clock.seconds() - 100
    order = a.order(box.connect())
    started = box.begin()
    a.killed()
    see_gone(b, a)
    b.pass_time(charging.suspend_after_s - 10)
    assert b.get(f"/orders/{order['id']}")["state"] == "charging"
    b.pass_time(60)
    assert b.get(f"/orders/{order['id']}")["state"] == "suspended"
    move(box, b)
    box.report(6_000, order_id=started.order_id)
    assert b.get(f"/orders/{order['id']}")["state"] == "charging"


def test_an_order_that_was_starting_when_its_node_died_comes_to_an_end(tmp_path: Path) -> None:
    """Nobody knows whether the charger got the start: the money goes back by itself."""
    a, b = two(tmp_path)
    box, customer = a.box().connect(), a.customer(1000)
    order = a.order(box, customer, prepaid_fen=200)
    a.killed()
    see_gone(b, a)
    b.clock.advance(ChargingSettings().lost_after_s)
    assert b.get(f"/orders/{order['id']}")["state"] == "failed"
    assert b.get(f"/wallets/{customer}")["balance_fen"] == 1000


def test_a_charger_that_comes_and_goes_does_not_put_a_deadline_off(tmp_path: Path) -> None:
    """Money would be held for as long as it does."""
    a, b = two(tmp_path)
    c = World(tmp_path, a.clock, slot=3)
    know_each_other(a, b, c)
    box, customer = a.box().connect(), a.customer(1000)
    order = a.order(box, customer, prepaid_fen=200)
    for other in (b, c):
        move(box, other)
        other.pass_time(COMES_BACK_S - 1, box.heartbeat)
    c.pass_time(5, box.heartbeat)
    assert c.get(f"/orders/{order['id']}")["state"] == "failed"
    assert c.get(f"/wallets/{customer}")["balance_fen"] == 1000


def test_a_node_that_starts_again_takes_up_its_own(tmp_path: Path) -> None:
    """And nobody else's: those of the node that lives stay where they are."""
    a, b = two(tmp_path)
    site = a.site()
    boxes = [a.box(site, who) for who in ("EB-1", "EB-2")]
    boxes[1].world = b
    made = [each.world.order(each.connect()) for each in boxes]
    for each in boxes:
        each.begin()
    a.killed()
    again = World(tmp_path, a.clock, known=[node(b)])
    book = again.platform.book
    assert [track.order.id for track in book.running()] == [int(made[0]["id"])]
    assert {row["id"]: row["node"] for row in rows_of(a.store, chargers)} == {
        boxes[0].id: 1,
        boxes[1].id: 2,
    }


def test_a_node_that_leaves_while_another_starts_is_missed(tmp_path: Path) -> None:
    """It lived when the other one looked first, and had given its slot back at the next look."""
    a = World(tmp_path)
    box = a.box().connect()
    order = a.order(box)
    box.begin()
    b = World(tmp_path, a.clock, slot=2, known=[node(a)])
    assert b.platform.book.tracked(int(order["id"])) is None
    a.killed()
    b.store.roster.look([node(b)], b.clock.seconds())
    b.platform.custody.look()
    assert b.platform.book.tracked(int(order["id"])) is not None


def test_a_slot_without_chargers_has_no_orders(tmp_path: Path) -> None:
    """All were stopped, and a process that only serves people got the gateway's number first:
    it would never end what it is not told of."""
    a = World(tmp_path)
    box = a.box().connect()
    order = a.order(box)
    box.begin()
    a.killed()
    web = node(a, roles=frozenset({"web"}))
    b = World(tmp_path, a.clock, slot=2, known=[web])
    assert b.platform.book.tracked(int(order["id"])) is not None


@pytest.mark.parametrize("wired", [True, False], ids=["wired", "apart"])
def test_a_node_that_only_seemed_gone_has_its_chargers_log_in_anew(
    tmp_path: Path, wired: bool
) -> None:
    """It could not renew its lease for a while, and kept its connections: they decide nothing
    any more, and must not last."""
    a, b = two(tmp_path, wire=InStepWire() if wired else None)
    box, customer = a.box().connect(), a.customer(1000)
    order = a.order(box, customer, prepaid_fen=200)
    started = box.begin()
    a.pass_time(600, lambda: box.report(6_000))
    see_gone(b, a)
    assert rows_of(b.store, chargers)[0]["node"] == 2
    if not wired:
        assert not box.transport.disconnecting
        box.end(2, started.order_id, 5_000_000, 600)
    assert box.transport.disconnecting
    assert (2, Outcome.KEPT) not in outcomes(box)
    assert b.get(f"/orders/{order['id']}")["state"] == "charging"
    assert b.platform.book.tracked(started.order_id) is not None

    know_each_other(a, b)
    box.connect()
    box.end(2, started.order_id, 5_000_000, 600)
    assert outcomes(box)[-1] == (2, Outcome.KEPT)
    assert a.get(f"/orders/{order['id']}")["state"] == "settled"
    assert told(a, order["id"]).count("order.settled") == 1
    sound(a)


def test_two_nodes_take_over_a_third_ones_orders_once(tmp_path: Path) -> None:
    """Both see it gone at the same look: each charger is one's."""
    a, b = two(tmp_path)
    c = World(tmp_path, a.clock, slot=3)
    site = a.site()
    boxes = [a.box(site, f"EB-{number}").connect() for number in range(4)]
    made = {int(a.order(each)["id"]) for each in boxes}
    a.killed()
    for world in (b, c):
        world.store.roster.look([node(a), node(b), node(c)], a.clock.seconds())
        world.platform.custody.look()
        world.store.roster.look([node(b), node(c)], a.clock.seconds())
    for world in (b, c):
        world.platform.custody.look()
    taken = [{track.order.id for track in each.platform.book.running()} for each in (b, c)]
    assert taken[0] | taken[1] == made
    assert not taken[0] & taken[1]


def _unbill(world: World, order_id: int) -> None:
    """As if the node had died between an end and its bill."""

    def undo(connection: Connection) -> None:
        settled = update(orders).where(orders.c.id == order_id)
        connection.execute(settled.values(state="ended", bill=None, amount_fen=None))
        of_it = (event_log.c.order_id == order_id, event_log.c.kind == "order.settled")
        connection.execute(delete(event_log).where(*of_it))

    result_of(world.store.writer.transact(undo))


def test_a_charger_that_moves_is_away_since_its_login(tmp_path: Path) -> None:
    """It was never at this node, which has been there for days; and its connection goes before
    its session is open: it has as long to come back as any other."""
    a, b = two(tmp_path, wire=InStepWire())
    charging = ChargingSettings()
    a.clock.advance(3 * charging.lost_after_s)
    box = a.box()
    box.booted_at = a.clock.seconds() - 100
    order = a.order(box.connect())
    started = box.begin()
    a.pass_time(600, lambda: box.report(6_000))

    held = log_in_up_to_its_orders(box, b)
    while b.platform.book.tracked(started.order_id) is None:
        held.do_next()
    b.store.readers = InStep()
    b.pass_time(ROUND_S)
    box.drop()
    held.do_all()
    b.pass_time(charging.suspend_after_s - 10)
    assert told(b, order["id"]) == ["order.placed", "order.started"]
    b.pass_time(60)
    assert b.get(f"/orders/{order['id']}")["state"] == "suspended"


@pytest.mark.parametrize("comes_back", [True, False], ids=["comes-back", "stays-away"])
def test_orders_that_could_not_be_read_at_a_login_are_taken_later(
    tmp_path: Path, comes_back: bool
) -> None:
    """The charger is this node's by then: it logs in anew, or else the next look takes them."""
    a, b = two(tmp_path, wire=InStepWire())
    box = a.box().connect()
    order = a.order(box)
    started = box.begin()
    a.pass_time(600, lambda: box.report(6_000))
    fail_all(log_in_up_to_its_orders(box, b), b)
    assert box.transport.disconnecting
    box.drop()
    assert b.platform.book.tracked(started.order_id) is None
    if not comes_back:
        b.platform.custody.look()
        assert b.platform.book.tracked(started.order_id) is not None
        b.pass_time(ChargingSettings().suspend_after_s + 60)
        assert b.get(f"/orders/{order['id']}")["state"] == "suspended"
    box.connect()
    box.report(6_000, order_id=started.order_id)
    assert box.stops() == []
    box.end(2, started.order_id, 5_000_000, 660)
    assert b.get(f"/orders/{order['id']}")["state"] == "settled"


def test_orders_of_a_gone_node_that_could_not_be_read_are_taken_later(tmp_path: Path) -> None:
    """Their chargers were claimed before: they are nobody's no more."""
    a, b = two(tmp_path)
    box = a.box().connect()
    order = a.order(box)
    started = box.begin()
    a.killed()
    b.store.readers = held = Gathering()
    see_gone(b, a)
    while b.platform.book.epoch_of(box.id) is None:
        held.do_next()
    assert rows_of(a.store, chargers)[0]["node"] == 2
    fail_all(held, b)
    assert b.platform.book.tracked(started.order_id) is None
    b.platform.custody.look()
    assert b.platform.book.tracked(started.order_id) is not None
    b.pass_time(ChargingSettings().suspend_after_s + 60)
    assert b.get(f"/orders/{order['id']}")["state"] == "suspended"


def test_a_node_that_goes_while_another_is_taken_over_is_missed(tmp_path: Path) -> None:
    """The look that saw it gone found the one before still at work."""
    a, b = two(tmp_path)
    c = World(tmp_path, a.clock, slot=3)
    know_each_other(a, b, c)
    site = a.site()
    boxes = [a.box(site, f"EB-{number}") for number in range(2)]
    boxes[1].world = c
    made = {int(each.world.order(each.connect())["id"]) for each in boxes}
    a.killed()
    c.killed()
    b.platform.custody.look()
    b.store.readers = held = Gathering()
    b.store.roster.look([node(b), node(c)], b.clock.seconds())
    b.platform.custody.look()
    while not any(row["node"] == 2 for row in rows_of(a.store, chargers)):
        held.do_next()
    b.store.roster.look([node(b)], b.clock.seconds())
    b.platform.custody.look()
    held.do_all()
    b.store.readers = InStep()
    b.platform.custody.look()
    assert {track.order.id for track in b.platform.book.running()} == made


def test_orders_of_a_charger_that_has_left_meanwhile_are_not_taken_up(tmp_path: Path) -> None:
    """It was back where it came from before they were read: nobody here looks after them."""
    a, b = two(tmp_path, wire=InStepWire())
    box = a.box().connect()
    order = a.order(box)
    started = box.begin()
    a.pass_time(600, lambda: box.report(6_000))
    held = log_in_up_to_its_orders(box, b)
    box.heard.clear()
    move(box, a)
    assert b.platform.book.epoch_of(box.id) is None
    held.do_all()
    b.store.readers = InStep()
    assert b.platform.book.tracked(started.order_id) is None
    assert a.platform.book.tracked(started.order_id) is not None
    b.platform.custody.look()
    a.pass_time(ChargingSettings().suspend_after_s + 60, lambda: box.report(6_000))
    assert told(a, order["id"]) == ["order.placed", "order.started"]


def test_an_order_that_another_node_decides_about_is_not_adopted(tmp_path: Path) -> None:
    """It is given up here if it was written down all the same: nobody here looks after it, and
    the charger has no session left here."""
    a, b = two(tmp_path)
    box = a.box().connect()
    order = a.order(box)
    started = box.begin()
    a.pass_time(600, lambda: box.report(6_000))
    old = move(box, b)
    box.report(6_000, order_id=started.order_id)
    a.platform.book.let_go(box.id)
    assert result_of(a.platform.book.adopt(started.order_id)).id == started.order_id
    assert a.platform.book.tracked(started.order_id) is None
    assert old[0].disconnecting
    old[1].connectionLost(None)
    a.pass_time(ChargingSettings().suspend_after_s + 60, lambda: box.report(6_000))
    assert told(a, order["id"]) == ["order.placed", "order.started"]


def test_an_end_told_by_an_old_connection_to_a_node_without_the_order_is_told_again(
    tmp_path: Path,
) -> None:
    """It let the order go and has not ended the connection yet: the record is no dispute."""
    a, b = two(tmp_path)
    box = a.box().connect()
    order = a.order(box)
    started = box.begin()
    a.pass_time(600, lambda: box.report(6_000))
    old = move(box, b)
    new = (box.transport, box._protocol, box._wire)
    a.platform.book.let_go(box.id)
    box.transport, box._protocol, box._wire = old
    box.end(2, started.order_id, 5_000_000, 720)
    assert (2, Outcome.KEPT) not in outcomes(box)
    assert old[0].disconnecting
    assert read(b, order["id"])["state"] == "charging"
    box.transport, box._protocol, box._wire = new
    box.end(2, started.order_id, 5_000_000, 720)
    assert b.get(f"/orders/{order['id']}")["state"] == "settled"
