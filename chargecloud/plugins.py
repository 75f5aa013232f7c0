"""Plugins: found, checked, and asked for what they provide, once at start-up.

The platform's own dialect, tariffs and features come in the same way.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pluggy
from attrs import field, frozen
from zope.interface.exceptions import Invalid as InterfaceBroken
from zope.interface.interface import InterfaceClass
from zope.interface.verify import verifyObject

from chargecloud import hookspecs
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.features.firmware.feature import FirmwareFeature
from chargecloud.features.safety.feature import SafetyFeature
from chargecloud.features.safety.log_sink import LogSink
from chargecloud.features.statistics.feature import StatisticsFeature
from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IAlarmSink, IDialect, IFeature, ITariff
from chargecloud.money.builtin import builtin_tariffs
from chargecloud.simulator.native import SimulatedNative
from chargecloud.simulator.speaking import ISimulatedDialect

#: group of the entry points, and name of the hooks
PROJECT = "chargecloud"


class PluginError(Exception):
    """A plugin that cannot be used; the message names it and says why."""


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
        """Statistics, safety, and firmware."""
        return [StatisticsFeature(), SafetyFeature(), FirmwareFeature()]

    @hookimpl
    def chargecloud_alarm_sinks(self) -> Sequence[IAlarmSink]:
        """The log."""
        return [LogSink()]


@frozen
class Plugins:
    """What all plugins provide, by name."""

    dialects: Mapping[str, IDialect]
    tariffs: Mapping[str, ITariff]
    features: Mapping[str, IFeature]
    alarm_sinks: Mapping[str, IAlarmSink] = field(factory=dict)
    simulated_dialects: Mapping[str, ISimulatedDialect] = field(factory=dict)

    @property
    def migrations(self) -> dict[str, Path]:
        """The features' folders of revisions, by the feature's name."""
        return {
            name: feature.migrations
            for name, feature in self.features.items()
            if feature.migrations is not None
        }


def load_plugins(
    blocked: Iterable[str] = (), installed: Iterable[EntryPoint] | None = None
) -> Plugins:
    """
    Find the plugins and collect what they provide.

    @param blocked: names of plugins that are not to be used.
    @param installed: entry points of the plugins beside our own; those of all installed
        distributions if not given.
    @raise PluginError: for a plugin that cannot be loaded or calls a hook that there is none
        of, a provider that breaks its interface, or two of one name.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    for name in blocked:
        manager.set_blocked(name)
    manager.register(OwnPlugin(), PROJECT)
    others = entry_points(group=PROJECT) if installed is None else installed
    # by name, so that every machine asks them in the same order
    for entry in sorted(others, key=lambda entry: entry.name):
        _register(manager, entry)
    try:
        # a misspelt hook would never be called, and nobody would know
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(str(error)) from error
    return Plugins(
        dialects=_collect(manager.hook.chargecloud_dialects, IDialect, "name"),
        tariffs=_collect(manager.hook.chargecloud_tariffs, ITariff, "kind"),
        features=_collect(manager.hook.chargecloud_features, IFeature, "name"),
        alarm_sinks=_collect(manager.hook.chargecloud_alarm_sinks, IAlarmSink, "name"),
        simulated_dialects=_collect(
            manager.hook.chargecloud_simulated_dialects, ISimulatedDialect, "name"
        ),
    )


def _register(manager: pluggy.PluginManager, entry: EntryPoint) -> None:
    if manager.is_blocked(entry.name):
        return
    try:
        manager.register(entry.load(), entry.name)
    except Exception as error:
        # whatever its module raises: the one who installed it must learn which it is
        raise PluginError(f"plugin {entry.name} ({entry.value}): {error!r}") from error


def _collect(hook: pluggy.HookCaller, interface: InterfaceClass, key: str) -> dict[str, Any]:
    """What all plugins provide through a hook, ours first and then in their order."""
    found: dict[str, Any] = {}
    plugins: dict[str, str] = {}
    for each in hook.get_hookimpls():
        for provider in _provided(each):
            try:
                verifyObject(interface, provider)
            except InterfaceBroken as error:
                raise PluginError(f"plugin {each.plugin_name}: {error}") from error
            name = getattr(provider, key)
            if name in found:
                raise PluginError(
                    f"plugins {plugins[name]} and {each.plugin_name} both have"
                    f" {interface.__name__} {name!r}; one of them must be blocked"
                )
            found[name], plugins[name] = provider, each.plugin_name
    return found


def _provided(each: pluggy.HookImpl) -> Sequence[Any]:
    """What one plugin provides through one hook."""
    try:
        provided: Any = each.function()
        return tuple(provided)
    except Exception as error:
        raise PluginError(f"plugin {each.plugin_name}: {error!r}") from error
