"""A YKC pile of the tests: what it says and does is theirs, byte for byte."""

from datetime import timedelta
from typing import Any

from attrs import define, evolve

from chargecloud.dialects.layouts import Fields
from chargecloud_ykc.dialect import YkcDialect
from chargecloud_ykc.frames import Frame, Stream
from chargecloud_ykc.identities import pile_of
from chargecloud_ykc.messages import BY_NAME, DOWN, PERIODS
from chargecloud_ykc.trades import NO_TRADE
from tests.web.resources.asking import Asking
from tests.wires import VendorWire
from tests.world import World, native_plugins

CARD = "00000000D14B0A54"


def ykc_world(folder: Any, **more: Any) -> World:
    """A platform that speaks YKC as well, with more plugins."""
    own = native_plugins(**more)
    return World(folder, plugins=evolve(own, dialects={**own.dialects, "ykc": YkcDialect()}))


def new_wire(world: World) -> VendorWire:
    """A new connection."""
    return VendorWire(world, Stream).connect()


@define(eq=False)
class Pile:
    """
    A pile on a wire.

    @ivar number: its 14 digits.
    @ivar charger_id: the platform's id of it.
    @ivar is_high_first: how it writes checks.
    """

    wire: VendorWire
    number: str
    charger_id: str
    is_high_first: bool = False
    _sequence: int = 0

    def say(self, name: str, sequence: bytes | None = None, **fields: Any) -> list[Frame]:
        """Say something; the frames that come back for this pile at once."""
        message = BY_NAME[name]
        if sequence is None:
            self._sequence += 1
            sequence = self._sequence.to_bytes(2, "big")
        body = message.layout.write({"pile": self.number, **fields})
        frame = Frame(message.kind, body, sequence, is_high_first=self.is_high_first)
        heard = self.wire.send(frame.write())
        return [each for each in heard if pile_of(each) in (None, self.number)]

    def login(self, guns: int = 2) -> list[Frame]:
        """Say who it is."""
        return self.say(
            "login",
            pile_type=0,
            guns=guns,
            version=15,
            program="V4.1.50",
            network=0,
            sim="898604D11722D0348606",
            operator=0,
        )

    def told(self, name: str) -> list[tuple[Frame, Fields]]:
        """The messages of a name that it was told, with their values."""
        self.wire.take()
        return [
            (frame, DOWN[frame.kind].read(frame.body))
            for frame in self.wire.heard
            if frame.kind in DOWN
            and DOWN[frame.kind].name == name
            and pile_of(frame) in (None, self.number)
        ]

    def last(self, name: str) -> Fields:
        """The newest message of a name."""
        return self.told(name)[-1][1]

    def start_reply(self, result: int = 1, reason: int = 0) -> Fields:
        """Answer the newest start."""
        frame, fields = self.told("start")[-1]
        told = {name: fields[name] for name in ("trade", "gun")}
        self.say("start_reply", frame.sequence, **told, result=result, reason=reason)
        return fields

    def reading(self, trade: str = NO_TRADE, gun: int = 1, **more: Any) -> list[Frame]:
        """Tell what a gun measures."""
        fields = {
            "state": 2 if trade == NO_TRADE else 3,
            "is_homed": 0,
            "is_plugged": 1,
            "voltage_dv": 2_200,
            "current_da": 320,
            "cable_temperature": 80,
            "cable_code": bytes(8),
            "charged_percent": 40,
            "battery_temperature": 75,
            "minutes": 1,
            "minutes_left": 60,
            "energy_e4": 0,
            "loss_energy_e4": 0,
            "money_e4": 0,
            "faults": 0,
            **more,
        }
        return self.say("reading", trade=trade, gun=gun, **fields)

    def record(self, trade: str, energy_e4: int, **more: Any) -> list[Frame]:
        """Tell the end of a charge."""
        now = self.wire.world.calendar.now()
        splits = {
            f"{period}_{part}": energy_e4 if period == "flat" and "energy" in part else 0
            for period in PERIODS
            for part in ("price_e5", "energy_e4", "loss_energy_e4", "money_e4")
        }
        fields = {
            "gun": 1,
            "started": now - timedelta(minutes=30),
            "ended": now,
            **splits,
            "start_meter_e4": 10**10,
            "end_meter_e4": 10**10 + energy_e4,
            "energy_e4": energy_e4,
            "loss_energy_e4": energy_e4,
            "money_e4": 0,
            "vin": "",
            "begun_by": 1,
            "traded": now,
            "reason": 0x40,
            "card": bytes(8),
            **more,
        }
        return self.say("record", trade=trade, **fields)

    def ask_start(self, gun: int = 1, card: str = CARD, **more: Any) -> list[Frame]:
        """Somebody holds a card to it."""
        fields = {
            "mode": 1,
            "needs_password": 0,
            "card": bytes.fromhex(card),
            "password": bytes(16),
            "vin": bytes(17),
            **more,
        }
        name = "ask_parallel" if "group" in more else "ask_start"
        return self.say(name, gun=gun, **fields)


def pile(world: World, number: str = "32010200000001", wire: VendorWire | None = None) -> Pile:
    """A registered pile on a connection of its own, or on one that it shares."""
    body = {
        "site_id": world.site(),
        "dialect": "ykc",
        "identity": number,
        "name": number,
        "ports": 2,
        "kind": "dc",
        "rated_w": 60_000,
    }
    made = world.make("/chargers", body)
    return Pile(wire or new_wire(world), made["identity"], made["id"])


def order(world: World, dc: Pile, **more: Any) -> Any:
    """An order at a pile's first gun, of somebody with money."""
    customer = more.pop("customer_id", None) or world.customer(10_000)
    body = {"charger_id": dc.charger_id, "port": 1, "customer_id": customer, **more}
    return world.make("/orders", body)


def charging(world: World, dc: Pile, **more: Any) -> tuple[str, str]:
    """An order whose charge has begun: its id, and its trade number."""
    made = order(world, dc, **more)
    trade = dc.start_reply()["trade"]
    dc.reading(trade)
    return made["id"], trade


def state(world: World, order_id: str) -> Any:
    """An order as the API shows it."""
    return world.get(f"/orders/{order_id}")


def pass_time(world: World, dc: Pile, seconds: int) -> None:
    """Let time pass, with the heartbeats of a pile."""
    for _ in range(0, seconds, 10):
        world.clock.advance(10)
        dc.say("heartbeat", gun=1, status=0)


def command(world: World, dc: Pile, name: str, **args: Any) -> Asking:
    """Begin a command."""
    asking = Asking(world)
    asking.begin("POST", f"/chargers/{dc.charger_id}/commands", {"name": name, "args": args})
    return asking
