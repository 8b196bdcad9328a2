"""How busy the links are: exact busy cycles of each group of links in each bin of the token's time.

A slot of n vectors keeps its link busy during [depart, depart + n v); on busy wires v + latency takes the place of v.
What repeats without end is counted modulo its period. All sums are integers in a unit of time so small that every v
and every edge of a bin is a whole number of it; only a share is a floating-point number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.report.busy_time import Bins, busy_ticks
from lpxsched.report.frames import only_period
from lpxsched.report.token_time import token_time
from lpxsched.timetable.derived import held_cycles, pitch_numerators
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.report.token_time import TokenTime
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

LARGEST_SUM = 2**62
CLASS, TRAY, CHIP, LINK = "class", "tray", "chip", "link"


@dataclass(frozen=True, slots=True)
class LinkGroup:
    """Links that are counted together.

    Attributes
    ----------
    name : str
        Link class, with the tray where links inside trays are told apart (``tray 3``, of rack 0 ``tray 0.3``); the
        position of the node where links are told apart by the node that they leave; the number of a link by itself.
    link_class : str
        Empty for the links of a node.
    links : int
        Links of the group that are in service.
    used_links : int
        Links of the group that carry at least one vector.
    vectors : int
        Vectors that cross links of the group, each counted once a hop.
    """

    name: str
    link_class: str
    links: int
    used_links: int
    vectors: int


@dataclass(frozen=True, slots=True, eq=False)
class Utilisation:
    """Busy time of groups of links in equal bins of time.

    Attributes
    ----------
    groups : tuple of LinkGroup
    first_cycle, last_cycle : int
        The window of the token's time that the bins divide.
    ticks_per_cycle : int
        Unit of the arrays below.
    busy_ticks : ndarray of int, shape (groups, bins)
        Time during which links carry vectors, summed over the links of a group.
    running_ticks : ndarray of int, shape (groups, bins)
        Time of the links that belong to the segment which runs, summed over these links.
    """

    groups: tuple[LinkGroup, ...]
    first_cycle: int
    last_cycle: int
    ticks_per_cycle: int
    busy_ticks: NDArray[Any]
    running_ticks: NDArray[Any]

    @property
    def bins(self) -> int:
        """Number of bins."""
        return int(self.busy_ticks.shape[1])

    @property
    def edges_cycles(self) -> tuple[Fraction, ...]:
        """The bins + 1 edges of the bins, on the timeline of the token."""
        width = Fraction(self.last_cycle - self.first_cycle, self.bins)
        return tuple(self.first_cycle + width * index for index in range(self.bins + 1))

    def busy_cycles(self, group: int) -> Fraction:
        """Return the busy cycles of a group, exactly: its vectors times their time on the link."""
        return Fraction(int(self.busy_ticks[group].sum()), self.ticks_per_cycle)

    def share(self, group: int) -> float:
        """Return the busy share of all links of a group over the whole window."""
        cycles = self.groups[group].links * (self.last_cycle - self.first_cycle)
        return float(self.busy_cycles(group) / cycles) if cycles else 0.0

    def running_share(self, group: int) -> float:
        """Return the busy share of the links of each segment while that segment runs."""
        ticks = int(self.running_ticks[group].sum())
        return int(self.busy_ticks[group].sum()) / ticks if ticks else 0.0

    def peak_bin(self, group: int) -> tuple[float, int] | None:
        """Return the largest busy share of running links in a bin, and that bin; None without vectors."""
        if not self.groups[group].vectors:
            return None
        shares = np.nan_to_num(self.running_bin_shares()[group], nan=0.0)
        return float(shares.max()), int(shares.argmax())

    def running_bin_shares(self) -> NDArray[np.float64]:
        """Return the busy share of the running segment's links, shape (groups, bins); NaN where none run."""
        return _divide(self.busy_ticks, self.running_ticks)


def utilisation(
    build: Build,
    *,
    bins: int,
    by: str = CLASS,
    window: tuple[int, int] | None = None,
    slots: NDArray[np.bool_] | None = None,
) -> Utilisation:
    """Return how busy each group of links is over the time of one token.

    Parameters
    ----------
    build : Build
    bins : int
        Number of equal bins of time, at least 1.
    by : str
        What makes a group: ``class``; ``tray``, where the fabric has several also the tray of links inside one;
        ``chip``, the node that links leave; ``link``, each link by itself.
    window : tuple of int, optional
        First cycle and first cycle after, on the timeline of the token. When left out all of it, and of a timetable
        that repeats one period, with the vectors of all iterations.
    slots : ndarray of bool, shape (slots,), optional
        The slots that count; all when left out.
    """
    token, period = token_time(build), only_period(build)
    if period and window is None:
        return _of_period(build, period, bins=bins, by=by, slots=slots)
    return _in_window(build, token, bins=bins, by=by, window=window, slots=slots)


def _in_window(
    build: Build,
    token: TokenTime,
    *,
    bins: int,
    by: str,
    window: tuple[int, int] | None,
    slots: NDArray[np.bool_] | None,
) -> Utilisation:
    first, last = window or (0, token.total_cycles)
    counted = np.ones(len(build.slots), dtype=np.bool_) if slots is None else slots
    group_of_link, names = _groups(build, by)
    common = lcm(*build.links.vector_time_denominator.tolist())
    ticks = common * bins
    # Beyond 64 bits numpy's object arrays keep the sums exact, only slower.
    fits = (max(token.total_cycles, last) + 1) * ticks * (len(build.slots) + len(build.links) + 1) < LARGEST_SUM
    kind: Any = np.int64 if fits else object
    spans = Bins(first * ticks, (last - first) * common, bins, kind)
    start, end = _held_ticks(build, token, counted, kind, ticks)
    return Utilisation(
        groups=_link_groups(build, group_of_link, names, counted),
        first_cycle=first,
        last_cycle=last,
        ticks_per_cycle=ticks,
        busy_ticks=busy_ticks(group_of_link[build.slots.link[counted]], len(names), start, end, spans),
        running_ticks=_running_ticks(build, token, group_of_link, len(names), spans.edges, ticks),
    )


def _of_period(build: Build, period: int, *, bins: int, by: str, slots: NDArray[np.bool_] | None) -> Utilisation:
    """Return how busy links are in one period: all whole periods that the rows of one iteration reach, folded."""
    token = replace(token_time(build), start_cycles=build.segments.phase_cycles)
    held_until = token.start_cycles[token.slot_segment] + build.slots.depart + held_cycles(build)
    folds = 1 + int(held_until.max(initial=0)) // period
    spread = _in_window(build, token, bins=folds * bins, by=by, window=(0, folds * period), slots=slots)
    busy = spread.busy_ticks.reshape(len(spread.groups), folds, bins).sum(axis=1)
    owned = np.unique(token.link[~build.links.down[token.link]])
    group_of_link, names = _groups(build, by)
    links = np.bincount(group_of_link[owned], minlength=len(names)).astype(busy.dtype)
    ticks = period * spread.ticks_per_cycle // bins
    return replace(
        spread,
        last_cycle=period,
        busy_ticks=busy,
        running_ticks=links[:, None] * np.full(bins, ticks, dtype=busy.dtype),
    )


def trays(build: Build) -> list[str]:
    """Return the tray of each node, all of its position ``tray.position`` but the last; "" where it names no tray."""
    return [position.rpartition(".")[0] for position in build.chips.position.tolist()]


def multicast_slots(build: Build) -> NDArray[np.bool_]:
    """Return which slots carry a vector that leaves the same node in another slot too, shape (slots,)."""
    table = build.slots
    key = build.links.src[table.link] * (int(table.tensor.max(initial=0)) + 1) + table.tensor
    order = np.lexsort((table.first_vector, key))
    key, first = key[order], table.first_vector[order]
    end = first + table.vectors[order]
    # Keys lie so far apart that what came before in another group ends before this one begins.
    apart = int(end.max(initial=0)) + 1
    rank = np.cumsum(np.concatenate([[0], key[1:] != key[:-1]])[: len(key)]) * apart
    begin, until = rank + first, rank + end
    latest = np.maximum.accumulate(until)
    shared = np.zeros(len(table), dtype=np.bool_)
    shared[1:] |= begin[1:] < latest[:-1]
    shared[:-1] |= begin[1:] < until[:-1]
    found = np.zeros(len(table), dtype=np.bool_)
    found[order] = shared
    return found


def _groups(build: Build, by: str) -> tuple[Integers, list[tuple[str, str]]]:
    """Return the group of each link, and of each group its name and link class."""
    if by == CHIP:
        return build.links.src, [(name, "") for name in build.chips.position.tolist()]
    if by == LINK:
        names = build.links.link_class.tolist()
        return np.arange(len(names)), [(str(number), name) for number, name in enumerate(names)]
    tray = trays(build)
    number = {name: row for row, name in enumerate(dict.fromkeys(tray))}
    split = by == TRAY and len(number.keys() - {""}) > 1
    classes = list(dict.fromkeys(build.links.link_class.tolist()))
    keys = []
    for name, *ends in zip(build.links.link_class.tolist(), build.links.src, build.links.dst, strict=True):
        source, destination = (tray[end] for end in ends)
        inside = source if split and source == destination else ""
        keys.append((classes.index(name), number[inside] if inside else NONE, f"{name} {inside}".rstrip(), name))
    ordered = sorted(set(keys))
    index = {key: row for row, key in enumerate(ordered)}
    return np.array([index[key] for key in keys], dtype=np.int64), [key[2:] for key in ordered]


def _link_groups(
    build: Build, group_of_link: Integers, names: Sequence[tuple[str, str]], counted: NDArray[np.bool_]
) -> tuple[LinkGroup, ...]:
    slot_link = build.slots.link[counted]
    links = np.bincount(group_of_link[~build.links.down], minlength=len(names))
    used = np.bincount(group_of_link[np.unique(slot_link)], minlength=len(names))
    vectors = np.zeros(len(names), dtype=np.int64)
    np.add.at(vectors, group_of_link[slot_link], build.slots.vectors[counted])
    return tuple(
        LinkGroup(name, link_class, int(links[row]), int(used[row]), int(vectors[row]))
        for row, (name, link_class) in enumerate(names)
    )


def _held_ticks(
    build: Build, token: TokenTime, counted: NDArray[np.bool_], kind: Any, ticks: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return when the slots that count begin and end to hold their links, on the timeline of the token."""
    link = build.slots.link[counted]
    per_vector = pitch_numerators(build).astype(kind) * ticks
    per_vector //= build.links.vector_time_denominator
    cycle = token.start_cycles[token.slot_segment[counted]] + build.slots.depart[counted]
    start = cycle.astype(kind) * ticks
    return start, start + build.slots.vectors[counted] * per_vector[link]


def _running_ticks(
    build: Build, token: TokenTime, group_of_link: Integers, groups: int, edges: NDArray[Any], ticks: int
) -> NDArray[Any]:
    start = token.start_cycles.astype(edges.dtype)[:, None] * ticks
    end = token.end_cycles.astype(edges.dtype)[:, None] * ticks
    overlap = np.minimum(end, edges[1:]) - np.maximum(start, edges[:-1])
    links = np.zeros((groups, len(build.segments)), dtype=edges.dtype)
    up = ~build.links.down[token.link]
    np.add.at(links, (group_of_link[token.link[up]], token.link_segment[up]), 1)
    return np.asarray(links @ np.maximum(overlap, 0))


def _divide(busy: NDArray[Any], available: NDArray[Any]) -> NDArray[np.float64]:
    shares = np.full(busy.shape, np.nan)
    np.divide(busy.astype(np.float64), available.astype(np.float64), out=shares, where=available.astype(bool))
    return shares
