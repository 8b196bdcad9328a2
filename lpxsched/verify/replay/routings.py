r"""Routings that depend on the rows, and whether experts have room for them in a static number of runs.

Each of B rows meets k of E experts, or of some without weights. A timetable cannot depend on which. From the work that
``graph.json`` states, the experts of a shard (all of them in slices, blocks of some, or some whole) have room for so
many runs, each of so many rows of one expert. The pairs of a row and an expert are dealt into runs, expert by expert;
what finds no run is not computed, whatever the routing.

Each iteration takes another of `ROUTINGS`; the last are those that need the most runs of the first shard, and of the
last one that holds experts: every row meets as many experts there as it may, each expert one pair while there are
pairs, then as many as one run more asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.timetable.columns import Integers

ROUTINGS = ("random", "same", "spread", "hot", "most runs", "most runs of the last")
RANDOM, SAME, SPREAD, HOT, MOST_RUNS, MOST_LAST = ROUTINGS


class HeldExperts(NamedTuple):
    """The experts of a shard, and the runs for which it has room, of so many rows each.

    Attributes
    ----------
    experts : tuple of int
        In the order of their numbers, each as often as there are runs that read it for the same rows.
    runs, rows_per_run : int
    """

    experts: tuple[int, ...]
    runs: int
    rows_per_run: int


@dataclass(frozen=True, slots=True)
class Routed:
    """Who meets whom.

    Attributes
    ----------
    rows, experts, idle, experts_per_row : int
        B, E, experts without weights, which are numbered behind the others, and k.
    held : tuple of HeldExperts
        By shard.
    """

    rows: int
    experts: int
    idle: int
    experts_per_row: int
    held: tuple[HeldExperts, ...]

    @property
    def choices(self) -> int:
        """Experts with and without weights."""
        return self.experts + self.idle


def chosen_experts(routed: Routed, routing: str, scores: Integers) -> Integers:
    """Return the experts of each row, all different; shape (rows, k).

    Parameters
    ----------
    routed : Routed
    routing : str
        One of `ROUTINGS`.
    scores : ndarray of int64, shape (rows, choices)
        Where the routing is random, the highest are taken.
    """
    rows, k, choices = routed.rows, routed.experts_per_row, routed.choices
    row, place = np.arange(rows)[:, None], np.arange(k)[None, :]
    if routing == RANDOM:
        return np.argsort(-scores, axis=1, kind="stable")[:, :k]
    if routing == SAME:
        return np.broadcast_to(place, (rows, k))
    if routing == SPREAD:
        return (row * k + place) % choices
    if routing == HOT:
        return np.where(place == 0, 0, 1 + (row * (k - 1) + place - 1) % max(1, choices - 1))
    holding = [held for held in routed.held if held.experts]
    return most_runs(routed, holding[0] if routing == MOST_RUNS else holding[-1])


def most_runs(routed: Routed, held: HeldExperts, most: int | None = None) -> Integers:
    """Return the routing that needs the most runs of a shard; shape (rows, k).

    Parameters
    ----------
    routed : Routed
    held : HeldExperts
        What the shard holds.
    most : int, optional
        Pairs of an expert that come at once at most; None for those of all rows.
    """
    experts, times = np.unique(np.array(held.experts, dtype=np.int64), return_counts=True)
    # Those that take most runs for the same rows come first.
    order = np.argsort(-times, kind="stable")
    experts, times, rows = experts[order], times[order], routed.rows
    here, number = min(routed.experts_per_row, len(experts)), len(experts)
    at_once = held.rows_per_run, min(rows, most or rows)
    # One pair for each at first; where some take more runs than others perhaps for all but one, or for none.
    tried = [
        _pairs_of_most_runs(rows, rows * here, np.arange(number) < touched, at_once)
        for touched in ((number, number - 1, 0) if len(set(times.tolist())) > 1 else (number,))
    ]
    pairs = max(tried, key=lambda one: int((-(-one // held.rows_per_run) * times).sum()))
    dealt = np.repeat(experts, pairs).reshape(here, rows).T
    elsewhere = np.setdiff1d(np.arange(routed.choices), experts)
    others = np.broadcast_to(elsewhere[: routed.experts_per_row - here], (rows, routed.experts_per_row - here))
    return np.concatenate([dealt, others], axis=1)


def _pairs_of_most_runs(rows: int, left: int, touched: NDArray[np.bool_], at_once: tuple[int, int]) -> Integers:
    """Return how many of so many pairs each expert of a shard has where they need the most runs.

    Those that are touched have one pair each, while there are pairs. At once come so many rows to a run, and so many
    pairs of an expert at most.
    """
    pairs = (touched & (np.arange(len(touched)) < left)).astype(np.int64)
    left -= int(pairs.sum())
    # First whole runs more, one expert after the other, of what comes at once; then whatever is left.
    for step, limit in (at_once, (1, rows)):
        for expert in range(len(pairs)):
            more = min(left // step, max(0, limit - int(pairs[expert])) // step) * step
            pairs[expert] += more
            left -= more
    return pairs


def pairs_on_shard(held: HeldExperts, experts: Integers) -> Integers:
    """Return which of some pairs meet experts of a shard."""
    return np.flatnonzero(np.isin(experts, held.experts))


def without_run(held: HeldExperts, experts: Integers) -> Integers:
    """Return the pairs that find no run: each expert's pairs fill runs, and there are only so many runs.

    Parameters
    ----------
    held : HeldExperts
    experts : ndarray of int64, shape (pairs,)
        Pairs with experts of other shards need none.
    """
    mine = pairs_on_shard(held, experts)
    order = mine[np.argsort(experts[mine], kind="stable")]
    dealt = experts[order]
    number = np.arange(len(dealt)) - np.searchsorted(dealt, dealt)
    times = np.bincount(np.array(held.experts, dtype=np.int64))
    run = np.cumsum((number % held.rows_per_run == 0) * times[dealt])
    return np.sort(order[run > held.runs])
