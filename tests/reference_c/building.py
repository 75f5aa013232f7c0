"""The reference for boards, built with this machine's compiler."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).parents[2] / "reference" / "c"


@cache
def built(target: str = "all") -> Path:
    """
    The folder in which a target of its Makefile was built, once for each process of the tests.

    @raise AssertionError: if it does not compile without a warning.
    """
    folder = Path(mkdtemp(prefix="cc-"))
    made = subprocess.run(
        ["make", "-C", str(ROOT), target, f"BUILD={folder}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


#: why sizes cannot be measured here
NO_ARM = "arm-none-eabi-gcc is not here (Debian: gcc-arm-none-eabi)"
HAS_ARM = shutil.which("arm-none-eabi-gcc") is not None
