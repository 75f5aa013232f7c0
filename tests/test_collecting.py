"""What a process has when it is ready is not gone through by the collector."""

import subprocess
import sys

from chargecloud.collecting import LOOKS_AFTER

ASKED = """
import gc
from chargecloud.collecting import keep_what_is_there
keep_what_is_there()
print(gc.get_freeze_count() > 1_000, *gc.get_threshold())
"""


def test_what_is_there_is_kept() -> None:
    """In a process of its own, as it is for all of one."""
    ran = subprocess.run(
        [sys.executable, "-c", ASKED], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.split() == ["True", *map(str, LOOKS_AFTER)]
