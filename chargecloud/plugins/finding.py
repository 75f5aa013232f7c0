"""Where plugins are: installed distributions, and a folder of loose files."""

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import frozen

from chargecloud.plugins.provided import Origin, PluginError

#: group of the entry points
GROUP = "chargecloud"


@frozen
class Candidate:
    """
    Something that says to be a plugin.

    @ivar place: where it is, for people.
    @ivar load: imports it.
    @ivar version: of its distribution; C{None} if it can only say so itself.
    """

    name: str
    place: str
    load: Callable[[], Any]
    version: str | None = None

    def origin(self, plugin: Any) -> Origin:
        """Where what it provides comes from, once it is loaded."""
        own = getattr(plugin, "__version__", "0")
        return Origin(self.name, str(own) if self.version is None else self.version)


def installed(entries: Iterable[EntryPoint] | None = None) -> Iterator[Candidate]:
    """The plugins of distributions, by name, so that every machine asks them in the same order."""
    found = entry_points(group=GROUP) if entries is None else entries
    for entry in sorted(found, key=lambda entry: entry.name):
        version = entry.dist.version if entry.dist is not None else None
        yield Candidate(entry.name, entry.value, entry.load, version)


def loose(folder: Path) -> Iterator[Candidate]:
    """
    The plugins of a folder's files, by name; those that begin with an underscore are none.

    @raise PluginError: if there is no such folder.
    """
    if not folder.is_dir():
        raise PluginError(f"plugins_dir: there is no folder {folder}")
    for path in sorted(folder.glob("*.py")):
        if not path.stem.startswith("_"):
            yield Candidate(path.stem, str(path), _loader(path))


def _loader(path: Path) -> Callable[[], ModuleType]:
    def load() -> ModuleType:
        # by a name of its own: it must not take the place of a module that is installed
        spec = spec_from_file_location(f"chargecloud_loose_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
