"""What this distribution adds to ChargeCloud."""

from collections.abc import Sequence

from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IDialect, IFeature
from chargecloud.simulator.speaking import ISimulatedDialect
from chargecloud_ocpp.dialect import OcppDialect
from chargecloud_ocpp.feature import OcppFeature
from chargecloud_ocpp.simulated import SimulatedOcpp


@hookimpl
def chargecloud_dialects() -> Sequence[IDialect]:
    """OCPP 1.6J."""
    return [OcppDialect()]


@hookimpl
def chargecloud_features() -> Sequence[IFeature]:
    """Its operations, by hand."""
    return [OcppFeature()]


@hookimpl
def chargecloud_simulated_dialects() -> Sequence[ISimulatedDialect]:
    """OCPP 1.6J, from the other side."""
    return [SimulatedOcpp()]
