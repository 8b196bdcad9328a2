"""A step of whole models on the chips, term by term, from their builds.

    uv run python -m benchmarks.whole_models BUILD...

Of each kind of operator the longest run of each layer is added over the layers: what a step would take if it were alone
with its operators. What is left of the makespan are wires, guards, sums on the way, waiting for them, and deskews.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.reader import read_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

# Kinds of operators that are told together.
TERMS = {
    "norms": ("mixer_norm", "ffn_norm", "final_norm", "latent_norm"),
    "projections in": ("qkv", "down", "absorb", "delta_in", "state_in"),
    "projections out": ("out", "latent_out", "delta_out", "state_out"),
    "keys and values": ("scores", "values", "latent_scores", "latent_values"),
    "softmax": ("softmax",),
    "turns, gates": ("rotate", "latent_rotate", "gate"),
    "states": ("delta_convolve", "delta", "delta_norm", "state_convolve", "state", "state_norm"),
    "FFNs": ("dense", "shared", "experts", "narrow", "widen", "combine"),
    "routers": ("router",),
    "embedding and head": ("embedding", "lm_head", "argmax", "sample"),
}


def terms(build: Build) -> dict[str, int]:
    """Return the cycles of each term of a step, what is left over last."""
    operators, longest = build.operators, defaultdict[tuple[int, str], int](int)
    columns = (operators.layer.tolist(), operators.kind.tolist(), operators.cycles.tolist())
    for layer, kind, cycles in zip(*columns, strict=True):
        longest[layer, kind] = max(longest[layer, kind], cycles)
    of_kind = defaultdict[str, int](int)
    for (_, kind), cycles in longest.items():
        of_kind[kind] += cycles
    found = {term: sum(of_kind[kind] for kind in kinds) for term, kinds in TERMS.items()}
    deskews = int(build.deskews.stall.sum())
    whole = int(np.sum(build.segments.makespan_cycles))
    return found | {"deskews": deskews, "wires": whole - sum(found.values()) - deskews, "all": whole}


def main() -> None:
    """Print a table with a column a build."""
    builds = [read_build(Path(folder)) for folder in sys.argv[1:]]
    columns = [terms(build) for build in builds]
    names = [Path(str(build.manifest.options["model"])).name for build in builds]
    print("| cycles | " + " | ".join(names) + " |")
    print("|---|" + "---:|" * len(names))
    for term in columns[0]:
        if any(column[term] for column in columns):
            print(f"| {term} | " + " | ".join(f"{column[term]:,}" for column in columns) + " |")


if __name__ == "__main__":
    main()
