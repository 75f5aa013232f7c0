"""Plugins: found, checked, and asked for what they provide."""

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from chargecloud import plugins
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IDialect, ITariff
from chargecloud.money.by_time import ByTime
from chargecloud.plugins import PluginError, load_plugins


class Dialect(NativeDialect):
    """A dialect of a vendor."""

    def __init__(self, name: str) -> None:
        super().__init__()
        object.__setattr__(self, "name", name)


class Half:
    """A dialect with half of its methods and another name for them."""

    name = "half"
    version = "1"

    def recognises(self, first: bytes, last: bytes) -> bool:
        """Not what the interface says."""
        return first == last


class Vendor:
    """A plugin that provides dialects."""

    def __init__(self, *dialects: Any) -> None:
        self.dialects = dialects

    @hookimpl
    def chargecloud_dialects(self) -> Sequence[IDialect]:
        """As they were given."""
        return self.dialects


class SecondTariff:
    """A plugin that provides a kind of tariff which there is already."""

    @hookimpl
    def chargecloud_tariffs(self) -> Sequence[ITariff]:
        """One of ours."""
        return (ByTime(),)


class Misspelt:
    """A plugin that nobody would ever ask."""

    @hookimpl
    def chargecloud_dialekts(self) -> Sequence[IDialect]:
        """Never called."""
        return ()


class Asking:
    """A plugin that wants to be given what the hook has not."""

    @hookimpl
    def chargecloud_dialects(self, config: object) -> Sequence[IDialect]:
        """Never called."""
        return ()


class Failing:
    """A plugin that fails when it is asked."""

    @hookimpl
    def chargecloud_dialects(self) -> Sequence[IDialect]:
        """It lacks something."""
        raise OSError("no licence file")


acme, zenith = Vendor(Dialect("acme")), Vendor(Dialect("zenith"))
two, bad, none = Vendor(Dialect("b"), Dialect("a")), Vendor(Half()), Vendor(None)
second_native = Vendor(NativeDialect())
second_tariff, misspelt, asking, failing = SecondTariff(), Misspelt(), Asking(), Failing()


def installed(*names: str) -> list[EntryPoint]:
    """Entry points as distributions would have them."""
    return [EntryPoint(name, f"{__name__}:{name}", "chargecloud") for name in names]


def test_the_platform_has_what_it_needs() -> None:
    """Without any plugin there is a dialect, two kinds of tariff, and features."""
    own = load_plugins(installed=())
    assert list(own.dialects) == ["native"]
    assert list(own.tariffs) == ["time_of_use", "by_time"]
    assert "statistics" in own.features


def test_ours_come_first_and_others_by_their_names() -> None:
    """Dialects are asked in this order who a connection is for, on every machine."""
    found = load_plugins(installed=installed("zenith", "two", "acme"))
    assert list(found.dialects) == ["native", "acme", "b", "a", "zenith"]
    assert list(found.tariffs) == ["time_of_use", "by_time"]


def test_distributions_that_are_installed_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The group of the entry points is the project's name."""
    groups: list[str] = []

    def entry_points(*, group: str) -> list[EntryPoint]:
        groups.append(group)
        return installed("acme")

    monkeypatch.setattr(plugins, "entry_points", entry_points)
    assert "acme" in load_plugins().dialects
    assert groups == ["chargecloud"]


def test_a_plugin_that_is_not_wanted() -> None:
    """A blocked plugin is not even imported, so one that breaks can be lived without."""
    entries = [*installed("acme", "bad"), EntryPoint("broken", "no.such.module", "chargecloud")]
    assert list(load_plugins(("bad", "broken"), entries).dialects) == ["native", "acme"]


def refused(*names: str) -> str:
    """Why these plugins are not used."""
    with pytest.raises(PluginError) as caught:
        load_plugins(installed=installed(*names))
    return str(caught.value)


def test_a_provider_that_breaks_its_interface() -> None:
    """The plugin is named, and each method with what is wrong with it."""
    why = refused("acme", "bad")
    assert why.startswith("plugin bad: ")
    assert "conversation(record, seconds) attribute was not provided" in why
    assert "read_identity(identity) attribute was not provided" in why


def test_a_provider_that_is_nothing() -> None:
    """A plugin that provides nothing where a dialect should be is named."""
    assert refused("none").startswith("plugin none: The object None has failed to implement")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("second_native", ["plugins chargecloud and second_native", "IDialect 'native'"]),
        ("second_tariff", ["plugins chargecloud and second_tariff", "ITariff 'by_time'"]),
        ("misspelt", ["unknown hook 'chargecloud_dialekts'"]),
        ("asking", ["plugin asking", "config"]),
        ("failing", ["plugin failing", "no licence file"]),
        ("absent", ["plugin absent", f"({__name__}:absent)", "has no attribute"]),
    ],
)
def test_a_plugin_that_cannot_be_used(name: str, words: list[str]) -> None:
    """Whatever is wrong with it, the one who installed it learns which it is and why."""
    why = refused("acme", name)
    assert all(word in why for word in words), why


def test_a_plugin_that_cannot_be_imported() -> None:
    """The distribution is there and its module is not."""
    broken = EntryPoint("broken", "no.such.module", "chargecloud")
    with pytest.raises(PluginError, match=r"plugin broken \(no.such.module\): ModuleNotFound"):
        load_plugins(installed=[broken])


def test_two_plugins_of_one_name() -> None:
    """Which one is meant could not be told."""
    assert "plugin acme" in refused("acme", "acme")
