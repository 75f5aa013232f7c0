"""A platform in memory whose people pay in the sandbox, whose notices come over HTTP."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field
from sqlalchemy.exc import OperationalError
from treq.testing import StubTreq
from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.task import Clock

from chargecloud.calendar import Calendar
from chargecloud.features.sandbox.channel import SandboxChannel
from chargecloud.interfaces import IPaymentChannel
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import postings
from chargecloud.web.serving import make_resource
from tests.harness import Notebook, clock_at, result_of, rows_of
from tests.world import World, native_plugins

T = TypeVar("T")


def recurring(world: World) -> list[Service]:
    """What a process that does all parts of the service does again and again."""
    platform = world.platform
    return [*platform.followings, *platform.rounds, *platform.shared_rounds.values()]


@define(eq=False)
class Unlucky:
    """Writes as asked, or loses a commit: before it was made, or the word of it."""

    fates: list[str] = field(factory=list)

    def run(self, work: Callable[[], T]) -> "Deferred[T]":
        """Run it, or not."""
        fate = self.fates.pop(0) if self.fates else "well"
        lost: OperationalError = OperationalError("COMMIT", {}, Exception("the disk is gone"))
        if fate == "before":
            return fail(lost)
        done = maybeDeferred(work)
        return done.addBoth(lambda _result: fail(lost)) if fate == "after" else done


class Till:
    """
    A world with a sandbox.

    @ivar posted: the notices that were sent, with the status that each was answered.
    @ivar is_deaf: whether the network loses all notices.
    @ivar channels: the ways to pay, by name; the sandbox, if nothing else is said.
    """

    sandbox_is: type[SandboxChannel] = SandboxChannel

    def __init__(
        self,
        folder: Path,
        clock: Clock | None = None,
        channels: Mapping[str, IPaymentChannel] | None = None,
        **more: Any,
    ) -> None:
        self.clock = clock or clock_at()
        self.sandbox = self.sandbox_is(self.clock, Calendar(self.clock.seconds), self._post)
        self.channels = channels or {self.sandbox.name: self.sandbox}
        self.notebook = Notebook()
        self.is_deaf = False
        self.posted: list[tuple[str, Mapping[str, str], bytes, int]] = []
        self.folder = folder
        self.world = self._start(**more)

    def _start(self, **more: Any) -> World:
        plugins = native_plugins(
            payment_channels=self.channels, alarm_sinks={"notebook": self.notebook}
        )
        world = World(self.folder, self.clock, plugins=plugins, **more)
        for service in recurring(world):
            service.startService()
        self._treq: Any = StubTreq(
            make_resource(world.platform.routes, lambda _token: succeed(None))
        )
        return world

    def restarted(self) -> World:
        """The process was killed, and is there again; the sandbox was there all the time."""
        for service in recurring(self.world):
            service.stopService()
        self.world.killed()
        self.world = self._start()
        return self.world

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> "Deferred[int]":
        if self.is_deaf:
            self.posted.append((url, headers, body, 0))
            return succeed(0)
        status = self.notice(url, headers, body)
        self.posted.append((url, headers, body, status))
        return succeed(status)

    def notice(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send a notice; the status of the answer."""
        given = {name: [value] for name, value in headers.items()}
        asked = self._treq.post(url, headers=given, data=body)
        self._treq.flush()
        return int(result_of(asked).code)

    def open(self, amount_fen: int = 500, key: str | None = None, **more: Any) -> Any:
        """Open a payment."""
        body = {"channel": "sandbox", "amount_fen": amount_fen, **more}
        return self.world.make("/payments", body, key)

    def pay(self, payment: Any, wait_s: float = 2) -> Any:
        """Pay one, and see what became of it."""
        self.sandbox.pay(None, payment["id"])
        self.wait(wait_s)
        return self.shown(payment)

    def shown(self, payment: Any) -> Any:
        """A payment as it is now."""
        return self.world.get(f"/payments/{payment['id']}")

    def refunds(self, payment: Any) -> list[Any]:
        """The refunds of a payment."""
        found: list[Any] = self.world.get(f"/refunds?payment_id={payment['id']}")["items"]
        return found

    def alarms(self, rule: str) -> list[Any]:
        """The alarms of a rule that people were told by now."""
        self.clock.advance(0)
        return [each for each in self.notebook.alarms if each.rule == rule]

    def wait(self, seconds: float) -> None:
        """Let time pass, some seconds at a time, as rounds have to follow each other."""
        while seconds > 0:
            step = min(5.0, seconds)
            self.clock.advance(step)
            seconds -= step

    def balances(self) -> dict[str, int]:
        """What each kind of account comes to; the books are sound, and sum to zero."""
        with self.world.store.engine.connect() as connection:
            assert list(ledger_faults(connection)) == []
        found: dict[str, int] = {}
        for row in rows_of(self.world.store, postings):
            for side, sign in (("debit", -1), ("credit", 1)):
                kind = row[f"{side}_kind"]
                found[kind] = found.get(kind, 0) + sign * row["amount_fen"]
        assert sum(found.values()) == 0
        return {kind: amount_fen for kind, amount_fen in found.items() if amount_fen}
