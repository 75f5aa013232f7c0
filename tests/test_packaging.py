"""The package as it is installed: Twisted must find its commands however that is done.

An installation that lacks them fails without a word, and only outside of the checkout; so
these tests install it in both ways, and look from an empty folder.  They need no network:
what the package depends on is lent by the environment that they run in.
"""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from shutil import copy2
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
LENT = Path(sysconfig.get_path("purelib"))
SCRIPTS = Path(sysconfig.get_path("scripts"))
COMMANDS = ("chargecloud", "chargecloud-sim")

Install = Callable[..., None]


def run(*words: str | Path, folder: Path) -> str:
    """Run a program that must succeed; what it said."""
    # whoever runs the tests may have more on the path than an installation has
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a commit of the working tree would have."""
    folder = tmp_path_factory.mktemp("checkout")
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in run(*listing, folder=ROOT).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    run(*pip, "--wheel-dir", folder, checkout, folder=folder)
    (built,) = folder.glob("chargecloud-*.whl")
    return built


def installed(folder: Path, *what: str | Path) -> Path:
    """A new environment with the package in it, and nothing of this checkout; its Python."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    site_packages = run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder
    ).strip()
    # a path in a .pth file lends packages, but not the .pth files that are beside them
    (Path(site_packages) / "lent.pth").write_text(f"{LENT}\n")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps")
    run(*pip, "--ignore-installed", "--no-build-isolation", *what, folder=folder)
    return python


@pytest.mark.parametrize("editable", [False, True])
def test_twisted_finds_the_commands(
    checkout: Path, wheel: Path, tmp_path: Path, editable: bool
) -> None:
    """C{twist} and C{twistd} list both commands, from a folder that has nothing in it."""
    python = installed(tmp_path / "venv", *(("--editable", checkout) if editable else (wheel,)))
    empty = tmp_path / "empty"
    empty.mkdir()
    where = run(python, "-c", "import chargecloud; print(chargecloud.__file__)", folder=empty)
    assert Path(where.strip()).is_relative_to(checkout if editable else tmp_path / "venv")
    for runner in ("twist", "twistd"):
        listed = run(python, SCRIPTS / runner, "--help", folder=empty).split()
        assert [command for command in COMMANDS if command not in listed] == []


def test_what_is_in_the_package(checkout: Path, wheel: Path) -> None:
    """The dropin is there, the migrations are there, and nothing lies over Twisted's own."""
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert "twisted/plugins/chargecloud_plugin.py" in names
    assert {name for name in names if name.startswith("twisted/") and "__init__" in name} == set()
    assert "chargecloud/py.typed" in names
    modules = {str(path.relative_to(checkout)) for path in checkout.glob("chargecloud/**/*.py")}
    assert any("/migrations/versions/" in module for module in modules)
    assert modules - names == set()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"chargecloud", "twisted"}
