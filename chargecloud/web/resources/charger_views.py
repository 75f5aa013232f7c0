"""How chargers are shown: as registered, with what is known of them at the moment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.live import LiveBox, LivePorts
from chargecloud.domain.charger import ChargerKind, LockOut, PortState, RelayState, SystemState
from chargecloud.domain.events import PortReading
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.units import watts, wh
from chargecloud.registry.chargers import Charger
from chargecloud.registry.register import Registered
from chargecloud.routes import Id
from chargecloud.storage.roster import Roster


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
    company: str | None = text("the name of its tenant")
    site_name: str | None = text("the name of its site")
    owner: str | None = text("who owns it")
    status: SystemState = choice("what the platform lets it do")
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
    tariff_id: Id | None = choice("the price plan of its site")
    tariff_name: str | None = text("what that is called")
    version: int = whole("counts how often it was edited; its entity-tag")
    created_at: datetime = choice("when it was entered")


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


@frozen
class Shown:
    """Shows chargers with what is known of them at the moment."""

    roster: Roster
    live: LivePorts
    book: OrderBook
    calendar: Calendar

    def _fields(self, registered: Registered) -> dict[str, Any]:
        charger = registered.charger
        online = charger.connected and charger.node in self.roster.live
        return {
            "id": charger.id,
            "tenant_id": charger.tenant_id,
            "site_id": charger.site_id,
            "dialect": charger.dialect,
            "identity": charger.identity,
            "name": charger.name,
            "company": registered.company,
            "site_name": registered.site_name,
            "owner": charger.owner,
            "status": charger.status,
            "kind": charger.kind,
            "ports": charger.port_count,
            "rated_w": charger.rated_w,
            "vendor": charger.vendor,
            "imei": charger.imei,
            "iccid": charger.iccid,
            "firmware": charger.firmware,
            "hardware": charger.hardware,
            "online": online,
            "last_seen": (
                self.calendar.now() if online else charger.gone_at or charger.logged_in_at
            ),
            "tariff_id": registered.tariff_id,
            "tariff_name": registered.tariff_name,
            "version": charger.version,
            "created_at": charger.created_at,
        }

    def brief(self, registered: Registered) -> ChargerShown:
        """As in a list."""
        return ChargerShown(**self._fields(registered))

    def made(self, registered: Registered, key: bytes | None) -> ChargerMade:
        """With the key, which nobody can read again."""
        return ChargerMade(**self._fields(registered), key=None if key is None else key.hex())

    def whole(self, registered: Registered) -> ChargerWithPorts:
        """With its ports."""
        charger = registered.charger
        ports = tuple(self._port(charger, port) for port in range(1, charger.port_count + 1))
        parameters = self.live.parameters(charger.id)
        return ChargerWithPorts(
            **self._fields(registered),
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
