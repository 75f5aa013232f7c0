"""A new plugin's files, as a vendor's engineer begins with: a whole small distribution that
works, with tests that pass."""

import re
from importlib.resources import files
from pathlib import Path
from string import Template

from chargecloud.plugins.provided import PluginError

KINDS = ("dialect", "tariff", "sink", "feature")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


def write_plugin(kind: str, name: str, folder: Path) -> list[Path]:
    """
    Write a distribution's files into a new folder.

    @param kind: one of C{KINDS}.
    @return: the files, in the order in which they are to be read.
    @raise PluginError: for a name that no module can have, or a folder that is there already.
    """
    if not _NAME.fullmatch(name):
        raise PluginError(f"{name!r} must be small letters, digits and _, and begin with a letter")
    module = f"chargecloud_{name}"
    words = {
        "name": name,
        "kind": kind,
        "module": module,
        "Class": "".join(word.capitalize() for word in name.split("_")),
    }
    templates = files(__package__) / "templates"
    contents = {
        "README.rst": templates / "README.rst.in",
        "setup.py": templates / "setup.py.in",
        f"{module}.py": templates / kind / "module.py.in",
        f"tests/test_{module}.py": templates / kind / "test_module.py.in",
    }
    if kind == "tariff":
        # what the conformance kit proves it with
        contents["terms.json"] = templates / kind / "terms.json.in"
    written = {
        folder / path: Template(template.read_text()).substitute(words)
        for path, template in contents.items()
    }
    try:
        folder.mkdir(parents=True)
        (folder / "tests").mkdir()
    except FileExistsError as error:
        raise PluginError(f"{folder} is there already") from error
    for path, content in written.items():
        path.write_text(content)
    return list(written)
