"""A charge point on a whole platform in memory, whose logic is the test's."""

from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chargecloud_ocpp.calls import Call, Error, Message, Result, parse, write
from chargecloud_ocpp.dialect import OcppDialect
from chargecloud_ocpp.feature import OcppFeature
from chargecloud_ocpp.frames import Closed, Ping, Pong, Text
from chargecloud_ocpp.messages.fields import moment
from chargecloud_ocpp.requests import Basic
from chargecloud_ocpp.settings import OcppSettings
from chargecloud_ocpp.side import Refused
from chargecloud_ocpp.websocket_client import ClientSide, Opened
from ocpp_schemas import passes
from tests.world import World, native_plugins

IDENTITY = "CP 1"
BOOT = {"chargePointVendor": "Vendor", "chargePointModel": "Model", "firmwareVersion": "7.1"}


def ocpp_world(folder: Path, settings: OcppSettings | None = None, **more: Any) -> World:
    """A platform that speaks OCPP as well."""
    given = {"ocpp": settings or OcppSettings()}
    own = native_plugins()
    plugins = evolve(
        own,
        dialects={**own.dialects, "ocpp": OcppDialect()},
        features={"ocpp": OcppFeature()},
    )
    return World(folder, plugins=plugins, feature_settings=given, **more)


def register(world: World, identity: str = IDENTITY, **more: Any) -> Any:
    """Register a charge point of two connectors; what the API answers."""
    body = {
        "site_id": world.site(),
        "dialect": "ocpp",
        "identity": identity,
        "name": identity,
        "ports": 2,
        "kind": "ac",
        "rated_w": 14_000,
        **more,
    }
    return world.make("/chargers", body)


@define(eq=False)
class Point:
    """
    A charge point.

    @ivar charger_id: the platform's id of it.
    @ivar calls: of the central system, oldest first, until they are taken.
    @ivar answers: to calls of ours, by their ids.
    @ivar refused: the status of HTTP by which it was turned away.
    """

    world: World
    charger_id: str
    key: str | None
    identity: str = IDENTITY
    calls: list[Call] = field(factory=list)
    answers: dict[str, Result | Error] = field(factory=dict)
    refused: int | None = None
    transport: Any = None
    _protocol: Any = None
    _side: ClientSide = field(factory=ClientSide)
    _asked: dict[str, str] = field(factory=dict)
    _number: int = 0

    def connect(self, **more: Any) -> "Point":
        """A new connection, up to the opened WebSocket."""
        self._side, self.refused, self.transport = ClientSide(), None, StringTransport()
        basic = None if self.key is None else Basic(self.identity.encode(), self.key.encode())
        self._side.connect("/ocpp", self.identity, **{"basic": basic, **more})
        self._protocol = self.world.listener.buildProtocol(None)
        self._protocol.makeConnection(self.transport)
        return self.pump()

    def drop(self) -> None:
        """The network takes the connection."""
        self._protocol.connectionLost(Failure(ConnectionLost()))

    def pump(self) -> "Point":
        """Carry bytes both ways until nothing moves."""
        while True:
            up = self._side.data_to_send()
            if up:
                self._protocol.dataReceived(up)
            # what is due at once
            self.world.clock.advance(0)
            down = self.transport.value()
            self.transport.clear()
            for each in self._side.receive(down) if down else ():
                self._hear(each)
            if not up and not down:
                return self

    def _hear(self, each: Opened | Refused | Text | Ping | Pong | Closed) -> None:
        if isinstance(each, Refused):
            self.refused = each.status
        elif isinstance(each, Text):
            message = parse(each.text)
            if isinstance(message, Call):
                assert passes(message.action, False, message.payload), message
                self.calls.append(message)
                return
            assert isinstance(message, Result | Error), message
            if isinstance(message, Result):
                assert passes(self._asked[str(message.id)], True, message.payload), message
            self.answers[str(message.id)] = message

    @property
    def is_open(self) -> bool:
        """Whether the connection stands."""
        return self._side.is_open and not self.transport.disconnecting

    # ------------------------------------------------------------------------------ what it says

    def begin(self, action: str, payload: Any) -> str:
        """Call, and do not wait; the call's id."""
        self._number += 1
        self._asked[str(self._number)] = action
        self.send(Call(str(self._number), action, payload))
        return str(self._number)

    def call(self, action: str, payload: Any) -> Any:
        """Call, and take the answer, which is a result by the schemas; C{None} if there is none."""
        answer = self.answers.get(self.begin(action, payload))
        assert not isinstance(answer, Error), answer
        return None if answer is None else answer.payload

    def send(self, message: Message) -> None:
        """Say something, whatever it is."""
        self.say(write(message))

    def say(self, text: str) -> None:
        """Say a text."""
        self._side.send_text(text)
        self.pump()

    def boot(self) -> "Point":
        """Connect, and tell what it is; what it is set to then is refused."""
        self.connect()
        assert self.call("BootNotification", BOOT)["status"] == "Accepted"
        while self.calls:
            self.send(Error(self.calls.pop(0).id, "NotSupported"))
        return self

    def take(self, action: str) -> Call:
        """The newest call of the central system, which must be this."""
        self.pump()
        call = self.calls.pop()
        assert call.action == action
        return call

    def answer(self, call: Call, **payload: Any) -> None:
        """Answer it."""
        self.send(Result(call.id, payload))

    def live(self, seconds: int) -> None:
        """Let time pass, with signs of life."""
        for _ in range(seconds // 60):
            self.world.clock.advance(60)
            self.call("Heartbeat", {})

    @property
    def now(self) -> str:
        """The time, as it is written."""
        return moment(self.world.calendar.now())

    def plug(self, state: str = "Preparing", connector: int = 1, **more: Any) -> Any:
        """A connector's state has changed."""
        told = {"connectorId": connector, "errorCode": "NoError", "status": state, **more}
        return self.call("StatusNotification", {"timestamp": self.now, **told})

    def start(self, tag: str, meter_wh: int = 1_000, **more: Any) -> int:
        """A transaction has begun; its number."""
        told = {"connectorId": 1, "idTag": tag, "meterStart": meter_wh, "timestamp": self.now}
        number: int = self.call("StartTransaction", told | more)["transactionId"]
        return number

    def meter(self, number: int | None, *sampled: Any, **more: Any) -> None:
        """Tell what the meters of the first connector show."""
        told = {
            "connectorId": 1,
            "meterValue": [{"timestamp": self.now, "sampledValue": list(sampled)}],
            **({} if number is None else {"transactionId": number}),
        }
        assert self.call("MeterValues", told | more) == {}

    def stop(self, number: int, meter_wh: int, **more: Any) -> Any:
        """A transaction has ended."""
        told = {"transactionId": number, "meterStop": meter_wh, "timestamp": self.now}
        return self.call("StopTransaction", told | more)


def point(world: World, **more: Any) -> Point:
    """A registered charge point that is not connected yet."""
    made = register(world, **more)
    return Point(world, made["id"], made["key"], made["identity"])


def charging(world: World, there: Point, meter_wh: int = 1_000, **more: Any) -> tuple[str, int]:
    """An order whose charge has begun at the first connector: its id and its transaction's."""
    there.plug()
    customer = more.pop("customer_id", None) or world.customer()
    body = {"charger_id": there.charger_id, "port": 1, "customer_id": customer, **more}
    order_id: str = world.make("/orders", body)["id"]
    call = there.take("RemoteStartTransaction")
    there.answer(call, status="Accepted")
    return order_id, there.start(call.payload["idTag"], meter_wh)


def energy(wh: object, **more: Any) -> dict[str, Any]:
    """A sample of the energy register."""
    return {"value": str(wh), "unit": "Wh", **more}
