"""A whole platform in memory, in step with a clock: chargers on string transports, people
over HTTP without sockets."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define, field
from sqlalchemy import select
from treq.testing import StubTreq
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chargecloud.assembly import Platform
from chargecloud.calendar import Calendar
from chargecloud.charging.settings import ChargingSettings
from chargecloud.dialects.native.charger import Facts, NativeCharger
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.received import CardAnswered, Kept, Ordered, Received, Welcomed
from chargecloud.domain.charger import ChargerTime, PortState, Secret
from chargecloud.domain.commands import Answer, NewKey, StartCharge, StopCharge
from chargecloud.domain.events import (
    BoxReading,
    ChargeEnded,
    ChargePaused,
    ChargeStarted,
    HazardTold,
    ParametersTold,
    PauseReason,
    PortReading,
    PortsReported,
    StopReason,
)
from chargecloud.gateway.settings import Limits
from chargecloud.money.builtin import builtin_tariffs
from chargecloud.plugins import Plugins
from chargecloud.registry.tenants import all_tenants, create_tenant
from chargecloud.registry.vault import Vault
from chargecloud.routes import Caller
from chargecloud.storage.roster import Node
from chargecloud.storage.schema import event_log
from chargecloud.storage.spool import Spool
from chargecloud.web.serving import make_resource
from tests.harness import InStep, clock_at, open_store, result_of

#: a charger that does what it is told
DONE = Answer(True)

#: the same price all day: 0.60 yuan for electricity and 0.40 for service
FLAT = {
    "rates": {"all": {"electricity": 60000, "service": 40000}},
    "day": [{"from": "00:00", "rate": "all"}],
}


def native_plugins(**more: Any) -> Plugins:
    """What comes with the platform, without its features."""
    tariffs = {each.kind: each for each in builtin_tariffs()}
    return Plugins(
        dialects={"native": NativeDialect()}, tariffs=tariffs, **{"features": {}, **more}
    )


@define(eq=False)
class Box:
    """
    A native charger of one port whose logic is the test's, wired to the gateway.

    @ivar new_keys: the commands to make another key; they are not among what was heard.
    """

    world: "World"
    id: int
    identity: str
    key: bytes
    boot: int = 1
    connections: int = 0
    booted_at: float = 0.0
    heard: list[Received] = field(factory=list)
    new_keys: list[Any] = field(factory=list)
    meter_mwh: int = 5_000_000
    generation: int = 1
    card_list: int | None = None
    card_slots: int | None = None
    _wire: NativeCharger | None = None
    _protocol: Any = None
    transport: Any = None

    def connect(self) -> "Box":
        """A new connection, up to the login."""
        self._wire = NativeCharger(
            self.identity,
            Secret(self.key, self.generation),
            self.boot,
            self.connections,
            Facts("1.0", "T1", card_list=self.card_list, card_slots=self.card_slots),
        )
        self.connections += 1
        self.transport = StringTransport()
        self._protocol = self.world.listener.buildProtocol(None)
        self._protocol.makeConnection(self.transport)
        self._wire.hello(self.uptime_s)
        self.pump()
        if self.welcomed:
            self._wire.heartbeat()
        return self.pump()

    @property
    def uptime_s(self) -> int:
        """Seconds since it was switched on."""
        return int(self.world.clock.seconds() - self.booted_at)

    def pump(self) -> "Box":
        """Carry bytes both ways until nothing moves."""
        assert self._wire is not None
        moved = True
        while moved:
            up = self._wire.data_to_send()
            if up:
                self._protocol.dataReceived(up)
            down = self.transport.value()
            self.transport.clear()
            for each in self._wire.receive(down) if down else ():
                is_key = isinstance(each, Ordered) and isinstance(each.command, NewKey)
                (self.new_keys if is_key else self.heard).append(each)
            moved = bool(up or down)
        return self

    @property
    def welcomed(self) -> bool:
        """Whether the cloud has proved itself."""
        return any(isinstance(each, Welcomed) for each in self.heard)

    def drop(self) -> None:
        """The network takes the connection."""
        self._protocol.connectionLost(Failure(ConnectionLost()))

    def power_up(self) -> "Box":
        """Its power was cut, and is back now: it starts anew and connects."""
        self.boot += 1
        self.connections = 0
        self.booted_at = self.world.clock.seconds()
        return self.connect()

    def orders(self, kind: type) -> list[Ordered]:
        """The commands of one kind that it was given."""
        return [
            each
            for each in self.heard
            if isinstance(each, Ordered) and isinstance(each.command, kind)
        ]

    def accept(self, ordered: Ordered, answer: Answer = DONE) -> None:
        """Answer a command."""
        assert self._wire is not None
        self._wire.answer(ordered.number, answer)
        self.pump()

    @property
    def now(self) -> ChargerTime:
        """The time as it knows it."""
        return ChargerTime(self.boot, self.uptime_s)

    def begin(self, record: int = 1) -> StartCharge:
        """Accept the newest start, close the relay, and tell."""
        ordered = self.orders(StartCharge)[-1]
        command = ordered.command
        assert isinstance(command, StartCharge)
        self.accept(ordered)
        self.say_started(record, command.order_id)
        return command

    def say_started(self, record: int, order_id: int, meter_mwh: int | None = None) -> None:
        """Tell that a charge has begun."""
        assert self._wire is not None
        meter = self.meter_mwh if meter_mwh is None else meter_mwh
        self._wire.started(record, ChargeStarted(order_id, 1, meter, self.now))
        self.pump()

    def heartbeat(self) -> None:
        """Give a sign of life."""
        assert self._wire is not None
        self._wire.heartbeat()
        self.pump()

    def report(
        self,
        energy_mwh: int = 0,
        power_dw: int = 2000,
        temperature_dc: int | None = None,
        state: PortState = PortState.CHARGING,
        order_id: int | None = None,
    ) -> None:
        """Draw energy, and tell the port's readings."""
        self.meter_mwh += energy_mwh
        self.tell(
            PortReading(
                port=1,
                state=state,
                power_dw=power_dw,
                meter_mwh=self.meter_mwh,
                temperature_dc=temperature_dc,
                order_id=order_id,
            )
        )

    def tell(self, *readings: PortReading) -> None:
        """Tell readings in one report, whatever they say."""
        assert self._wire is not None
        self._wire.report(PortsReported(self.now, readings))
        self.pump()

    def sense(self, box: BoxReading) -> None:
        """Tell what the box senses around it."""
        assert self._wire is not None
        self._wire.report(PortsReported(self.now, (), box), in_full=True)
        self.pump()

    def hazard(self, record: int, event: HazardTold) -> None:
        """Tell of a danger."""
        assert self._wire is not None
        self._wire.hazard(record, event)
        self.pump()

    def pause(self, order_id: int, why: PauseReason) -> None:
        """Tell that a charge is interrupted."""
        assert self._wire is not None
        self._wire.paused(ChargePaused(order_id, 1, why, self.now))
        self.pump()

    def parameters(self, told: ParametersTold) -> None:
        """Tell what is set."""
        assert self._wire is not None
        self._wire.parameters(told)
        self.pump()

    def record(self, number: int, event: ChargeStarted | ChargeEnded) -> None:
        """Send a record, whatever it says."""
        assert self._wire is not None
        send = self._wire.started if isinstance(event, ChargeStarted) else self._wire.ended
        send(number, event)  # type: ignore[arg-type]
        self.pump()

    def card(self, number: int, uid: str) -> CardAnswered | None:
        """Hold a card to it, and see what it is told; C{None} if nothing was yet."""
        assert self._wire is not None
        self._wire.card(number, 1, uid, self.uptime_s)
        self.pump()
        answers = [each for each in self.heard if isinstance(each, CardAnswered)]
        return next((each for each in answers if each.number == number), None)

    def kept(self) -> list[Kept]:
        """What it was told of its records, in order."""
        return [each for each in self.heard if isinstance(each, Kept)]

    def end(
        self,
        record: int,
        order_id: int,
        start_meter_mwh: int,
        duration_s: int,
        reason: StopReason = StopReason.FULL,
    ) -> None:
        """Tell that a charge has ended, by the meter as it stands."""
        assert self._wire is not None
        ended = ChargeEnded(
            order_id, 1, start_meter_mwh, self.meter_mwh, duration_s, reason, self.now
        )
        self._wire.ended(record, ended)
        self.pump()

    def stops(self) -> list[Ordered]:
        """The stops that it was given."""
        return self.orders(StopCharge)


class World:
    """The platform, its clock, and its people."""

    def __init__(
        self,
        folder: Path,
        clock: Clock | None = None,
        *,
        plugins: Plugins | None = None,
        feature_settings: dict[str, Any] | None = None,
        charging: ChargingSettings | None = None,
        full: Callable[[], str | None] = lambda: None,
        migrations: Mapping[str, Path] | None = None,
        connections: int = 10,
        slot: int = 1,
        known: Sequence[Node] = (),
    ) -> None:
        """
        @param slot: of this node, where there are several.
        @param known: those that live as it starts.
        """
        self.folder = folder
        self.clock = clock or clock_at()
        self.calendar = Calendar(self.clock.seconds)
        self.plugins = plugins or native_plugins()
        self.store = open_store(folder, self.clock, migrations or self.plugins.migrations, slot)
        self.platform = Platform.assemble(
            self.store,
            self.clock,
            self.calendar,
            self.plugins,
            Vault.open(folder / "master.key"),
            Spool(folder / "spool", InStep()),
            feature_settings=feature_settings or {},
            charging=charging or ChargingSettings(),
            full=full,
            limits=Limits(connections=connections, connections_an_address=connections),
        )
        self.store.roster.look(known, self.clock.seconds())
        result_of(self.platform.delivering.take_up())
        result_of(self.platform.take_up())
        self.platform.watchdog.startService()
        self.listener = self.platform.gateway.speaking(tuple(self.plugins.dialects.values()))
        if not result_of(self.store.read(all_tenants)):
            result_of(
                self.store.writer.transact(
                    lambda connection: create_tenant(
                        connection, self.store.ids.next(), "default", self.calendar.now()
                    )
                )
            )
        self.caller = Caller(1, None, frozenset({"*"}))

    @cached_property
    def _treq(self) -> Any:
        # most tests have others who ask, or nobody: it takes longer than the rest of the platform
        return StubTreq(
            make_resource(
                self.platform.routes,
                lambda _token: succeed(self.caller),
                forwarding=self.platform.forwarding,
            )
        )

    def killed(self) -> None:
        """The process is gone; what it held in memory is lost, and it does nothing more."""
        self.platform.watchdog.stopService()
        self.platform.catching_up.stopService()
        self.store.writer.closed = True

    # ----------------------------------------------------------------------------- people

    def http(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        """Ask the API; the status and the JSON of the answer."""
        headers = {} if key is None else {"Idempotency-Key": key}
        status, content, _headers = self.whole(self.begin(method, path, body, **headers))
        return status, json.loads(content) if content else None

    def begin(self, method: str, path: str, body: Any = None, **headers: str) -> "Deferred[Any]":
        """Ask the API, and wait for nothing."""
        given = {name: [value] for name, value in headers.items()}
        given["Authorization"] = ["Bearer test"]
        if body is not None:
            given["Content-Type"] = ["application/json"]
        asked: Deferred[Any] = self._treq.request(
            method,
            f"http://test/api/v1{path}" if not path.startswith("/readyz") else f"http://test{path}",
            headers=given,
            data=None if body is None else json.dumps(body).encode(),
        )
        self._treq.flush()
        return asked

    def whole(self, asked: "Deferred[Any]") -> tuple[int, bytes, Any]:
        """The answer, which must have come by now: status, content, headers."""
        self._treq.flush()
        response = result_of(asked)
        self._treq.flush()
        return response.code, result_of(self._treq.content(response)), response.headers

    def make(self, path: str, body: Any, key: str | None = None) -> Any:
        """Make something over the API, and see that it was made."""
        status, made = self.http("POST", path, body, key)
        assert status == 201, made
        return made

    def get(self, path: str) -> Any:
        """Look at something over the API."""
        status, found = self.http("GET", path)
        assert status == 200, found
        return found

    def logged(self, kind: str) -> list[Any]:
        """The bodies of the event log's entries of one kind, oldest first."""
        found = select(event_log.c.body).where(event_log.c.kind == kind).order_by(event_log.c.seq)
        bodies: list[Any] = result_of(
            self.store.read(lambda connection: [row.body for row in connection.execute(found)])
        )
        return bodies

    # ------------------------------------------------------------------------------ a start

    def site(
        self, terms: Any = FLAT, kind: str = "time_of_use", zone: str = "Asia/Shanghai"
    ) -> str:
        """A site with a tariff; its id."""
        tariff = self.make("/tariffs", {"name": "t", "kind": kind, "terms": terms})
        site = {"name": "campus", "time_zone": zone, "tariff_id": tariff["id"]}
        made: str = self.make("/sites", site)["id"]
        return made

    def box(self, site_id: str | None = None, identity: str = "EB-0001", ports: int = 1) -> Box:
        """A registered charger that is not connected yet."""
        body = {
            "site_id": site_id or self.site(),
            "dialect": "native",
            "identity": identity,
            "name": identity,
            "ports": ports,
            "kind": "ebike",
            "rated_w": 800 * ports,
        }
        made = self.make("/chargers", body)
        return Box(
            self,
            int(made["id"]),
            identity,
            bytes.fromhex(made["key"]),
            booted_at=self.clock.seconds() - 100,
        )

    def customer(self, balance_fen: int = 1000) -> str:
        """A customer with money; their id."""
        made: str = self.make("/customers", {"name": "Li Wei"})["id"]
        if balance_fen:
            self.make(f"/wallets/{made}/top-ups", {"amount_fen": balance_fen})
        return made

    def order(self, box: Box, customer_id: str | None = None, **more: Any) -> Any:
        """Place an order, and carry the start to the charger."""
        body = {"charger_id": str(box.id), "port": 1, **more}
        if customer_id is not None:
            body["customer_id"] = customer_id
        made = self.make("/orders", body)
        box.pump()
        return made

    def pass_time(self, seconds: float, each: Callable[[], None] | None = None) -> None:
        """Let time pass; C{each} is called every minute of it."""
        while seconds > 0:
            step = min(60.0, seconds)
            self.clock.advance(step)
            seconds -= step
            if each is not None:
                each()
