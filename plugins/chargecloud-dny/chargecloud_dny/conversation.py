"""The platform's side of a connection: a device's, or a host's with up to fifty boxes."""

from collections.abc import Sequence

from attrs import define, field
from zope.interface import implementer

from chargecloud.dialects.arriving import Arriving
from chargecloud.dialects.layouts import Fields
from chargecloud.domain.commands import Command
from chargecloud.domain.errors import ChargerOffline, RemoteError
from chargecloud.domain.events import Reply
from chargecloud.interfaces import (
    Alive,
    Claimed,
    Credentials,
    Gone,
    Greeting,
    Heard,
    IConversation,
    Proven,
    Record,
    Seconds,
    record_nothing,
    stopped_clock,
)
from chargecloud_dny import facts
from chargecloud_dny.device import Device, Stage
from chargecloud_dny.frames import Found, Frame, Iccid, Link, Stream
from chargecloud_dny.identities import identity_of, is_lost
from chargecloud_dny.messages import UP
from chargecloud_dny.talk import Talk, read

#: between two commands: devices lose what comes sooner (protocol, 1.0.2(7)); of a host it is
#: one bus, so that it counts for all of its boxes
SPACING_S = 0.5
#: devices say something every three minutes: three times missed, and one more for the bus
SILENCE_S = 600.0
#: one that was sent away, or that nobody knows, is not asked about again for so long
IGNORED_S = 300.0
#: a host relays 50 boxes, and has an id itself
MOST_DEVICES = 64


@implementer(IConversation)
@define(eq=False)
class DnyConversation:
    """
    See L{IConversation}.  Devices prove nothing: who they are is what they say, and that they
    are registered is all that is asked.  No bytes that a device can send end the connection.
    """

    record: Record = record_nothing
    seconds: Seconds = stopped_clock
    failure: RemoteError | None = field(default=None, init=False)
    silence_s: float | None = field(default=SILENCE_S, init=False)
    _arriving: Arriving[Found] = field(init=False)
    _devices: dict[str, Device] = field(factory=dict, init=False)
    _ignored: dict[str, float] = field(factory=dict, init=False)
    _iccid: str | None = field(default=None, init=False)
    _sending: bytearray = field(factory=bytearray, init=False)
    _free_s: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._arriving = Arriving(Stream(), self.seconds)

    # ------------------------------------------------------------------------- for the gateway

    def receive(self, data: bytes) -> Sequence[Heard]:
        """Take bytes; see L{IConversation.receive}."""
        now_s = self.seconds()
        heard: list[Heard] = []
        for found, taken in self._arriving.receive(data):
            if isinstance(found, Iccid):
                self._iccid = found.digits
            elif isinstance(found, Link):
                heard += [Alive(each.identity) for each in self._open()[:1]]
            else:
                heard += self._take(found, taken, now_s)
        for device in list(self._devices.values()):
            heard += self._look_after(device, now_s)
        return heard

    def welcome(self, identity: str, credentials: Credentials | None, greeting: Greeting) -> None:
        """Let a device in, or take no notice of it; DNY has no word for either."""
        device = self._devices.get(identity)
        if credentials is None:
            self._ignore(identity)
        elif device is not None:
            # it may have fallen silent while it was looked up
            device.stage, device.welcomed_s = Stage.WELCOME, greeting.unix_s

    def postpone(self, identity: str, retry_s: int) -> None:
        """DNY has no word for it: the device comes back when it likes."""

    def acknowledge(self, identity: str, ticket: object, reply: Reply) -> None:
        """Answer a fact; see L{IConversation.acknowledge}."""
        if (device := self._devices.get(identity)) is not None:
            self._talk(device).acknowledge(ticket, reply)

    def command(self, identity: str, number: int, command: Command) -> None:
        """Send a command; see L{IConversation.command}."""
        device = self._devices.get(identity)
        if device is None or device.stage is not Stage.OPEN:
            raise ChargerOffline(f"{identity} is not connected here")
        self._talk(device).command(number, command)

    def dismiss(self, identity: str) -> bool:
        """Forget one of several devices, or one that was refused: a host may not be
        registered whose boxes are.  See L{IConversation.dismiss}."""
        if not self._devices.keys() - {identity} and identity in self._devices:
            return False
        self._ignore(identity)
        return True

    def data_to_send(self) -> bytes:
        """Take what is to be sent: answers at once, and a command when the wire is free."""
        self._send_next(self.seconds())
        data = bytes(self._sending)
        self._sending.clear()
        return data

    @property
    def due_s(self) -> float | None:
        """See L{IConversation.due_s}."""
        dues = [] if self._arriving.due_s is None else [self._arriving.due_s]
        for device in self._devices.values():
            if device.settled:
                dues.append(self.seconds())
            if device.has_queue:
                dues.append(self._free_s)
            dues += [max(due_s, self._free_s) for due_s in device.dues()]
            if self._is_shared:
                dues.append(device.heard_s + SILENCE_S)
        return min(dues, default=None)

    # --------------------------------------------------------------------------------- devices

    def _take(self, frame: Frame, taken: bytes, now_s: float) -> Sequence[Heard]:
        identity = identity_of(frame.device)
        self.record(identity, True, taken, None)
        device = self._devices.get(identity)
        if device is not None:
            device.heard_s = now_s
            if device.stage is Stage.OPEN:
                return self._talk(device).hear(frame)
            device.waiting.append(frame)
            return ()
        if self._is_nobody(identity, frame.device, now_s):
            return ()
        device = self._devices[identity] = Device(frame.device, identity, now_s)
        device.waiting.append(frame)
        return (Claimed(identity),)

    def _is_nobody(self, identity: str, device: int, now_s: float) -> bool:
        if self._ignored.get(identity, now_s) <= now_s:
            self._ignored.pop(identity, None)
        return is_lost(device) or identity in self._ignored or len(self._devices) >= MOST_DEVICES

    def _look_after(self, device: Device, now_s: float) -> Sequence[Heard]:
        """What is to be told of a device without its having said anything new."""
        heard: list[Heard] = []
        if device.stage is Stage.WELCOME:
            device.stage = Stage.OPEN
            heard.append(
                Proven(device.identity, facts.login(device.id, self._first(device), self._iccid))
            )
            while device.waiting:
                heard += self._talk(device).hear(device.waiting.popleft())
        device.give_up(now_s)
        settled, device.settled = device.settled, []
        heard += settled
        if self._is_shared and now_s >= device.heard_s + SILENCE_S:
            del self._devices[device.identity]
            heard.append(Gone(device.identity))
        return heard

    def _first(self, device: Device) -> Fields:
        """What a device has told of itself before it was let in."""
        told: Fields = {}
        for frame in device.waiting:
            message = UP.get(frame.command)
            if message is not None:
                told |= read(message, frame.data) or {}
        return told

    def _ignore(self, identity: str) -> None:
        self._devices.pop(identity, None)
        self._ignored[identity] = self.seconds() + IGNORED_S
        while len(self._ignored) > MOST_DEVICES:
            del self._ignored[next(iter(self._ignored))]

    def _talk(self, device: Device) -> Talk:
        return Talk(device, self._send, lambda: [each.id for each in self._open()])

    @property
    def _is_shared(self) -> bool:
        """Whether the connection lives without a device: by others, or by a host that is not
        registered."""
        return len(self._devices) > 1 or bool(self._ignored)

    def _open(self) -> list[Device]:
        return [each for each in self._devices.values() if each.stage is Stage.OPEN]

    # ------------------------------------------------------------------------------ what is said

    def _send(self, frame: Frame) -> None:
        written = frame.write()
        self.record(identity_of(frame.device), False, written, None)
        self._sending += written

    def _send_next(self, now_s: float) -> None:
        """One command, if the wire is free: of the devices in turn."""
        if now_s < self._free_s:
            return
        for device in self._open():
            frame = device.next_frame(now_s)
            if frame is not None:
                self._send(frame)
                self._free_s = now_s + SPACING_S
                # whoever was served last is asked last
                self._devices[device.identity] = self._devices.pop(device.identity)
                return
