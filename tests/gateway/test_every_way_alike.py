"""TLS, a proxy's header and a plain socket bring the same to those who act on it."""

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from chargecloud.domain.commands import Answer, StopCharge
from chargecloud.gateway.routing import Routing
from tests.dialects.native_pair import ENDED, ORDER, REPORT, STARTED
from tests.gateway.gate import Office
from tests.gateway.sockets import WAYS, Way, in_time, make_gateway, reactor, until

DEADLINE_S = 10.0


async def _a_day(kind: str, folder: Path, size: int) -> dict[str, Any]:
    """A login, a charge in pieces of so many bytes, a command, and a fault that ends it; what came
    of it."""
    gateway = make_gateway()
    office = gateway.events
    assert isinstance(office, Office)
    way = Way(kind, folder)
    async with way.listening(gateway) as port:
        charger = await way.connect(port)
        await in_time(charger.log_in())
        charger.wire.started(1, STARTED)
        charger.wire.report(REPORT)
        charger.wire.ended(2, ENDED)
        charger.wire.heartbeat()
        said = charger.wire.data_to_send()
        for at in range(0, len(said), size):
            charger.transport.write(said[at : at + size])
            await deferLater(reactor, 0)
        await until(lambda: len(office.facts) == 3)
        sent = Routing(gateway.presence).send(1, StopCharge(ORDER, 2), DEADLINE_S)
        answer: Answer = await in_time(sent)
        charger.transport.write(b"\xff" * 40)
        await in_time(charger.lost)
        await until(lambda: gateway.connections == 0)
    return {
        "facts": [repr(event) for _, event in office.facts],
        "asked": office.asked,
        "heard": {(dialect, heard.__name__): n for (dialect, heard), n in gateway.heard.items()},
        "faults": dict(gateway.faults),
        "answer": answer,
        "lost": len(office.lost),
    }


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("size", [7, 1_000], ids=["in pieces", "at once"])
async def test_every_way_brings_the_same(tmp_path: Path, size: int) -> None:
    """The same facts, answers, faults and ends, whatever is between a charger and us."""
    days = {}
    for kind in WAYS:
        folder = tmp_path / kind
        folder.mkdir()
        days[kind] = await _a_day(kind, folder, size)
    assert len(days["tcp"]["facts"]) == 3
    assert days["tcp"]["answer"].accepted
    assert days["tcp"]["faults"]
    assert all(day == days["tcp"] for day in days.values())
