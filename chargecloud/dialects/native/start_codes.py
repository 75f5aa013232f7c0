"""Codes that start a charge where there is no network: docs/native-protocol.rst, "Start codes".

A code is 53 bits, written with 16 decimal digits: the low 12 bits of a counter, the port, the
energy, and 29 bits of a tag that only the charger's key can make.
"""

from attrs import define, field, frozen

from chargecloud.dialects.native.keys import derive

LABEL = b"ChargeCloud 1 offline"
DIGITS = 16
#: 0.1 kWh is the unit of a code's energy
ENERGY_UNIT_MWH = 100_000
MOST_ENERGY = 127
MOST_PORT = 31
#: a code's counter may be so far above the highest that was taken, and so far below
AHEAD = 1_024
BEHIND = 32

_COUNTER_BITS, _PORT_BITS, _ENERGY_BITS, _TAG_BITS = 12, 5, 7, 29


@frozen
class StartCode:
    """
    What a code says.

    @ivar counter: which code of this charger and key it is, from 1.
    @ivar port: 0 for whichever is plugged in.
    @ivar energy: the limit in 0.1 kWh; 0 for until full.
    """

    counter: int
    port: int
    energy: int

    def write(self, key: bytes) -> str:
        """
        The digits.

        @raise ValueError: if the port or the energy has no room in a code.
        """
        if not (0 <= self.port <= MOST_PORT and 0 <= self.energy <= MOST_ENERGY):
            raise ValueError(f"no code says port {self.port} and energy {self.energy}")
        code = self.counter & (1 << _COUNTER_BITS) - 1
        code = code << _PORT_BITS | self.port
        code = code << _ENERGY_BITS | self.energy
        code = code << _TAG_BITS | self._tag(key)
        return f"{code:0{DIGITS}d}"

    def _tag(self, key: bytes) -> int:
        context = self.counter.to_bytes(4, "big") + bytes((self.port, self.energy))
        return int.from_bytes(derive(key, LABEL, context)[:4], "big") >> 32 - _TAG_BITS


@define(eq=False)
class TakenCodes:
    """
    What a charger remembers of the codes of its present key: each is taken once.

    @ivar highest: the highest counter that was taken.
    @ivar below: bit i is set if the counter C{highest - 1 - i} was taken.
    """

    highest: int = field(default=0)
    below: int = field(default=0)

    def take(self, key: bytes, digits: str) -> StartCode | None:
        """What a code says, which is taken by this; C{None} if it is not to be taken."""
        code = read_code(key, digits, self.highest)
        if code is None or code.counter - self.highest > AHEAD:
            return None
        ahead = code.counter - self.highest
        if ahead > 0:
            self.below = (self.below << 1 | 1) << ahead - 1 & (1 << BEHIND) - 1
            self.highest = code.counter
            return code
        bit = 1 << -ahead - 1 if ahead else 0
        if not bit or self.below & bit:
            return None
        self.below |= bit
        return code


def read_code(key: bytes, digits: str, highest: int) -> StartCode | None:
    """What a code says, if its tag fits; its counter is the lowest above C{highest - 32} that
    ends in the code's bits."""
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    code = int(digits)
    if code >> _COUNTER_BITS + _PORT_BITS + _ENERGY_BITS + _TAG_BITS:
        return None
    tag = code & (1 << _TAG_BITS) - 1
    energy = code >> _TAG_BITS & MOST_ENERGY
    port = code >> _TAG_BITS + _ENERGY_BITS & MOST_PORT
    low = code >> _TAG_BITS + _ENERGY_BITS + _PORT_BITS
    least = max(1, highest - BEHIND)
    counter = least + (low - least) % (1 << _COUNTER_BITS)
    said = StartCode(counter, port, energy)
    return said if said._tag(key) == tag else None
