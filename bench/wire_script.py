"""What a ten-port box measures while it charges: the same values for every protocol."""

from random import Random

from attrs import frozen

#: when the scripted hour begins: 2026-11-26T00:00:00Z
BEGIN_UNIX_S = 1_795_651_200
PORTS = 10


@frozen
class Reading:
    """Of one port; units are in the names, ports count from one."""

    port: int
    power_dw: int
    meter_mwh: int
    voltage_dv: int
    current_ma: int
    temperature_dc: int


class Bike:
    """A battery at a port: its power falls slowly, and trembles by a percent."""

    def __init__(self, port: int, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311
        self._port = port
        self._power_dw = self._random.uniform(1_400, 3_200)
        self._meter_mwh = self._random.randrange(10**8, 10**9)
        self._temperature_dc = 250.0

    def minute(self) -> Reading:
        """What is read a minute later."""
        random = self._random
        self._power_dw *= 0.9995
        self._temperature_dc += random.uniform(-1, 1.5) if self._temperature_dc < 380 else -0.5
        power_dw = int(self._power_dw * random.uniform(0.99, 1.01))
        voltage_dv = int(random.gauss(2_200, 8))
        self._meter_mwh += power_dw * 100 // 60
        return Reading(
            self._port,
            power_dw,
            self._meter_mwh,
            voltage_dv,
            power_dw * 1_000 // voltage_dv,
            int(self._temperature_dc),
        )
