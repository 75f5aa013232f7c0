"""A new plugin works as it is written, and its own tests pass."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from chargecloud.cli import main
from chargecloud.plugins import PluginError, PluginSettings, load_plugins
from chargecloud.plugins.writing import KINDS, write_plugin


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_works(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its tests pass, and the platform takes it."""
    folder = tmp_path / "new"
    assert main(["plugins", "new", kind, "acme", "--folder", str(folder)]) == 0
    assert "chargecloud_acme.py" in capsys.readouterr().out
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{Path.cwd()}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    loose = tmp_path / "loose"
    loose.mkdir()
    shutil.copy(folder / "chargecloud_acme.py", loose / "acme.py")
    found = load_plugins(PluginSettings(plugins_dir=str(loose), strict=True), ())
    names = {name for (_, name), origin in found.origins.items() if origin.plugin == "acme"}
    assert names == {"acme"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "more", "rule"),
    [
        ("dialect", (), "an order lives"),
        ("tariff", ("--terms", "new/terms.json"), "more never costs less"),
    ],
    ids=["dialect", "tariff"],
)
def test_what_is_new_passes_the_conformance_kit(
    kind: str, more: Sequence[str], rule: str, tmp_path: Path
) -> None:
    """Before a line of it was changed, so that whoever changes it sees what they break."""
    write_plugin(kind, "acme", tmp_path / "new")
    loose = tmp_path / "loose"
    loose.mkdir()
    shutil.copy(tmp_path / "new" / "chargecloud_acme.py", loose / "acme.py")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs",
         "chargecloud.conformance", f"--{kind}", "acme", "--plugins-dir", str(loose), *more],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    assert f"holds   {rule}" in ran.stdout
    assert "BROKEN" not in ran.stdout


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder that is there is somebody's work."""
    with pytest.raises(PluginError, match="is there already"):
        write_plugin("sink", "acme", tmp_path)
    with pytest.raises(PluginError, match="must be small letters"):
        write_plugin("sink", "Acme-2", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
