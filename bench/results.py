"""Where the measurements are kept: one file, its figures by their names."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

LATEST = Path(__file__).parent / "results" / "latest.json"


def keep(
    name: str, figures: Mapping[str, object], about: Mapping[str, object] | None = None
) -> None:
    """
    Print a bench's figures as a table, and keep them beside those of the others.

    @param figures: by names that no other bench has.
    @param about: how they were measured, and what says that they can be trusted.
    """
    about = about or {}
    for figure, value in [*figures.items(), *about.items()]:
        sys.stdout.write(f"{figure:34}{value}\n")
    sys.stdout.flush()
    kept = json.loads(LATEST.read_text()) if LATEST.exists() else {}
    LATEST.parent.mkdir(exist_ok=True)
    described = {**kept.pop("about", {}), name: dict(about)}
    kept = {**kept, **figures, "about": described}
    LATEST.write_text(json.dumps(kept, indent=1) + "\n")
