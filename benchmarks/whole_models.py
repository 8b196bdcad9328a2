"""A step of whole models on the chips, term by term, from their builds.

    uv run python -m benchmarks.whole_models BUILD...

Of each kind of operator the longest run of each layer is added over the layers. What of this is at the same time, a
scale beside a product for instance, is told with a minus. The rest is time in which no operator of the model runs on
any chip: wires, guards, sums on the way, waiting for them, and deskews.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.reader import read_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

# Sums on the way.
ADD = "add"
# Kinds of operators that are told together.
TERMS = {
    "norms": ("mixer_scale", "ffn_scale", "ffn_norm", "home_norm", "latent_norm"),
    "rounding": ("mixer_round", "ffn_round", "head_round"),
    "projections in": ("qkv", "down", "absorb", "delta_in", "state_in"),
    "projections out": ("out", "latent_out", "delta_out", "state_out"),
    "keys and values": ("scores", "values", "latent_scores", "latent_values"),
    "softmax": ("softmax",),
    "turns, gates": ("rotate", "latent_rotate", "gate"),
    "states": ("delta_convolve", "delta", "delta_norm", "state_convolve", "state", "state_norm"),
    "FFNs": ("dense_in", "dense_activate", "dense_out", "shared", "experts", "narrow", "widen", "combine"),
    "routers": ("router_in", "router"),
    "dispatch": ("label", "dispatch"),
    "embedding and head": ("embedding", "lm_head", "argmax", "sample"),
    "drafts": ("accept", "pick", "hand", "onward", "token_scale", "row_scale", "join", "project"),
}


def terms(build: Build) -> dict[str, int]:
    """Return the cycles of each term of a step, what runs beside another operator, and what is left over last."""
    operators, longest = build.operators, defaultdict[tuple[int, str], int](int)
    told = operators.kind != ADD
    rows = (operators.layer, operators.kind, operators.cycles)
    for layer, kind, cycles in zip(*(column[told].tolist() for column in rows), strict=True):
        longest[layer, kind] = max(longest[layer, kind], cycles)
    of_kind = defaultdict[str, int](int)
    for (_, kind), cycles in longest.items():
        of_kind[re.sub(r"_\d+$", "", kind)] += cycles
    found = {term: sum(of_kind[kind] for kind in kinds) for term, kinds in TERMS.items()}
    deskews, running = int(build.deskews.stall.sum()), covered(operators.start[told], operators.cycles[told])
    whole = int(np.sum(build.segments.makespan_cycles))
    beside = running - sum(found.values())
    return found | {"at the same time": beside, "deskews": deskews, "wires": whole - running - deskews, "all": whole}


def covered(start: Integers, cycles: Integers) -> int:
    """Return in how many cycles at least one of some intervals runs."""
    order = np.argsort(start, kind="stable")
    first, end = start[order], np.maximum.accumulate((start + cycles)[order])
    before = np.append(first[:1], end[:-1])[: len(first)]
    return int(np.maximum(end - np.maximum(first, before), 0).sum())


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
