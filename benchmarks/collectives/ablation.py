"""What each search and each proof is worth: small problems once more, with one of them left out.

A makespan, or the period of what repeats, is worse where it is longer; a bound where it is lower.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from benchmarks.collectives.ablation_problems import EFFORT, Problem, bounded_problems, solved_problems
from benchmarks.collectives.table import Table
from lpxsched.schedule.plan import sum_plan
from lpxsched.schedule.symmetry.quotient import HALVES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.result import LowerBound
    from lpxsched.schedule.symmetry.quotient import Quotient

    # From what a name stands for to what it stands for where a search or proof is left out.
    Change = Callable[[Any], Any]
    # By what is left out: the name in the engine, and its change.
    Switches = dict[str, tuple[str, Change]]

SCHEDULE = "lpxsched.schedule."


def tables(options: SolveOptions) -> Iterator[Table]:
    """Yield the table of searches and that of bounds."""
    options = replace(options, effort=EFFORT)
    problems = list(solved_problems())
    columns = ("without", "tried on", "worse on", "most %", "there", "better on")
    title = f"Makespans of {len(problems)} problems, a search left out"
    yield Table(title, columns, _rows(problems, SEARCHES, partial(Problem.cycles, options=options)))
    problems += bounded_problems()
    title = f"Bounds of {len(problems)} problems, a proof left out"
    yield Table(title, columns, _rows(problems, BOUNDS, Problem.unproved))


def _rows(problems: list[Problem], left_out: Switches, worth: Callable[[Problem], int]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each name, all cores at work."""
    whole = [_watched(problem, left_out, worth) for problem in problems]
    with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
        yield from pool.map(partial(compared, problems, whole, worth), left_out)


def compared(
    problems: list[Problem], whole: list[tuple[int, set[str]]], worth: Callable[[Problem], int], name: str
) -> tuple[str, ...]:
    """Return the row of a name: on how many problems it was called, is missed (by how much at most, where), or is not.

    Parameters
    ----------
    problems : list of Problem
    whole : list of (int, set of str)
        Worth of each with nothing left out, and what was called for it.
    worth : callable
        Cycles, more of which are worse.
    name : str
    """
    target, change = (SEARCHES | BOUNDS)[name]
    losses = {}
    with patch(f"{SCHEDULE}{target}", change(resolve_name(f"{SCHEDULE}{target}"))):
        for problem, (before, used) in zip(problems, whole, strict=True):
            if target in used:
                losses[problem.name] = (worth(problem) - before) / abs(before)
    worst = max(losses, key=losses.__getitem__, default="")
    worse, better = (sum(sign * loss > 0 for loss in losses.values()) for sign in (1, -1))
    most = (f"{100 * losses[worst]:.2f}", worst) if worse else ("", "")
    return name, str(len(losses)), str(worse), *most, str(better)


def _watched(problem: Problem, left_out: Switches, worth: Callable[[Problem], int]) -> tuple[int, set[str]]:
    """Return the worth of a problem, and which of the names to be left out were called for it."""
    with ExitStack() as stack:
        watches = {
            target: stack.enter_context(
                patch(f"{SCHEDULE}{target}", autospec=True, side_effect=resolve_name(f"{SCHEDULE}{target}"))
            )
            for target in {target for target, _ in left_out.values()}
        }
        value = worth(problem)
        return value, {target for target, watch in watches.items() if watch.called}


def _nothing(value: object) -> Change:
    return lambda _: lambda *_, **__: value


def _without_style(urgency: str, minimal: bool) -> tuple[str, Change]:
    def change(styles: Callable[[Quotient], list[tuple[str, bool]]]) -> Callable[[Quotient], list[tuple[str, bool]]]:
        return lambda problem: [style for style in styles(problem) if style != (urgency, minimal)]

    return "routes.choices._styles", change


def _without_proofs(*names: str) -> tuple[str, Change]:
    def change(better: Callable[..., LowerBound]) -> Callable[..., LowerBound]:
        return lambda best, *others: better(best, *(bound for bound in others if bound.name not in names))

    return "bounds.best._better", change


SEARCHES: Switches = {
    "symmetry": ("attempts.symmetries", lambda _: lambda *_: iter(())),
    "near ends first, shortest ways": _without_style("near", minimal=True),
    "far ends first": _without_style("far", minimal=False),
    "whatever waits longest": _without_style("flat", minimal=False),
    "far ends first, one reader": _without_style("far", minimal=True),
    "whatever waits longest, one reader": _without_style("flat", minimal=True),
    "even loads": _without_style("balanced", minimal=True),
    "even loads by hop": _without_style("by hop", minimal=True),
    "ways of earliest arrival": _without_style("spread", minimal=False),
    "mixed orders of link classes": ("routes.choices.mixtures", _nothing([])),
    "even trees": ("routes.choices.balanced_parents", _nothing(np.zeros((0, 0), dtype=np.int32))),
    "other seeds": ("search.further_choices", _nothing(())),
    "blocks of halves": (
        "routes.choices.block_lengths",
        lambda lengths: lambda *args, **kwargs: [length for length in lengths(*args, **kwargs) if length != HALVES],
    ),
    "packed trees": ("attempts.packs_trees", _nothing(value=False)),
    "trees packed exactly": ("routes.choices._exact_packings", _nothing([])),
    "trees packed by loads": (
        "search.packings",
        lambda styles: (
            lambda *args, **kwargs: (
                style for style in islice(styles(*args, **kwargs), 100) if style.turns or style.merging
            )
        ),
    ),
    "vectors dealt over trees": ("routes.trees.dealt", lambda _: lambda *args: args[-1]),
    "sums beside their reader": (
        "routes.candidates.beside_plan",
        lambda _: lambda problem, ways: sum_plan(problem, ways.blocks, ways.block, ways.bundle),
    ),
    "sums of many operands": ("routes.choices._mergings", _nothing(())),
    "exchanges": ("attempts.exchange", _nothing(None)),
    "summands gathered everywhere": (
        "attempts.search",
        lambda search: lambda *args, gathered=False, **kwargs: None if gathered else search(*args, **kwargs),
    ),
    "sums at one node": ("attempts._at_middle", _nothing(None)),
    "a reduce from an all-reduce": ("attempts.stronger", _nothing([])),
    "justification": ("times.placement.doubly_justified", lambda _: lambda _, placement: placement),
    "periods bisected": ("times.modulo._bisected", lambda _: lambda *args: args[-1]),
    "CP-SAT times": ("cpsat.times.solved_times", lambda _: lambda _, placement, __: placement),
    "CP-SAT ways": ("cpsat.ways.improved_ways", lambda _: lambda found, bound, *_: (found, bound)),
    "CP-SAT ways, models of all blocks": ("cpsat.search._Search.by_models", _nothing(None)),
    "CP-SAT ways, neighbourhoods": ("cpsat.search._Search.by_neighbourhoods", _nothing(None)),
    "CP-SAT trees": ("cpsat.packing.packed_ways", _nothing(None)),
    "CP-SAT ways of layers": ("cpsat.ways.improved_layer", lambda _: lambda found, _: found),
    "symmetry of layers": ("solve_layer.paddings", lambda _: lambda _: iter(())),
    "layers through stages": ("solve_layer.staged", _nothing([])),
    "blocks that grow": (
        "solve_layer.candidate_cuts",
        lambda cuts: lambda instance: [cut for cut in cuts(instance) if cut.growth == 1],
    ),
    "blocks that grow slower": ("solve_layer.slower_cuts", _nothing([])),
}
BOUNDS: Switches = {
    "latency": _without_proofs("latency"),
    "ingress and egress": _without_proofs("ingress", "egress"),
    "ports": _without_proofs("ports"),
    "sums": _without_proofs("sums"),
    "sums of everyone": _without_proofs("sums of everyone"),
    "links": _without_proofs("links"),
    "link class": _without_proofs("link class"),
    "ramp": _without_proofs("ramp"),
    "cut": _without_proofs("cut"),
    "hop windows, routes": _without_proofs("hop windows", "routes"),
    "flow": _without_proofs("flow"),
    "lanes of a node of a layer": ("bounds.walk.NodeLanes.spread", lambda _: lambda _, node, vectors: 0 * vectors),
    "summands of a layer": (
        "bounds.walk._Walk.summands_leave",
        lambda _: lambda walk: np.zeros(walk.instance.network.chips, dtype=np.int64),
    ),
    "stages of a layer": ("bounds.walk.by_stages", _nothing([])),
}
