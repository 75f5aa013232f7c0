"""What this distribution adds to ChargeCloud."""

from collections.abc import Sequence

from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IDialect
from chargecloud.simulator.speaking import ISimulatedDialect
from chargecloud_dny.dialect import DnyDialect
from chargecloud_dny.simulated import SimulatedDny


@hookimpl
def chargecloud_dialects() -> Sequence[IDialect]:
    """DNY."""
    return [DnyDialect()]


@hookimpl
def chargecloud_simulated_dialects() -> Sequence[ISimulatedDialect]:
    """DNY, from the other side."""
    return [SimulatedDny()]
