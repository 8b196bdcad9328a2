"""The reserved chain: which window of each layer a micro-batch owns, and how long a step is at most.

Layer l of a frame has windows at phi_l + k P. From a window until its micro-batch is at the next layer pass D_l cycles
at most. The chain of one micro-batch is

    w_1 = phi_1,    w_{l+1} = the least window of layer l+1 at or after w_l + D_l,

and from the last layer on to the first one of the next step likewise. It closes after N windows: N P is the longest
step, the sum of all D and all waits. Micro-batch i owns a residue o_i modulo N, its window at layer l of step s is
w_l + (o_i + s N) P.

While delays keep their maxima nobody starts after his own window. Proof by induction over reserved times: the owner of
a window left the layer before no later than reserved, and whoever has an earlier reservation there was served before,
so he is there and first. Where a GPU or a port serves in the fixed order of the reservations, each of its turns begins
at the later of an arrival and an end, both no later than reserved. On a port others go before that are through by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ReservedChain:
    """Windows of one micro-batch in one step.

    Attributes
    ----------
    period_cycles : int
        P.
    windows : int
        N.
    start_cycles : ndarray of int64, shape (layers,)
        w_l; the first is below P.
    delay_cycles : ndarray of int64, shape (layers,)
        D_l, the last one back to the first layer.
    """

    period_cycles: int
    windows: int
    start_cycles: Integers
    delay_cycles: Integers

    @property
    def step_cycles(self) -> int:
        """N P, the longest step."""
        return self.windows * self.period_cycles

    @property
    def phase_cycles(self) -> Integers:
        """phi_l, shape (layers,)."""
        return self.start_cycles % self.period_cycles

    @property
    def numbers(self) -> Integers:
        """Number of the window that residue 0 owns at each layer in step 0, shape (layers,)."""
        return self.start_cycles // self.period_cycles

    @property
    def waits_cycles(self) -> Integers:
        """Wait before each layer when all delays are at their maxima, shape (layers,)."""
        ends = self.start_cycles + self.delay_cycles
        return np.append(self.start_cycles[0] + self.step_cycles - ends[-1], self.start_cycles[1:] - ends[:-1])


def chain_of(phases: Integers, delays: Integers, period: int) -> ReservedChain:
    """Return the chain of given phases.

    Parameters
    ----------
    phases : ndarray of int64, shape (layers,)
        phi_l, each from 0 to P - 1.
    delays : ndarray of int64, shape (layers,)
        D_l.
    period : int
        P.
    """
    start = np.empty_like(phases)
    start[0] = phases[0]
    for layer in range(1, len(phases)):
        start[layer] = _window(int(start[layer - 1] + delays[layer - 1]), int(phases[layer]), period)
    last = _window(int(start[-1] + delays[-1]), int(phases[0]), period)
    return ReservedChain(period, max(1, (last - int(start[0])) // period), start, delays)


def early_chain(
    delays: Integers, period: int, allowed: Callable[[int, dict[int, int]], NDArray[np.bool_]]
) -> ReservedChain | None:
    """Return a chain in which each layer takes the earliest phase that those before it leave; None where one has none.

    Parameters
    ----------
    delays : ndarray of int64, shape (layers,)
        D_l.
    period : int
        P.
    allowed : callable
        Given a layer and the phases of those before it: whether it may begin at each phase, shape (P,).
    """
    phases: dict[int, int] = {}
    time = 0
    for layer, delay in enumerate(delays.tolist()):
        free = np.flatnonzero(allowed(layer, phases))
        if not len(free):
            return None
        waits = (free - time) % period
        time += int(waits.min())
        phases[layer] = time % period
        time += delay
    return chain_of(np.array(list(phases.values()), dtype=np.int64), delays, period)


def free_residues(
    conflicts: NDArray[np.bool_], lost: Sequence[int], micro_batches: int, servers: int
) -> list[tuple[int, int]]:
    """Return residues and servers of as many micro-batches as were found to fit, at most as many as asked for.

    Parameters
    ----------
    conflicts : ndarray of bool, shape (N,)
        Whether two micro-batches on one server meet there when their residues differ by so much.
    lost : sequence of int
        Residues that nobody may own.
    micro_batches, servers : int
        Servers take turns, so that each has as few micro-batches as can be.
    """
    windows = len(conflicts)
    taken = np.zeros(windows, dtype=np.bool_)
    taken[list(lost)] = True
    # What is left to each server: residues that meet none of its own.
    open_to = np.repeat(~taken[np.newaxis], min(servers, micro_batches), axis=0)
    found: list[tuple[int, int]] = []
    for number in range(micro_batches):
        server = number % len(open_to)
        residues = np.flatnonzero(open_to[server])
        if not len(residues):
            break
        residue = int(residues[0])
        found.append((residue, server))
        open_to[:, residue] = False
        # Whoever differs from it by d, in either direction, meets it where d conflicts.
        apart = (np.arange(windows) - residue) % windows
        open_to[server] &= ~(conflicts[apart] | conflicts[-apart % windows])
    return found


def server_conflicts(begin: Integers, length: Integers, chain: ReservedChain) -> NDArray[np.bool_]:
    """Return for each difference of residues whether two micro-batches hold a server at once, shape (N,).

    Parameters
    ----------
    begin, length : ndarray of int64, shape (turns,)
        When residue 0 holds the server, as reserved; every turn again after N P.
    chain : ReservedChain
    """
    period, windows = chain.period_cycles, chain.windows
    # Turn b of the other, d P later, meets turn a where apart - length_b < d P < apart + length_a.
    apart = begin[:, np.newaxis] - begin[np.newaxis]
    lasting = (length[:, np.newaxis] > 0) & (length[np.newaxis] > 0)
    first = (apart - length[np.newaxis])[lasting] // period + 1
    last = -(-(apart + length[:, np.newaxis])[lasting] // period) - 1
    marks = np.zeros(windows + 1, dtype=np.int64)
    for low, high in zip(first.tolist(), last.tolist(), strict=True):
        if high - low + 1 >= windows:
            return np.ones(windows, dtype=np.bool_)
        if low <= high:
            _mark(marks, low % windows, high - low + 1)
    return np.cumsum(marks[:-1]) > 0


def _mark(marks: Integers, first: int, count: int) -> None:
    """Add one to cells of a circle, as differences of their neighbours."""
    windows, end = len(marks) - 1, first + count
    marks[first] += 1
    marks[min(end, windows)] -= 1
    if end > windows:
        marks[0] += 1
        marks[end - windows] -= 1


def _window(time: int, phase: int, period: int) -> int:
    return time + (phase - time) % period
