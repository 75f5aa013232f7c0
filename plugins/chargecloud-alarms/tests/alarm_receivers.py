"""What the tests of several sinks share: an alarm, and where an HTTP receiver stands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.web.server import Site

from chargecloud.domain.alarm import Alarm, Level

ALARM = Alarm(
    rule="port-hot",
    level=Level.CRITICAL,
    tenant_id=1,
    charger_id=2**60,
    port=3,
    at=datetime(2026, 11, 27, 9, 30, tzinfo=UTC),
    evidence={"temperature_dc": 910},
)


@asynccontextmanager
async def listening(receiver: Any) -> AsyncIterator[Any]:
    """A resource on this machine; it is told its URL."""
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Site(receiver))
    receiver.url = f"http://127.0.0.1:{port.getHost().port}"
    yield receiver
    await port.stopListening()
