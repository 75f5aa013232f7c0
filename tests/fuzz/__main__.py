"""
Look for inputs that break a dialect, guided by what of it they reach.

C{make fuzz} gives each dialect a minute.  It begins with the corpus that is kept in C{corpus}, and
adds to it what goes where nothing in it did.  An input that breaks something is added too, and
fails in the suite until that is mended.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz import keeping
from tests.fuzz.targets import TARGETS

#: bytes of the longest input
LONGEST = 1_000
#: seconds after which an input has hung, and MB that it may take
HANGS_S, MOST_MB = 10, 1_024


def fuzz(target: str, seconds: int) -> bool:
    """Fuzz one target for so long; whether all was well."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
        folder, broken = Path(made, "inputs"), Path(made, "broken")
        folder.mkdir()
        broken.mkdir()
        for number, each in enumerate(keeping.read(target)):
            (folder / str(number)).write_bytes(each)
        ran = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.one", target, str(folder),
             f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={HANGS_S}",
             f"-rss_limit_mb={MOST_MB}", f"-artifact_prefix={broken}/", "-print_final_stats=1"],
            check=False,
        )  # fmt: skip
        found = [path.read_bytes() for path in folder.iterdir()]
        breaks = [path.read_bytes() for path in broken.iterdir()]
    kept = keeping.minimised(TARGETS[target], found)
    keeping.write(target, {*kept, *breaks})
    sys.stdout.write(f"{target}: {len(kept)} inputs kept, {len(breaks)} break it\n")
    for each in breaks:
        sys.stdout.write(f"  {each.hex()}\n")
    return ran.returncode == 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    given = parser.parse_args()
    results = [fuzz(target, given.seconds) for target in given.targets]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
