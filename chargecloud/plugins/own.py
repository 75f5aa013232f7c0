"""What comes with the platform, provided as any plugin provides it."""

from collections.abc import Sequence

from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.features.firmware.feature import FirmwareFeature
from chargecloud.features.metering.feature import MeteringFeature
from chargecloud.features.safety.feature import SafetyFeature
from chargecloud.features.safety.log_sink import LogSink
from chargecloud.features.sandbox.feature import SandboxFeature
from chargecloud.features.statistics.feature import StatisticsFeature
from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IAlarmSink, IDialect, IFeature, ITariff
from chargecloud.money.builtin import builtin_tariffs
from chargecloud.simulator.native import SimulatedNative
from chargecloud.simulator.speaking import ISimulatedDialect


class OwnPlugin:
    """What comes with the platform."""

    @hookimpl
    def chargecloud_dialects(self) -> Sequence[IDialect]:
        """The own protocol."""
        return [NativeDialect()]

    @hookimpl
    def chargecloud_simulated_dialects(self) -> Sequence[ISimulatedDialect]:
        """The own protocol, from the other side."""
        return [SimulatedNative()]

    @hookimpl
    def chargecloud_tariffs(self) -> Sequence[ITariff]:
        """By time of use, and by time."""
        return builtin_tariffs()

    @hookimpl
    def chargecloud_features(self) -> Sequence[IFeature]:
        """Statistics, metering, safety, firmware, and payments for trying out."""
        return [
            StatisticsFeature(),
            MeteringFeature(),
            SafetyFeature(),
            FirmwareFeature(),
            SandboxFeature(),
        ]

    @hookimpl
    def chargecloud_alarm_sinks(self) -> Sequence[IAlarmSink]:
        """The log."""
        return [LogSink()]
