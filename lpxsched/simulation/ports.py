"""Ethernet ports of hosts in the discipline of frames: one micro-batch at a time, in the order of reservations.

Whoever is early is served before his turn where he is through before the next one begins as reserved: turns on ports
are short, and else layers that share one would wait for each other though all are early.

Rows of a layer leave over one side of the ports of its hosts as soon as its segment is done, and enter over the other
one before its window. They are through when all of these ports have served them. Of two ports with the same layers on
the same side, one that serves none of them for longer is left out: all of its turns end no later than the other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lpxsched.simulation.turns import Server, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Integers = NDArray[np.int64]
INTO, OUT_OF = range(2)


@dataclass(frozen=True, slots=True, eq=False)
class Port:
    """One side of a port.

    Attributes
    ----------
    side : int
        `INTO` or `OUT_OF`.
    least, most : ndarray of int64, shape (layers,)
        For how long rows of each layer keep it; 0 of those that it does not serve.
    """

    side: int
    least: Integers
    most: Integers


@dataclass(slots=True)
class Serving:
    """A port under way."""

    port: Port
    server: Server


def serving(
    ports: Sequence[Port],
    begins: Callable[[int, int, int], int],
    *,
    micro_batches: int,
    visits: int,
    in_order: bool,
) -> list[Serving]:
    """Return ports with the turns of all micro-batches; their first rows are there at the beginning.

    Parameters
    ----------
    ports : sequence of Port
    begins : callable
        When the turn of a micro-batch and a visit begins on a side, as reserved.
    micro_batches, visits : int
    in_order : bool
        Whether reservations count; else whoever came first is first.
    """
    found = []
    for port in ports:
        served, layers = np.flatnonzero(port.most).tolist(), len(port.most)
        # Rows come to a first window, and do not leave a last one.
        first, end = (1, visits) if port.side == INTO else (0, visits - 1)
        turns = [
            Turn(begins(port.side, one, visit), one, visit, int(port.most[layer]))
            for one in range(micro_batches)
            for layer in served
            for visit in range(layer, end, layers)
            if visit >= first
        ]
        found.append(Serving(port, Server(sorted(turns), in_order, early=True)))
    return found


def binding_ports(ports: Sequence[Port]) -> tuple[Port, ...]:
    """Return ports without those that another one with the same layers outlasts in all of its turns."""
    kept: list[Port] = []
    for port in sorted(ports, key=lambda one: (one.side, *(-one.most).tolist(), *(-one.least).tolist())):
        if port.most.any() and not any(_outlasts(other, port) for other in kept):
            kept.append(port)
    return tuple(kept)


def _outlasts(other: Port, port: Port) -> bool:
    """Return whether another port has the same layers and serves each of them as long at least."""
    alike = other.side == port.side and np.array_equal(other.most > 0, port.most > 0)
    return alike and bool((other.most >= port.most).all() and (other.least >= port.least).all())
