"""The statistics count what was settled: each order once, on the day on which it ended at
its site."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision, Insert, LogEntry
from chargecloud.domain.errors import Invalid, NotFound
from chargecloud.domain.events import StopReason
from chargecloud.domain.ledger import Account, Post
from chargecloud.domain.occurrences import Billed, Corrected, Ended, Unplugged
from chargecloud.domain.order import decide, place
from chargecloud.domain.order_value import Order
from chargecloud.domain.tariff import Bill, BillLine, Fee, Mark
from chargecloud.features.statistics.api import MOST_DAYS, StatisticsQuery, StatisticsShown
from chargecloud.features.statistics.feature import StatisticsFeature, StatisticsSettings
from chargecloud.features.statistics.tables import days, users
from chargecloud.interfaces import FeatureParts, IFeature, IFollower, Platform
from chargecloud.routes import Call, Caller
from chargecloud.storage.following import RETRY_S, Following
from chargecloud.storage.schema import cursors, metadata
from chargecloud.storage.store import Store
from tests.domain.order_samples import an_order, bill_line
from tests.harness import NOW, clock_at, failure_of, open_store, result_of, rows_of

FEATURE = StatisticsFeature()
FOLDER = FEATURE.migrations
assert FOLDER is not None

#: tenant, site, and the time zone that its days follow
SITES = (
    (1, 10, "Asia/Shanghai"),
    (1, 11, "America/New_York"),
    (1, 12, "UTC"),
    (2, 20, "Pacific/Kiritimati"),
)
CUSTOMERS = (30, 31, 32)

ADMINISTRATOR = Caller(0, None, frozenset({"*"}))
OPERATOR = Caller(1, 1, frozenset({"statistics:read"}))


@frozen(kw_only=True)
class Charge:
    """What is charged in a test."""

    site: tuple[int, int, str] = SITES[0]
    customer_id: int | None = 30
    ended_at: datetime = NOW
    energy_mwh: int = 500_000
    charged_s: int = 3600
    electricity_fen: int = 30
    service_fen: int = 20
    float_dw: int | None = None

    @property
    def day(self) -> date:
        """Where it belongs, as a person at the site would say."""
        return self.ended_at.astimezone(ZoneInfo(self.site[2])).date()


class World:
    """A store in step with the feature in it, and charges that are made and settled."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        assert FOLDER is not None
        self.clock = clock
        self.store: Store = open_store(folder, clock, {"statistics": FOLDER})
        platform = Platform(Calendar(clock.seconds), self.store.read)
        self.parts: FeatureParts = FEATURE.build(StatisticsSettings(), platform)
        (self.follower,) = self.parts.followers
        (self.route,) = self.parts.routes

    def prepare(self) -> "World":
        """Make sites, a port at each, and customers with money."""
        made: list[Any] = []
        for tenant_id, site_id, time_zone in SITES:
            about = {"tenant_id": tenant_id, "name": "site", "time_zone": time_zone}
            made.append(Insert("sites", {"id": site_id, "created_at": NOW, **about}))
            port = {"charger_id": site_id, "port": 3, "tenant_id": tenant_id}
            made.append(Insert("ports", port))
        for tenant_id in (1, 2):
            for customer_id in CUSTOMERS:
                owner = {"tenant_id": tenant_id, "owner_id": customer_id, "balance_fen": 0}
                for kind in sorted(Account.CUSTOMERS):
                    made.append(Insert("accounts", {**owner, "kind": kind}))
                wallet = Account(tenant_id, "wallet", customer_id)
                made.append(Post(Account(tenant_id, "cash"), wallet, 10**6, "top_up", 1))
        result_of(self.store.writer.decide(Decision(tuple(made))))
        return self

    def follow(self) -> Following:
        """Start to follow the log."""
        following = Following(self.store.writer, self.follower, self.clock)
        following.startService()
        return following

    def charge(self, charge: Charge) -> Order:
        """Place an order, let it end, and settle it."""
        tenant_id, site_id, time_zone = charge.site
        order = an_order(
            id=self.store.ids.next(),
            tenant_id=tenant_id,
            site_id=site_id,
            charger_id=site_id,
            customer_id=charge.customer_id,
            start_key=str(self.store.ids.next()),
            time_zone=time_zone,
            held_fen=0 if charge.customer_id is None else 10,
        )
        result_of(self.store.writer.decide(place(order)))
        started = Mark(charge.ended_at - timedelta(seconds=charge.charged_s), 7)
        ended = Mark(charge.ended_at, 7 + charge.energy_mwh)
        lines: list[BillLine] = [
            bill_line(Fee.ELECTRICITY, charge.electricity_fen),
            bill_line(Fee.SERVICE, charge.service_fen),
        ]
        for occurrence in (
            Ended(
                at=ended.at,
                start_meter_mwh=started.meter_mwh,
                end_meter_mwh=ended.meter_mwh,
                charged_s=charge.charged_s,
                reason=StopReason.FULL,
                marks=(started, ended),
                float_dw=charge.float_dw,
            ),
            Billed(NOW, Bill(50, 2, tuple(lines)), 0),
        ):
            step = decide(order, occurrence)
            result_of(self.store.writer.decide(step.decision))
            order = step.order
        return order

    def ask(self, caller: Caller = ADMINISTRATOR, **query: Any) -> StatisticsShown:
        """The answer to a query."""
        call = Call(caller, {}, query=StatisticsQuery(**query))
        shown: StatisticsShown = result_of(self.route.run(call))
        return shown

    def counted(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """All that is written down."""
        return rows_of(self.store, days), rows_of(self.store, users)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world that is prepared."""
    made = World(tmp_path, clock_at()).prepare()
    yield made
    made.store.engine.dispose()


def by_hand(charges: Sequence[Charge]) -> dict[str, Any]:
    """What an answer must say of some charges, by adding them up."""
    energy_mwh = sum(charge.energy_mwh for charge in charges)
    return {
        "orders": len(charges),
        "users": len({charge.customer_id for charge in charges} - {None}),
        "energy_mwh": energy_mwh,
        "energy_wh": (energy_mwh + 500) // 1000,
        "saved_mwh": sum((charge.float_dw or 0) * 200 for charge in charges),
        "amount_fen": sum(charge.electricity_fen + charge.service_fen for charge in charges),
        "electricity_fen": sum(charge.electricity_fen for charge in charges),
        "service_fen": sum(charge.service_fen for charge in charges),
        "charged_s": sum(charge.charged_s for charge in charges),
        "carbon_kg": (energy_mwh * 785 + 500_000) // 1_000_000 / 1000,
    }


def figures(shown: Any) -> dict[str, Any]:
    """The figures of an answer, or of a day of it."""
    return {name: getattr(shown, name) for name in by_hand([])}


# ------------------------------------------------------------------------- what is counted


def test_it_is_a_feature() -> None:
    """The feature and its follower are what the platform takes them for."""
    assert verifyObject(IFeature, FEATURE)
    platform = Platform(Calendar(lambda: 0.0), None)
    (follower,) = FEATURE.build(StatisticsSettings(), platform).followers
    assert verifyObject(IFollower, follower)


def test_a_settled_charge_is_counted(world: World) -> None:
    """It is in the total and in its day, and in no other day."""
    world.follow()
    world.charge(Charge())
    shown = world.ask()
    assert figures(shown) == by_hand([Charge()])
    assert shown.carbon_g_per_kwh == 785
    assert [day.day for day in shown.days if day.orders] == [date(2026, 11, 23)]
    assert figures(next(day for day in shown.days if day.orders)) == by_hand([Charge()])


def test_half_a_kilowatt_hour_is_392_grams_and_a_half(world: World) -> None:
    """785 g per kWh by default, rounded half up to 0.001 kg."""
    world.follow()
    world.charge(Charge(energy_mwh=500_000))
    assert world.ask().carbon_kg == 0.393
    world.charge(Charge(energy_mwh=500_000))
    assert world.ask().carbon_kg == 0.785


def test_the_carbon_factor_is_a_setting(world: World) -> None:
    """Another grid has another factor; the energy that was counted stays the same."""
    world.follow()
    world.charge(Charge(energy_mwh=10_000_000))
    platform = Platform(Calendar(world.clock.seconds), world.store.read)
    (world.route,) = FEATURE.build(StatisticsSettings(carbon_g_per_kwh=537), platform).routes
    shown = world.ask()
    assert (shown.energy_wh, shown.carbon_kg, shown.carbon_g_per_kwh) == (10_000, 5.37, 537)


def test_a_cut_off_is_assumed_to_save_two_hours_of_float(world: World) -> None:
    """15 W for two hours are 30 Wh; a charge that was not cut off saves nothing."""
    world.follow()
    world.charge(Charge(float_dw=150))
    world.charge(Charge())
    shown = world.ask()
    assert (shown.saved_mwh, shown.saved_wh) == (30_000, 30)


def test_a_plug_that_is_pulled_tells_what_was_saved(world: World) -> None:
    """After nine hours it is 135 Wh, counted in place of what was assumed, on the day of the
    order; after a minute it is a quarter of a Wh, and less than was assumed."""
    world.follow()
    for stayed_s, mwh in ((9 * 3600, 135_000), (60, 250)):
        order = world.charge(Charge(float_dw=150))
        pulled = decide(order, Unplugged(Charge().ended_at + timedelta(seconds=stayed_s)))
        before = world.ask().saved_mwh
        result_of(world.store.writer.decide(pulled.decision))
        assert world.ask().saved_mwh == before - 30_000 + mwh
    assert [day.day for day in world.ask().days if day.saved_mwh] == [Charge().day]
    assert world.ask().orders == 2


def test_a_corrected_bill_counts_in_place_of_the_first(world: World) -> None:
    """The order is counted once, with what it comes to now; also if the day is another."""
    world.follow()
    order = world.charge(Charge(energy_mwh=800_000, electricity_fen=50))
    at = NOW - timedelta(days=1)
    right = Ended(
        at=at,
        start_meter_mwh=7,
        end_meter_mwh=600_007,
        charged_s=1800,
        reason=StopReason.USER,
        marks=(Mark(at, 7), Mark(at, 600_007)),
    )
    bill = Bill(50, 2, (bill_line(Fee.ELECTRICITY, 40), bill_line(Fee.SERVICE, 20)))
    corrected = decide(order, Corrected(NOW, 1, "read on site", right, bill, 0, 0))
    result_of(world.store.writer.decide(corrected.decision))
    shown = world.ask()
    after = Charge(ended_at=at, energy_mwh=600_000, electricity_fen=40, charged_s=1800)
    assert figures(shown) == by_hand([after])
    assert [day.day for day in shown.days if day.orders] == [after.day]


def test_only_settled_orders_count(world: World) -> None:
    """Entries of any other kind are passed over, whatever they hold."""
    world.follow()
    entries = (
        LogEntry("order.placed", 1, {"site_id": 10}),
        LogEntry("order.failed", 1, {}),
        LogEntry("vendor.something", 1, {"anything": [1, None]}),
    )
    result_of(world.store.writer.decide(Decision(log=entries)))
    assert world.counted() == ([], [])
    assert rows_of(world.store, cursors)[0]["seq"] == 3


def test_users_are_counted_once(world: World) -> None:
    """Who charges twice on a day is one user of the day; who comes on two days is one of the
    period; a charge without a customer has none."""
    world.follow()
    later = NOW + timedelta(days=1)
    for customer_id, ended_at in ((30, NOW), (30, NOW), (31, NOW), (None, NOW), (30, later)):
        world.charge(Charge(customer_id=customer_id, ended_at=ended_at))
    shown = world.ask(from_=date(2026, 11, 23), to=date(2026, 11, 25))
    assert (shown.orders, shown.users) == (5, 2)
    assert [(day.orders, day.users) for day in shown.days] == [(4, 2), (1, 1)]


@pytest.mark.parametrize(
    ("site", "ended_at", "day"),
    [
        # midnight in Shanghai is 16:00 UTC of the day before
        (SITES[0], datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC), date(2026, 11, 23)),
        (SITES[0], datetime(2026, 11, 23, 16, 0, tzinfo=UTC), date(2026, 11, 24)),
        # New York: summer time until the night of 1 November, and again from 8 March
        (SITES[1], datetime(2026, 11, 1, 3, 59, 59, tzinfo=UTC), date(2026, 10, 31)),
        (SITES[1], datetime(2026, 11, 1, 4, 0, tzinfo=UTC), date(2026, 11, 1)),
        (SITES[1], datetime(2026, 11, 2, 4, 59, 59, tzinfo=UTC), date(2026, 11, 1)),
        (SITES[1], datetime(2026, 11, 2, 5, 0, tzinfo=UTC), date(2026, 11, 2)),
        (SITES[1], datetime(2027, 3, 15, 3, 59, 59, tzinfo=UTC), date(2027, 3, 14)),
        (SITES[1], datetime(2027, 3, 15, 4, 0, tzinfo=UTC), date(2027, 3, 15)),
    ],
)
def test_a_day_is_the_sites(
    world: World, site: tuple[int, int, str], ended_at: datetime, day: date
) -> None:
    """The day on which an order ended is that of its site's clocks, also where they change."""
    world.follow()
    world.charge(Charge(site=site, ended_at=ended_at))
    (row,), (user,) = world.counted()
    assert row["day"] == user["day"] == day


# --------------------------------------------------------------------------- exactly once


def test_a_failure_counts_nothing_twice(world: World) -> None:
    """An entry that cannot be counted undoes those beside it; once it can be, all are
    counted once."""
    world.follow()
    world.charge(Charge())
    broken = {"site_id": 10, "customer_id": 30, "ended_ms": 0, "time_zone": "No/Where"}
    kept = (LogEntry("order.settled", 1, broken),)
    result_of(world.store.writer.decide(Decision(log=kept)))
    before = world.counted()
    world.charge(Charge(energy_mwh=7))
    world.clock.advance(RETRY_S)
    assert world.counted() == before
    mended = metadata.tables["event_log"]
    with world.store.engine.begin() as connection:
        (seq,) = [
            row.seq
            for row in connection.execute(select(mended.c.seq, mended.c.body))
            if row.body.get("time_zone") == "No/Where"
        ]
        connection.execute(delete(mended).where(mended.c.seq == seq))
    world.clock.advance(RETRY_S)
    assert figures(world.ask()) == by_hand([Charge(), Charge(energy_mwh=7)])


def test_the_log_is_all_that_is_needed(world: World) -> None:
    """Counted anew from the beginning of the log, the numbers are the same."""
    following = world.follow()
    for number in range(12):
        site = SITES[number % len(SITES)]
        ended_at = NOW + timedelta(hours=number * 5)
        world.charge(Charge(site=site, ended_at=ended_at, customer_id=CUSTOMERS[number % 3]))
    before = world.counted()
    following.stopService()
    with world.store.engine.begin() as connection:
        for table in (days, users, cursors):
            connection.execute(delete(table))
    assert world.counted() == ([], [])
    world.follow()
    assert world.counted() == before
    assert sum(row["orders"] for row in before[0]) == 12


# ------------------------------------------------------------------------------- queries


def test_tenants_are_apart(world: World) -> None:
    """An operator sees what is theirs; the platform sees all, or the tenant that it names."""
    world.follow()
    ours, others = Charge(), Charge(site=SITES[3], energy_mwh=9)
    world.charge(ours)
    world.charge(others)
    assert figures(world.ask(OPERATOR)) == by_hand([ours])
    assert figures(world.ask(OPERATOR, tenant_id=1)) == by_hand([ours])
    assert figures(world.ask(tenant_id=2)) == by_hand([others])
    assert figures(world.ask()) == by_hand([ours, others])


def test_another_tenants_site_is_not_there(world: World) -> None:
    """Neither its figures nor its existence are told; nor is there a tenant to ask for."""
    ask = world.route.run
    for site_id in (20, 99):
        call = Call(OPERATOR, {}, query=StatisticsQuery(site_id=site_id))
        failure_of(ask(call), NotFound)
    call = Call(OPERATOR, {}, query=StatisticsQuery(tenant_id=2))
    refused = failure_of(ask(call), Invalid)
    assert refused.facts["errors"] == [{"parameter": "tenant_id", "detail": "is another's"}]


def test_from_is_in_and_to_is_not(world: World) -> None:
    """Each day of the period has its line, also one without an order."""
    world.follow()
    for number in range(5):
        world.charge(Charge(ended_at=NOW + number * timedelta(days=1), energy_mwh=number + 1))
    shown = world.ask(from_=date(2026, 11, 22), to=date(2026, 11, 26))
    assert (shown.from_, shown.to) == (date(2026, 11, 22), date(2026, 11, 26))
    assert [(day.day.day, day.energy_mwh) for day in shown.days] == [
        (22, 0),
        (23, 1),
        (24, 2),
        (25, 3),
    ]
    assert shown.energy_mwh == 6


def test_without_a_period_it_is_the_last_30_days(world: World) -> None:
    """Today is one of them, wherever on earth it has begun."""
    shown = world.ask()
    assert len(shown.days) == 30
    assert shown.days[-1].day == date(2026, 11, 23)
    world.clock.advance(9 * 3600)
    assert world.ask().days[-1].day == date(2026, 11, 24)
    world.follow()
    begun_first = world.clock.rightNow
    world.charge(Charge(site=SITES[3], ended_at=datetime.fromtimestamp(begun_first, UTC)))
    assert world.ask().orders == 1


@pytest.mark.parametrize(
    "query",
    [
        {"from_": date(2026, 11, 23), "to": date(2026, 11, 23)},
        {"from_": date(2026, 11, 24), "to": date(2026, 11, 23)},
        {"from_": date(2027, 1, 1)},
        {"from_": date(2026, 11, 23) - timedelta(days=MOST_DAYS), "to": date(2026, 11, 24)},
        {"to": date.min},
    ],
)
def test_a_period_has_days_and_not_too_many(world: World, query: dict[str, Any]) -> None:
    """None, or more than a year of them, is refused, and the parameter named."""
    refused = failure_of(
        world.route.run(Call(OPERATOR, {}, query=StatisticsQuery(**query))), Invalid
    )
    assert [error["parameter"] for error in refused.facts["errors"]] == ["from"]


@pytest.mark.parametrize(
    "query",
    [
        {"from_": date(2026, 11, 24) - timedelta(days=MOST_DAYS), "to": date(2026, 11, 24)},
        {"to": date(1, 1, 2)},
        {"from_": date(9999, 12, 30), "to": date.max},
    ],
)
def test_the_widest_periods_are_answered(world: World, query: dict[str, Any]) -> None:
    """A whole leap year, and both ends of what a date can be."""
    shown = world.ask(**query)
    assert len(shown.days) == (shown.to - shown.from_).days
    assert shown.orders == 0


# --------------------------------------------------------------------------- by brute force

charges = st.builds(
    Charge,
    site=st.sampled_from(SITES),
    customer_id=st.none() | st.sampled_from(CUSTOMERS),
    ended_at=st.integers(-400, 400).map(lambda quarters: NOW + timedelta(minutes=15 * quarters)),
    energy_mwh=st.integers(0, 10**9),
    charged_s=st.integers(0, 10**6),
    electricity_fen=st.integers(0, 500),
    service_fen=st.integers(0, 500),
)


@pytest.mark.slow
@given(st.lists(charges, max_size=10), st.integers(0, 10), st.data())
def test_the_sums_are_those_of_the_orders(
    tmp_path_factory: pytest.TempPathFactory,
    charged: list[Charge],
    unseen: int,
    data: st.DataObject,
) -> None:
    """Whatever was charged where, and however much of it came before the follower did: each
    answer is what adding the orders up gives."""
    world = World(tmp_path_factory.mktemp("sums"), clock_at()).prepare()
    for charge in charged[:unseen]:
        world.charge(charge)
    world.follow()
    for charge in charged[unseen:]:
        world.charge(charge)
    start = date(2026, 11, 18) + timedelta(days=data.draw(st.integers(0, 9)))
    until = start + timedelta(days=data.draw(st.integers(1, 9)))
    tenant_id = data.draw(st.sampled_from([None, 1, 2]))
    site_ids = [site_id for owner, site_id, _ in SITES if tenant_id in (None, owner)]
    site_id = data.draw(st.none() | st.sampled_from(site_ids))
    wanted = [
        charge
        for charge in charged
        if tenant_id in (None, charge.site[0])
        and site_id in (None, charge.site[1])
        and start <= charge.day < until
    ]
    shown = world.ask(from_=start, to=until, tenant_id=tenant_id, site_id=site_id)
    assert figures(shown) == by_hand(wanted)
    for day in shown.days:
        assert figures(day) == by_hand([charge for charge in wanted if charge.day == day.day])
    world.store.engine.dispose()
