"""Units, and the only rounding rules of the platform.

=========  =====================  ==========================================
quantity   inside                 at the HTTP API
=========  =====================  ==========================================
energy     int mWh                int Wh (and mWh where exactness is shown)
money      int fen (0.01 yuan)    int fen
price      int 1e-5 yuan          the same, per kWh or per stated time
power      int dW (0.1 W)         int W
duration   int s                  int s
instant    aware datetime, UTC    RFC 3339 with offset
=========  =====================  ==========================================

Names carry the unit (``energy_mwh``, ``amount_fen``, ``power_dw``).
"""

from collections.abc import Sequence
from fractions import Fraction
from math import floor

MWH_PER_WH = 1_000
MWH_PER_KWH = 1_000_000
DW_PER_W = 10

#: of a yuan, or of whatever a foreign tariff is in
FEN_PER_UNIT = 100

#: unit prices are held in 1e-5 yuan, so a thousand of them make one fen
PRICE_UNITS_PER_FEN = 1_000

SECOND = 1
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def divide_half_up(numerator: int, denominator: int) -> int:
    """
    Divide two whole numbers, none of them negative, rounding half up.

    @raise ValueError: for a negative numerator or a denominator below one: money and
        energy that are negative are a fault of the caller, never something to round.
    """
    if numerator < 0 or denominator < 1:
        raise ValueError(f"cannot round {numerator}/{denominator}: both must be positive")
    return (2 * numerator + denominator) // (2 * denominator)


def energy_price_fen(energy_mwh: int, price_per_kwh: int) -> int:
    """What an amount of energy costs, in fen, rounded half up once.

    @param price_per_kwh: in 1e-5 yuan for a kWh.
    """
    return divide_half_up(energy_mwh * price_per_kwh, MWH_PER_KWH * PRICE_UNITS_PER_FEN)


def half_up(exact: Fraction) -> int:
    """The nearest whole number; a half goes up."""
    return floor(exact + Fraction(1, 2))


def whole_parts(total: int, parts: Sequence[Fraction]) -> list[int]:
    """
    Whole numbers in place of exact parts, each less than one away from its own, that sum to a
    total (largest remainder; a tie goes to the earlier part).

    @raise ValueError: if the total is no neighbour of what the parts sum to.
    """
    whole = [floor(part) for part in parts]
    remainders = [part - least for part, least in zip(parts, whole, strict=True)]
    missing = total - sum(whole)
    if not 0 <= missing <= sum(1 for each in remainders if each):
        raise ValueError(f"parts of {sum(parts)} do not make {total}")
    for index in sorted(range(len(parts)), key=lambda index: -remainders[index])[:missing]:
        whole[index] += 1
    return whole


def decimal_text(exact: Fraction, most_digits: int = 10) -> str:
    """A number written out in full if it can be, or else half up to so many digits."""
    scaled = half_up(abs(exact) * 10**most_digits)
    whole, rest = divmod(scaled, 10**most_digits)
    digits = f"{rest:0{most_digits}}".rstrip("0")
    sign = "-" if exact < 0 and scaled else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def wh(energy_mwh: int) -> int:
    """Whole Wh, rounded half up, for showing."""
    return divide_half_up(energy_mwh, MWH_PER_WH)


def watts(power_dw: int) -> int:
    """Whole watts, rounded half up, for showing."""
    return divide_half_up(power_dw, DW_PER_W)


def share(total: int, weights: Sequence[int]) -> list[int]:
    """
    Split a whole number by weights so that the parts always sum to the whole
    (largest remainder; a tie goes to the earlier part).

    @raise ValueError: for a negative total or weight, or no weight above zero while
        there is something to split.
    """
    whole = sum(weights)
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("cannot share negative amounts or by negative weights")
    if whole == 0:
        if total:
            raise ValueError(f"cannot share {total} among weights that are all zero")
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda index: -remainders[index])
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts
