"""Loading plugins: each is registered, asked, and held against the interfaces, or refused as a
whole; what is wrong with one is nobody else's trouble."""

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint
from itertools import chain
from pathlib import Path
from typing import Any

import pluggy
from zope.interface.exceptions import Invalid as InterfaceBroken
from zope.interface.interface import InterfaceClass
from zope.interface.verify import verifyObject

from chargecloud import __version__, hookspecs
from chargecloud.hookspecs import API_VERSION
from chargecloud.interfaces import IAlarmSink, IDialect, IFeature, IPaymentChannel, ITariff
from chargecloud.plugins.finding import GROUP, Candidate, installed, loose
from chargecloud.plugins.own import OwnPlugin
from chargecloud.plugins.provided import Origin, PluginError, Plugins, Refused
from chargecloud.plugins.settings import ALL, PluginSettings
from chargecloud.simulator.speaking import ISimulatedDialect

#: what each hook's providers provide, and what they are called by
HOOKS: dict[str, tuple[InterfaceClass, str]] = {
    "dialects": (IDialect, "name"),
    "tariffs": (ITariff, "kind"),
    "features": (IFeature, "name"),
    "alarm_sinks": (IAlarmSink, "name"),
    "payment_channels": (IPaymentChannel, "name"),
    "simulated_dialects": (ISimulatedDialect, "name"),
}
#: what a plugin may say of the hooks that it was written for
API_ATTRIBUTE = "chargecloud_api"


def load_plugins(
    settings: PluginSettings = ALL, entries: Iterable[EntryPoint] | None = None
) -> Plugins:
    """
    Find the plugins and collect what they provide.

    @param entries: entry points of the plugins beside our own; those of all installed
        distributions if not given.
    @raise PluginError: if there is no such folder of plugins; and, if C{settings} are strict,
        for the first plugin that cannot be used.
    """
    loading = _Loading()
    loading.add(Candidate(GROUP, "chargecloud.plugins.own", OwnPlugin, __version__))
    folder = settings.plugins_dir
    for candidate in chain(installed(entries), loose(Path(folder)) if folder else ()):
        loading.seen.add(candidate.name)
        if not settings.wants(candidate.name):
            continue
        try:
            loading.add(candidate)
        except PluginError as error:
            if settings.strict:
                raise PluginError(f"plugin {candidate.name}: {error}") from error
            loading.refused.append(Refused(candidate.name, str(error)))
    loading.refused += [
        Refused(name, "is allowed, and there is none of this name")
        for name in settings.allowed
        if name not in loading.seen
    ]
    return Plugins(**loading.found, origins=loading.origins, refused=tuple(loading.refused))


class _Loading:
    """What has been collected so far."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {kind: {} for kind in HOOKS}
        self.origins: dict[tuple[str, str], Origin] = {}
        self.refused: list[Refused] = []
        self.seen: set[str] = set()

    def add(self, candidate: Candidate) -> None:
        """
        All that a plugin provides, or nothing of it.

        @raise PluginError: if anything about it cannot be used.
        """
        try:
            self._add(candidate)
        except PluginError:
            raise
        except (Exception, SystemExit) as error:
            # a name that raises, a module that leaves: nothing of it takes the others down
            raise PluginError(f"({candidate.place}): {error!r}") from error

    def _add(self, candidate: Candidate) -> None:
        plugin = _load(candidate)
        origin = candidate.origin(plugin)
        provided = list(_ask(candidate.name, plugin))
        seen: set[tuple[str, str]] = set()
        for kind, name, _ in provided:
            taken = self.origins.get((kind, name))
            if taken is not None or (kind, name) in seen:
                who = origin.plugin if taken is None else taken.plugin
                raise PluginError(f"{who} has a {HOOKS[kind][0].__name__} {name!r} already")
            seen.add((kind, name))
        for kind, name, provider in provided:
            self.found[kind][name] = provider
            self.origins[kind, name] = origin


def _load(candidate: Candidate) -> Any:
    plugin = candidate.load()
    wanted = getattr(plugin, API_ATTRIBUTE, API_VERSION)
    if wanted != API_VERSION:
        raise PluginError(f"is made for version {wanted} of the hooks, and this is {API_VERSION}")
    return plugin


def _ask(name: str, plugin: Any) -> Iterator[tuple[str, str, Any]]:
    """Kind, name and provider of all that a plugin provides."""
    # each has a manager of its own, so that what is wrong with its hooks is told of it alone
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(plugin, name)
        # a misspelt hook would never be called, and nobody would know
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise PluginError(str(error)) from error
    for kind, (interface, key) in HOOKS.items():
        hook = getattr(manager.hook, f"chargecloud_{kind}")
        for provider in chain.from_iterable(map(_provided, hook.get_hookimpls())):
            try:
                verifyObject(interface, provider)
            except InterfaceBroken as error:
                raise PluginError(str(error)) from error
            called = getattr(provider, key)
            if not isinstance(called, str) or not called:
                raise PluginError(f"the {key} of a {interface.__name__} is {called!r}")
            yield kind, called, provider


def _provided(each: pluggy.HookImpl) -> Sequence[Any]:
    provided: Any = each.function()
    return tuple(provided)
