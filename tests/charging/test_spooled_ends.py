"""Whatever comes together of ends, a database that goes and comes, and kills: each charge is
settled once and exactly, and what a box was told to forget is not lost."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from attrs import define, evolve, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chargecloud.charging.spooled import Spooled
from chargecloud.domain.charger import Admission, ChargerTime, WallTime
from chargecloud.domain.events import (
    ChargeEnded,
    ChargeStarted,
    MeterMark,
    OfflineStart,
    Outcome,
    StopReason,
)
from chargecloud.domain.units import divide_half_up
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import disputes, orders, unmatched
from chargecloud.storage.spool import frame_of, read_frames
from tests.harness import NOW, result_of, rows_of
from tests.outage import Outage
from tests.world import Box, World

BOXES = st.integers(0, 1)
PAID_IN_FEN = 100_000
#: of what charges cost in a world: 0.60 and 0.40 yuan a kWh
RATES_FEN = (60, 40)

# ----------------------------------------------------------------------------- the records

NUMBERS = st.integers(0, 2**60)
INSTANTS = st.datetimes(min_value=NOW.replace(tzinfo=None)).map(
    lambda told: told.replace(tzinfo=NOW.tzinfo)
)
TOLD = st.one_of(
    st.none(),
    st.builds(ChargerTime, NUMBERS, NUMBERS),
    st.builds(WallTime, st.datetimes() | INSTANTS),
)
OFFLINE = st.none() | st.builds(OfflineStart, NUMBERS, st.none() | st.text(), st.none() | st.text())
MAYBE = st.none() | NUMBERS
STARTED = st.builds(ChargeStarted, MAYBE, NUMBERS, MAYBE, TOLD, OFFLINE)
MARKS = st.lists(st.builds(MeterMark, NUMBERS, NUMBERS), max_size=3).map(tuple)
ENDED = st.builds(
    ChargeEnded,
    MAYBE,
    NUMBERS,
    MAYBE,
    MAYBE,
    MAYBE,
    st.sampled_from(StopReason),
    TOLD,
    OFFLINE,
    MARKS,
)
ADMISSIONS = st.builds(
    Admission,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    INSTANTS,
    st.dictionaries(NUMBERS, INSTANTS, max_size=3),
    st.sampled_from(["UTC", "Asia/Shanghai"]),
    st.just((1, b"secret")),
)

#: what is in the way is put into its engine
pytestmark = pytest.mark.sqlite


@given(ADMISSIONS, STARTED | ENDED, INSTANTS)
def test_a_record_comes_back_as_it_was(admission: Admission, event: Any, at: Any) -> None:
    """All but the nonce of the charger's next key, which is nobody's business."""
    spooled = Spooled(admission, event, at)
    written = spooled.to_bytes()
    assert b"secret" not in written
    assert Spooled.of_bytes(written) == evolve(spooled, admission=evolve(admission, next_key=None))


# --------------------------------------------------------------------------------- the model


@define(eq=False)
class Charging:
    """
    A box, and what it knows.

    @ivar since_s: when its charge began, and with which register; C{None} if nothing charges.
    @ivar records: that it holds until they are acknowledged, by number.
    @ivar told: all that it ever recorded.
    @ivar forgotten: what it was told to forget.
    """

    box: Box
    online: bool = True
    since: tuple[int, float, int] | None = None
    records: dict[int, ChargeStarted | ChargeEnded] = field(factory=dict)
    told: dict[int, ChargeStarted | ChargeEnded] = field(factory=dict)
    forgotten: set[int] = field(factory=set)

    def record(self, event: ChargeStarted | ChargeEnded) -> None:
        """Something is to be told."""
        number = len(self.told) + 1
        self.told[number] = self.records[number] = event
        self.tell(number)

    def tell(self, number: int) -> None:
        """Tell it, again or for the first time."""
        if self.online:
            self.box.record(number, self.told[number])
        for kept in self.box.kept():
            if kept.outcome is Outcome.KEPT:
                self.forgotten.add(kept.record)
                self.records.pop(kept.record, None)

    def come(self, world: World) -> None:
        """Connect, and tell what was not acknowledged."""
        self.box.world, self.online = world, True
        self.box.connect()
        for number in list(self.records):
            self.tell(number)


class Ends(RuleBasedStateMachine):
    """Two boxes, one customer, a database, and a process that may be killed."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.world = World(Path(self.folder.name))
        self.database = Outage(self.world.store.engine)
        self.customer = self.world.customer(PAID_IN_FEN)
        site = self.world.site()
        self.boxes = [
            Charging(self.world.box(site, f"EB-000{number}").connect()) for number in (1, 2)
        ]

    # ---------------------------------------------------------------------- what may happen

    @rule(which=BOXES)
    def begin(self, which: int) -> None:
        """Somebody orders; where that is refused nothing begins."""
        each = self.boxes[which]
        if each.since is not None or not each.online:
            return
        body = {"charger_id": str(each.box.id), "port": 1, "customer_id": self.customer}
        status, order = self.world.http("POST", "/orders", body | {"prepaid_fen": 300})
        if self.database.is_away:
            assert status == 503
        assert status in (201, 409, 503)
        each.box.pump()
        if status == 201:
            order_id, meter = int(order["id"]), each.box.meter_mwh
            each.since = order_id, self.world.clock.seconds(), meter
            each.record(ChargeStarted(order_id, 1, meter, each.box.now))

    @rule(minutes=st.integers(1, 5), mwh=st.integers(2_000, 10_000))
    def charge(self, minutes: int, mwh: int) -> None:
        """Time passes, with a reading of each charge every minute."""

        def minute() -> None:
            for each in self.boxes:
                if each.online and each.since is not None:
                    each.box.report(mwh, order_id=each.since[0])
                elif each.online:
                    each.box.heartbeat()
                elif each.since is not None:
                    each.box.meter_mwh += mwh

        self.world.pass_time(60 * minutes, minute)

    @rule(which=BOXES, minutes=st.integers(1, 5), mwh=st.integers(2_000, 10_000))
    def end(self, which: int, minutes: int, mwh: int) -> None:
        """A charge ends at its box, which has drawn something."""
        each = self.boxes[which]
        if each.since is None:
            return
        self.charge(minutes, mwh)
        order_id, since_s, meter = each.since
        each.since = None
        charged_s = int(self.world.clock.seconds() - since_s)
        each.record(
            ChargeEnded(
                order_id, 1, meter, each.box.meter_mwh, charged_s, StopReason.USER, each.box.now
            )
        )

    @rule(which=BOXES, number=st.integers(0, 99))
    def tell_again(self, which: int, number: int) -> None:
        """A record comes once more, acknowledged or not."""
        each = self.boxes[which]
        if each.told:
            each.tell(1 + number % len(each.told))

    @precondition(lambda self: not self.database.is_away)
    @rule()
    def lose_database(self) -> None:
        """It is away."""
        self.database.is_away = True

    @precondition(lambda self: self.database.is_away)
    @rule(seconds=st.integers(0, 15))
    def find_database(self, seconds: int) -> None:
        """It is back, and that is found sooner or later."""
        self.database.is_away = False
        self.world.clock.advance(seconds)

    @rule()
    def lose_commit(self) -> None:
        """The next commit is made, and its answer is lost."""
        self.database.commits_lost = 1

    @precondition(lambda self: not self.database.is_away)
    @rule(which=BOXES)
    def connect(self, which: int) -> None:
        """A box comes back, or logs in anew."""
        self.database.commits_lost = 0
        each = self.boxes[which]
        if each.online:
            each.box.drop()
        each.come(self.world)

    @rule(which=BOXES)
    def drop(self, which: int) -> None:
        """The network takes a connection."""
        each = self.boxes[which]
        if each.online:
            each.online = False
            each.box.drop()

    @rule(torn=st.integers(0, 30))
    def kill(self, torn: int) -> None:
        """What the process had in memory is lost, and its last write was torn; it is started
        anew with a database, and the boxes come back."""
        self.world.killed()
        self.world.store.engine.dispose()
        with (self.world.folder / "spool").open("ab") as spool:
            spool.write(frame_of(bytes(range(32, 64)))[:torn])
        self.world.clock.advance(1)
        self.world = World(self.world.folder, self.world.clock)
        self.database = Outage(self.world.store.engine)
        assert len(self.world.platform.backlog) == 0
        for each in self.boxes:
            each.come(self.world)

    # ----------------------------------------------------------------------- what must hold

    @invariant()
    def nothing_is_lost_that_a_box_has_forgotten(self) -> None:
        """Its end is in the order, or in the bytes of the spool."""
        spool = read_frames((self.world.folder / "spool").read_bytes())
        there = {Spooled.of_bytes(record).event for record in spool.records}
        assert spool.damaged == b""
        written = {} if self.database.is_away else self._orders()
        for each in self.boxes:
            for number in each.forgotten:
                event = each.told[number]
                if not isinstance(event, ChargeEnded) or event in there or self.database.is_away:
                    continue
                assert event.order_id is not None
                assert written[event.order_id]["end_meter_mwh"] == event.end_meter_mwh

    def _orders(self) -> dict[int, Any]:
        return {row["id"]: row for row in rows_of(self.world.store, orders)}

    def teardown(self) -> None:
        """All is told in the end: each charge is settled once, to the mWh and the fen."""
        try:
            self._come_to_rest()
            self._account_for_everything()
        finally:
            self.world.killed()
            self.world.store.engine.dispose()
            self.folder.cleanup()

    def _come_to_rest(self) -> None:
        self.database.is_away, self.database.commits_lost = False, 0
        for which, each in enumerate(self.boxes):
            if each.online:
                each.box.drop()
            each.come(self.world)
            self.end(which, 1, 5_000)
        # what was placed and nobody knew of it is given up meanwhile
        self.charge(5, 0)
        for each in self.boxes:
            for number in list(each.records):
                each.tell(number)
        assert not any(each.records for each in self.boxes)

    def _account_for_everything(self) -> None:
        store = self.world.store
        rows, spent_fen = self._orders(), 0
        for each in self.boxes:
            for event in each.told.values():
                if isinstance(event, ChargeEnded):
                    assert event.order_id is not None
                    assert event.start_meter_mwh is not None
                    assert event.end_meter_mwh is not None
                    row = rows.pop(event.order_id)
                    energy_mwh = event.end_meter_mwh - event.start_meter_mwh
                    lines_fen = [divide_half_up(energy_mwh * fen, 10**6) for fen in RATES_FEN]
                    assert (row["state"], row["amount_fen"]) == ("settled", sum(lines_fen))
                    assert row["end_meter_mwh"] - row["start_meter_mwh"] == energy_mwh
                    spent_fen += sum(lines_fen)
        assert {row["state"] for row in rows.values()} <= {"failed"}
        wallet = self.world.get(f"/wallets/{self.customer}")
        assert (wallet["balance_fen"], wallet["held_fen"]) == (PAID_IN_FEN - spent_fen, 0)
        assert rows_of(store, disputes) == rows_of(store, unmatched) == []
        assert result_of(store.read(lambda connection: list(ledger_faults(connection)))) == []
        assert (self.world.folder / "spool").stat().st_size == 0


TestEnds = pytest.mark.slow(lasts_s=15)(Ends.TestCase)
TestEnds.settings = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
