"""The reference for boards, built with this machine's compiler."""

import shutil
import subprocess
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2] / "reference" / "c"


@cache
def built(target: str = "all") -> Path:
    """
    The folder in which a target of its Makefile was built.  It is the Makefile's own, so that
    nothing is compiled again until it has changed: with the sanitizers that takes a while.

    @raise AssertionError: if it does not compile without a warning.
    """
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # other processes of the tests build the same
        flock(lock, LOCK_EX)
        made = subprocess.run(
            ["make", "-C", str(ROOT), target], capture_output=True, text=True, check=False
        )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


#: why sizes cannot be measured here
NO_ARM = "arm-none-eabi-gcc is not here (Debian: gcc-arm-none-eabi)"
HAS_ARM = shutil.which("arm-none-eabi-gcc") is not None
