"""Hook specifications.  A hook only collects providers, once, when the service starts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from chargecloud.interfaces import IAlarmSink, IDialect, IFeature, IPaymentChannel, ITariff
    from chargecloud.simulator.speaking import ISimulatedDialect

#: of the hooks and the interfaces behind them; raised when a plugin written for the one
#: before would not do any more
API_VERSION = 1

hookspec = pluggy.HookspecMarker("chargecloud")
#: what a plugin marks its functions with
hookimpl = pluggy.HookimplMarker("chargecloud")


@hookspec
def chargecloud_dialects() -> "Sequence[IDialect]":  # type: ignore[empty-body]
    """The dialects that this plugin speaks."""


@hookspec
def chargecloud_tariffs() -> "Sequence[ITariff]":  # type: ignore[empty-body]
    """The kinds of tariff that this plugin knows."""


@hookspec
def chargecloud_alarm_sinks() -> "Sequence[IAlarmSink]":  # type: ignore[empty-body]
    """The ways to people that this plugin knows for alarms."""


@hookspec
def chargecloud_payment_channels() -> "Sequence[IPaymentChannel]":  # type: ignore[empty-body]
    """The ways to pay that this plugin knows."""


@hookspec
def chargecloud_simulated_dialects() -> "Sequence[ISimulatedDialect]":  # type: ignore[empty-body]
    """The dialects that this plugin lets the simulator's chargers speak."""


@hookspec
def chargecloud_features() -> "Sequence[IFeature]":  # type: ignore[empty-body]
    """The features that this plugin adds."""
