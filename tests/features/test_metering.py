"""Metering, end to end: orders are looked at, chargers ranked, and verified on site."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update
from twisted.logger import capturedLogs

from chargecloud.domain.charger import PortState
from chargecloud.features.metering.feature import MeteringFeature
from chargecloud.features.metering.model import CLOCK_DAYS, MeteringSettings, week_of
from chargecloud.features.metering.tables import audits, clocks, due, metadata, sessions, weeks
from chargecloud.routes import Caller
from chargecloud.simulator.native import SimulatedNative
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import upgrade, version_table
from chargecloud.storage.schema import metadata as core
from chargecloud.storage.schema import orders
from tests.harness import database_in, result_of, rows_of, schema_differences
from tests.stations import Station, pass_time
from tests.world import Box, World, native_plugins

FEATURE = MeteringFeature()
VIEWER = Caller(7, 4_711, frozenset({"metering:read"}))


def metering_world(folder: Path, **settings: Any) -> World:
    """A platform with the feature."""
    return World(
        folder,
        plugins=native_plugins(features={FEATURE.name: FEATURE}),
        feature_settings={FEATURE.name: MeteringSettings(**settings)},
    )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = metering_world(tmp_path)
    yield made
    made.killed()


def work(world: World, name: str = "audit meters") -> None:
    """Follow the log to its end, and do what is due."""
    for each in world.platform.followings:
        each.startService()
        each.stopService()
    result_of(world.platform.shared_rounds[name].work())


def charge(
    world: World,
    box: Box,
    record: int,
    *,
    percent: int = 100,
    minutes: int = 60,
    is_told: Callable[[int], bool] = lambda _minute: True,
) -> str:
    """A charge of 600 W, a reading each minute, at a meter that counts so many hundredths."""
    box.connect()
    world.order(box)
    start_mwh = box.meter_mwh
    order_id = box.begin(record).order_id
    for minute in range(minutes):
        world.clock.advance(60)
        box.meter_mwh += 100 * percent
        if is_told(minute):
            box.report(power_dw=6_000, order_id=order_id)
        else:
            box.heartbeat()
    box.end(record + 1, order_id, start_mwh, minutes * 60)
    return str(order_id)


def ready(world: World, site_id: str | None = None, identity: str = "EB-0001") -> Box:
    """A charger that is registered."""
    return world.box(site_id, identity)


def found(shown: Any, quantity: str) -> Any:
    """What was found of a quantity."""
    return next(each for each in shown["found"] if each["quantity"] == quantity)


# ------------------------------------------------------------------------------------ orders


def test_the_meter_that_drifts_is_ranked_first(world: World) -> None:
    """With the orders that say so; one that is right, and one of which little was told, are not
    accused."""
    site_id = world.site()
    right, fast, gappy = (ready(world, site_id, f"EB-000{number}") for number in range(3))
    charge(world, right, 1)
    order_id = charge(world, fast, 1, percent=110)
    charge(world, gappy, 1, percent=110, is_told=lambda minute: minute % 10 == 0)
    work(world)
    ranked = world.get("/metering")["items"]
    assert [each["charger_id"] for each in ranked] == [
        str(fast.id),
        *sorted((str(right.id), str(gappy.id)), key=int),
    ]
    assert [each["times_limit"] > 1 for each in ranked] == [True, False, False]
    worst = ranked[0]["found"][0]
    assert (worst["quantity"], worst["value"], worst["limit"]) == ("energy", 100_000, 20_000)
    assert worst["times_limit"] == pytest.approx(
        (100_000 - worst["uncertainty"]) / 20_000, abs=0.01
    )
    (proof,) = ranked[0]["evidence"]
    assert (proof["order_id"], proof["error_ppm"], proof["steps"]) == (order_id, 100_000, 59)
    (unsaid,) = world.get(f"/metering/{gappy.id}/orders")["items"]
    assert (unsaid["error_ppm"], unsaid["steps"]) == (None, 0)
    assert unsaid["passed_over_mwh"] > 0


def test_a_simulated_meter_that_drifts_is_found(world: World) -> None:
    """The simulator's fault, from its register over the wire to the ranking."""
    station = Station(world, SimulatedNative())
    station.charger.port(1).meter_ppm = 80_000
    station.plug()
    order_id = station.order(limit={"duration_s": 3_600})
    pass_time(3_700, station)
    assert world.get(f"/orders/{order_id}")["state"] == "settled"
    work(world)
    (ranked,) = world.get("/metering")["items"]
    energy = found(ranked, "energy")
    assert energy["value"] == pytest.approx(80_000, abs=energy["uncertainty"] - 20_000)
    assert energy["times_limit"] > 1


def test_a_simulated_meter_that_is_right_is_not_accused(world: World) -> None:
    """Of the same charge."""
    station = Station(world, SimulatedNative()).plug()
    station.order(limit={"duration_s": 3_600})
    pass_time(3_700, station)
    work(world)
    (ranked,) = world.get("/metering")["items"]
    assert ranked["compared_orders"] == 1
    assert ranked["times_limit"] == 0


def test_an_order_counts_once_and_anew_when_it_is_corrected(world: World) -> None:
    """However often the work is begun; a bill that a person changes is looked at again."""
    box = ready(world)
    order_id = charge(world, box, 1, percent=110)
    work(world)
    work(world)
    before = rows_of(world.store, weeks)
    assert [(row["orders"], row["over_rated"]) for row in before] == [(1, 0)]
    told = {"action": "adjust", "energy_wh": 5_000, "reason": "a clamp meter said so"}
    assert world.http("POST", f"/orders/{order_id}/resolve", told)[0] == 200
    work(world)
    (row,) = rows_of(world.store, weeks)
    assert (row["orders"], row["over_rated"]) == (1, 1)
    assert row["register_mwh"] == before[0]["register_mwh"]
    assert [each["energy_mwh"] for each in rows_of(world.store, audits)] == [5_000_000]
    assert rows_of(world.store, due) == []


def test_work_that_was_cut_off_is_done_later(world: World) -> None:
    """What ended anew while it was looked at stays due."""
    charge(world, ready(world), 1)
    for each in world.platform.followings:
        each.startService()
        each.stopService()
    (row,) = rows_of(world.store, due)
    result_of(
        world.store.writer.transact(
            lambda connection: (
                connection.execute(due.update().values(times=row["times"] + 1)) and None
            )
        )
    )
    work(world)
    assert rows_of(world.store, due) == []
    assert len(rows_of(world.store, audits)) == 1


def test_an_order_that_cannot_be_read_keeps_no_other_waiting(world: World) -> None:
    """It is told in the node's log, and has nothing said of it."""
    box = ready(world)
    bad, good = charge(world, box, 1), charge(world, box, 3)
    result_of(
        world.store.writer.transact(
            lambda connection: (
                connection.execute(
                    orders.update().where(orders.c.id == int(bad)).values(state="odd")
                )
                and None
            )
        )
    )
    with capturedLogs() as logged:
        work(world)
    assert [each["order_id"] for each in rows_of(world.store, audits)] == [int(good)]
    assert rows_of(world.store, due) == []
    assert [each["order_id"] for each in logged if "log_failure" in each] == [int(bad)]


def test_drift_over_weeks_is_found(world: World) -> None:
    """A register that is right by itself each week, and goes one way."""
    box = ready(world)
    this = week_of(world.calendar.now())
    rows = [
        {
            "charger_id": box.id,
            "week": this - 10 + number,
            "tenant_id": 1,
            "site_id": 1,
            "orders": 9,
            "compared_orders": 9,
            "register_mwh": 1_000_000 + number * 3_000,
            "integral_mwh": 1_000_000,
            "uncertain_mwh": 1_000,
            "passed_over_mwh": 0,
            "steps": 500,
            "payments": 0,
            "payments_off": 0,
            "over_rated": 0,
        }
        for number in range(10)
    ]
    result_of(
        world.store.writer.transact(
            lambda connection: connection.execute(insert(weeks), rows) and None
        )
    )
    shown = world.get(f"/metering/{box.id}")
    assert shown["drift"] == {
        "ppm_per_week": 3_000,
        "least_ppm_per_week": 3_000,
        "most_ppm_per_week": 3_000,
        "is_proven": True,
    }
    assert found(shown, "drift")["times_limit"] == 1.5
    assert found(shown, "energy")["times_limit"] < 1
    assert [each["error_ppm"] for each in shown["weeks"]] == [3_000 * each for each in range(10)]


def test_a_clock_is_known_for_as_long_as_its_days_are_kept(world: World) -> None:
    """What it showed months ago accuses it no more, and goes as it shows something new."""
    box = ready(world)

    def seen(ahead_s: int) -> None:
        box.connect()
        box.booted_at -= ahead_s
        for _ in range(3):
            world.clock.advance(30)
            box.report(state=PortState.IDLE, power_dw=0)
        work(world)

    charge(world, box, 1)
    seen(-600)
    assert found(world.get("/metering")["items"][0], "clock")["value"] == -600
    world.clock.advance(timedelta(days=CLOCK_DAYS + 1).total_seconds())
    box.drop()
    work(world)
    assert world.get(f"/metering/{box.id}")["clocks"] == []
    assert "clock" not in [each["quantity"] for each in world.get(f"/metering/{box.id}")["found"]]
    seen(0)
    assert [each["ahead_s"] for each in world.get(f"/metering/{box.id}")["clocks"]] == [0]
    assert len(rows_of(world.store, clocks)) == 1


def test_who_may_see_what(world: World) -> None:
    """A tenant sees its own chargers, and what is not there is told so."""
    box = ready(world)
    charge(world, box, 1, percent=110)
    work(world)
    assert world.http("GET", "/metering/1")[0] == 404
    assert world.http("GET", "/metering?site_id=1")[0] == 404
    assert world.http("GET", "/metering?cursor=x")[0] == 422
    world.caller = VIEWER
    assert world.get("/metering")["items"] == []
    assert world.http("GET", f"/metering/{box.id}")[0] == 404
    assert world.http("GET", "/metering?tenant_id=1")[0] == 422
    assert world.http("POST", "/metering/sessions", session_of(box))[0] == 403


def test_the_ranking_has_pages(world: World) -> None:
    """The worst are on the first."""
    site_id = world.site()
    for number, percent in enumerate((100, 120, 110)):
        charge(world, ready(world, site_id, f"EB-000{number}"), 1, percent=percent)
    work(world)
    whole = world.get("/metering")
    first = world.get("/metering?limit=2")
    rest = world.get(f"/metering?limit=2&cursor={first['next']}")
    assert [*first["items"], *rest["items"]] == whole["items"]
    assert rest["next"] is None


# ----------------------------------------------------------------------------------- on site


def session_of(box: Box, **more: Any) -> dict[str, Any]:
    """What a verification begins with."""
    return {
        "charger_id": str(box.id),
        "reference": "CL3115 no. 2207, certificate 2026-118",
        "inspector": "Wang Fang",
        **more,
    }


def energy(error_permille: int, **more: Any) -> dict[str, Any]:
    """A reading of 2 kWh at the reference."""
    return {
        "port": 1,
        "load_w": 2_000,
        "register_start_mwh": 5_000_000,
        "register_end_mwh": 7_000_000 + 2_000 * error_permille,
        "reference_mwh": 2_000_000,
        **more,
    }


def test_what_passes_has_a_certificate(world: World) -> None:
    """With its record of errors, an expiry, and a page to be printed."""
    box = ready(world)
    session = world.make("/metering/sessions", session_of(box))
    path = f"/metering/sessions/{session['id']}"
    world.make(f"{path}/readings", energy(-3))
    world.make(f"{path}/readings", energy(11, clock_ahead_ms=-2_400))
    status, done = world.http("POST", f"{path}/finish")
    assert (status, done["state"], done["worst_error_ppm"]) == (200, "passed", 11_000)
    assert [each["error_ppm"] for each in done["readings"]] == [-3_000, 11_000]
    number = done["certificate"]
    assert number == f"CC-2026-{session['id']}"
    assert done["valid_until"].startswith("2029-11-23")
    assert world.get(f"/metering/certificates/{number}") == done
    assert world.get(f"/metering/certificates?charger_id={box.id}")["items"] == [done]
    shown = world.get(f"/metering/{box.id}")
    assert (shown["certificate"], shown["valid_until"]) == (number, done["valid_until"])
    status, page, headers = world.whole(world.begin("GET", f"/metering/certificates/{number}/page"))
    assert status == 200
    assert headers.getRawHeaders("content-type")[0].startswith("text/html")
    assert number.encode() in page
    assert b"+1.100" in page
    for wrong in ("CC-2025-" + session["id"], "CC-2026-1", "nothing"):
        assert world.http("GET", f"/metering/certificates/{wrong}")[0] == 404


def test_what_fails_has_none_and_says_why(world: World) -> None:
    """Once it is finished it stays as it is."""
    box = ready(world)
    session = world.make("/metering/sessions", session_of(box, occasion="first"))
    path = f"/metering/sessions/{session['id']}"
    world.make(f"{path}/readings", energy(21))
    world.make(f"{path}/readings", {"port": 1, "clock_ahead_ms": 6_000})
    world.make(f"{path}/readings", {"port": 1, "told_fen": 105, "due_fen": 100})
    done = world.http("POST", f"{path}/finish")[1]
    assert (done["state"], done["certificate"], done["valid_until"]) == ("failed", None, None)
    assert done["faults"] == [
        "port 1: +2.100% of energy",
        "the clock is +6.0 s off",
        "an amount is +5 fen off",
    ]
    assert world.http("POST", f"{path}/finish")[0] == 409
    assert world.http("POST", f"{path}/readings", energy(0))[0] == 409
    assert world.get(path) == done
    assert world.get("/metering/certificates")["items"] == []


@pytest.mark.parametrize(
    "reading",
    [
        {"port": 1},
        {"port": 2, "clock_ahead_ms": 0},
        {"port": 1, "told_fen": 1},
        {"port": 1, "reference_mwh": 10**6},
        energy(0, register_end_mwh=4_999_999),
        energy(0, reference_mwh=9_000, register_end_mwh=5_009_000),
    ],
)
def test_readings_that_tell_nothing_are_refused(world: World, reading: Any) -> None:
    """Nothing, half of something, another's port, a register that went back, too little."""
    session = world.make("/metering/sessions", session_of(ready(world)))
    path = f"/metering/sessions/{session['id']}"
    assert world.http("POST", f"{path}/readings", reading)[0] == 422
    assert world.http("POST", f"{path}/finish")[0] == 409
    assert world.get(path)["readings"] == []


def test_a_charger_has_one_open_session(world: World) -> None:
    """And a reference that could tell what is asked of it."""
    box = ready(world)
    coarse = session_of(box, reference_permille=7)
    assert world.http("POST", "/metering/sessions", coarse)[0] == 422
    world.make("/metering/sessions", session_of(box))
    assert world.http("POST", "/metering/sessions", session_of(box))[0] == 409
    assert world.http("GET", "/metering/sessions/12")[0] == 404


def test_a_session_that_an_earlier_version_ended_is_in_nobodys_way(world: World) -> None:
    """It knows nothing of what says that one is open."""
    box = ready(world)
    world.make("/metering/sessions", session_of(box))
    with world.store.engine.begin() as connection:
        connection.execute(update(sessions).values(state="passed"))
    world.make("/metering/sessions", session_of(box))


def test_people_are_told_of_a_certificate_before_it_ends(world: World) -> None:
    """Once; and not of one that a later one has replaced."""
    box = ready(world)

    def verify() -> str:
        session = world.make("/metering/sessions", session_of(box))
        path = f"/metering/sessions/{session['id']}"
        world.make(f"{path}/readings", energy(1))
        number: str = world.http("POST", f"{path}/finish")[1]["certificate"]
        return number

    def told() -> list[Any]:
        work(world, "tell of certificates")
        return [
            each["evidence"]["certificate"]
            for each in world.logged("alarm.raised")
            if each["rule"] == "certificate-expires"
        ]

    verify()
    world.clock.advance(timedelta(days=400).total_seconds())
    second = verify()
    world.clock.advance(timedelta(days=680).total_seconds())
    assert told() == []
    world.clock.advance(timedelta(days=390).total_seconds())
    assert told() == [second]
    assert told() == [second]


# ---------------------------------------------------------------------------------- its tables


def test_the_migrated_schema_is_the_codes(tmp_path: Path) -> None:
    """Core and feature together, and nothing besides."""
    engine = open_engine(database_in(tmp_path))
    assert FEATURE.migrations is not None
    upgrade(engine, {FEATURE.name: FEATURE.migrations})
    with engine.connect() as connection:
        expected: Any = [core, metadata]
        differences = schema_differences(connection, expected)
        assert [(kind, table.name) for kind, table in differences] == [
            ("remove_table", version_table(FEATURE.name))
        ]
    engine.dispose()
