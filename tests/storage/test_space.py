"""Room on the disk: without it nothing begins, and what runs is written down to its end."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from sqlalchemy.exc import OperationalError

from chargecloud.domain.commands import StartCharge
from chargecloud.domain.decision import Change, Decision, LogEntry, Stale
from chargecloud.storage.space import Reserve
from chargecloud.storage.store import Store
from tests.harness import clock_at, failure_of, open_store, result_of
from tests.world import Box, World

UID = "04A1B2C3D4"
MEGABYTE = 1_000_000


@define
class Disk:
    """What is told of the disk that a world is on."""

    lacking: str | None = None

    def __call__(self) -> str | None:
        """What is lacking."""
        return self.lacking


@define
class Scene:
    """A charge that runs at one box, and people at another."""

    world: World
    disk: Disk
    running: Box
    order_id: int
    free: Box
    customer: str

    @classmethod
    def set(cls, folder: Path) -> "Scene":
        """As it is before there is any trouble."""
        disk = Disk()
        world = World(folder, full=disk)
        site, customer = world.site(), world.customer(1000)
        world.make("/cards", {"uid": UID, "customer_id": customer, "status": "active"})
        running = world.box(site, "EB-0001").connect()
        free = world.box(site, "EB-0002").connect()
        order_id = int(world.order(running, customer, prepaid_fen=100)["id"])
        running.begin()
        return cls(world, disk, running, order_id, free, customer)

    def place(self, key: str = "again") -> tuple[int, Any]:
        """Somebody wants to charge at the box that is free."""
        body = {"charger_id": str(self.free.id), "port": 1, "customer_id": self.customer}
        answered = self.world.http("POST", "/orders", {**body, "prepaid_fen": 200}, key=key)
        self.free.pump()
        return answered

    @property
    def books(self) -> Any:
        """What an order that begins would change."""
        return self.world.get("/orders"), self.world.get(f"/wallets/{self.customer}")

    def draw(self) -> None:
        """Ten minutes with a reading in each, which come to 60 Wh."""

        def minute() -> None:
            self.running.report(6_000)
            self.free.heartbeat()

        self.world.pass_time(600, minute)

    def end(self) -> None:
        """The charge has ended at its charger, which tells it."""
        self.running.end(2, self.order_id, 5_000_000, 600)

    @property
    def order(self) -> Any:
        """Of the charge that runs."""
        return self.world.get(f"/orders/{self.order_id}")


def refuse_writes(store: Store, *, refuse: bool = True) -> None:
    """The database can be read and not written, as on a disk that has failed."""
    with store.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA query_only = {int(refuse)}")


def allow_pages(store: Store, most: int) -> int:
    """Let the database have no more pages than so many, or than it has; how many it might
    have until now."""
    with store.engine.connect() as connection:
        before = connection.exec_driver_sql("PRAGMA max_page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {most}")
        return int(before)


# ------------------------------------------------------------------------------ the reserve


def test_enough_room_lacks_nothing(tmp_path: Path) -> None:
    """Also if nothing at all is to be kept."""
    half_mb = shutil.disk_usage(tmp_path).free // MEGABYTE // 2
    assert Reserve(tmp_path, half_mb).lacking() is None
    assert Reserve(tmp_path, 0).lacking() is None


def test_what_is_lacking_is_told_in_megabytes(tmp_path: Path) -> None:
    """What there is, which is measured anew each time, and what is to be kept."""
    before_mb = shutil.disk_usage(tmp_path).free // MEGABYTE
    lacking = Reserve(tmp_path, 10**9).lacking()
    after_mb = shutil.disk_usage(tmp_path).free // MEGABYTE
    assert lacking is not None
    words = lacking.split()
    free_mb = int(words[words.index("MB") - 1])
    assert min(before_mb, after_mb) - 500 <= free_mb <= max(before_mb, after_mb) + 500
    assert "1000000000 MB are kept for running charges" in lacking


# ---------------------------------------------------------------------------- too little room


def test_nothing_begins_without_room(tmp_path: Path) -> None:
    """An app is told what is lacking, and a card that it is not now; nothing is written, held
    or sent, and the very same request succeeds when there is room."""
    scene = Scene.set(tmp_path)
    books = scene.books
    scene.disk.lacking = Reserve(tmp_path, 10**9).lacking()
    status, problem = scene.place()
    assert (status, problem["type"]) == (507, "/problems/storage-full")
    assert problem["detail"] == f"no charge can begin: {scene.disk.lacking}"
    answer = scene.free.card(1, UID)
    assert answer is not None
    assert (answer.code, answer.order_id) == ("not-now", None)
    assert scene.books == books
    assert scene.free.orders(StartCharge) == []
    scene.disk.lacking = None
    assert scene.place()[0] == 201
    assert len(scene.free.orders(StartCharge)) == 1


def test_an_order_that_is_there_is_told_without_room(tmp_path: Path) -> None:
    """A request that is repeated needs none: it was carried out before."""
    scene = Scene.set(tmp_path)
    _, order = scene.place()
    scene.disk.lacking = "a megabyte"
    status, again = scene.place()
    assert (status, again["id"]) == (201, order["id"])


def test_what_runs_ends_in_the_reserve(tmp_path: Path) -> None:
    """Its readings and its end are written down, it is billed, and the rest is given back."""
    scene = Scene.set(tmp_path)
    scene.disk.lacking = "a megabyte"
    scene.draw()
    assert scene.order["energy_mwh"] == 60_000
    scene.end()
    order = scene.order
    assert (order["state"], order["energy_mwh"]) == ("settled", 60_000)
    wallet = scene.world.get(f"/wallets/{scene.customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (1000 - order["amount_fen"], 0)
    assert [kept.record for kept in scene.running.kept()] == [1, 2]


# ------------------------------------------------------- a database that cannot be written


@pytest.mark.sqlite
def test_an_end_that_cannot_be_written_waits_in_the_spool(tmp_path: Path) -> None:
    """Nothing begins, for the reason that the database gives; the end is acknowledged, and
    settled once when the database takes it, however often its charger tells it."""
    scene = Scene.set(tmp_path)
    scene.draw()
    books = scene.books
    refuse_writes(scene.world.store)
    status, problem = scene.place()
    assert (status, problem["type"]) == (503, "/problems/overloaded")
    assert "the database cannot be written" in problem["detail"]
    assert "readonly" in problem["detail"]
    scene.end()
    scene.end()
    assert [kept.record for kept in scene.running.kept()] == [1, 2, 2]
    assert scene.books == books
    assert scene.free.orders(StartCharge) == []
    refuse_writes(scene.world.store, refuse=False)
    scene.world.clock.advance(15)
    scene.end()
    assert [kept.record for kept in scene.running.kept()] == [1, 2, 2, 2]
    assert (scene.order["state"], scene.order["energy_mwh"]) == ("settled", 60_000)
    events = scene.world.get(f"/orders/{scene.order_id}/events")["items"]
    assert [event["kind"] for event in events].count("order.settled") == 1
    assert scene.world.get("/orders/disputes")["items"] == []
    assert scene.place()[0] == 201


@pytest.mark.sqlite
def test_the_trouble_lasts_until_something_is_written(tmp_path: Path) -> None:
    """On a full disk followers are not woken for what was not written, and a decision that is
    refused for its own sake does not tell that there is room."""
    store = open_store(tmp_path, clock_at())
    woken: list[str | None] = []
    store.writer.on_commit.append(lambda: woken.append(store.writer.trouble))
    much = Decision(log=(LogEntry("said", 1, {"words": "x" * MEGABYTE}),))
    pages = allow_pages(store, 1)
    failure_of(store.writer.decide(much), OperationalError)
    trouble = "the database cannot be written: database or disk is full"
    assert (store.writer.trouble, woken) == (trouble, [])
    stale = Change("ports", {"charger_id": 1, "port": 1}, {"order_id": 1}, {"order_id": None})
    failure_of(store.writer.decide(Decision((stale,))), Stale)
    assert (store.writer.trouble, woken) == (trouble, [])
    allow_pages(store, pages)
    result_of(store.writer.decide(much))
    assert (store.writer.trouble, woken) == (None, [None])
    store.engine.dispose()
