"""
Charges over bad networks and through storms, in which the platform starts anew as well: in the
end the books of the platform and of the chargers are the same, as they are on a quiet day.

C{make soak} does it for ten minutes each; C{tests/test_bad_networks.py} does it for less than one.
What the networks do, and how often, is in L{chargecloud.simulator.badnet} and in the scenarios
C{badnet} and C{storm}.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from attrs import asdict

from tests.soak.kills import Trial


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--boxes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=5)
    given = parser.parse_args()
    faults = 0
    for scenario in ("badnet", "storm"):
        folder = Path(tempfile.mkdtemp(prefix=f"{scenario}-"))
        trial = Trial(folder, given.boxes, given.seed)
        found = trial.run(given.kills, 50, scenario, given.minutes * 60)
        sys.stdout.write(json.dumps({scenario: asdict(found)}, indent=2) + "\n")
        faults += len(found.faults)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
