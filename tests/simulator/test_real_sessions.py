"""Real sessions on a clock: the platform bills each to the mWh."""

from pathlib import Path

import pytest

from chargecloud.simulator.acn.sessions import all_sessions
from tests.garage import Garage

#: every so-manieth session of the data, in the order of arrival: of all four windows
EVERY = 980


@pytest.mark.slow
def test_every_sessions_energy_arrives_exactly(tmp_path: Path) -> None:
    """One order for each, with the data's energy; the sum is the same in the statistics."""
    sessions = all_sessions()[::EVERY]
    garage = Garage(tmp_path, sessions).play()
    orders = garage.orders()
    told = {
        session.id: [orders[order_id]["energy_mwh"] for order_id in garage.drivers.done[session.id]]
        for session in sessions
    }
    assert told == {session.id: [session.energy_mwh] for session in sessions}
    assert {order["state"] for order in orders.values()} == {"settled"}
    drawn = [ended.end_meter_mwh - ended.start_meter_mwh for _, ended in garage.ended]  # type: ignore[operator]
    assert sum(drawn) == sum(session.energy_mwh for session in sessions)
