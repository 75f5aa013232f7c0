"""The simulators' own book: what each charge drew, to compare the platform's bills with."""

import json
from datetime import datetime
from pathlib import Path

from attrs import asdict, frozen

from chargecloud.domain.events import ChargeEnded


@frozen
class Book:
    """
    A file with a line of JSON for each charge that has ended.

    @ivar path: where it is; its folder is made with the first line.
    """

    path: Path

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
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
