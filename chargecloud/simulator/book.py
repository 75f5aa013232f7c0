"""The simulators' own book: what each charge drew, to compare the platform's bills with."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from chargecloud.domain.events import ChargeEnded
from chargecloud.simulator.relays import Stayed


@frozen
class Book:
    """
    A file with a line of JSON for each charge that has ended.

    @ivar path: where it is; its folder is made with the first line.
    @ivar stays: where it is written down how long bikes stayed that were cut off.
    """

    path: Path
    stays: Path

    def add(self, identity: str, ended: ChargeEnded, ended_at: datetime) -> None:
        """Write a charge down."""
        line = {
            # a charge that was begun offline may have no order yet when it ends
            "order_id": None if ended.order_id is None else str(ended.order_id),
            "offline": None if ended.offline is None else asdict(ended.offline),
            "charger": identity,
            "port": ended.port,
            "start_meter_mwh": ended.start_meter_mwh,
            "end_meter_mwh": ended.end_meter_mwh,
            "duration_s": ended.duration_s,
            "reason": ended.reason.value,
            "ended_at": ended_at.isoformat(),
        }
        _append(self.path, line)

    def add_stay(self, stayed: Stayed) -> None:
        """Write down what a bike would have gone on to draw, and for how long."""
        line = {
            "order_id": str(stayed.order_id),
            "power_dw": stayed.power_dw,
            "seconds": stayed.seconds,
        }
        _append(self.stays, line)


def _append(path: Path, line: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
