import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import define
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.task import deferLater
from twisted.web.server import Site

from chargecloud.domain.charger import ChargerTime
from chargecloud.domain.events import ChargeEnded, StopReason
from chargecloud.simulator.flash import Flash, FlashError, FleetCharger, FleetMemory, text_of
from chargecloud.simulator.fleet import SimulatorService
from chargecloud.simulator.memory import Memory
from chargecloud.simulator.native import SimulatedNative
from tests.simulator.charger_parts import bike
from tests.simulator.small_platform import NOW, TOKEN, CloudEnds, SmallApi

SPEED = 60
#: real seconds that anything here may take: far more than it does
PATIENCE_S = 10


@define
class Listening:
    """The small platform behind two ports of this machine."""

    api: SmallApi
    chargers: CloudEnds
    ports: list[Any]

    def simulator(self, folder: Path, **given: Any) -> SimulatorService:
        """A simulator for it."""
        api_port, charger_port = (port.getHost().port for port in self.ports)
        options = {"chargers": 3, "ports": 2, "scenario": "quiet", "seed": 1, **given}
        return SimulatorService(
            reactor=reactor,
            connect=f"tcp:127.0.0.1:{charger_port}",
            api_url=f"http://127.0.0.1:{api_port}/",
            token=TOKEN,
            speaks=SimulatedNative(),
            folder=folder,
            **options,
        )

    async def close(self) -> None:
        """Listen no more."""
        for port in self.ports:
            await port.stopListening()


async def listen() -> Listening:
    """A small platform with a fast calendar."""
    clock: Any = reactor
    started_s = clock.seconds()

    def now() -> Any:
        return NOW + timedelta(seconds=(clock.seconds() - started_s) * SPEED)

    api, chargers = SmallApi(now), CloudEnds(now)
    ports = [
        await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        for factory in (Site(api), chargers)
    ]
    return Listening(api, chargers, ports)


async def until(condition: Any) -> None:
    """Wait for something to be so."""
    clock: Any = reactor
    for _ in range(PATIENCE_S * 50):
        if condition():
            return
        await deferLater(clock, 0.02)
    raise AssertionError("it never came to be so")


@pytest_twisted.ensureDeferred
async def test_a_fleet_comes_up_stops_and_goes_on(tmp_path: Path) -> None:
    """Over sockets: it waits for the platform, registers, connects and stops; a second run
    has the same chargers in a new start, and its book agrees with what the platform heard."""
    platform = await listen()
    platform.api.ready = False
    first = platform.simulator(tmp_path)
    first.startService()
    await until(lambda: platform.api.times_asked >= 2)
    assert platform.api.asked == []
    platform.api.ready = True
    await until(lambda: sum(len(end.logins) for end in platform.chargers.ends) == 3)
    await first.stopService()
    identities = {end.identity for end in platform.chargers.ends}
    assert identities == {"SIM-0001", "SIM-0002", "SIM-0003"}

    flash = Flash(tmp_path / "flash.json")
    memory = flash.read()
    memory.chargers[0].memory.ports[0].bike = bike()
    flash.write(text_of(memory))
    asked = len(platform.api.asked)
    second = platform.simulator(tmp_path)
    second.startService()
    await until(lambda: sum(len(end.logins) for end in platform.chargers.ends) == 6)
    assert len(platform.api.asked) == asked
    logins = [end.logins[0] for end in platform.chargers.ends]
    assert {login.identity for login in logins[3:]} == identities
    assert [login.login.boot for login in logins] == [1, 1, 1, 2, 2, 2]

    platform.chargers.start("SIM-0001", port=1, order_id=77, limit_energy_mwh=2_000)
    await until(lambda: platform.chargers.ended)
    await second.stopService()
    (ended,) = platform.chargers.ended
    duration_s = bike().curve.place_of_energy(2_000)
    assert ended == ChargeEnded(77, 1, 0, 2_000, duration_s, StopReason.LIMIT_ENERGY, ended.at)
    assert isinstance(ended.at, ChargerTime)
    assert ended.at.boot == 2
    (line,) = (tmp_path / "book.jsonl").read_text().splitlines()
    assert json.loads(line)["end_meter_mwh"] == 2_000
    assert flash.read().chargers[0].memory.ports[0].meter_mwh == 2_000
    await platform.close()


@pytest_twisted.ensureDeferred
async def test_a_fleet_that_cannot_start_can_be_stopped(tmp_path: Path) -> None:
    """Whatever it waits for: a platform that is not there, or one that refuses it."""
    platform = await listen()
    refused = platform.simulator(tmp_path)
    refused._api.token = "bad"
    refused.startService()
    await until(lambda: platform.api.asked)
    await refused.stopService()
    waiting = platform.simulator(tmp_path)
    await platform.close()
    waiting.startService()
    await waiting.stopService()
    assert platform.chargers.ends == []


def test_a_memory_of_another_dialect_is_not_used(tmp_path: Path) -> None:
    """Its chargers are registered with what they spoke."""
    memory = FleetMemory(
        chargers=[FleetCharger("04000001", "3", None, Memory.new(2))], dialect="dny"
    )
    Flash(tmp_path / "flash.json").write(text_of(memory))
    with pytest.raises(FlashError, match="memory of dny chargers"):
        SimulatorService(
            reactor=reactor,
            connect="tcp:127.0.0.1:1",
            api_url="http://127.0.0.1:1",
            token="t",
            speaks=SimulatedNative(),
            chargers=1,
            ports=1,
            scenario="quiet",
            folder=tmp_path,
            seed=1,
        )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"scenario": "riot"}, "must be one of demo"),
        ({"connect": "carrier-pigeon:"}, "Unknown endpoint type"),
    ],
)
def test_a_fleet_of_nonsense_is_refused(tmp_path: Path, given: Any, told: str) -> None:
    """Before anything is started."""
    options = {
        "connect": "tcp:127.0.0.1:1",
        "speaks": SimulatedNative(),
        "scenario": "quiet",
        "api_url": "http://127.0.0.1:1",
    } | given
    with pytest.raises(ValueError, match=told):
        SimulatorService(
            reactor=reactor, token="t", chargers=1, ports=1, folder=tmp_path, seed=1, **options
        )
