"""A platform of a few lines, for the simulator's tests: one HTTP resource, and the cloud's
side of chargers' connections."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from attrs import define, field
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.facts import RecordTicket
from chargecloud.domain.charger import Secret
from chargecloud.domain.commands import Command, StartCharge
from chargecloud.domain.events import (
    CardPresented,
    ChargeEnded,
    ChargerEvent,
    ChargeStarted,
    Outcome,
    Reply,
)
from chargecloud.interfaces import Answered, Claimed, Credentials, Greeting, Proven, Told

KEY = bytes(range(16))
TOKEN = "let-me-in"
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class Refuse(Exception):
    """The resource answers with a problem."""

    def __init__(self, status: int, kind: str) -> None:
        super().__init__(kind)
        self.status = status
        self.kind = kind


class SmallApi(Resource):
    """Answers each POST with an id, and keeps what was asked for.

    @ivar asked: path and body of each POST, in their order.
    @ivar keys: the Idempotency-Key of each.
    @ivar times_asked: how often somebody wanted to know whether we are ready.
    @ivar answer: adds to the answer of a POST, or raises L{Refuse}, or C{ConnectionDone} to
        leave it without one.
    """

    isLeaf = True

    def __init__(self, calendar_now: Callable[[], datetime] = lambda: NOW) -> None:
        super().__init__()
        self.calendar_now = calendar_now
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.keys: list[str] = []
        self.ready = True
        self.times_asked = 0
        self.answer: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda _path, _body: {}

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """What was posted to a path."""
        return [body for asked, body in self.asked if asked == path]

    def render_GET(self, request: Request) -> bytes:
        """Say whether we are ready."""
        self.times_asked += 1
        calendar = {"now": self.calendar_now().isoformat(), "speed": 60.0}
        return json.dumps({"ready": self.ready, "calendar": calendar}).encode()

    def render_POST(self, request: Request) -> bytes | int:
        """Make what is asked for."""
        assert request.path is not None
        path = request.path.decode().removeprefix("/api/v1")
        assert request.content is not None
        body = json.loads(request.content.read())
        self.asked.append((path, body))
        self.keys.append(request.getHeader("idempotency-key") or "")
        try:
            if request.getHeader("authorization") != f"Bearer {TOKEN}":
                raise Refuse(401, "not-authenticated")
            made = {"id": str(len(self.asked)), **self.answer(path, body)}
        except ConnectionDone:
            request.loseConnection()
            return NOT_DONE_YET
        except Refuse as refusal:
            request.setResponseCode(refusal.status)
            problem = {"type": f"/problems/{refusal.kind}", "status": refusal.status}
            return json.dumps(problem).encode()
        request.setResponseCode(201)
        if path == "/chargers":
            made["key"] = KEY.hex()
        return json.dumps(made).encode()


@define(eq=False, slots=False)
class CloudEnd(Protocol):
    """The cloud's side of one charger's connection.

    @ivar knows: whether chargers are registered here.
    @ivar outcome: what becomes of every record.
    @ivar card_code: what every card is answered with.
    @ivar offline_order_id: the order of a charge that was begun offline.
    @ivar postpone_s: says that there is no time now, and when there may be.
    @ivar is_deaf: hears nothing, and so says nothing.
    @ivar told: facts, in their order; C{records}: numbers of those that are records.
    @ivar answers: to commands, by number.
    """

    knows: bool = True
    outcome: Outcome = Outcome.KEPT
    card_code: str = "ok"
    offline_order_id: int | None = None
    postpone_s: int | None = None
    secret: Secret = field(factory=lambda: Secret(KEY, 1))
    identity: str = ""
    told: list[ChargerEvent] = field(factory=list)
    records: list[int] = field(factory=list)
    answers: dict[int, Any] = field(factory=dict)
    logins: list[Proven] = field(factory=list)
    unix_s: Callable[[], int] = lambda: int(NOW.timestamp())
    bytes_heard: int = 0
    is_deaf: bool = False

    def connectionMade(self) -> None:
        """A charger connects."""
        self._talk = NativeDialect(lambda size: bytes(size)).conversation()
        self._commands = 0

    def dataReceived(self, data: bytes) -> None:
        """Hear, welcome, keep."""
        if self.is_deaf:
            return
        self.bytes_heard += len(data)
        for heard in self._talk.receive(data):
            self.identity = heard.identity
            if isinstance(heard, Claimed) and self.postpone_s is not None:
                self._talk.postpone(heard.identity, self.postpone_s)
            elif isinstance(heard, Claimed):
                credentials = Credentials(self.secret) if self.knows else None
                self._talk.welcome(heard.identity, credentials, Greeting(self.unix_s(), 30))
            elif isinstance(heard, Proven):
                self.logins.append(heard)
            elif isinstance(heard, Answered):
                self.answers[heard.number] = heard.answer
            elif isinstance(heard, Told):
                self.told.append(heard.event)
                if isinstance(heard.ticket, RecordTicket):
                    self.records.append(heard.ticket.record)
                if heard.ticket is not None:
                    self._talk.acknowledge(heard.identity, heard.ticket, self._reply(heard.event))
        self._write()

    def _reply(self, event: ChargerEvent) -> Reply:
        if isinstance(event, CardPresented):
            return Reply(Outcome.KEPT, self.card_code)
        offline = isinstance(event, ChargeStarted) and event.offline is not None
        return Reply(self.outcome, order_id=self.offline_order_id if offline else None)

    def command(self, command: Command) -> int:
        """Send a command, and say its number."""
        self._commands += 1
        self._talk.command(self.identity, self._commands, command)
        self._write()
        return self._commands

    def facts(self, kind: type[ChargerEvent]) -> list[Any]:
        """What was told of one kind."""
        return [event for event in self.told if isinstance(event, kind)]

    def _write(self) -> None:
        if (data := self._talk.data_to_send()) and self.transport is not None:
            self.transport.write(data)


class CloudEnds(Factory):
    """Listens for chargers, and starts orders at them."""

    noisy = False

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.ends: list[CloudEnd] = []

    def buildProtocol(self, addr: object) -> CloudEnd:
        """One more charger."""
        end = CloudEnd(unix_s=lambda: int(self._now().timestamp()))
        self.ends.append(end)
        return end

    def start(self, identity: str, port: int, order_id: int, limit_energy_mwh: int) -> None:
        """Start an order at a charger that is connected."""
        end = next(end for end in reversed(self.ends) if end.identity == identity)
        valid_until_s = int(self._now().timestamp()) + 900
        end.command(StartCharge(order_id, port, valid_until_s, limit_energy_mwh))

    @property
    def ended(self) -> list[ChargeEnded]:
        """All end records that were told."""
        return [record for end in self.ends for record in end.facts(ChargeEnded)]
