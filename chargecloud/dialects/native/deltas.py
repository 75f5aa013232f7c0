"""Differences of reports: most of what ports measure moves little from minute to minute.

Both sides keep what was told last in this connection; a DELTA says how far it has moved.
It carries quantities only: what is said of a state, an order or a relay is said in full.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from chargecloud.dialects.fields import U32, U63, Fields
from chargecloud.domain.errors import BadFrame

#: ports above this have no bit, and are always reported in full
MOST_PORTS = 64
#: quantities and the largest value of each; a temperature may be below zero
_LARGEST: Mapping[str, int] = {
    "meter_mwh": U63,
    "power_dw": U32,
    "voltage_dv": U32,
    "current_ma": U32,
    "temperature_dc": 2**31 - 1,
    "power_factor_permille": 1000,
    "leakage_ua": U32,
}
_SMALLEST: Mapping[str, int] = {"temperature_dc": -(2**31)}
_IN_FULL = ("state", "order_id", "relay")


@define(eq=False)
class Baseline:
    """What was told of each port last, by the fields of PORT."""

    _uptime_s: int = field(default=0, init=False)
    _ports: dict[int, Fields] = field(factory=dict, init=False)

    def keep(self, report: Fields) -> None:
        """A REPORT was told: what it does not say of its ports is not known any more."""
        self._uptime_s = report["uptime_s"]
        for port in report["ports"]:
            self._ports[port["port"]] = port

    def difference(self, report: Fields) -> Fields | None:
        """
        The fields of a DELTA that says the same as a REPORT would, and is kept as told.

        @return: C{None} where it has to be said in full.
        """
        ports: Sequence[Fields] = sorted(report["ports"], key=lambda port: port["port"])
        seconds = report["uptime_s"] - self._uptime_s
        numbers = [port["port"] for port in ports]
        if (
            not ports
            or seconds < 0
            or report.get("box") is not None
            or len(set(numbers)) < len(numbers)
            or not all(self._is_near(port) for port in ports)
        ):
            return None
        fields: Fields = {"seconds": seconds, "ports": sum(1 << number - 1 for number in numbers)}
        for name in _LARGEST:
            steps = [port.get(name, 0) - self._ports[port["port"]].get(name, 0) for port in ports]
            if any(steps):
                fields[name] = steps
        self.keep(report)
        return fields

    def _is_near(self, port: Fields) -> bool:
        """Whether a port's reading differs by quantities alone from what was told last."""
        base = self._ports.get(port["port"])
        return (
            base is not None
            and port["port"] <= MOST_PORTS
            and all(port.get(name) == base.get(name) for name in _IN_FULL)
            and all((name in port) == (name in base) for name in _LARGEST)
            and port.get("meter_mwh", 0) >= base.get("meter_mwh", 0)
        )

    def whole(self, delta: Fields) -> Fields:
        """
        The fields of the REPORT that a DELTA stands for, which is kept as told.

        @raise BadFrame: for a port that was not reported in this connection, and for what
            moves a quantity to where it cannot be.
        """
        numbers = [bit + 1 for bit in range(MOST_PORTS) if delta["ports"] >> bit & 1]
        if not numbers or not self._ports.keys() >= set(numbers):
            raise BadFrame("a difference to what was not reported")
        ports = [dict(self._ports[number]) for number in numbers]
        for name, largest in _LARGEST.items():
            if name not in delta:
                continue
            if len(delta[name]) != len(ports):
                raise BadFrame(f"{len(delta[name])} steps of {name} for {len(ports)} ports")
            for port, step in zip(ports, delta[name], strict=True):
                _move(port, name, step, largest)
        uptime_s = self._uptime_s + delta["seconds"]
        if uptime_s > U32:
            raise BadFrame("an uptime that there is not")
        report: Fields = {"uptime_s": uptime_s, "ports": ports}
        self.keep(report)
        return report


def _move(port: dict[str, Any], name: str, step: int, largest: int) -> None:
    if name not in port:
        if step:
            raise BadFrame(f"a difference of {name}, which was not reported")
        return
    value = port[name] + step
    if not _SMALLEST.get(name, 0) <= value <= largest:
        raise BadFrame(f"{name} would be {value}")
    port[name] = value
