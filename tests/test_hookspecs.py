"""Hooks collect providers."""

import re
from collections.abc import Sequence
from inspect import getmembers, isfunction, signature
from pathlib import Path
from textwrap import dedent

import pluggy
import pytest

from chargecloud import hookspecs
from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import ITariff
from chargecloud.money.builtin import builtin_tariffs
from chargecloud.money.by_time import ByTime
from chargecloud.plugins import PluginSettings, load_plugins

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
        "composed",
        "ocpi",
        "time_of_use",
    ]


def documented() -> dict[str, str]:
    """The example of each hook in its document, by the hook's name."""
    text = (Path(__file__).parents[1] / "docs" / "hooks.rst").read_text()
    sections = re.split(r"\n(chargecloud_\w+)\n-+\n", text)[1:]
    return {
        name: dedent(re.split(r"\.\. code-block:: python\n", body)[1])
        for name, body in zip(sections[::2], sections[1::2], strict=True)
    }


def test_every_hook_isdocumented() -> None:
    """Each has its section, and no section is of a hook that there is none of."""
    assert sorted(documented()) == sorted(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hooks_example_works(name: str, tmp_path: Path) -> None:
    """As a file in a folder of plugins, exactly as it is printed."""
    (tmp_path / "example.py").write_text(documented()[name])
    found = load_plugins(PluginSettings(plugins_dir=str(tmp_path), strict=True), ())
    (kind,) = [kind for (kind, _), each in found.origins.items() if each.plugin == "example"]
    assert name == f"chargecloud_{kind}"


def test_a_payment_channel_that_gives_nothing_back_is_refused(tmp_path: Path) -> None:
    """By its plugin's name, with what is missing; nothing else of that plugin is used."""
    example = documented()["chargecloud_payment_channels"]
    assert "def refund(self, refund)" in example
    (tmp_path / "counter.py").write_text(example.replace("def refund(", "def repay("))
    found = load_plugins(PluginSettings(plugins_dir=str(tmp_path)), ())
    (told,) = map(str, found.refused)
    assert told.startswith("plugin counter: ")
    assert "refund" in told
    assert found.payment_channels == {}
