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

from lpxsched.report.token import only_period, token_time
from lpxsched.timetable.wires import pitch_numerators
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.report.token import TokenTime
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers

LARGEST_SUM = 2**62


@dataclass(frozen=True, slots=True)
class LinkGroup:
    """Links that are counted together.

    Attributes
    ----------
    name : str
        Link class, with the tray where links inside trays are told apart (``tray 3``, of rack 0 ``tray 0.3``).
    link_class : str
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

    def bin_shares(self) -> NDArray[np.float64]:
        """Return the busy share of all links of each group in each bin, shape (groups, bins)."""
        links = np.array([[group.links] for group in self.groups], dtype=np.float64).reshape(-1, 1)
        ticks = links * (self.last_cycle - self.first_cycle) * self.ticks_per_cycle / self.bins
        return _divide(self.busy_ticks, ticks + np.zeros(self.busy_ticks.shape))

    def running_bin_shares(self) -> NDArray[np.float64]:
        """Return the busy share of the running segment's links, shape (groups, bins); NaN where none run."""
        return _divide(self.busy_ticks, self.running_ticks)


def utilisation(
    build: Build, *, bins: int, by_tray: bool = False, window: tuple[int, int] | None = None
) -> Utilisation:
    """Return how busy each group of links is over the time of one token.

    Parameters
    ----------
    build : Build
    bins : int
        Number of equal bins of time, at least 1.
    by_tray : bool
        Whether links inside a tray form one group a tray, where the fabric has several trays.
    window : tuple of int, optional
        First cycle and first cycle after, on the timeline of the token. When left out all of it, and of a timetable
        that repeats one period, with the vectors of all iterations.
    """
    token, period = token_time(build), only_period(build)
    if period and window is None:
        return _of_period(build, period, bins=bins, by_tray=by_tray)
    return _in_window(build, token, bins=bins, by_tray=by_tray, window=window)


def _in_window(
    build: Build, token: TokenTime, *, bins: int, by_tray: bool, window: tuple[int, int] | None
) -> Utilisation:
    first, last = window or (0, token.total_cycles)
    group_of_link, names = _groups(build, by_tray=by_tray)
    common = lcm(*build.links.vector_time_denominator.tolist())
    ticks = common * bins
    # Beyond 64 bits numpy's object arrays keep the sums exact, only slower.
    fits = (max(token.total_cycles, last) + 1) * ticks * (len(build.slots) + len(build.links) + 1) < LARGEST_SUM
    kind: Any = np.int64 if fits else object
    edges = first * ticks + (last - first) * common * np.arange(bins + 1).astype(kind)
    return Utilisation(
        groups=_link_groups(build, group_of_link, names),
        first_cycle=first,
        last_cycle=last,
        ticks_per_cycle=ticks,
        busy_ticks=_busy_ticks(build, token, group_of_link, len(names), edges, ticks),
        running_ticks=_running_ticks(build, token, group_of_link, len(names), edges, ticks),
    )


def _of_period(build: Build, period: int, *, bins: int, by_tray: bool) -> Utilisation:
    """Return how busy links are in one period: all whole periods that the rows of one iteration reach, folded."""
    token = replace(token_time(build), start_cycles=build.segments.phase_cycles)
    slots, pitch = build.slots, pitch_numerators(build)
    held = -(-slots.vectors * pitch[slots.link] // build.links.vector_time_denominator[slots.link])
    folds = 1 + int((token.start_cycles[token.slot_segment] + slots.depart + held).max(initial=0)) // period
    spread = _in_window(build, token, bins=folds * bins, by_tray=by_tray, window=(0, folds * period))
    busy = spread.busy_ticks.reshape(len(spread.groups), folds, bins).sum(axis=1)
    owned = (token.link_segment >= 0) & ~build.links.down
    group_of_link, names = _groups(build, by_tray=by_tray)
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


def _groups(build: Build, *, by_tray: bool) -> tuple[Integers, list[tuple[str, str]]]:
    """Return the group of each link, and of each group its name and link class."""
    tray = trays(build)
    number = {name: row for row, name in enumerate(dict.fromkeys(tray))}
    split = by_tray and len(number.keys() - {""}) > 1
    classes = list(dict.fromkeys(build.links.link_class.tolist()))
    keys = []
    for name, *ends in zip(build.links.link_class.tolist(), build.links.src, build.links.dst, strict=True):
        source, destination = (tray[end] for end in ends)
        inside = source if split and source == destination else ""
        keys.append((classes.index(name), number[inside] if inside else NONE, f"{name} {inside}".rstrip(), name))
    ordered = sorted(set(keys))
    index = {key: row for row, key in enumerate(ordered)}
    return np.array([index[key] for key in keys], dtype=np.int64), [key[2:] for key in ordered]


def _link_groups(build: Build, group_of_link: Integers, names: Sequence[tuple[str, str]]) -> tuple[LinkGroup, ...]:
    links = np.bincount(group_of_link[~build.links.down], minlength=len(names))
    used = np.bincount(group_of_link[np.unique(build.slots.link)], minlength=len(names))
    vectors = np.zeros(len(names), dtype=np.int64)
    np.add.at(vectors, group_of_link[build.slots.link], build.slots.vectors)
    return tuple(
        LinkGroup(name, link_class, int(links[row]), int(used[row]), int(vectors[row]))
        for row, (name, link_class) in enumerate(names)
    )


def _busy_ticks(
    build: Build, token: TokenTime, group_of_link: Integers, groups: int, edges: NDArray[Any], ticks: int
) -> NDArray[Any]:
    link = build.slots.link
    per_vector = pitch_numerators(build).astype(edges.dtype) * ticks
    per_vector //= build.links.vector_time_denominator
    start = (token.start_cycles[token.slot_segment] + build.slots.depart).astype(edges.dtype) * ticks
    end = start + build.slots.vectors * per_vector[link]
    busy = np.zeros((groups, len(edges) - 1), dtype=edges.dtype)
    group = group_of_link[link]
    for row in range(groups):
        members = group == row
        busy[row] = np.diff(_elapsed(start[members], edges) - _elapsed(end[members], edges))
    return busy


def _elapsed(since: NDArray[Any], edges: NDArray[Any]) -> NDArray[Any]:
    """Return at each edge the time passed since each of the given moments, summed over those passed."""
    ordered = np.sort(since)
    passed = np.searchsorted(ordered, edges, side="right")
    sums = np.concatenate([np.zeros(1, dtype=edges.dtype), np.cumsum(ordered)])
    return np.asarray(passed * edges - sums[passed])


def _running_ticks(
    build: Build, token: TokenTime, group_of_link: Integers, groups: int, edges: NDArray[Any], ticks: int
) -> NDArray[Any]:
    start = token.start_cycles.astype(edges.dtype)[:, None] * ticks
    end = token.end_cycles.astype(edges.dtype)[:, None] * ticks
    overlap = np.minimum(end, edges[1:]) - np.maximum(start, edges[:-1])
    links = np.zeros((groups, len(build.segments)), dtype=edges.dtype)
    owned = (token.link_segment >= 0) & ~build.links.down
    np.add.at(links, (group_of_link[owned], token.link_segment[owned]), 1)
    return np.asarray(links @ np.maximum(overlap, 0))


def _divide(busy: NDArray[Any], available: NDArray[Any]) -> NDArray[np.float64]:
    shares = np.full(busy.shape, np.nan)
    np.divide(busy.astype(np.float64), available.astype(np.float64), out=shares, where=available.astype(bool))
    return shares
