"""Where the measurements are kept: one file, a part for each bench."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

LATEST = Path(__file__).parent / "results" / "latest.json"


def keep(name: str, figures: Mapping[str, object]) -> None:
    """Print a bench's figures as a table, and keep them beside those of the others."""
    for figure, value in figures.items():
        sys.stdout.write(f"{figure:28}{value}\n")
    kept = json.loads(LATEST.read_text()) if LATEST.exists() else {}
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps({**kept, name: figures}, indent=1) + "\n")
