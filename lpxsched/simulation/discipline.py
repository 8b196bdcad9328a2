"""What is reserved in a step of frames: windows, residues, and turns on ports and servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.simulation.ports import INTO, OUT_OF

if TYPE_CHECKING:
    from lpxsched.simulation.ports import Integers, Port


@dataclass(frozen=True, slots=True, eq=False)
class Discipline:
    """What is reserved.

    Attributes
    ----------
    period, windows : int
        P and N.
    start : ndarray of int64, shape (layers,)
        w_l of residue 0.
    segment : ndarray of int64, shape (layers,)
        From a window to its last result at a host.
    least, most : ndarray of int64, shape (layers, 3)
        Way out after each layer, time on a server, way in to the next layer; without the time on ports.
    residues, servers : ndarray of int64, shape (micro-batches,)
        What each owns, and which server it has.
    ports : tuple of Port
        Over which rows leave and enter.
    gaps : tuple of frozenset of int
        Windows of each layer, by their numbers modulo N, in which nobody runs; none when left out.
    """

    period: int
    windows: int
    start: Integers
    segment: Integers
    least: Integers
    most: Integers
    residues: Integers
    servers: Integers
    ports: tuple[Port, ...] = ()
    gaps: tuple[frozenset[int], ...] = ()

    @property
    def step(self) -> int:
        """N P."""
        return self.windows * self.period

    def opens(self, layer: int, number: int) -> bool:
        """Return whether a layer runs in a window, counted from the first one of residue 0."""
        first = int(self.start[layer]) // self.period
        return not self.gaps or (first + number) % self.windows not in self.gaps[layer]

    def reserved(self, micro_batch: int, visit: int) -> int:
        """Return the window that a micro-batch owns at a visit; visits count on over steps."""
        step, layer = divmod(visit, len(self.start))
        return int(self.start[layer] + (self.residues[micro_batch] + step * self.windows) * self.period)

    @property
    def before(self) -> int:
        """How long before a window its rows begin to enter, as reserved: the longest of all layers."""
        return max((int(port.most.max()) for port in self.ports if port.side == INTO), default=0)

    def on_ports(self, side: int) -> Integers:
        """Return how long rows of each layer are on a side of its ports at most, shape (layers,)."""
        found = [port.most for port in self.ports if port.side == side]
        return np.max(found, axis=0) if found else np.zeros_like(self.start)

    @property
    def served(self) -> Integers:
        """How long after its window the rows of each layer are at a server at most, shape (layers,)."""
        return np.asarray(self.segment + self.on_ports(OUT_OF) + self.most[:, 0])

    @property
    def delays(self) -> Integers:
        """How long after its window a micro-batch is at the next layer at most, shape (layers,)."""
        return np.asarray(self.served + self.most[:, 1:].sum(axis=1) + self.before)

    def turn(self, side: int, micro_batch: int, visit: int) -> int:
        """Return when the turn of a visit on a side of its ports begins, as reserved."""
        window = self.reserved(micro_batch, visit)
        return window - self.before if side == INTO else window + int(self.segment[visit % len(self.segment)])
