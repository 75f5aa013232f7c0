"""Plugins: found, checked, and asked for what they provide, once at start-up.

The platform's own dialect, tariffs and features come in the same way.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import pluggy
from attrs import frozen
from zope.interface.exceptions import Invalid as InterfaceBroken
from zope.interface.interface import InterfaceClass
from zope.interface.verify import verifyObject

from chargecloud import hookspecs
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.features.statistics.feature import StatisticsFeature
from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IDialect, IFeature, ITariff
from chargecloud.money.builtin import builtin_tariffs

T = TypeVar("T")

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
    def chargecloud_tariffs(self) -> Sequence[ITariff]:
        """By time of use, and by time."""
        return builtin_tariffs()

    @hookimpl
    def chargecloud_features(self) -> Sequence[IFeature]:
        """Statistics."""
        return [StatisticsFeature()]


@frozen
class Plugins:
    """
    What all plugins provide, by name.
    """

    dialects: Mapping[str, IDialect]
    tariffs: Mapping[str, ITariff]
    features: Mapping[str, IFeature]


def load_plugins(
    blocked: Iterable[str] = (), *, installed: bool = True, also: Sequence[object] = ()
) -> Plugins:
    """
    Find the plugins and collect what they provide.

    @param blocked: names of plugins that are not to be used.
    @param installed: whether to look for distributions that are installed.
    @param also: further plugins, for tests.
    @raise PluginError: for a provider that breaks its interface, two of one name, or a
        hook that there is none of.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    for name in blocked:
        manager.set_blocked(name)
    manager.register(OwnPlugin(), PROJECT)
    for plugin in also:
        manager.register(plugin)
    try:
        if installed:
            manager.load_setuptools_entrypoints(PROJECT)
        # a misspelt hook would never be called, and nobody would know
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(str(error)) from error
    hook = manager.hook
    return Plugins(
        dialects=_collect(hook.chargecloud_dialects(), IDialect, "name"),
        tariffs=_collect(hook.chargecloud_tariffs(), ITariff, "kind"),
        features=_collect(hook.chargecloud_features(), IFeature, "name"),
    )


def _collect(provided: list[Sequence[T]], interface: InterfaceClass, name: str) -> dict[str, T]:
    found: dict[str, T] = {}
    # pluggy asks the last registered first; ours come first all the same
    for provider in (one for several in reversed(provided) for one in several):
        try:
            verifyObject(interface, provider)
        except InterfaceBroken as error:
            raise PluginError(f"{_origin(provider)}: {error}") from error
        called = getattr(provider, name)
        if called in found:
            raise PluginError(
                f"{_origin(provider)} and {_origin(found[called])} are both called {called!r}"
            )
        found[called] = provider
    return found


def _origin(provider: Any) -> str:
    kind = type(provider)
    return f"{kind.__module__}.{kind.__qualname__}"
