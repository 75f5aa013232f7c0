"""What this distribution adds to ChargeCloud."""

from collections.abc import Sequence

from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IDialect
from chargecloud.simulator.speaking import ISimulatedDialect
from chargecloud_ykc.dialect import YkcDialect
from chargecloud_ykc.simulated import SimulatedYkc


@hookimpl
def chargecloud_dialects() -> Sequence[IDialect]:
    """YKC."""
    return [YkcDialect()]


@hookimpl
def chargecloud_simulated_dialects() -> Sequence[ISimulatedDialect]:
    """YKC, from the other side."""
    return [SimulatedYkc()]
