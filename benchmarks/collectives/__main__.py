"""Print the tables.

Usage: uv run python -m benchmarks.collectives [--only NAME] [--effort N]
"""

from __future__ import annotations

import argparse

from benchmarks.collectives import (
    ablation,
    all_gather,
    all_to_all,
    boxes,
    heterogeneous,
    lines,
    periods,
    pipelined,
    rack,
    speed,
    thresholds,
    tsp,
)
from benchmarks.collectives.solving import warm_up
from benchmarks.collectives.table import print_table
from lpxsched.schedule.options import SolveOptions

TABLES = {
    "all-gather": all_gather.tables,
    "heterogeneous": heterogeneous.tables,
    "boxes": boxes.tables,
    "pipelined": pipelined.tables,
    "all-to-all": all_to_all.tables,
    "tsp": tsp.tables,
    "lines": lines.tables,
    "rack": rack.tables,
    "periods": periods.tables,
    "speed": speed.tables,
    "ablation": ablation.tables,
    "thresholds": thresholds.tables,
}


def main() -> None:
    """Print the tables asked for, then every row that misses its target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collectives")
    parser.add_argument("--only", choices=TABLES, action="append", help="a table; may stand several times")
    parser.add_argument("--effort", type=int, default=SolveOptions().effort)
    chosen = parser.parse_args()
    options = SolveOptions(effort=chosen.effort)
    warm_up()
    missed = []
    for name in chosen.only or TABLES:
        for table in TABLES[name](options):
            missed += print_table(table)
    print(f"\nrows that miss a target: {len(missed)}")
    print("\n".join(missed))


if __name__ == "__main__":
    main()
