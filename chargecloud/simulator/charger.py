"""A simulated charger: the device's own logic, without a network."""

from datetime import datetime

from attrs import define, field

from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.events import OfflineStart, StopReason
from chargecloud.simulator.bikes import Bike
from chargecloud.simulator.card_reader import CardReader
from chargecloud.simulator.charge import Charge
from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.obeying import OBEY
from chargecloud.simulator.relays import Relays, bike_of

OK = Answer(accepted=True)


class Unpowered(RuntimeError):
    """Something was asked of a charger that has no power."""


@define(eq=False)
class SimulatedCharger(Relays):
    """
    @ivar keys: what it proves itself with; C{None} for one that never connects.
    @ivar is_online: whether the cloud has welcomed it.
    @ivar report_least_real_s: real seconds between two reports at the least, however fast the
        calendar runs.
    @ivar cards: what it is shown, and what it knows of cards.
    """

    keys: Keyring | None = field(default=None, init=False)
    is_online: bool = field(default=False, init=False)
    cards: CardReader = field(init=False)
    report_least_real_s: float = field(default=0.5, init=False)
    _unix_at_boot_s: int | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.cards = CardReader(self.memory)

    # ------------------------------------------------------------------ what people do

    def plug(self, number: int, bike: Bike, now: datetime) -> None:
        """
        Put a bike's plug into a port.  A charge that waits there goes on with it.

        @raise ValueError: if another one is in it.
        """
        port = self.port(number)
        if port.bike is not None:
            raise ValueError(f"port {number} of {self.identity} has a bike already")
        self.advance(now)
        port.bike = bike
        if port.charge is not None:
            port.charge.come(bike.curve, bike.place_s)
        self.changed()

    def unplug(self, number: int, now: datetime) -> Bike | None:
        """
        Pull the plug out of a port; a charge that runs there waits for one to be put back.

        @return: the bike as it is now.
        """
        port = self.port(number)
        self.advance(now)
        bike = bike_of(port)
        if port.charge is not None and port.bike is not None:
            port.charge.leave(port.bike.curve)
        port.bike = None
        self.changed()
        return bike

    def present_card(self, number: int, uid: str, now: datetime) -> None:
        """Hold a card to the reader of a port.  The cloud is asked what to do; without it,
        a card that it has accepted before begins a charge, or ends the one that it began."""
        self.advance(now)
        if not self.is_powered:
            return
        port = self.port(number)
        if self.is_online:
            self.cards.ask(number, uid, self.uptime_s)
            self.changed()
        elif port.charge is not None:
            offline = port.charge.offline
            if offline is not None and offline.card_uid == uid:
                self.end(port, StopReason.USER)
        elif (
            self.cards.knows(uid)
            and port.bike
            and not port.is_faulty
            and not self.memory.is_locked_out(number)
            and self.memory.has_room
        ):
            offline = OfflineStart(self.memory.next_record, uid)
            self.begin(port, Charge.begun_offline(offline, port.meter_mwh))

    def power_up(self, now: datetime) -> None:
        """The mains are back: the charger knows neither the time nor the cards that it was
        shown."""
        super().power_up(now)
        self.hang_up()
        self._unix_at_boot_s, self.cards = None, CardReader(self.memory)

    # ------------------------------------------------------------ what the cloud tells it

    def hang_up(self) -> None:
        """The connection has gone."""
        self.is_online = False
        self.cards.reset()

    def set_clock(self, unix_s: int) -> None:
        """Take the time from the cloud."""
        self._unix_at_boot_s = unix_s - self.uptime_s

    def obey(self, command: Command, now: datetime) -> Answer:
        """
        Do what the cloud wants, and say what became of it.

        @raise Unpowered: if there is no power.
        """
        if not self.is_powered:
            raise Unpowered(self.identity)
        self.advance(now)
        obeyed = OBEY.get(type(command))
        if obeyed is None:
            return Answer(accepted=False, code="unknown-command")
        objection = obeyed(self, command)
        return OK if objection is None else Answer(accepted=False, code=objection)

    def forget(self, record: int, order_id: int | None = None) -> None:
        """The cloud has a record, or does not want it.

        @param order_id: of the charge that the record tells of, if that was begun offline.
        """
        self.memory.records.pop(record, None)
        if order_id is not None:
            self.memory.name(record, order_id)
            self.changed()

    def is_past(self, unix_s: int) -> bool:
        """Whether an instant is past; without a clock, none is known to be still to come."""
        return self._unix_at_boot_s is None or self._unix_at_boot_s + self.uptime_s > unix_s
