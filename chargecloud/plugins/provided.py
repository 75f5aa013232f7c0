"""What plugins provide, and who provides what."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from chargecloud.interfaces import IAlarmSink, IDialect, IFeature, IPaymentChannel, ITariff
from chargecloud.simulator.speaking import ISimulatedDialect


class PluginError(Exception):
    """A plugin that cannot be used; the message names it and says why."""


@frozen
class Origin:
    """
    Where a provider comes from.

    @ivar plugin: the plugin's name.
    @ivar version: of its distribution; of a loose file, what the file says, or C{"0"}.
    """

    plugin: str
    version: str

    def __str__(self) -> str:
        return f"{self.plugin} {self.version}"


@frozen
class Refused:
    """A plugin that is not used, and why."""

    plugin: str
    why: str

    def __str__(self) -> str:
        return f"plugin {self.plugin}: {self.why}"


@frozen
class Plugins:
    """
    What all plugins provide, by name.

    @ivar origins: of each provider, by the name of its attribute here and its own.
    @ivar refused: plugins that cannot be used.
    """

    dialects: Mapping[str, IDialect]
    tariffs: Mapping[str, ITariff]
    features: Mapping[str, IFeature]
    alarm_sinks: Mapping[str, IAlarmSink] = field(factory=dict)
    payment_channels: Mapping[str, IPaymentChannel] = field(factory=dict)
    simulated_dialects: Mapping[str, ISimulatedDialect] = field(factory=dict)
    origins: Mapping[tuple[str, str], Origin] = field(factory=dict)
    refused: tuple[Refused, ...] = ()

    def made_by(self, kind: str) -> dict[str, str]:
        """The plugin that each provider of a kind comes from, with its version."""
        return {name: str(origin) for (of, name), origin in self.origins.items() if of == kind}

    @property
    def migrations(self) -> dict[str, Path]:
        """The features' folders of revisions, by the feature's name."""
        return {
            name: feature.migrations
            for name, feature in self.features.items()
            if feature.migrations is not None
        }

    def kinds(self) -> Mapping[str, Mapping[str, Any]]:
        """All that is provided, by kind."""
        return {
            "dialects": self.dialects,
            "tariffs": self.tariffs,
            "features": self.features,
            "alarm_sinks": self.alarm_sinks,
            "payment_channels": self.payment_channels,
            "simulated_dialects": self.simulated_dialects,
        }
