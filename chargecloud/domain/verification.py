"""A verification on site: readings against a reference meter, judged by a class of accuracy.

The limits are those of L{chargecloud.domain.metering}'s sources: the operating error of a pile of
class 1 within 1 %, of class 2 within 2 %; its clock within 5 s at the first verification, within
3 min at later ones; the amount within 0.01 yuan.  Sockets for e-bikes are under none of these
regulations; a verification says what was measured all the same.
"""

from collections.abc import Sequence
from enum import Enum
from fractions import Fraction

from attrs import frozen

from chargecloud.domain.errors import Invalid
from chargecloud.domain.metering import Error

#: what was measured with may be beside the truth by this share of the limit
_MOST_UNCERTAIN = Fraction(1, 3)
PAYMENT_LIMIT_FEN = 1


class Occasion(Enum):
    """Which verification of a charger it is."""

    FIRST = "first"
    LATER = "later"


#: how far a clock may be off, in ms
CLOCK_LIMIT_MS = {Occasion.FIRST: 5_000, Occasion.LATER: 180_000}


@frozen
class Energy:
    """
    A register and a reference meter over the same time.

    @ivar register_mwh: what the charger's register gained, and C{step_mwh} its least step.
    @ivar reference_mwh: what the reference meter gained.
    """

    register_mwh: int
    step_mwh: int
    reference_mwh: int

    def error(self, reference_permille: int) -> Error:
        """The error of the register; the register's step and the reference's own class are
        uncertain."""
        return Error(
            Fraction(self.register_mwh, self.reference_mwh) - 1,
            Fraction(self.step_mwh, self.reference_mwh) + Fraction(reference_permille, 1000),
        )


def measured(energy: Energy, reference_permille: int, limit_permille: int) -> Error:
    """
    The error of a register, where it can be told whether it is within the limit.

    @raise Invalid: if what was measured with is uncertain by more than a third of the limit.
    """
    if energy.reference_mwh <= 0:
        raise Invalid("the reference meter measured nothing")
    error = energy.error(reference_permille)
    most = Fraction(limit_permille, 1000) * _MOST_UNCERTAIN
    if error.uncertainty <= most:
        return error
    left = most - Fraction(reference_permille, 1000)
    if left <= 0:
        raise Invalid(
            f"a reference of {reference_permille} permille is no measure for"
            f" {limit_permille} permille: it must be within a third"
        )
    least_mwh = -(-energy.step_mwh // left)
    raise Invalid(
        f"{energy.reference_mwh} mWh are too little for a register that goes on by"
        f" {energy.step_mwh} mWh at a time: take {least_mwh} mWh or more"
    )


@frozen
class Reading:
    """
    What was read once on site; C{None} for what was not.

    @ivar clock_ahead_ms: by how much the charger's clock was ahead of the reference clock.
    @ivar told_fen: what the charger said that a charge cost, and C{due_fen} what it had to cost.
    """

    port: int
    energy: Energy | None = None
    clock_ahead_ms: int | None = None
    told_fen: int | None = None
    due_fen: int | None = None


@frozen
class Finding:
    """
    What a verification comes to.

    @ivar faults: what is beyond its limit, in words; none if it has passed.
    @ivar worst: the error that is farthest from zero.
    """

    faults: tuple[str, ...]
    worst: Fraction
    worst_clock_ms: int | None
    worst_payment_fen: int | None

    @property
    def has_passed(self) -> bool:
        """Whether all is within its limits."""
        return not self.faults


def find(
    readings: Sequence[Reading], occasion: Occasion, limit_permille: int, reference_permille: int
) -> Finding:
    """
    Judge what was read.

    @raise ValueError: if no energy was.
    """
    errors = [
        (each.port, each.energy.error(reference_permille).value) for each in readings if each.energy
    ]
    if not errors:
        raise ValueError("no energy was read")
    clocks = [each.clock_ahead_ms for each in readings if each.clock_ahead_ms is not None]
    payments = [
        each.told_fen - each.due_fen
        for each in readings
        if each.told_fen is not None and each.due_fen is not None
    ]
    limit = Fraction(limit_permille, 1000)
    faults = [
        f"port {port}: {float(error):+.3%} of energy"
        for port, error in errors
        if abs(error) > limit
    ]
    faults += [
        f"the clock is {clock / 1000:+.1f} s off"
        for clock in clocks
        if abs(clock) > CLOCK_LIMIT_MS[occasion]
    ]
    faults += [
        f"an amount is {payment:+} fen off"
        for payment in payments
        if abs(payment) > PAYMENT_LIMIT_FEN
    ]
    return Finding(
        tuple(faults),
        max((error for _, error in errors), key=abs),
        max(clocks, key=abs, default=None),
        max(payments, key=abs, default=None),
    )
