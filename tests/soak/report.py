"""What a long trial found: figures, and checks that hold or do not."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from attrs import define, field

#: of many faults of one kind, as many are told
TOLD = 5


@define
class Report:
    """
    What came out.

    @ivar checks: each with whether it holds.
    @ivar faults: what keeps one from holding, in words; the first of many.
    """

    figures: dict[str, Any] = field(factory=dict)
    checks: dict[str, bool] = field(factory=dict)
    faults: list[str] = field(factory=list)

    def check(self, name: str, *, holds: bool, otherwise: str) -> None:
        """Write a check down."""
        self.checks[name] = holds
        if not holds:
            self.faults.append(f"{name}: {otherwise}")

    def check_none(self, name: str, faults: Sequence[str]) -> None:
        """Write down a check that holds if there are no faults."""
        self.check(name, holds=not faults, otherwise="; ".join(faults[:TOLD]))

    def tell(self) -> int:
        """Print it as one line of JSON; the exit status."""
        passed = all(self.checks.values())
        told = {"passed": passed, "checks": self.checks, "figures": self.figures}
        sys.stdout.write(json.dumps(told | {"faults": self.faults}, ensure_ascii=False) + "\n")
        return 0 if passed else 1
