"""Meter values as readings of ports (OCPP 1.6, sections 4.7 and 7.31 to 7.45).

Chargers leave units out, send empty lists, phases with and without their total, and measurands
that no list has: what is understood of a sample is taken, and the rest is not.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import PortReading

ENERGY: Final = "Energy.Active.Import.Register"
_POWER, _CURRENT = "Power.Active.Import", "Current.Import"
_VOLTAGE, _TEMPERATURE, _FACTOR = "Voltage", "Temperature", "Power.Factor"
#: by measurand: units as they are written, the first one for when there is none, with what one
#: of them comes to: mWh, 0.1 W, mA, 0.1 V, 0.1 degrees, thousandths
SCALES: Mapping[str, Mapping[str, int]] = {
    ENERGY: {"wh": 1_000, "kwh": 1_000_000},
    _POWER: {"w": 10, "kw": 10_000},
    _CURRENT: {"a": 1_000, "ma": 1},
    _VOLTAGE: {"v": 10},
    _TEMPERATURE: {"celsius": 10, "celcius": 10, "c": 10, "k": 10, "fahrenheit": 10},
    _FACTOR: {"": 1_000, "percent": 10},
}
#: of phases without their total: their sum, or the largest
_SUMMED = frozenset({ENERGY, _POWER})
_ZERO_K_DC = 2_731
MOST_DIGITS = 18

Samples = Sequence[Mapping[str, Any]]


def reading_of(port: int, state: PortState, samples: Samples) -> PortReading | None:
    """What some samples of one instant tell of a port; C{None} if that is nothing.  The register
    is as it was told."""
    told = {measurand: _value(measurand, samples) for measurand in SCALES}
    if all(value is None for value in told.values()):
        return None
    return PortReading(
        port,
        state,
        power_dw=told[_POWER],
        meter_mwh=told[ENERGY],
        voltage_dv=told[_VOLTAGE],
        current_ma=told[_CURRENT],
        temperature_dc=told[_TEMPERATURE],
        power_factor_permille=told[_FACTOR],
    )


def _value(measurand: str, samples: Samples) -> int | None:
    of_all: int | None = None
    of_phases: dict[str, int] = {}
    for sample in samples:
        if sample.get("measurand", ENERGY) != measurand or sample.get("format") == "SignedData":
            continue
        # an inlet's meter is the site's
        if sample.get("location", "Outlet") == "Inlet":
            continue
        value = _scaled(measurand, sample)
        if value is None:
            continue
        phase = sample.get("phase")
        if phase is None:
            of_all = value
        elif phase != "N":
            of_phases[phase] = value
    if of_all is not None:
        return of_all
    return _of_phases(measurand, of_phases.values())


def _of_phases(measurand: str, values: Iterable[int]) -> int | None:
    values = list(values)
    if not values:
        return None
    return sum(values) if measurand in _SUMMED else max(values)


def _scaled(measurand: str, sample: Mapping[str, Any]) -> int | None:
    scales = SCALES[measurand]
    unit = str(sample.get("unit") or next(iter(scales))).lower()
    if unit not in scales:
        return None
    try:
        number = Decimal(str(sample["value"]).strip().replace("_", "?"))
    except InvalidOperation:
        return None
    if not number.is_finite() or number.adjusted() > MOST_DIGITS:
        return None
    if unit == "fahrenheit":
        number = (number - 32) * 5 / 9
    value = int(number * scales[unit])
    if measurand == _TEMPERATURE:
        return value - _ZERO_K_DC if unit == "k" else value
    # what flows back is not what was drawn
    return max(0, value)
