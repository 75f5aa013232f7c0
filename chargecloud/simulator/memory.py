"""What a simulated charger does not forget when its power is cut."""

from attrs import define, field

from chargecloud.domain.charger import LockOut
from chargecloud.domain.events import ChargeEnded, ChargeStarted
from chargecloud.domain.metering import PPM
from chargecloud.simulator.bikes import Bike
from chargecloud.simulator.charge import Charge

#: what a charger keeps until the cloud acknowledges it
Record = ChargeStarted | ChargeEnded
#: records that wait for the cloud.  A charger without room for the ends of all its charges
#: and one more begins none, as it could not tell of it.
RECORD_LIMIT = 200


@define
class Port:
    """
    A socket with its meter.

    @ivar meter_mwh: the energy register, which never goes back.
    @ivar bike: what is plugged in.
    @ivar charge: the order that runs here, or waits for a bike to be plugged in again.
    @ivar meter_ppm: a fault: the register counts so many millionths too much.
    @ivar last_order_id: the newest order that ran here, which is never started again.
    """

    number: int
    meter_mwh: int = 0
    bike: Bike | None = None
    charge: Charge | None = None
    last_order_id: int | None = None
    is_faulty: bool = False
    meter_ppm: int = 0

    def count(self) -> None:
        """Have the register count what its charge has drawn so far."""
        if self.charge is not None:
            start_mwh = self.charge.start_meter_mwh
            drawn_mwh = self.charge.meter_mwh(self.bike.curve if self.bike else None) - start_mwh
            self.meter_mwh = start_mwh + drawn_mwh * (PPM + self.meter_ppm) // PPM


@define
class Memory:
    """
    @ivar ports: numbered from 1, without a gap.
    @ivar boot: which start of the charger this is.
    @ivar records: by their numbers, oldest first.
    @ivar next_record: the number of the next one; none is used twice.
    @ivar cards: uids of those that the cloud has accepted, the newest last.
    @ivar listed: uids of the cards that may charge offline, and C{list_version} of that list.
    @ivar lock_outs: by the port, and 0 for all of it: a lock-out outlives a cut of the power.
    @ivar parameters: what was set, by its word.
    """

    ports: list[Port]
    boot: int = 0
    records: dict[int, Record] = field(factory=dict)
    next_record: int = 1
    cards: list[str] = field(factory=list)
    listed: list[str] = field(factory=list)
    list_version: int = 0
    lock_outs: dict[int, LockOut] = field(factory=dict)
    parameters: dict[str, int] = field(factory=dict)

    @classmethod
    def new(cls, port_count: int) -> "Memory":
        """Of a charger that comes from the factory."""
        return cls([Port(number) for number in range(1, port_count + 1)])

    @property
    def is_charging(self) -> bool:
        """Whether any port has a running order."""
        return any(port.charge for port in self.ports)

    @property
    def has_room(self) -> bool:
        """Whether there is room for the records of a start, its end, and the ends of what
        runs."""
        running = sum(port.charge is not None for port in self.ports)
        return len(self.records) + running + 2 <= RECORD_LIMIT

    def is_locked_out(self, port: int) -> bool:
        """Whether a port, or all of the charger, is kept from charging."""
        return 0 in self.lock_outs or port in self.lock_outs

    def record(self, record: Record) -> None:
        """Keep a record until the cloud has it."""
        self.records[self.next_record] = record
        self.next_record += 1

    def name(self, number: int, order_id: int) -> None:
        """The charge that was begun offline with the record of that number has an order."""
        for port in self.ports:
            charge = port.charge
            if charge is not None and charge.offline and charge.offline.number == number:
                charge.order_id = port.last_order_id = order_id
