"""What a simulated charger does not forget when its power is cut."""

from attrs import define, field

from chargecloud.domain.events import ChargeEnded, ChargeStarted
from chargecloud.simulator.bikes import Bike
from chargecloud.simulator.charge import Charge

#: what a charger keeps until the cloud acknowledges it
Record = ChargeStarted | ChargeEnded


@define
class Port:
    """
    A socket with its meter.

    @ivar meter_mwh: the energy register, which never goes back.
    @ivar bike: what is plugged in.
    @ivar charge: the order that runs here; not without a bike.
    @ivar last_order_id: the newest order that ran here, which is never started again.
    """

    number: int
    meter_mwh: int = 0
    bike: Bike | None = None
    charge: Charge | None = None
    last_order_id: int | None = None
    is_faulty: bool = False


@define
class Memory:
    """
    @ivar ports: numbered from 1, without a gap.
    @ivar boot: which start of the charger this is.
    @ivar records: by their numbers, oldest first.
    @ivar next_record: the number of the next one; none is used twice.
    """

    ports: list[Port]
    boot: int = 0
    records: dict[int, Record] = field(factory=dict)
    next_record: int = 1

    @classmethod
    def new(cls, port_count: int) -> "Memory":
        """Of a charger that comes from the factory."""
        return cls([Port(number) for number in range(1, port_count + 1)])

    @property
    def is_charging(self) -> bool:
        """Whether any port has a running order."""
        return any(port.charge for port in self.ports)
