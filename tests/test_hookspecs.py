"""Hooks collect providers."""

from collections.abc import Sequence
from inspect import getmembers, isfunction, signature

import pluggy
import pytest

from chargecloud import hookspecs
from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import ITariff
from chargecloud.money.builtin import builtin_tariffs
from chargecloud.money.by_time import ByTime

HOOKS = [name for name, _ in getmembers(hookspecs, isfunction) if name.startswith("chargecloud_")]


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_only_collects(name: str) -> None:
    """Hooks are given nothing: what happens later goes through the providers' interfaces."""
    assert not signature(getattr(hookspecs, name)).parameters


def test_every_plugin_is_asked() -> None:
    """A vendor's tariffs come beside our own."""

    class Ours:
        @hookimpl
        def chargecloud_tariffs(self) -> Sequence[ITariff]:
            return builtin_tariffs()

    class Vendors:
        @hookimpl
        def chargecloud_tariffs(self) -> Sequence[ITariff]:
            return (ByTime(),)

    plugins = pluggy.PluginManager("chargecloud")
    plugins.add_hookspecs(hookspecs)
    plugins.register(Ours())
    plugins.register(Vendors())
    plugins.check_pending()
    collected = plugins.hook.chargecloud_tariffs()
    assert sorted(tariff.kind for tariffs in collected for tariff in tariffs) == [
        "by_time",
        "by_time",
        "time_of_use",
    ]
