"""Work that one node at a time may do: nodes on one database, in step with a clock."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chargecloud.nodes.leases import LEASE_S, RENEW_S, Leases, Work
from chargecloud.storage.roster import Node
from chargecloud.storage.schema import work_leases
from chargecloud.storage.store import Store
from tests.harness import clock_at, open_store, result_of, rows_of

WORKS = [f"work {number}" for number in range(5)]
WORKER = frozenset({"worker"})


@define(eq=False)
class Worker:
    """A node that does work.

    @ivar doing: what it does, as it was told.
    @ivar begun: how often each was begun.
    @ivar cannot: what fails as it begins.
    """

    store: Store
    doing: set[str] = field(factory=set)
    begun: Counter[str] = field(factory=Counter)
    cannot: set[str] = field(factory=set)
    ending: "Deferred[None] | None" = None
    leases: Leases = field(init=False)

    def work(self, name: str) -> Work:
        """One piece."""

        def start() -> None:
            assert name not in self.doing
            if name in self.cannot:
                raise ValueError(f"{name} cannot be begun here")
            self.doing.add(name)
            self.begun[name] += 1

        def stop() -> "Deferred[None] | None":
            self.doing.discard(name)
            return self.ending

        return Work(start, stop)


@define(eq=False)
class Party:
    """Several workers on one database."""

    folder: Path
    clock: Clock = field(factory=clock_at)
    workers: list[Worker] = field(factory=list)

    def join(self, *cannot: str) -> Worker:
        """One more."""
        slot = len(self.workers) + 1
        worker = Worker(open_store(self.folder, self.clock, slot=slot), cannot=set(cannot))
        works = {name: worker.work(name) for name in WORKS}
        worker.leases = Leases(worker.store, self.clock, works)
        self.workers.append(worker)
        self.see()
        worker.leases.startService()
        return worker

    def see(self) -> None:
        """All that run see each other, as they do every few seconds."""
        running = [each for each in self.workers if each not in self.gone]
        now_ms = int(self.clock.seconds() * 1000)
        found = [
            Node(each.store.node, "h:1", now_ms, WORKER, is_draining=False) for each in running
        ]
        for each in running:
            each.store.roster.look(found, self.clock.seconds())

    gone: list[Worker] = field(factory=list)

    def die(self, worker: Worker) -> None:
        """It does nothing any more, and tells nobody."""
        worker.store.writer.closed = True
        worker.doing.clear()
        self.gone.append(worker)

    def pass_time(self, seconds: float) -> None:
        """Let time pass; nothing is done twice meanwhile."""
        for _ in range(round(seconds)):
            self.clock.advance(1)
            self.see()
            assert max(self.holders().values(), default=0) <= 1

    def holders(self) -> Counter[str]:
        """How many do each work."""
        return Counter(name for worker in self.workers for name in worker.doing)

    def shares(self) -> list[int]:
        """How much each does, the most first."""
        return sorted((len(worker.doing) for worker in self.workers), reverse=True)


@pytest.fixture
def party(tmp_path: Path) -> Iterator[Party]:
    """On a new database."""
    made = Party(tmp_path)
    yield made
    for worker in made.workers:
        worker.store.engine.dispose()


def all_is_done(party: Party) -> bool:
    """Each work by one."""
    return party.holders() == Counter(WORKS)


def test_one_node_does_all(party: Party) -> None:
    """At once: nobody else had it."""
    worker = party.join()
    assert worker.doing == set(WORKS) == worker.leases.held
    party.pass_time(60)
    assert worker.begun == Counter(WORKS)


@pytest.mark.parametrize(("count", "shares"), [(2, [3, 2]), (3, [2, 2, 1]), (7, [1] * 5 + [0, 0])])
def test_nodes_share(party: Party, count: int, shares: Sequence[int]) -> None:
    """One that comes gets its share within some renewals, of whoever has more than theirs."""
    for _ in range(count):
        party.join()
    party.pass_time(3 * RENEW_S)
    assert all_is_done(party)
    assert party.shares() == shares
    begun = [worker.begun.copy() for worker in party.workers]
    party.pass_time(60)
    assert [worker.begun for worker in party.workers] == begun


def test_a_node_that_goes_in_order_leaves_its_work_at_once(party: Party) -> None:
    """Nobody waits for its lease to run out."""
    first, second, third = (party.join() for _ in range(3))
    party.pass_time(4 * RENEW_S)
    result_of(first.leases.stopService())
    party.gone.append(first)
    assert first.doing == set()
    assert first.leases.held == set()
    party.pass_time(2 * RENEW_S)
    assert all_is_done(party)
    assert sorted([len(second.doing), len(third.doing)]) == [2, 3]


def test_the_work_of_a_node_that_died_is_taken_over(party: Party) -> None:
    """After its lease, and not before: it may only be slow."""
    first, second = party.join(), party.join()
    party.pass_time(3 * RENEW_S)
    party.die(first)
    party.pass_time(LEASE_S - RENEW_S)
    assert len(second.doing) == 2
    party.pass_time(3 * RENEW_S)
    assert second.doing == set(WORKS)


def test_what_cannot_begin_at_one_node_is_left_to_others(party: Party) -> None:
    """And that node goes on with the rest, and renews it."""
    broken = party.join(WORKS[0])
    assert broken.doing == set(WORKS[1:]) == broken.leases.held
    party.pass_time(2 * RENEW_S)
    other = party.join()
    party.pass_time(2 * LEASE_S)
    assert all_is_done(party)
    assert WORKS[0] in other.doing
    assert other.doing.isdisjoint(broken.doing)
    assert broken.begun == Counter(WORKS[1:])


def test_a_node_that_was_slow_gives_up_what_it_lost(party: Party) -> None:
    """It could not renew for longer than a lease: two do the work until its next renewal, and
    no longer."""
    slow, other = party.join(), party.join()
    party.pass_time(3 * RENEW_S)
    had = set(slow.doing)
    slow.store.writer.closed = True
    party.gone.append(slow)
    party.pass_time(1)
    for _ in range(round(LEASE_S + 3 * RENEW_S)):
        party.clock.advance(1)
        party.see()
    assert had <= other.doing & slow.doing
    slow.store.writer.closed = False
    party.gone.clear()
    for _ in range(round(RENEW_S)):
        party.clock.advance(1)
    assert not slow.doing & other.doing
    party.see()
    party.pass_time(4 * RENEW_S)
    assert all_is_done(party)
    assert party.shares() == [3, 2]


def test_a_node_that_could_not_look_takes_nothing_over(party: Party) -> None:
    """The database was away for both: who looks first after it sees leases that are old, and
    they may be renewed in a moment."""
    first, second = party.join(), party.join()
    party.pass_time(3 * RENEW_S)
    shares = [set(each.doing) for each in party.workers]
    for each in party.workers:
        each.store.writer.closed = True
    party.pass_time(10 * LEASE_S)
    second.store.writer.closed = False
    party.pass_time(RENEW_S)
    first.store.writer.closed = False
    party.pass_time(2 * LEASE_S)
    assert [each.doing for each in party.workers] == shares


def test_a_process_that_starts_again_has_its_work_back(party: Party, tmp_path: Path) -> None:
    """It has its slot again, and nobody else may do it for as long as its lease runs."""
    first = party.join()
    party.pass_time(5)
    party.die(first)
    again = Worker(open_store(tmp_path, party.clock, slot=first.store.node))
    again.leases = Leases(again.store, party.clock, {name: again.work(name) for name in WORKS})
    again.leases.startService()
    assert again.doing == set(WORKS)
    again.store.engine.dispose()


def test_others_begin_when_it_has_ended(party: Party) -> None:
    """What is under way is finished before the lease is given back."""
    first = party.join()
    first.ending = Deferred()
    second = party.join()
    party.pass_time(LEASE_S - RENEW_S)
    # the share of the second one is still being finished by the first
    assert second.doing == set()
    first.ending.callback(None)
    first.ending = None
    party.pass_time(2 * RENEW_S)
    assert all_is_done(party)
    assert party.shares() == [3, 2]


def test_work_that_does_not_end_well_is_given_up_all_the_same(party: Party) -> None:
    """Its fault must not keep the others from it."""
    first = party.join()

    def broken() -> None:
        raise ValueError("ours")

    for name in WORKS:
        first.leases._works[name].stop = broken
    result_of(first.leases.stopService())
    assert rows_of(first.store, work_leases) == []
