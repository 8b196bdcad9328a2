"""Published figures, as they stand in ``benchmarks/published``; each file says where it is from."""

from __future__ import annotations

import csv
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "published"


def published(name: str) -> list[dict[str, str]]:
    """Return the rows of one file; cells are text."""
    lines = (FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))
