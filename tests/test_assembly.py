"""The rooms joined: what only the whole can show."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from sqlalchemy import Connection
from zope.interface import implementer

from chargecloud.charging.starting import COMES_BACK_S, LONGEST_AWAY_S
from chargecloud.domain.decision import LogEntry
from chargecloud.domain.events import StopReason
from chargecloud.domain.fields import text
from chargecloud.domain.occurrences import Ended
from chargecloud.domain.order import decide
from chargecloud.domain.tariff import Mark
from chargecloud.interfaces import FeatureParts, IFeature, IFollower
from chargecloud.interfaces import Platform as Given
from chargecloud.plugins import Plugins
from chargecloud.routes import Call, Method, Route
from tests.harness import clock_at, result_of
from tests.world import World, native_plugins


def restarted(world: World) -> World:
    """A new process on the database of one that died: no timer of the old one goes on."""
    return World(world.folder, clock_at(world.calendar.now()))


def test_an_order_that_had_ended_is_billed_at_the_next_start(tmp_path: Path) -> None:
    """The process died between the end record and the bill: no bill is lost for it."""
    world = World(tmp_path)
    box, customer = world.box().connect(), world.customer(1000)
    order_id = world.order(box, customer)["id"]
    box.begin()
    world.pass_time(3600, lambda: box.report(10_000))
    order = result_of(world.platform.book.find(int(order_id)))
    now, meter_mwh = world.calendar.now(), box.meter_mwh
    marks = (*order.marks, Mark(now, meter_mwh))
    ended = Ended(
        at=now,
        start_meter_mwh=5_000_000,
        end_meter_mwh=meter_mwh,
        charged_s=3600,
        reason=StopReason.FULL,
        marks=marks,
    )
    result_of(world.store.writer.decide(decide(order, ended).decision))

    after = restarted(world)
    settled = after.get(f"/orders/{order_id}")
    assert (settled["state"], settled["amount_fen"]) == ("settled", 60)
    wallet = after.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (940, 0)


def test_an_order_that_was_starting_is_given_up_in_time(tmp_path: Path) -> None:
    """The process died after the start was sent: the money does not stay held for ever."""
    world = World(tmp_path)
    customer = world.customer(1000)
    order_id = world.order(world.box().connect(), customer)["id"]

    after = restarted(world)
    assert after.get(f"/orders/{order_id}")["state"] == "starting"
    # its charger may have begun, and be on its way
    after.pass_time(LONGEST_AWAY_S + COMES_BACK_S)
    failed = after.get(f"/orders/{order_id}")
    assert (failed["state"], failed["failure"]) == ("failed", "not-confirmed")
    assert after.get(f"/wallets/{customer}")["held_fen"] == 0


def test_an_order_that_ran_goes_on(tmp_path: Path) -> None:
    """The process died in the middle of a charge, and the charger did not: it is billed as
    if nothing had been."""
    world = World(tmp_path)
    box = world.box().connect()
    order_id = world.order(box)["id"]
    started = box.begin()
    world.pass_time(1800, lambda: box.report(10_000))

    after = restarted(world)
    box.world = after
    box.connect()
    after.pass_time(1800, lambda: box.report(10_000))
    assert after.get(f"/orders/{order_id}")["energy_mwh"] == 600_000
    box.end(2, started.order_id, 5_000_000, 3600)
    settled = after.get(f"/orders/{order_id}")
    assert (settled["state"], settled["amount_fen"]) == ("settled", 60)


# -------------------------------------------------------------------------------- features


@frozen(kw_only=True)
class EchoSettings:
    """C{[echo]}"""

    word: str = text("what to say")


@frozen(kw_only=True)
class Echoed:
    """What is said."""

    word: str = text("the word")
    date: str = text("of the calendar")


@implementer(IFollower)
@frozen
class Remembering:
    """Follows the log, and remembers what came."""

    kinds: list[str]
    name: str = "echo"

    def apply(self, connection: Connection, entries: Sequence[tuple[Any, LogEntry]]) -> None:
        """Remember."""
        self.kinds.extend(entry.kind for _, entry in entries)


@implementer(IFeature)
@frozen
class Echo:
    """A feature of a vendor."""

    kinds: list[str]
    name: str = "echo"
    settings: type = EchoSettings
    migrations: Path | None = None

    def build(self, settings: EchoSettings, platform: Given) -> FeatureParts:
        """A route that says the word, and a follower."""

        def echo(_call: Call) -> Echoed:
            return Echoed(word=settings.word, date=platform.calendar.now().date().isoformat())

        route = Route(
            method=Method.GET,
            path="/echo",
            summary="Say the word",
            permission="echo:read",
            answer=Echoed,
            tag="echo",
            run=echo,
        )
        return FeatureParts(routes=(route,), followers=(Remembering(self.kinds),))


def test_a_vendors_feature_is_joined_like_our_own(tmp_path: Path) -> None:
    """It is built from its settings, its routes are served, and its followers follow."""
    kinds: list[str] = []
    own = native_plugins()
    world = World(
        tmp_path,
        plugins=Plugins(own.dialects, own.tariffs, {"echo": Echo(kinds)}),
        feature_settings={"echo": EchoSettings(word="hello")},
    )
    assert world.get("/echo") == {"word": "hello", "date": "2026-11-23"}
    *_, following = world.platform.followings
    following.startService()
    world.site()
    assert kinds == ["tariff.created", "site.created"]
    result_of(following.stopService())
