"""Random lives of two chargers, their customers, the network, the service and its database:
whatever comes together, the books agree, and all that was metered is accounted for."""

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import define, field
from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from chargecloud.dialects.native.received import Kept, Ordered
from chargecloud.domain.charger import PortState
from chargecloud.domain.commands import Answer, StartCharge, StopCharge
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.events import (
    ChargeEnded,
    ChargeStarted,
    Outcome,
    PortReading,
    PortsReported,
    StopReason,
)
from chargecloud.domain.order_value import RUNNING
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import accounts, disputes, orders, ports, unmatched
from tests.harness import result_of, rows_of
from tests.world import Box, World

#: dear enough for the limits of amounts to be reached: 10 Wh cost 20 fen, after 10:00 60
TERMS = {
    "rates": {
        "day": {"electricity": 1_500_000, "service": 500_000},
        "peak": {"electricity": 4_500_000, "service": 1_500_000},
    },
    "day": [{"from": "00:00", "rate": "day"}, {"from": "10:00", "rate": "peak"}],
}
#: about half a second each
LIVES = 20
STEPS_OF_A_LIFE = 120
RUNNING_STATES = {state.value for state in RUNNING}


@define
class Failing:
    """The database's thread, some of whose commits fail.

    @ivar next_commits: for each to come whether it goes well, fails with nothing written
        (C{"before"}), or fails when it is written (C{"after"}).
    """

    next_commits: list[str] = field(factory=list)

    def run(self, work: Any) -> "Deferred[Any]":
        """Run it, or fail."""
        return maybeDeferred(self._run, work)

    def _run(self, work: Any) -> Any:
        how = self.next_commits.pop(0) if self.next_commits else "well"
        result = None if how == "before" else work()
        if how != "well":
            raise OperationalError("COMMIT", {}, Exception("the server has gone away"))
        return result


@define(eq=False)
class TrueBox:
    """A box that does what the protocol wants of it, with a meter that is right.

    @ivar records: what it holds until it is acknowledged, by number.
    @ivar told: all that it ever recorded.
    @ivar charge: the start of what it charges now, and when that was.
    @ivar power_w: what it draws while it charges.
    """

    box: Box
    online: bool = False
    records: dict[int, ChargeStarted | ChargeEnded] = field(factory=dict)
    told: dict[int, ChargeStarted | ChargeEnded] = field(factory=dict)
    charge: tuple[ChargeStarted, float] | None = None
    power_w: int = 400
    acknowledged: set[int] = field(factory=set)
    _seen: int = 0
    _waiting_starts: list[Ordered] = field(factory=list)

    @property
    def now_s(self) -> float:
        """The time."""
        return self.box.world.clock.seconds()

    def connect(self) -> None:
        """Connect, and tell what was not acknowledged."""
        self.drop()
        self.box.connect()
        self.online = True
        self.listen()
        self.tell_all()

    def drop(self) -> None:
        """The network takes the connection."""
        if self.online:
            self.online = False
            self.box.drop()

    def lose_service(self, world: World) -> None:
        """The process at the other end was killed."""
        self.box.world = world
        self.online = False

    def listen(self) -> None:
        """Take in what the cloud has said, and obey what is to be obeyed at once."""
        if self.online:
            self.box.pump()
        while self._seen < len(self.box.heard):
            heard = self.box.heard[self._seen]
            self._seen += 1
            if isinstance(heard, Kept) and heard.outcome is Outcome.KEPT:
                self.acknowledged.add(heard.record)
                self.records.pop(heard.record, None)
            elif isinstance(heard, Ordered):
                self._take(heard)
        if self.online and self.box.transport.disconnecting:
            self.drop()

    def _take(self, ordered: Ordered) -> None:
        if isinstance(ordered.command, StartCharge):
            self._waiting_starts.append(ordered)
        elif isinstance(ordered.command, StopCharge):
            runs = self.charge is not None and self.charge[0].order_id == ordered.command.order_id
            if self.online:
                self.box.accept(ordered)
            if runs:
                self.end(StopReason.REMOTE)

    def decide_start(self, willing: bool) -> None:
        """Begin the oldest start that waits, or refuse it."""
        ordered = self._waiting_starts.pop(0)
        command = ordered.command
        assert isinstance(command, StartCharge)
        begins = willing and self.charge is None and self.now_s <= command.valid_until_s
        if self.online:
            self.box.accept(ordered, Answer(True) if begins else Answer(False, "refused"))
        if begins:
            started = ChargeStarted(command.order_id, 1, self.box.meter_mwh, self.box.now)
            self.charge = started, self.now_s
            self._record(started)
        self.listen()

    @property
    def has_start(self) -> bool:
        """Whether a start waits for its decision."""
        return bool(self._waiting_starts)

    def draw(self, seconds: int) -> None:
        """Charge for so long."""
        if self.charge is not None:
            self.box.meter_mwh += self.power_w * seconds * 1000 // 3600

    def report(self) -> None:
        """Report, if there is a connection."""
        order_id = None if self.charge is None else self.charge[0].order_id
        if self.online and self.box._wire is not None:
            reading = PortReading(1, PortState.CHARGING, 500, self.box.meter_mwh, order_id=order_id)
            self.box._wire.report(PortsReported(self.box.now, (reading,)))
        self.listen()

    def end(self, reason: StopReason) -> None:
        """End the charge."""
        assert self.charge is not None
        started, since_s = self.charge
        self.charge = None
        charged_s = int(self.now_s - since_s)
        self._record(
            ChargeEnded(
                started.order_id,
                1,
                started.start_meter_mwh,
                self.box.meter_mwh,
                charged_s,
                reason,
                self.box.now,
            )
        )

    def cut_power(self) -> None:
        """Lose the power, and come back without a connection."""
        self.drop()
        self.box.boot += 1
        self.box.connections = 0
        self.box.booted_at = self.now_s
        self._waiting_starts.clear()
        if self.charge is not None:
            self.end(StopReason.POWER_CUT)

    def _record(self, event: ChargeStarted | ChargeEnded) -> None:
        number = len(self.told) + 1
        self.told[number] = self.records[number] = event
        self.tell(number)

    def tell_all(self) -> None:
        """Tell again what was not acknowledged, oldest first."""
        for number in list(self.records):
            self.tell(number)

    def tell(self, number: int) -> None:
        """Tell a record, if there is a connection."""
        if self.online and self.box._wire is not None:
            event = self.told[number]
            if isinstance(event, ChargeStarted):
                self.box._wire.started(number, event)
            else:
                self.box._wire.ended(number, event)
            self.listen()


class Lives:
    """Two boxes, two customers, and all that may happen to them.

    A step is given a box and a number that decides the rest of it; one that makes no sense at
    the moment does nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.database = Failing()
        self.world.store.writer.runner = self.database
        site = self.world.site(TERMS)
        self.customers = [self.world.customer(balance_fen) for balance_fen in (900, 120)]
        self.boxes = [TrueBox(self.world.box(site, f"EB-000{n}")) for n in (1, 2)]
        for box in self.boxes:
            box.connect()

    # ------------------------------------------------------------------------- people

    def place(self, box: TrueBox, number: int) -> None:
        """Somebody orders; it may be refused, and nothing has happened then."""
        if number % 2 and not box.online:
            box.connect()
        body: dict[str, Any] = {"charger_id": str(box.box.id), "port": 1}
        if number % 4:
            body["customer_id"] = self.customers[number % 2]
            if number % 3:
                body["prepaid_fen"] = (1, 40, 100, 300)[number % 4]
        status, _ = self.world.http("POST", "/orders", body)
        assert status in (201, 409, 503)
        box.listen()

    def stop(self, box: TrueBox, number: int) -> None:
        """Somebody wants the newest order of a box to be stopped."""
        mine = [row["id"] for row in self._orders() if row["charger_id"] == box.box.id]
        if mine:
            self._ask_later(f"/orders/{mine[-1]}/stop")
            box.listen()

    def top_up(self, box: TrueBox, number: int) -> None:
        """Money comes in."""
        path = f"/wallets/{self.customers[number % 2]}/top-ups"
        assert self.world.http("POST", path, {"amount_fen": 100})[0] in (201, 503)

    # ----------------------------------------------------------------------- chargers

    def decide_start(self, box: TrueBox, number: int) -> None:
        """A box begins, or refuses."""
        if box.has_start:
            box.decide_start(willing=number % 8 != 0)

    def report(self, box: TrueBox, number: int) -> None:
        """A little later, a box reports, and draws more or less from then on."""
        self._pass_time(3)
        box.report()
        box.power_w = number % 700

    def end(self, box: TrueBox, number: int) -> None:
        """A charge ends by itself."""
        if box.charge is not None:
            box.end((StopReason.FULL, StopReason.UNPLUGGED)[number % 2])

    def cut_power(self, box: TrueBox, number: int) -> None:
        """The power of a box fails."""
        box.cut_power()

    def tell_again(self, box: TrueBox, number: int) -> None:
        """A record comes again, acknowledged or not."""
        if box.told:
            box.tell(1 + number % len(box.told))

    # ------------------------------------------------------------ network, service, database

    def drop(self, box: TrueBox, number: int) -> None:
        """A connection is lost."""
        box.drop()

    def connect(self, box: TrueBox, number: int) -> None:
        """A box comes back, or logs in anew."""
        box.connect()

    def wait(self, box: TrueBox, number: int) -> None:
        """Time passes."""
        self._pass_time((1, 14, 16, 61, 1800)[number % 5])

    def restart(self, box: TrueBox, number: int) -> None:
        """The service is killed and started anew; only the database is left."""
        clock = Clock()
        clock.rightNow = self.world.clock.seconds() + 1
        self.database.next_commits.clear()
        self.world = World(self.world.folder, clock)
        self.world.store.writer.runner = self.database
        for each in self.boxes:
            each.lose_service(self.world)

    def break_database(self, box: TrueBox, number: int) -> None:
        """One of the next commits fails."""
        self.database.next_commits += ["well"] * (number % 3) + [("before", "after")[number % 2]]

    # -------------------------------------------------------------------- what must hold

    def must_hold(self) -> None:
        """What holds after every step."""
        self.the_books_agree()
        self.a_port_has_its_running_order_and_no_other()
        self.what_was_acknowledged_is_written_down()

    def the_books_agree(self) -> None:
        """Balances, postings, holds and bills."""
        store = self.world.store
        assert result_of(store.read(lambda connection: list(ledger_faults(connection)))) == []

    def a_port_has_its_running_order_and_no_other(self) -> None:
        """Neither two orders on a port, nor a port that is taken by none."""
        running = {
            (row["charger_id"], row["port"], row["id"])
            for row in self._orders()
            if row["state"] in RUNNING_STATES
        }
        taken = {
            (row["charger_id"], row["port"], row["order_id"])
            for row in rows_of(self.world.store, ports)
            if row["order_id"] is not None
        }
        assert running == taken

    def what_was_acknowledged_is_written_down(self) -> None:
        """An end that a box may forget is in its order, or kept apart."""
        written = {(row["id"], row["end_meter_mwh"]) for row in self._orders()}
        apart = self._kept_apart()
        for box in self.boxes:
            for number in box.acknowledged:
                event = box.told[number]
                if isinstance(event, ChargeEnded):
                    end = (event.order_id, event.end_meter_mwh)
                    assert end in written or end in apart

    def come_to_rest(self) -> None:
        """Every charge is over and told."""
        self.database.next_commits.clear()
        for box in self.boxes:
            box.connect()
            while box.has_start:
                box.decide_start(False)
            if box.charge is not None:
                box.end(StopReason.FULL)
        # what was in doubt is given up after a minute, and once more if that fails
        for _ in range(3):
            self._pass_time(61)
            for box in self.boxes:
                box.connect()
        assert not any(box.records for box in self.boxes)

    def account_for_everything(self) -> None:
        """No order runs, no money is held, and what the meters gave is billed or kept apart."""
        rows = {row["id"]: row for row in self._orders()}
        assert {row["state"] for row in rows.values()} <= {"settled", "failed", "cancelled"}
        assert all(row["balance_fen"] == 0 for row in self._accounts() if row["kind"] == "held")
        metered: Counter[int] = Counter()
        otherwise: set[tuple[int, int]] = set()
        for box in self.boxes:
            for event in box.told.values():
                if not isinstance(event, ChargeEnded):
                    continue
                assert event.order_id is not None
                assert event.start_meter_mwh is not None
                assert event.end_meter_mwh is not None
                energy_mwh = event.end_meter_mwh - event.start_meter_mwh
                row = rows[event.order_id]
                if row["end_meter_mwh"] != event.end_meter_mwh:
                    otherwise.add((event.order_id, event.end_meter_mwh))
                elif row["state"] == "settled":
                    metered[event.order_id] += energy_mwh
                else:
                    # it drew no more than a port without a load seems to
                    assert energy_mwh <= CutOff().no_load_dw * (event.duration_s or 0) // 36
        billed = {
            order_id: sum(_electricity_mwh(row))
            for order_id, row in rows.items()
            if row["state"] == "settled" and row["stop_reason"] != "watchdog"
        }
        assert billed == {order_id: metered[order_id] for order_id in billed}
        apart = self._kept_apart()
        assert {each for each in apart if each[1] is not None} == otherwise

    # --------------------------------------------------------------------------- details

    def _pass_time(self, seconds: int) -> None:
        while seconds > 0:
            step = min(seconds, 60)
            seconds -= step
            self.world.clock.advance(step)
            for box in self.boxes:
                box.draw(step)
                if box.online:
                    box.box.heartbeat()
                box.listen()

    def _ask_later(self, path: str) -> None:
        self.world._treq.request(
            "POST",
            f"http://test/api/v1{path}",
            headers={"Authorization": ["Bearer test"], "Content-Type": ["application/json"]},
            data=json.dumps({}).encode(),
        )
        self.world._treq.flush()

    def _orders(self) -> list[dict[str, Any]]:
        return rows_of(self.world.store, orders)

    def _accounts(self) -> list[dict[str, Any]]:
        return rows_of(self.world.store, accounts)

    def _kept_apart(self) -> set[tuple[int, int]]:
        return {
            (row["order_id"], row["record"].get("end_meter_mwh"))
            for table in (unmatched, disputes)
            for row in rows_of(self.world.store, table)
        }


def _electricity_mwh(row: dict[str, Any]) -> list[int]:
    return [line["quantity"] for line in row["bill"]["lines"] if line["fee"] == "electricity"]


#: how often each step is taken: most of it is charging
STEPS = [
    *[Lives.place] * 5,
    *[Lives.decide_start] * 12,
    *[Lives.report] * 8,
    *[Lives.connect] * 4,
    *[Lives.end, Lives.wait] * 3,
    *[Lives.stop, Lives.top_up, Lives.tell_again, Lives.break_database] * 2,
    *[Lives.drop, Lives.cut_power, Lives.restart],
]


@pytest.mark.parametrize("seed", range(LIVES))
def test_random_lives(tmp_path: Path, seed: int) -> None:
    """After each step the books agree; at rest everything is accounted for."""
    chance = Random(seed)
    lives = Lives(tmp_path)
    for _ in range(STEPS_OF_A_LIFE):
        step = chance.choice(STEPS)
        step(lives, chance.choice(lives.boxes), chance.randrange(10_000))
        lives.must_hold()
    lives.come_to_rest()
    lives.must_hold()
    lives.account_for_everything()
