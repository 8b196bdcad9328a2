"""Vector hops a second of the greedy solver from ten thousand to ten million hops, and its memory.

Each size runs in a process of its own: ``python -m benchmarks.collectives.speed SIZE VECTORS`` prints one as JSON.
Pieces of 16 vectors travel as one slot a link; pieces of one vector are the slowest case, a slot for each hop.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.collectives.solving import collective_problem, solved
from benchmarks.collectives.table import Table, met
from benchmarks.collectives.topologies import VECTOR_WIRE, VECTORS, write_family
from lpxsched.schedule.options import SolveOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

# All-gather of v vectors a chip on a torus of n x n: n^2 (n^2 - 1) v vector hops, from some 10^4 to 9.8 million.
SIZES = {16: (5, 9, 16, 28), 1: (10, 18, 32, 56)}
LEAST_HOPS_PER_SECOND, MOST_SECONDS, MOST_GIB, LARGEST_EXPONENT = 2e6, 30, 4, 1.15
KIB_PER_GIB = 2**20
GREEDY_EFFORT = 1


def tables(options: SolveOptions) -> Iterator[Table]:
    """Yield the one table; greedy runs at its own effort whatever `options` say."""
    columns = ("torus", "vector hops", "slots", "s", "M hops/s", "GiB", "gap", "met")
    for vectors in SIZES:
        yield Table(f"Speed and growth of greedy: all-gather, vectors a chip: {vectors}", columns, _rows(vectors))


def _rows(vectors: int) -> Iterator[tuple[str, ...]]:
    found = []
    for size in SIZES[vectors]:
        command = [sys.executable, "-m", "benchmarks.collectives.speed", str(size), str(vectors)]
        one = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        found.append((one["vector_hops"], one["seconds"]))
        rate = one["vector_hops"] / one["seconds"]
        largest = size == SIZES[vectors][-1]
        good = met(
            not largest or rate >= LEAST_HOPS_PER_SECOND,
            one["seconds"] < MOST_SECONDS,
            one["gib"] < MOST_GIB,
        )
        counts = (f"{one['vector_hops']:,}", f"{one['slots']:,}", f"{one['seconds']:.4f}", f"{rate / 1e6:.2f}")
        yield f"{size}x{size}", *counts, f"{one['gib']:.2f}", f"{one['gap']:.4f}", good
    hops, seconds = ([log(value) for value in column] for column in zip(*found, strict=True))
    exponent = float(np.polyfit(hops, seconds, 1)[0])
    yield "exponent", "", "", "", f"{exponent:.3f}", "", "", met(exponent <= LARGEST_EXPONENT)


def measure(size: int, vectors: int) -> dict[str, Any]:
    """Return what one all-gather by the greedy solver takes."""
    keys = VECTORS | {"name": "torus", "kind": "torus", "shape": [size, size], "link": VECTOR_WIRE}
    with tempfile.TemporaryDirectory() as folder:
        small = collective_problem(write_family(Path(folder), keys | {"shape": [4, 4]}), "all-gather", 1)
        problem = collective_problem(write_family(Path(folder), keys), "all-gather", vectors)
    options = SolveOptions(solver="greedy", effort=GREEDY_EFFORT)
    solved(small, options)
    ours = solved(problem, options, warm=False)
    return {
        "vector_hops": ours.vector_hops,
        "slots": ours.result.schedule.slots,
        "seconds": ours.seconds,
        "gap": float(ours.result.gap),
        "gib": peak_gib(),
    }


def peak_gib() -> float:
    """Return the largest memory of this process; what `getrusage` tells begins with that of its parent."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / KIB_PER_GIB


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
