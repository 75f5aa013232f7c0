"""Somebody else's charge point, the one of the package C{ocpp}, on a real socket.

It runs in a thread with a loop of its own, as the reactor has this one.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import pytest_twisted
import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from twisted.internet import reactor as installed_reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from ocpp_point import ocpp_world, register
from tests.web.resources.asking import Asking
from tests.world import World

reactor: Any = installed_reactor
PATIENCE_S = 20.0


class Theirs(ChargePoint):
    """
    A charge point that does what it is told.

    @ivar started: the C{idTag} that it was told to start for.
    @ivar is_stopped: whether it was told to stop.
    """

    def __init__(self, identity: str, connection: Any) -> None:
        super().__init__(identity, connection)
        self.started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.stopped: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @on("RemoteStartTransaction")
    def remote_start(self, id_tag: str, **_more: Any) -> Any:
        """Begin."""
        self.started.set_result(id_tag)
        return call_result.RemoteStartTransaction("Accepted")

    @on("RemoteStopTransaction")
    def remote_stop(self, transaction_id: int) -> Any:
        """End."""
        self.stopped.set_result(transaction_id)
        return call_result.RemoteStopTransaction("Accepted")

    async def live(self, ready: Callable[[], None]) -> None:
        """One charge, from the login to its end."""
        booted = await self.call(call.BootNotification("Model", "Vendor"))
        assert booted.status == "Accepted"
        await self.call(call.StatusNotification(1, "NoError", "Preparing"))
        ready()
        tag = await self.started
        begun = await self.call(call.StartTransaction(1, tag, 1_000, _now()))
        assert begun.id_tag_info["status"] == "Accepted"
        value = {"timestamp": _now(), "sampledValue": [{"value": "1000"}]}
        await self.call(call.MeterValues(1, [value], begun.transaction_id))
        assert await self.stopped == begun.transaction_id
        await self.call(call.StopTransaction(1_001, _now(), begun.transaction_id, "Remote"))


def _now() -> str:
    return datetime.now(UTC).isoformat()


def charge(port: int, key: str, ready: Event) -> None:
    """All of it, in a thread."""

    async def live() -> None:
        url = f"ws://CP-1:{key}@127.0.0.1:{port}/ocpp/CP-1"
        async with websockets.connect(url, subprotocols=["ocpp1.6"]) as connection:
            theirs = Theirs("CP-1", connection)
            listening = asyncio.create_task(theirs.start())
            await asyncio.wait_for(theirs.live(ready.set), PATIENCE_S)
            listening.cancel()

    asyncio.run(live())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform."""
    made = ocpp_world(tmp_path)
    yield made
    made.killed()


@pytest_twisted.ensureDeferred
async def test_a_charge_point_of_somebody_else_charges(world: World) -> None:
    """With its own WebSocket and its own checks of what we say: from the login to the bill."""
    made = register(world, "CP-1")
    endpoint = serverFromString(reactor, "tcp:0:interface=127.0.0.1")
    listening = await endpoint.listen(world.listener)
    deadline = reactor.seconds() + PATIENCE_S

    async def until(is_so: Callable[[], bool]) -> None:
        while not is_so():
            assert reactor.seconds() < deadline, "it never came"
            # what is due at once, by the platform's clock
            world.clock.advance(0)
            await deferLater(reactor, 0.01)

    ready = Event()
    done = deferToThread(charge, listening.getHost().port, made["key"], ready)
    await until(ready.is_set)
    body = {"charger_id": made["id"], "port": 1, "customer_id": world.customer()}
    order_id = world.make("/orders", body)["id"]

    def state() -> str:
        shown: str = world.get(f"/orders/{order_id}")["state"]
        return shown

    await until(lambda: state() == "charging")
    asked = Asking(world).begin("POST", f"/orders/{order_id}/stop")
    await until(lambda: state() == "settled")
    await until(lambda: bool(asked.response.called))
    assert asked.answer().status == 200
    assert world.get(f"/orders/{order_id}")["energy_mwh"] == 1_000
    await until(lambda: bool(done.called))
    await done
    await listening.stopListening()


@pytest.mark.parametrize(("password", "code"), [("{key}", 0), ("somebody else's", 1)])
@pytest_twisted.ensureDeferred
async def test_somebody_elses_tester_is_satisfied(world: World, password: str, code: int) -> None:
    """C{test-ocpp}, as sysadmins run it: with the right password, and refused with another."""
    made = register(world, "CP-1")
    listening = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(world.listener)
    tester = Path(sys.executable).with_name("test-ocpp")
    url = f"ws://127.0.0.1:{listening.getHost().port}/ocpp"
    given = [tester, url, "CP-1", "--password", password.format(key=made["key"])]
    ran = deferToThread(subprocess.run, given, capture_output=True, timeout=PATIENCE_S, check=False)
    while not ran.called:
        # what is due at once, by the platform's clock
        world.clock.advance(0)
        await deferLater(reactor, 0.01)
    finished = await ran
    assert finished.returncode == code, finished.stdout
    await listening.stopListening()
