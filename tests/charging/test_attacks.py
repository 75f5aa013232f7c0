"""Chargers that lie, break or reconnect at the worst moment, people who race, tariffs that are
nonsense, and a database that fails: no charge is lost, doubled or billed to anybody wrongly."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import define, evolve, field
from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from zope.interface import implementer

from chargecloud.charging.settings import ChargingSettings
from chargecloud.charging.turns import MOST_WAITING, Turns
from chargecloud.dialects.native.received import Kept
from chargecloud.domain.charger import ChargerTime, PortState
from chargecloud.domain.commands import Answer, Price, StartCharge
from chargecloud.domain.errors import Overloaded
from chargecloud.domain.events import (
    ChargeEnded,
    ChargeStarted,
    Outcome,
    PortReading,
    PortsReported,
    StopReason,
)
from chargecloud.domain.tariff import BillLine, Fee, Usage
from chargecloud.interfaces import ITariff
from chargecloud.money.builtin import builtin_tariffs
from chargecloud.registry.tenants import create_tenant
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import accounts, unmatched
from tests.harness import Gathering, InStep, failure_of, result_of, rows_of
from tests.world import FLAT, Box, World, native_plugins

CONFIRM_S = ChargingSettings().confirm_deadline_s

#: in Shanghai it is 9:00 when the tests begin
RISING = {
    "rates": {
        "cheap": {"electricity": 30_000, "service": 20_000},
        "dear": {"electricity": 800_000, "service": 200_000},
    },
    "day": [{"from": "00:00", "rate": "cheap"}, {"from": "10:00", "rate": "dear"}],
}
#: one yuan for each 150 minutes that are begun
BLOCKS = {"price_fen": 100, "block_s": 9000, "step_s": 9000, "electricity": 60_000}


def tell(box: Box, record: int, event: ChargeStarted | ChargeEnded) -> None:
    """Let a box say whatever the test wants it to have recorded."""
    wire = box._wire
    assert wire is not None
    if isinstance(event, ChargeStarted):
        wire.started(record, event)
    else:
        wire.ended(record, event)
    box.pump()


def read_out(box: Box, meter_mwh: int, order_id: int | None = None) -> None:
    """Let a box report any register, whatever its meter says."""
    assert box._wire is not None
    reading = PortReading(1, PortState.CHARGING, 2000, meter_mwh, order_id=order_id)
    box._wire.report(PortsReported(box.now, (reading,)))
    box.pump()


def kept(box: Box) -> list[int]:
    """The records that were acknowledged to a box, in order."""
    return [
        each.record for each in box.heard if isinstance(each, Kept) and each.outcome is Outcome.KEPT
    ]


def sound(world: World) -> None:
    """The books agree."""
    assert result_of(world.store.read(lambda connection: list(ledger_faults(connection)))) == []


def why_unmatched(world: World) -> list[str]:
    """Why records were kept apart."""
    return [row["why"] for row in rows_of(world.store, unmatched)]


def restart(world: World, *boxes: Box) -> World:
    """The process is killed and started anew: nothing is carried over but the database, and
    the time.  The old process never does anything again, as its clock stands still."""
    clock = Clock()
    clock.rightNow = world.clock.seconds() + 1
    after = World(world.folder, clock, plugins=world.plugins)
    for box in boxes:
        box.world = after
        box.connect()
    return after


def ask_later(world: World, path: str, body: Any, key: str | None = None) -> "Deferred[Any]":
    """Ask the API without waiting for the answer; fires with the response."""
    headers = {"Authorization": ["Bearer test"], "Content-Type": ["application/json"]}
    if key is not None:
        headers["Idempotency-Key"] = [key]
    asked: Deferred[Any] = world._treq.request(
        "POST", f"http://test/api/v1{path}", headers=headers, data=json.dumps(body).encode()
    )
    world._treq.flush()
    return asked


class Failing:
    """The database's thread, whose next commits fail.

    @ivar before: how many fail with nothing written.
    @ivar after: how many, when those are through, are written and fail all the same.
    """

    def __init__(self, *, before: int = 0, after: int = 0) -> None:
        self.before, self.after = before, after

    def run(self, work: Callable[[], Any]) -> "Deferred[Any]":
        """Run it, or fail."""
        return maybeDeferred(self._run, work)

    def _run(self, work: Callable[[], Any]) -> Any:
        gone = OperationalError("COMMIT", {}, Exception("the server has gone away"))
        if self.before:
            self.before -= 1
            raise gone
        result = work()
        if self.after:
            self.after -= 1
            raise gone
        return result


# ------------------------------------------------------------------- clocks of chargers


def test_energy_between_two_records_of_one_instant_is_billed(tmp_path: Path) -> None:
    """
    The power fails before the start was acknowledged, and the charger tells start and end
    when it is back: both are of another boot or of its first seconds, so both get the
    instant of their receipt.  What was drawn is paid all the same.
    """
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=300)
    order_id = int(order["id"])
    box.accept(box.orders(StartCharge)[-1])
    before = box.now
    world.clock.advance(50)
    box.boot, box.booted_at, box.connections = 2, world.clock.seconds() - 3, 0
    box.drop()
    box.connect()
    tell(box, 1, ChargeStarted(order_id, 1, 5_000_000, before))
    tell(box, 2, ChargeEnded(order_id, 1, 5_000_000, 5_010_000, 45, StopReason.POWER_CUT, box.now))
    settled = world.get(f"/orders/{order_id}")
    assert (settled["state"], settled["energy_mwh"], settled["amount_fen"]) == (
        "settled",
        10_000,
        1,
    )
    assert settled["ended_at"] >= settled["started_at"]
    sound(world)


def test_an_end_by_a_clock_that_went_back_is_not_before_what_was_charged(tmp_path: Path) -> None:
    """An hour at the cheap rate and one at the dear: a charger whose uptime fell to nothing
    does not make it all cheap."""
    world = World(tmp_path)
    box = world.box(world.site(RISING)).connect()
    order = world.order(box)
    started = box.begin()
    world.pass_time(2 * 3600, lambda: box.report(6_000))
    ended = ChargeEnded(
        started.order_id, 1, 5_000_000, 5_720_000, 7200, StopReason.FULL, ChargerTime(1, 0)
    )
    tell(box, 2, ended)
    settled = world.get(f"/orders/{order['id']}")
    assert settled["state"] == "settled"
    lines = world.get(f"/orders/{order['id']}/bill")["lines"]
    assert [line["quantity"] for line in lines if line["fee"] == "electricity"] == [
        360_000,
        360_000,
    ]


def test_a_charge_is_never_older_than_its_order(tmp_path: Path) -> None:
    """A charger that says to have begun long ago moves no energy to a cheaper hour."""
    world = World(tmp_path)
    world.clock.advance(2 * 3600)
    box = world.box(world.site(RISING)).connect()
    box.booted_at -= 20 * 3600
    box.drop()
    box.connect()
    order = world.order(box)
    box.accept(box.orders(StartCharge)[-1])
    tell(box, 1, ChargeStarted(int(order["id"]), 1, 5_000_000, ChargerTime(1, 0)))
    assert world.get(f"/orders/{order['id']}")["started_at"] == order["created_at"]
    world.pass_time(600, lambda: box.report(6_000))
    box.end(2, int(order["id"]), 5_000_000, 600)
    lines = world.get(f"/orders/{order['id']}/bill")["lines"]
    assert {line["rule"].split()[1] for line in lines} == {"dear"}


@pytest.mark.parametrize("boot", [0, 2, 4_294_967_295])
def test_an_instant_of_another_boot_is_when_it_was_heard(tmp_path: Path, boot: int) -> None:
    """The uptime of a boot that is not the session's says nothing: however great it is, no
    order ends before it began, or after it was heard."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    started = box.begin()
    world.pass_time(600, lambda: box.report(6_000))
    at = ChargerTime(boot, 4_294_967_295)
    tell(box, 2, ChargeEnded(started.order_id, 1, 5_000_000, 5_060_000, 600, StopReason.FULL, at))
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["energy_mwh"]) == ("settled", 60_000)
    assert datetime.fromisoformat(settled["ended_at"]) == world.calendar.now()


def test_reports_out_of_order_and_from_the_future_change_no_bill(tmp_path: Path) -> None:
    """They are passed over, and the end record decides."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    started = box.begin()
    assert box._wire is not None
    for minute, uptime_s in enumerate((4_294_967_295, 0, 3, 2_000_000, 150), 1):
        world.clock.advance(60)
        meter_mwh = 5_000_000 + minute * 1_000
        reading = PortReading(1, PortState.CHARGING, 600, meter_mwh)
        box._wire.report(PortsReported(ChargerTime(1, uptime_s), (reading,)))
        box.pump()
    box.meter_mwh = 5_005_000
    box.end(2, started.order_id, 5_000_000, 300)
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["energy_mwh"]) == ("settled", 5_000)


# ----------------------------------------------------------------- absurd meters and times


def test_ten_years_by_the_minute_are_held(tmp_path: Path) -> None:
    """What is priced by time is not paid for longer than the order is old."""
    world = World(tmp_path)
    box, customer = world.box(world.site(BLOCKS, "by_time")).connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=200)
    started = box.begin()
    world.pass_time(600, lambda: box.report(6_000))
    box.end(2, started.order_id, 5_000_000, 315_360_000)
    held = world.get(f"/orders/{order['id']}")
    assert (held["state"], held["failure"]) == ("held", "longer-than-its-order")
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 800
    sound(world)


def test_a_reading_that_jumps_neither_stops_a_charge_nor_shuts_out_the_true_ones(
    tmp_path: Path,
) -> None:
    """One absurd register before the price rises: the charge goes on, and the energy is split
    by the readings that are true."""
    world = World(tmp_path)
    box, customer = world.box(world.site(RISING)).connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=900)
    started = box.begin()
    world.pass_time(30 * 60, lambda: box.report(6_000))
    world.clock.advance(30)
    read_out(box, 9_000_000_000_000)
    world.clock.advance(30)
    box.report(6_000)
    world.pass_time(29 * 60, lambda: box.report(6_000))
    world.pass_time(30 * 60, lambda: box.report(1_000))
    assert box.stops() == []
    assert world.get(f"/orders/{order['id']}")["energy_mwh"] == 390_000
    box.end(2, started.order_id, 5_000_000, 5400)
    lines = world.get(f"/orders/{order['id']}/bill")["lines"]
    assert [line["quantity"] for line in lines if line["fee"] == "electricity"] == [
        360_000,
        30_000,
    ]


def test_another_start_of_the_same_order_is_kept_apart(tmp_path: Path) -> None:
    """What was acknowledged first stands; what contradicts it is acknowledged, but never
    without a trace."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    started = box.begin()
    box.say_started(7, started.order_id, 4_000_000)
    assert kept(box) == [1, 7]
    assert why_unmatched(world) == ["started otherwise"]
    assert world.get(f"/orders/{order['id']}")["start_meter_wh"] == 5000


# --------------------------------------------------------------------- limits of the amount


def test_a_block_that_is_paid_is_charged_out(tmp_path: Path) -> None:
    """Who pays for 150 minutes gets them, less the notice that a stop needs; and is not
    stopped in the first minute because a block was begun."""
    world = World(tmp_path)
    box, customer = world.box(world.site(BLOCKS, "by_time")).connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=100)
    started = box.begin()
    began = world.clock.seconds()
    while not box.stops():
        world.clock.advance(60)
        box.report(5_000)
    charged_s = int(world.clock.seconds() - began)
    assert 9000 - 180 <= charged_s < 9000
    box.end(2, started.order_id, 5_000_000, charged_s, StopReason.REMOTE)
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["amount_fen"], settled["stop_reason"]) == (100, "limit_amount")


def test_a_restart_of_the_service_stops_no_charge_halfway(tmp_path: Path) -> None:
    """Of the amounts before it nothing is known in memory; the limit is where it was."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=50)
    box.begin()
    world.pass_time(35 * 60, lambda: box.report(10_000))
    world = restart(world, box)
    world.pass_time(10 * 60, lambda: box.report(10_000))
    assert box.stops() == []
    assert world.get(f"/orders/{order['id']}")["energy_mwh"] == 450_000


def test_a_gap_between_readings_stops_no_charge_early(tmp_path: Path) -> None:
    """Half an hour without a connection: the next reading comes in a minute all the same."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    world.order(box, customer, prepaid_fen=50)
    box.begin()
    box.drop()
    world.clock.advance(30 * 60)
    box.connect()
    box.report(300_000)
    assert box.stops() == []


@pytest.mark.parametrize("limit_fen", [1, 20, 21, 40, 97])
def test_a_price_that_rises_steeply_is_foreseen(tmp_path: Path, limit_fen: int) -> None:
    """At 10:00 a minute costs twenty times what it did: the limit holds."""
    world = World(tmp_path)
    world.clock.advance(20 * 60)
    box, customer = world.box(world.site(RISING)).connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=limit_fen)
    started = box.begin()
    began = world.clock.seconds()
    while not box.stops():
        world.clock.advance(60)
        box.report(10_000)
    charged_s = int(world.clock.seconds() - began)
    box.end(2, started.order_id, 5_000_000, charged_s, StopReason.REMOTE)
    assert world.get(f"/orders/{order['id']}")["amount_fen"] <= limit_fen
    assert world.get(f"/wallets/{customer}")["balance_fen"] >= 1000 - limit_fen
    sound(world)


def test_a_stop_that_was_lost_is_sent_again(tmp_path: Path) -> None:
    """Nobody charges on over the limit because one command had no answer."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=50)
    started = box.begin()
    while not box.stops():
        world.clock.advance(60)
        box.report(10_000)
    box.drop()
    world.clock.advance(60)
    box.connect()
    box.report(10_000)
    assert len(box.stops()) == 2
    box.accept(box.stops()[-1])
    box.end(2, started.order_id, 5_000_000, 60 * 60, StopReason.REMOTE)
    assert world.get(f"/orders/{order['id']}")["stop_reason"] == "limit_amount"


# ------------------------------------------------------------------------- broken tariffs


@implementer(ITariff)
@define
class OddTariff:
    """A plugin's tariff that does whatever the test wants."""

    make_lines: Callable[[Usage], Any]
    make_boundaries: Callable[[datetime], Any] = field(default=lambda _after: ())
    kind: str = "odd"

    def check(self, terms: Mapping[str, Any]) -> Mapping[str, Any]:
        """Whatever."""
        return terms

    def boundaries(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[datetime]:
        """Whatever."""
        found: Sequence[datetime] = self.make_boundaries(after)
        return found

    def prices(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[Price] | None:
        """None."""
        return None

    def lines(self, terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """Whatever."""
        found: Sequence[BillLine] = self.make_lines(usage)
        return found


def _line(usage: Usage, **odd: Any) -> BillLine:
    about: dict[str, Any] = {
        "fee": Fee.SERVICE,
        "start": usage.started_at,
        "end": usage.ended_at,
        "quantity": 1,
        "unit": "s",
        "unit_price": 1,
        "price_per": "kWh",
        "amount_fen": 7,
        "rule": "odd",
    }
    return BillLine(**about | odd)


def _fail(_given: object) -> Any:
    raise RuntimeError("a fault of the plugin")


def _world_with(tariff: OddTariff, folder: Path) -> tuple[World, Box]:
    tariffs = {each.kind: each for each in (*builtin_tariffs(), tariff)}
    world = World(folder, plugins=evolve(native_plugins(), tariffs=tariffs))
    return world, world.box(world.site({}, "odd")).connect()


@pytest.mark.parametrize(
    "make_lines",
    [
        _fail,
        lambda _usage: None,
        lambda _usage: ["nonsense"],
        lambda usage: [_line(usage), 3],
        lambda usage: [_line(usage, amount_fen=-5)],
        lambda usage: [_line(usage, amount_fen=1.5)],
        lambda usage: [_line(usage, amount_fen=10**30)],
        lambda usage: [_line(usage, quantity=-1)],
        lambda usage: [_line(usage, unit_price=0.1)],
        lambda usage: [_line(usage, rule=b"bytes")],
        lambda usage: [_line(usage, fee="service")],
        lambda usage: [_line(usage, start=usage.started_at.replace(tzinfo=None))],
    ],
)
def test_a_tariff_that_makes_nonsense_moves_no_money(tmp_path: Path, make_lines: Any) -> None:
    """The order is held for a person, the charger may forget its record, the port is free."""
    world, box = _world_with(OddTariff(make_lines), tmp_path)
    customer = world.customer(1000)
    order = world.order(box, customer, prepaid_fen=300)
    started = box.begin()
    world.pass_time(600, lambda: box.report(6_000))
    box.end(2, started.order_id, 5_000_000, 600)
    held = world.get(f"/orders/{order['id']}")
    assert (held["state"], held["failure"]) == ("held", "tariff-failed")
    assert kept(box) == [1, 2]
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (700, 300)
    world.order(box, customer, prepaid_fen=100)
    sound(world)


@pytest.mark.parametrize(
    "make_boundaries",
    [
        _fail,
        lambda _after: None,
        lambda after: [after.replace(tzinfo=None)],
        lambda after: [after + timedelta(hours=1), after - timedelta(hours=1), after],
    ],
)
def test_a_tariff_without_true_boundaries_costs_no_connection(
    tmp_path: Path, make_boundaries: Any
) -> None:
    """Readings of all ports go on, and the charge is billed."""
    odd = OddTariff(lambda usage: [_line(usage)], make_boundaries)
    world, box = _world_with(odd, tmp_path)
    order = world.order(box)
    started = box.begin()
    world.pass_time(600, lambda: box.report(6_000))
    assert world.get(f"/chargers/{box.id}")["online"]
    box.end(2, started.order_id, 5_000_000, 600)
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["amount_fen"]) == ("settled", 7)


# -------------------------------------------------------------------- at the same moment


def test_one_request_twice_at_the_same_moment_places_one_order(tmp_path: Path) -> None:
    """Neither knows of the other when it comes; both get the same order."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    body = {"charger_id": str(box.id), "port": 1, "customer_id": customer, "prepaid_fen": 100}
    world.store.writer.runner = database = Gathering()
    asked = [ask_later(world, "/orders", body, key="k") for _ in range(2)]
    database.do_all()
    world._treq.flush()
    found = [result_of(world._treq.json_content(result_of(each))) for each in asked]
    assert found[0]["id"] == found[1]["id"]
    box.pump()
    assert len(box.orders(StartCharge)) == 1
    assert world.get(f"/wallets/{customer}")["held_fen"] == 100
    sound(world)


def test_one_top_up_twice_at_the_same_moment_pays_in_once(tmp_path: Path) -> None:
    """The key is written with the money."""
    world = World(tmp_path)
    customer = world.customer(0)
    world.store.writer.runner = database = Gathering()
    for _ in range(3):
        ask_later(world, f"/wallets/{customer}/top-ups", {"amount_fen": 500}, key="t")
    database.do_all()
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 500
    sound(world)


def test_two_orders_race_for_a_port(tmp_path: Path) -> None:
    """One gets it; the other is told so, and its money is not held."""
    world = World(tmp_path)
    box, first, second = world.box().connect(), world.customer(500), world.customer(500)
    world.store.writer.runner = database = Gathering()
    asked = [
        ask_later(
            world,
            "/orders",
            {"charger_id": str(box.id), "port": 1, "customer_id": customer, "prepaid_fen": 100},
        )
        for customer in (first, second)
    ]
    database.do_all()
    world._treq.flush()
    assert sorted(result_of(each).code for each in asked) == [201, 409]
    held = [world.get(f"/wallets/{customer}")["held_fen"] for customer in (first, second)]
    assert held == [100, 0]
    sound(world)


def test_a_wallet_that_is_emptied_before_the_capture_owes_the_rest(tmp_path: Path) -> None:
    """What the bill could take beyond the money held is gone when it is written: the bill is
    made anew with what there is, and nobody's balance falls below zero."""
    world = World(tmp_path)
    site, customer = world.site(), world.customer(100)
    box = world.box(site).connect()
    order = world.order(box, customer, prepaid_fen=50)
    started = box.begin()
    box.drop()
    world.clock.advance(3600)
    box.connect()
    other = world.box(site, "EB-0002").connect()
    box.meter_mwh += 800_000
    world.store.writer.runner = database = Gathering()
    body = {"charger_id": str(other.id), "port": 1, "customer_id": customer, "prepaid_fen": 50}
    ask_later(world, "/orders", body)
    box.end(2, started.order_id, 5_000_000, 3600)
    database.do_all()
    box.pump()
    assert kept(box) == [1, 2]
    assert world.get(f"/orders/{order['id']}")["amount_fen"] == 80
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (0, 50)
    sound(world)


def test_money_that_comes_while_a_charge_ends_is_used_once(tmp_path: Path) -> None:
    """A top-up between the reading of the wallet and the capture is neither lost nor taken."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(50)
    world.order(box, customer, prepaid_fen=50)
    started = box.begin()
    box.drop()
    world.clock.advance(3600)
    box.connect()
    box.meter_mwh += 800_000
    world.store.writer.runner = database = Gathering()
    ask_later(world, f"/wallets/{customer}/top-ups", {"amount_fen": 500})
    box.end(2, started.order_id, 5_000_000, 3600)
    database.do_all()
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (500, 0)
    sound(world)


def test_a_record_that_is_sent_again_before_its_commit_harms_nobody(tmp_path: Path) -> None:
    """Both sendings are acknowledged: the second has nothing to write, so that its turn is
    over within that of the first."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    box.accept(box.orders(StartCharge)[-1])
    world.store.writer.runner = database = Gathering()
    for _ in range(3):
        box.say_started(1, int(order["id"]))
    database.do_all()
    box.pump()
    assert kept(box) == [1, 1, 1]


def test_a_long_queue_of_turns_is_no_deep_recursion() -> None:
    """As many as may wait get their turns in order, also if each is over at once; one more is
    refused."""
    turns, gate = Turns(), Deferred[None]()
    done: list[int] = []

    async def wait() -> None:
        await gate

    async def at_once(number: int) -> None:
        done.append(number)

    first = turns.take(1, wait)
    waiting = [turns.take(1, partial(at_once, n)) for n in range(MOST_WAITING + 1)]
    idle = turns.idle()
    assert not idle.called
    gate.callback(None)
    result_of(first)
    failure_of(waiting.pop(), Overloaded)
    for each in waiting:
        result_of(each)
    assert done == list(range(MOST_WAITING))
    result_of(idle)
    result_of(turns.take(1, lambda: at_once(-1)))


def test_a_turn_that_fails_is_passed_on() -> None:
    """Nobody waits for ever behind it."""
    turns, gate = Turns(), Deferred[None]()

    async def fail() -> None:
        await gate
        raise RuntimeError("broken")

    async def go() -> str:
        return "gone"

    broken, after = turns.take(1, fail), turns.take(1, go)
    gate.callback(None)
    failure_of(broken, RuntimeError)
    assert result_of(after) == "gone"


# -------------------------------------------------------------- connections and restarts


def test_an_end_that_is_told_on_two_connections_bills_once(tmp_path: Path) -> None:
    """The first connection is lost while the end is committed; the second tells it again."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=300)
    started = box.begin()
    world.pass_time(600, lambda: box.report(6_000))
    world.store.writer.runner = database = Gathering()
    box.end(2, started.order_id, 5_000_000, 600)
    # the half-open connection stays: the charger is back on a new one
    box.connect()
    database.do_all()
    box.pump()
    box.heartbeat()
    box.end(2, started.order_id, 5_000_000, 600)
    database.do_all()
    box.pump()
    assert kept(box) == [1, 2]
    assert world.get(f"/orders/{order['id']}")["amount_fen"] == 6
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 994
    assert why_unmatched(world) == []
    sound(world)


def test_a_start_that_comes_after_the_end_begins_nothing(tmp_path: Path) -> None:
    """It is known long since, and no relay is looked for."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=300)
    box.accept(box.orders(StartCharge)[-1])
    world.clock.advance(50)
    box.meter_mwh += 5_000
    box.end(2, int(order["id"]), 5_000_000, 50)
    before = world.get(f"/orders/{order['id']}")
    assert before["state"] == "settled"
    box.say_started(1, int(order["id"]), 5_000_000)
    assert kept(box) == [2, 1]
    assert world.get(f"/orders/{order['id']}") == before
    assert box.stops() == []
    sound(world)


def test_an_answer_after_the_deadline_brings_no_order_back(tmp_path: Path) -> None:
    """The money went back when the time was over; it is not held again."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=300)
    start = box.orders(StartCharge)[-1]
    world.clock.advance(ChargingSettings().start_deadline_s + 1)
    box.accept(start)
    assert world.get(f"/orders/{order['id']}")["state"] == "failed"
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 1000
    # the port is another's already, and a refusal that is late is not about that one
    second = world.order(box, customer, prepaid_fen=300)
    box.accept(start, Answer(False, "busy"))
    assert world.get(f"/orders/{second['id']}")["state"] == "starting"
    sound(world)


def test_what_charges_for_a_failed_order_is_stopped_until_it_stops(tmp_path: Path) -> None:
    """The one stop that followed its start was lost; each report brings another."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=300)
    order_id = int(order["id"])
    box.accept(box.orders(StartCharge)[-1])
    world.clock.advance(CONFIRM_S + 1)
    box.say_started(1, order_id)
    box.drop()
    world.clock.advance(10)
    box.connect()
    before = len(box.stops())
    read_out(box, 5_000_100, order_id)
    assert [stop.command for stop in box.stops()[before:]] == [box.stops()[0].command]
    sound(world)


def test_a_running_order_is_not_stopped_by_its_own_reports(tmp_path: Path) -> None:
    """Only what nobody has ordered is."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    read_out(box, 5_000_000, int(order["id"]))
    box.begin()
    world = restart(world, box)
    read_out(box, 5_000_000, int(order["id"]))
    assert box.stops() == []


def test_stops_while_it_starts_and_twice(tmp_path: Path) -> None:
    """Each asks the charger; the order ends once, with its record."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=300)
    asked = [ask_later(world, f"/orders/{order['id']}/stop", {}) for _ in range(2)]
    box.pump()
    started = box.begin()
    for stop in box.stops():
        box.accept(stop)
    world._treq.flush()
    assert [result_of(each).code for each in asked] == [200, 200]
    box.end(2, started.order_id, 5_000_000, 0, StopReason.REMOTE)
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["stop_reason"]) == ("cancelled", "user")
    assert settled["amount_fen"] is None
    status, _ = world.http("POST", f"/orders/{order['id']}/stop")
    assert status == 409
    assert world.get(f"/wallets/{customer}") == {
        "customer_id": customer,
        "balance_fen": 1000,
        "held_fen": 0,
        "gift_fen": 0,
        "owed_fen": 0,
    }
    sound(world)


def test_an_order_of_another_tenant_is_nobodys_here(tmp_path: Path) -> None:
    """A charger that names the order of another tenant's charger ends nothing there."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    box.begin()
    other_tenant = result_of(
        world.store.writer.transact(
            lambda connection: create_tenant(
                connection, world.store.ids.next(), "other", world.calendar.now()
            )
        )
    )
    world.caller = type(world.caller)(1, other_tenant.id, frozenset({"*"}))
    other = world.box(identity="EB-0002").connect()
    other.say_started(1, int(order["id"]))
    other.end(2, int(order["id"]), 5_000_000, 60)
    assert kept(other) == [1, 2]
    assert world.http("GET", f"/orders/{order['id']}")[0] == 404
    assert [row["tenant_id"] for row in rows_of(world.store, unmatched)] == [other_tenant.id] * 2
    world.caller = type(world.caller)(1, None, frozenset({"*"}))
    assert world.get(f"/orders/{order['id']}")["state"] == "charging"


STEPS = ("placed", "accepted", "charging", "sampled", "ended")


@pytest.mark.parametrize("step", STEPS)
def test_a_restart_at_any_step_loses_no_charge(tmp_path: Path, step: str) -> None:
    """The service is killed after each step of a charge, and the charger goes on as it must:
    it tells again what was not acknowledged, and the order ends with the right bill."""
    world = World(tmp_path)
    site = world.site()
    box, customer = world.box(site).connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=300)
    order_id = int(order["id"])

    def passed(name: str) -> None:
        nonlocal world
        if name == step:
            world = restart(world, box)

    start = box.orders(StartCharge)[-1]
    passed("placed")
    if step != "placed":
        box.accept(start)
    passed("accepted")
    box.say_started(1, order_id)
    passed("charging")
    world.pass_time(1800, lambda: box.report(6_000))
    passed("sampled")
    box.end(2, order_id, 5_000_000, 1800)
    passed("ended")
    box.end(2, order_id, 5_000_000, 1800)
    settled = world.get(f"/orders/{order_id}")
    assert (settled["state"], settled["energy_mwh"], settled["amount_fen"]) == (
        "settled",
        180_000,
        18,
    )
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (982, 0)
    assert why_unmatched(world) == []
    world.order(box, customer, prepaid_fen=100)
    sound(world)


# -------------------------------------------------------------------- amounts at their edges


def test_a_bill_of_exactly_what_was_held(tmp_path: Path) -> None:
    """Nothing goes back, and nothing more is taken: the wallet is empty to the fen."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(60)
    order = world.order(box, customer, prepaid_fen=60)
    started = box.begin()
    box.drop()
    world.clock.advance(3600)
    box.connect()
    box.meter_mwh += 600_000
    box.end(2, started.order_id, 5_000_000, 3600)
    assert world.get(f"/orders/{order['id']}")["amount_fen"] == 60
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (0, 0)
    causes = [each["cause"] for each in world.get(f"/wallets/{customer}/movements")["items"]]
    assert causes == ["top_up", "hold"]
    sound(world)


def test_an_order_without_a_customer_touches_no_wallet(tmp_path: Path) -> None:
    """What it costs is owed by nobody in particular."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    started = box.begin()
    world.pass_time(600, lambda: box.report(6_000))
    box.end(2, started.order_id, 5_000_000, 600)
    assert world.get(f"/orders/{order['id']}")["amount_fen"] == 6
    assert rows_of(world.store, accounts) == []
    sound(world)


def test_a_charge_keeps_the_price_that_it_began_with(tmp_path: Path) -> None:
    """A tariff that is revised meanwhile is for the next one, also over a restart."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    started = box.begin()
    world.pass_time(600, lambda: box.report(6_000))
    dear = {**FLAT, "rates": {"all": {"electricity": 9_000_000, "service": 0}}}
    tariffs = world.platform.book.tariffs
    result_of(Deferred.fromCoroutine(tariffs.revise(None, None, int(order["tariff_id"]), dear)))
    world = restart(world, box)
    box.end(2, started.order_id, 5_000_000, 600)
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["tariff_version"], settled["amount_fen"]) == (1, 6)


# ---------------------------------------------------------------------- a failing database


@pytest.mark.parametrize("how", [{"before": 1}, {"after": 1}])
def test_an_end_survives_a_failing_database(tmp_path: Path, how: dict[str, int]) -> None:
    """The database fails before or after the commit: the end is acknowledged as it is on the
    disk, there is no second bill whether it comes again or not, and the port is free."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=300)
    started = box.begin()
    world.pass_time(600, lambda: box.report(6_000))
    world.store.writer.runner = Failing(**how)
    box.end(2, started.order_id, 5_000_000, 600)
    assert kept(box) == [1, 2]
    # the first try may find that the order is not as this process has it
    world.clock.advance(1)
    box.end(2, started.order_id, 5_000_000, 600)
    assert kept(box) == [1, 2, 2]
    assert world.get(f"/orders/{order['id']}")["amount_fen"] == 6
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 994
    assert world.get(f"/chargers/{box.id}")["port_states"][0]["order_id"] is None
    world.order(box, customer, prepaid_fen=100)
    sound(world)


@pytest.mark.parametrize("how", [{"before": 1}, {"after": 1}])
def test_a_start_survives_a_failing_database(tmp_path: Path, how: dict[str, int]) -> None:
    """Its record waits on the disk or comes again, and the charge is followed from then on."""
    world = World(tmp_path)
    box = world.box().connect()
    order = world.order(box)
    box.accept(box.orders(StartCharge)[-1])
    world.store.writer.runner = Failing(**how)
    box.say_started(1, int(order["id"]))
    assert kept(box) == [1]
    box.say_started(1, int(order["id"]))
    assert kept(box) == [1, 1]
    world.pass_time(600, lambda: box.report(6_000))
    assert world.get(f"/orders/{order['id']}")["energy_mwh"] == 60_000


@pytest.mark.parametrize("how", [{"before": 1}, {"after": 1}])
def test_an_order_whose_commit_is_in_doubt_blocks_nothing(
    tmp_path: Path, how: dict[str, int]
) -> None:
    """The customer is told of a fault.  If the order was written all the same, it was never
    sent to the charger: it is given up, and the money comes back."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    world.store.writer.runner = Failing(**how)
    body = {"charger_id": str(box.id), "port": 1, "customer_id": customer, "prepaid_fen": 100}
    assert world.http("POST", "/orders", body)[0] == 503
    world.store.writer.runner = InStep()
    world.pass_time(CONFIRM_S, box.heartbeat)
    assert world.get(f"/wallets/{customer}")["held_fen"] == 0
    world.order(box, customer, prepaid_fen=100)
    sound(world)


def test_an_order_is_given_up_as_often_as_it_takes(tmp_path: Path) -> None:
    """The database fails just when the time is over: the money is not held for ever."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order = world.order(box, customer, prepaid_fen=100)
    box.accept(box.orders(StartCharge)[-1])
    world.store.writer.runner = Failing(before=1)
    world.pass_time(CONFIRM_S, box.heartbeat)
    assert world.get(f"/orders/{order['id']}")["state"] == "starting"
    world.pass_time(CONFIRM_S, box.heartbeat)
    assert world.get(f"/orders/{order['id']}")["state"] == "failed"
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 1000
    sound(world)


def test_a_charge_that_this_process_did_not_begin_is_ended_all_the_same(tmp_path: Path) -> None:
    """A running order that is in the database and not in memory is taken up when its charger
    speaks of it; its end is not put aside."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    world.store.writer.runner = Failing(after=1)
    body = {"charger_id": str(box.id), "port": 1, "customer_id": customer, "prepaid_fen": 100}
    assert world.http("POST", "/orders", body)[0] == 503
    world.store.writer.runner = InStep()
    (order,) = world.get("/orders")["items"]
    box.say_started(1, int(order["id"]))
    world.pass_time(600, lambda: box.report(6_000))
    box.end(2, int(order["id"]), 5_000_000, 600)
    settled = world.get(f"/orders/{order['id']}")
    assert (settled["state"], settled["amount_fen"]) == ("settled", 6)
    assert why_unmatched(world) == []
    sound(world)


@pytest.mark.sqlite
def test_an_id_that_is_taken_is_no_record_that_is_kept(tmp_path: Path) -> None:
    """A record of no order is acknowledged when it is in the database, and for no other
    reason."""
    world = World(tmp_path)
    box = world.box().connect()
    box.end(1, 4711, 5_000_000, 60)
    (first,) = rows_of(world.store, unmatched)
    # as after a clock that was set back: the next id is one that was given before
    world.store.ids._last -= 1
    box.end(2, 4712, 5_000_000, 60)
    assert (kept(box), rows_of(world.store, unmatched)) == ([1], [first])
    box.end(2, 4712, 5_000_000, 60)
    assert kept(box) == [1, 2]
    assert [row["order_id"] for row in rows_of(world.store, unmatched)] == [4711, 4712]
