"""Micro-batches in flight: throughput against one, the longest step against its delays, and the period against loads.

    uv run python -m benchmarks.in_flight [MODEL] [TOPOLOGY]

compiles a model at batch 8 and effort 1 on chips of its own for each layer, with a GPU for each micro-batch and with
pools of eight that are shared, and prints a table of Markdown. Every build is checked.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lpxsched.errors import LpxschedError
from lpxsched.options import CompileOptions
from lpxsched.pipeline import compile_timetable
from lpxsched.verify.check import check
from lpxsched.verify.reservations import chain_of

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

HEADER = (
    "GPUs",
    "in flight",
    "tokens/s",
    "against one, each",
    "step us",
    "P",
    "largest load",
    "N P us",
    "N P / sum of D",
    "rules",
)
MICRO_BATCHES = (1, 2, 4, 8, 16, 32, 64)
# A GPU for each, and the shipped pools.
OWN = """name: one-each
gpus: 72
gpus_per_micro_batch: 1
memory_bytes: 20700000000000
memory_bytes_per_ns: 1600000.0
memory_efficiency: {value: 0.7, range: [0.4, 0.9]}
fixed_ns: {value: 1000.0, range: [500.0, 3000.0]}
"""


def main() -> None:
    """Print the table."""
    model, topology = [*sys.argv[1:], "gpt-oss-120b", "lpx-rack"][:2]
    print(f"| {' | '.join(HEADER)} |")
    print("|---" * len(HEADER) + "|")
    with TemporaryDirectory() as folder:
        own = Path(folder) / "own.yaml"
        own.write_text(OWN)
        for gpus, name in ((str(own), "one each"), ("nvl72", "pools of eight")):
            first = 0.0
            for count in MICRO_BATCHES:
                options = CompileOptions(
                    model=model, topology=topology, partition="disjoint", effort=1, in_flight=count, gpus=gpus
                )
                try:
                    build = compile_timetable(options)
                except LpxschedError as error:
                    print(f"| {name} | {count} | {error} |")
                    continue
                first = first or build.manifest.results["tokens_per_s"]
                print(_row(build, name, count, first), flush=True)


def _row(build: Build, name: str, count: int, first: float) -> str:
    results, rules = build.manifest.results, "hold" if check(build).ok else "broken"
    rate = results["tokens_per_s"]
    cells = [name, f"{count}", f"{rate:,.0f}", f"{rate / first / count:.3f}", f"{results['step_ns'] / 1000:,.1f}"]
    if count == 1:
        return f"| {' | '.join([*cells, '-', '-', '-', '-', rules])} |"
    chain = chain_of(build)
    step = chain.windows * chain.period
    of_windows = next(load for load in results["loads"] if load["kind"] != "GPUs")
    cells += [f"{chain.period:,}", f"{of_windows['load_ns']:,.0f} ({of_windows['resource']})", f"{step / 1000:,.1f}"]
    return f"| {' | '.join([*cells, f'{step / (step - int(chain.waits.sum())):.4f}', rules])} |"


if __name__ == "__main__":
    main()
