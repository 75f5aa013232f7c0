"""A DNY device of the tests: what it says and does is theirs, byte for byte."""

from typing import Any

from attrs import define, evolve
from twisted.internet.task import Clock

from chargecloud.dialects.layouts import Fields
from chargecloud.domain.commands import Command
from chargecloud.domain.events import Reply
from chargecloud.interfaces import Credentials, Greeting, Heard, Told, record_nothing
from chargecloud_dny.conversation import SPACING_S
from chargecloud_dny.dialect import DnyDialect
from chargecloud_dny.frames import Frame, Stream
from chargecloud_dny.messages import DOWN, UP
from tests.wires import VendorWire
from tests.world import World, native_plugins

_UP = {message.name: message for message in UP.values()}


def dny_world(folder: Any) -> World:
    """A platform that speaks DNY as well."""
    own = native_plugins()
    return World(folder, plugins=evolve(own, dialects={**own.dialects, "dny": DnyDialect()}))


def new_wire(world: World) -> VendorWire:
    """A new connection."""
    return VendorWire(world, Stream).connect()


@define(eq=False)
class Device:
    """
    A device on a wire.

    @ivar id: its physical id.
    @ivar charger_id: the platform's id of it.
    """

    wire: VendorWire
    id: int
    charger_id: str
    _number: int = 0

    def say(self, name: str, number: int | None = None, **fields: Any) -> list[Frame]:
        """Say something; the frames that come back for this device at once."""
        message = _UP[name]
        if number is None:
            self._number = number = self._number + 1
        frame = Frame(self.id, number, message.command, message.layout.write(fields))
        return [each for each in self.wire.send(frame.write()) if each.device == self.id]

    def register(self) -> list[Frame]:
        """Say what it is, as it does when it is switched on."""
        return self.say("register", firmware=126, ports=2, virtual_id=1, device_type=4, work_mode=0)

    def beat(self, *states: int) -> list[Frame]:
        """Give a sign of life."""
        ports = states or (0, 0)
        return self.say(
            "heartbeat",
            voltage_dv=2300,
            ports=len(ports),
            states=ports,
            signal=20,
            temperature=90,
        )

    def commands(self, name: str) -> list[tuple[Frame, Fields]]:
        """The commands of a name that it was given, with their values."""
        self.wire.take()
        return [
            (frame, DOWN[frame.command].layout.read(frame.data))
            for frame in self.wire.heard
            if frame.device == self.id
            and frame.command in DOWN
            and DOWN[frame.command].name == name
        ]

    def reply(self, frame: Frame, **fields: Any) -> list[Frame]:
        """Answer a command."""
        layout = DOWN[frame.command].answer
        assert layout is not None
        answer = Frame(self.id, frame.number, frame.command, layout.write(fields))
        return self.wire.send(answer.write())

    def start(self, result: int = 0) -> Fields:
        """Answer the newest start."""
        frame, fields = self.commands("charge")[-1]
        assert fields["is_on"] == 1
        self.reply(
            frame, result=result, order=fields["order"], port=fields["port"], pending_ports=0
        )
        return fields

    def draw(self, order: bytes, energy_10wh: int, power_dw: int = 2000) -> list[Frame]:
        """Tell what its first port draws."""
        return self.say(
            "power",
            port=0,
            state=1,
            duration_s=60,
            energy_10wh=energy_10wh,
            start_mode=1,
            power_dw=power_dw,
            most_power_dw=power_dw,
            least_power_dw=power_dw,
            average_power_dw=power_dw,
            order=order,
        )

    def settle(self, order: bytes, energy_10wh: int, **more: Any) -> list[Frame]:
        """Tell the end of a charge."""
        return self.say(
            "settlement",
            **{
                "duration_s": 3600,
                "most_power_dw": 2000,
                "energy_10wh": energy_10wh,
                "port": 0,
                "start_mode": 1,
                "card": bytes(4),
                "reason": 1,
                "order": order,
                "second_power_dw": 1900,
                **more,
            },
        )


def device(world: World, identity: str = "04-13544000", wire: VendorWire | None = None) -> Device:
    """A registered device on a connection of its own, or on one that it shares."""
    body = {
        "site_id": world.site(),
        "dialect": "dny",
        "identity": identity,
        "name": identity,
        "ports": 2,
        "kind": "ebike",
        "rated_w": 1_600,
    }
    made = world.make("/chargers", body)
    physical = int(made["identity"], 16)
    return Device(wire or new_wire(world), physical, made["id"])


class Alone:
    """A device and its conversation, and nobody who keeps what is told."""

    id = 0x04CEAA40

    def __init__(self) -> None:
        self.clock = Clock()
        self._conversation = DnyDialect().conversation(record_nothing, self.clock.seconds)
        register = _UP["register"]
        said = {"firmware": 126, "ports": 2, "virtual_id": 1, "device_type": 4, "work_mode": 0}
        self.hear(Frame(self.id, 1, register.command, register.layout.write(said)))
        self._conversation.welcome(self._identity, Credentials(None), Greeting(0, 60))
        self._conversation.receive(b"")
        self.sent()

    @property
    def _identity(self) -> str:
        return f"{self.id:08X}"

    def hear(self, frame: Frame) -> list[Heard]:
        """Say something; what the platform hears."""
        return list(self._conversation.receive(frame.write()))

    def sent(self) -> list[Frame]:
        """What was sent to it since, as far as the wire was free."""
        self.clock.advance(SPACING_S)
        data = self._conversation.data_to_send()
        return [each for each, _ in Stream().receive(data) if isinstance(each, Frame)]

    def command(self, command: Command) -> None:
        """Give it a command."""
        self._conversation.command(self._identity, 1, command)

    def acknowledge(self, told: Told, reply: Reply) -> None:
        """What became of a fact."""
        self._conversation.acknowledge(self._identity, told.ticket, reply)
