"""Which collectives, one or two in turn, leave all that another asks for."""

from __future__ import annotations

from dataclasses import replace

from lpxsched.traffic.collectives import Collective
from lpxsched.units import ceil_div


def stronger(weaker: Collective) -> list[tuple[Collective, ...]]:
    """Return collectives, one or two in turn, that leave all that a weaker one asks for."""
    width, vectors = weaker.width, weaker.vectors
    all_reduce = Collective("all-reduce", width, vectors * width if weaker.kind == "reduce-scatter" else vectors)
    share = ceil_div(vectors, width)
    # Of fewer vectors than chips most shares would be of nothing.
    in_turn, last = vectors >= width, Collective("all-gather", width, share)
    halves = [(Collective("reduce-scatter", width, share), last)] if in_turn else []
    gathered = [(halves[0][0], replace(weaker, kind="gather", vectors=share))] if in_turn else []
    spread = [(replace(weaker, kind="scatter", vectors=share), last)] if in_turn else []
    of_kind: dict[str, list[tuple[Collective, ...]]] = {
        "all-reduce": [*halves],
        "reduce": [(all_reduce,), *gathered],
        "broadcast": [(all_reduce,), *spread],
        "reduce-scatter": [(all_reduce,)],
        "gather": [(replace(weaker, kind="all-gather", root=0),)],
    }
    return of_kind.get(weaker.kind, [])
