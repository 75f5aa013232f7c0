"""C{/chargers}"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.live import LiveBox, LivePorts
from chargecloud.domain.charger import ChargerKind, LockOut, PortState, RelayState
from chargecloud.domain.errors import AlreadyExists, NotFound
from chargecloud.domain.events import PortReading
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.units import watts, wh
from chargecloud.gateway.presence import Presence
from chargecloud.registry.chargers import Charger, Chargers
from chargecloud.registry.sites import Sites
from chargecloud.routes import Call, Id, Method, Page, Paging, Route
from chargecloud.web.resources.shared import page, request_key

#: thrice the ports of the largest box that is sold
MOST_PORTS = 64
#: above every charger that is sold, and little enough to notice a kW that was meant
MOST_RATED_W = 2_000_000


@frozen(kw_only=True)
class NewCharger:
    """A charger to be registered."""

    site_id: Id = choice("where it stands")
    dialect: str = text("the protocol it speaks", example="native", longest=40)
    identity: str = text("what it calls itself on the wire", example="EB10-000001", longest=64)
    name: str = text("what people call it", example="Dormitory 3, box 1")
    ports: int = whole("how many it has", least=1, most=MOST_PORTS, example=10)
    kind: ChargerKind = choice("what it charges")
    rated_w: int = whole(
        "what it can give at the most, in W", least=1, most=MOST_RATED_W, example=5500
    )
    vendor: str | None = text("who made it", default=None)
    imei: str | None = text("of its modem", default=None, longest=20)
    iccid: str | None = text("of its SIM", default=None, longest=20)
    key: str | None = text("16 bytes in hexadecimal; made if it is not given", default=None)


@frozen(kw_only=True)
class PortShown:
    """A port, as far as its charger has told."""

    port: int = whole("its number, from 1", least=1)
    state: PortState = choice("what the charger says of it")
    order_id: Id | None = choice("the order that has it")
    power_w: int | None = whole("in W")
    meter_wh: int | None = whole("its register, in Wh")
    temperature_c: float | None = choice("in °C")
    voltage_v: float | None = choice("in V")
    current_ma: int | None = whole("in mA")
    power_factor: float | None = choice("active by apparent power")
    leakage_ua: int | None = whole("residual current, in µA")
    relay: RelayState | None = choice("what its contacts are found to be")
    at: datetime | None = choice("when it was read")


@frozen(kw_only=True)
class BoxShown:
    """What a charger measures of itself and around it."""

    at: datetime = choice("when it was read")
    signal_dbm: int | None = choice("of its mobile network")
    temperature_c: float | None = choice("inside, in °C")
    leakage_ua: int | None = whole("residual current of all of it, in µA")
    smoke: bool | None = choice("whether there is smoke")
    water: bool | None = choice("whether there is water")
    door_open: bool | None = choice("whether its door is open")
    lock_out: LockOut | None = choice("whether it is kept from charging, and by what")


@frozen(kw_only=True)
class ChargerShown:
    """A charger."""

    id: Id = choice("its id")
    tenant_id: Id = choice("whose it is")
    site_id: Id = choice("where it stands")
    dialect: str = text("the protocol it speaks")
    identity: str = text("what it calls itself on the wire")
    name: str = text("what people call it")
    kind: ChargerKind = choice("what it charges")
    ports: int = whole("how many it has")
    rated_w: int = whole("what it can give at the most, in W")
    vendor: str | None = text("who made it")
    imei: str | None = text("of its modem")
    iccid: str | None = text("of its SIM")
    firmware: str | None = text("as it told when it logged in")
    hardware: str | None = text("as it told when it logged in")
    online: bool = choice("whether it is connected")
    last_seen: datetime | None = choice("when it was last connected; now, if it is")
    created_at: datetime = choice("when it was registered")


@frozen(kw_only=True)
class ChargerWithPorts(ChargerShown):
    """A charger with its ports."""

    box: BoxShown | None = choice("what it senses; null until it has told")
    parameters: Mapping[str, int] = choice("what is set there, as far as it has told")
    port_states: tuple[PortShown, ...] = choice("one for each port")


@frozen(kw_only=True)
class ChargerMade(ChargerShown):
    """A charger that was just registered."""

    key: str | None = text("its key in hexadecimal: shown here and not again")


@frozen(kw_only=True)
class ChargerQuery(Paging):
    """Which chargers."""

    site_id: Id | None = choice("of this site", default=None)
    dialect: str | None = text("that speak this", default=None)
    vendor: str | None = text("that this vendor made", default=None)
    q: str | None = text("with this in their name or identity", default=None)


@frozen
class Shown:
    """Shows chargers with what is known of them at the moment."""

    presence: Presence
    live: LivePorts
    book: OrderBook
    calendar: Calendar

    def _fields(self, charger: Charger) -> dict[str, Any]:
        online = self.presence.find(charger.id) is not None
        seen_s = self.presence.last_seen_s(charger.id)
        last_seen = charger.logged_in_at if seen_s is None else self.calendar.anchor.at(seen_s)
        return {
            "id": charger.id,
            "tenant_id": charger.tenant_id,
            "site_id": charger.site_id,
            "dialect": charger.dialect,
            "identity": charger.identity,
            "name": charger.name,
            "kind": charger.kind,
            "ports": charger.port_count,
            "rated_w": charger.rated_w,
            "vendor": charger.vendor,
            "imei": charger.imei,
            "iccid": charger.iccid,
            "firmware": charger.firmware,
            "hardware": charger.hardware,
            "online": online,
            "last_seen": self.calendar.now() if online else last_seen,
            "created_at": charger.created_at,
        }

    def brief(self, charger: Charger) -> ChargerShown:
        """As in a list."""
        return ChargerShown(**self._fields(charger))

    def made(self, charger: Charger, key: bytes | None) -> ChargerMade:
        """With the key, which nobody can read again."""
        return ChargerMade(**self._fields(charger), key=None if key is None else key.hex())

    def whole(self, charger: Charger) -> ChargerWithPorts:
        """With its ports."""
        ports = tuple(self._port(charger, port) for port in range(1, charger.port_count + 1))
        parameters = self.live.parameters(charger.id)
        return ChargerWithPorts(
            **self._fields(charger),
            box=_box(self.live.box(charger.id)),
            parameters={parameter.value: value for parameter, value in parameters.items()},
            port_states=ports,
        )

    def _port(self, charger: Charger, port: int) -> PortShown:
        track = self.book.on_port(charger.id, port)
        order_id = track.order.id if track else None
        live = self.live.of(charger.id).get(port)
        reading = PortReading(port) if live is None else live.reading
        return PortShown(
            port=port,
            state=reading.state,
            order_id=order_id,
            power_w=None if reading.power_dw is None else watts(reading.power_dw),
            meter_wh=None if reading.meter_mwh is None else wh(reading.meter_mwh),
            temperature_c=_tenths(reading.temperature_dc),
            voltage_v=_tenths(reading.voltage_dv),
            current_ma=reading.current_ma,
            power_factor=(
                None
                if reading.power_factor_permille is None
                else reading.power_factor_permille / 1000
            ),
            leakage_ua=reading.leakage_ua,
            relay=reading.relay,
            at=None if live is None else live.at,
        )


def _tenths(value: int | None) -> float | None:
    return None if value is None else value / 10


def _box(live: LiveBox | None) -> BoxShown | None:
    if live is None:
        return None
    reading = live.reading
    return BoxShown(
        at=live.at,
        signal_dbm=reading.signal_dbm,
        temperature_c=_tenths(reading.temperature_dc),
        leakage_ua=reading.leakage_ua,
        smoke=reading.smoke,
        water=reading.water,
        door_open=reading.door_open,
        lock_out=reading.lock_out,
    )


def routes(chargers: Chargers, sites: Sites, shown: Shown) -> list[Route]:
    """The routes of chargers."""

    async def create(call: Call) -> ChargerMade:
        body: NewCharger = call.body
        site = await sites.get(call.caller.tenant_id, body.site_id)
        charger, key = await chargers.create(
            request_key(call),
            site.tenant_id,
            site_id=site.id,
            dialect=body.dialect,
            identity=body.identity,
            port_count=body.ports,
            kind=body.kind,
            key=body.key,
            name=body.name,
            rated_w=body.rated_w,
            vendor=body.vendor,
            imei=body.imei,
            iccid=body.iccid,
        )
        return shown.made(charger, key)

    async def listed(call: Call) -> Page[ChargerShown]:
        query: ChargerQuery = call.query
        found = await chargers.list(
            call.caller.tenant_id,
            limit=query.limit,
            cursor=query.cursor,
            site_id=query.site_id,
            dialect=query.dialect,
            vendor=query.vendor,
            words=query.q,
        )
        return page(found, shown.brief)

    async def get(call: Call) -> ChargerWithPorts:
        return shown.whole(await chargers.get(call.caller.tenant_id, call.id("charger_id")))

    common: dict[str, Any] = {"tag": "chargers"}
    return [
        Route(
            method=Method.POST,
            path="/chargers",
            summary="Register a charger; its key is shown once",
            permission="chargers:write",
            body=NewCharger,
            answer=ChargerMade,
            status=201,
            refusals=(NotFound, AlreadyExists),
            run=create,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/chargers",
            summary="List the chargers",
            permission="chargers:read",
            query=ChargerQuery,
            answer=Page[ChargerShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/chargers/{charger_id}",
            summary="Show a charger with its ports",
            permission="chargers:read",
            answer=ChargerWithPorts,
            refusals=(NotFound,),
            run=get,
            **common,
        ),
    ]
