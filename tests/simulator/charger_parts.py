"""A simulated charger and its bikes, for the simulator's tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, field

from chargecloud.domain.commands import StartCharge
from chargecloud.domain.events import ChargeEnded
from chargecloud.simulator.bikes import KINDS, Bike
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.memory import Memory

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
ORDER = 2**60 + 1
KIND = KINDS["lithium 48V12Ah"]


def bike(place_s: int = 0, kind: str = KIND.name) -> Bike:
    """A bike with a charger that takes just what its kind does."""
    return Bike(kind, KINDS[kind].plateau_w * 1_000, place_s)


@define
class Stand:
    """A charger with its clock and what it wrote into its book."""

    charger: SimulatedCharger
    book: list[tuple[ChargeEnded, datetime]] = field(factory=list)
    now: datetime = NOW

    def after(self, seconds: float) -> datetime:
        """Let so much time pass by the calendar; the charger is not told."""
        self.now += timedelta(seconds=seconds)
        return self.now

    def start(self, port: int = 1, order_id: int = ORDER, **limits: Any) -> str:
        """Send a start that is in time, and say how it was answered."""
        valid_until_s = int(self.now.timestamp()) + 15
        command = StartCharge(order_id, port, valid_until_s, **limits)
        return self.charger.obey(command, self.now).code

    @property
    def ended(self) -> ChargeEnded:
        """The newest record, which is an end."""
        record = list(self.charger.memory.records.values())[-1]
        assert isinstance(record, ChargeEnded)
        return record


def new_stand(memory: Memory | None = None, ports: int = 4) -> Stand:
    """A charger that knows the time."""
    memory = memory or Memory.new(ports)
    memory.boot += 1
    book: list[tuple[ChargeEnded, datetime]] = []
    charger = SimulatedCharger("SIM-0001", memory, NOW, lambda *end: book.append(end))
    charger.set_clock(int(NOW.timestamp()))
    return Stand(charger, book)
