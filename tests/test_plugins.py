"""Plugins: found, checked, and asked for what they provide."""

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from chargecloud import __version__
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IDialect, ITariff
from chargecloud.money.by_time import ByTime
from chargecloud.plugins import PluginError, PluginSettings, finding, load_plugins
from chargecloud.plugins.provided import Origin


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


class OfTomorrow(Vendor):
    """A plugin that was written for hooks that are not there yet."""

    chargecloud_api = 2


#: a plugin of one file, as a sysadmin drops it into a folder
LOOSE = """
from twisted.internet.defer import succeed
from zope.interface import implementer

from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import IAlarmSink

__version__ = "3.2"


@implementer(IAlarmSink)
class Blue:
    name = "blue"

    def deliver(self, alarm):
        return succeed(None)


@hookimpl
def chargecloud_alarm_sinks():
    return [Blue()]
"""

of_tomorrow = OfTomorrow()
acme, zenith = Vendor(Dialect("acme")), Vendor(Dialect("zenith"))
two, bad, none = Vendor(Dialect("b"), Dialect("a")), Vendor(Half()), Vendor(None)
second_native = Vendor(NativeDialect())
second_tariff, misspelt, asking, failing = SecondTariff(), Misspelt(), Asking(), Failing()


def installed(*names: str) -> list[EntryPoint]:
    """Entry points as distributions would have them."""
    return [EntryPoint(name, f"{__name__}:{name}", "chargecloud") for name in names]


def test_the_platform_has_what_it_needs() -> None:
    """Without any plugin there is a dialect, four kinds of tariff, and features."""
    own = load_plugins(entries=())
    assert list(own.dialects) == ["native"]
    assert list(own.tariffs) == ["time_of_use", "by_time", "composed", "ocpi"]
    assert "statistics" in own.features


def test_ours_come_first_and_others_by_their_names() -> None:
    """Dialects are asked in this order who a connection is for, on every machine."""
    found = load_plugins(entries=installed("zenith", "two", "acme"))
    assert list(found.dialects) == ["native", "acme", "b", "a", "zenith"]
    assert list(found.tariffs) == ["time_of_use", "by_time", "composed", "ocpi"]


def test_distributions_that_are_installed_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The group of the entry points is the project's name."""
    groups: list[str] = []

    def entry_points(*, group: str) -> list[EntryPoint]:
        groups.append(group)
        return installed("acme")

    monkeypatch.setattr(finding, "entry_points", entry_points)
    assert "acme" in load_plugins().dialects
    assert groups == ["chargecloud"]


def test_a_plugin_that_is_not_wanted() -> None:
    """A blocked plugin is not even imported, so one that breaks can be lived without."""
    entries = [*installed("acme", "bad"), EntryPoint("broken", "no.such.module", "chargecloud")]
    blocked = load_plugins(PluginSettings(blocked=("bad", "broken")), entries)
    allowed = load_plugins(PluginSettings(allowed=("acme",)), entries)
    assert list(blocked.dialects) == list(allowed.dialects) == ["native", "acme"]
    assert blocked.refused == allowed.refused == ()


def refused(*names: str) -> str:
    """Why these plugins are not used."""
    entries = installed(*names)
    lenient = load_plugins(entries=entries)
    # the others are used all the same, and of this one nothing
    assert "native" in lenient.dialects
    assert all(origin.plugin != names[-1] for origin in lenient.origins.values()) or (
        names.count(names[-1]) > 1
    )
    (told,) = lenient.refused
    with pytest.raises(PluginError) as caught:
        load_plugins(PluginSettings(strict=True), entries)
    assert str(caught.value) == str(told)
    return str(told)


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
        ("second_native", ["plugin second_native", "chargecloud has a IDialect 'native'"]),
        ("second_tariff", ["plugin second_tariff", "chargecloud has a ITariff 'by_time'"]),
        ("of_tomorrow", ["plugin of_tomorrow", "version 2 of the hooks, and this is 1"]),
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
    (told,) = load_plugins(entries=[broken]).refused
    assert str(told).startswith("plugin broken: (no.such.module): ModuleNotFound")


def test_two_plugins_of_one_name() -> None:
    """Which one is meant could not be told."""
    assert "plugin acme" in refused("acme", "acme")


def test_a_folder_of_files(tmp_path: Path) -> None:
    """Each file is a plugin by its name; one that breaks is refused, with its place."""
    (tmp_path / "blue.py").write_text(LOOSE)
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    (tmp_path / "_draft.py").write_text("raise SystemExit\n")
    found = load_plugins(PluginSettings(plugins_dir=str(tmp_path)), ())
    assert "blue" in found.alarm_sinks
    assert found.origins["alarm_sinks", "blue"] == Origin("blue", "3.2")
    (told,) = found.refused
    assert str(told).startswith(f"plugin broken: ({tmp_path}/broken.py): ModuleNotFound")
    with pytest.raises(PluginError, match="there is no folder"):
        load_plugins(PluginSettings(plugins_dir=str(tmp_path / "absent")), ())


def test_it_is_known_what_comes_from_where() -> None:
    """By plugin and version, as bills and frames tell it."""
    found = load_plugins(entries=installed("acme"))
    assert found.origins["dialects", "acme"].plugin == "acme"
    assert found.origins["tariffs", "by_time"] == Origin("chargecloud", __version__)


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nsys.exit(3)",
        "def __getattr__(name):\n    raise RuntimeError(name)",
        LOOSE.replace('name = "blue"', "name = None"),
        LOOSE + "\nclass V:\n    def __str__(self):\n        1 / 0\n__version__ = V()\n",
    ],
    ids=["leaves", "raises at each name", "has no name", "has no version"],
)
def test_whatever_a_file_does_the_others_are_there(source: str, tmp_path: Path) -> None:
    """It is refused, and says which one it is."""
    (tmp_path / "bad.py").write_text(source)
    (tmp_path / "good.py").write_text("chargecloud_api = 1\n")
    plugins = load_plugins(PluginSettings(plugins_dir=str(tmp_path)), ())
    (only,) = plugins.refused
    assert "bad" in str(only)
    assert "native" in plugins.dialects
