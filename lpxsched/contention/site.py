"""Where a segment is laid: nodes of its operators, and how packets are made and find their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.compiled.kernels import Integers
    from lpxsched.contention.draft import Draft
    from lpxsched.contention.network import Network
    from lpxsched.contention.trees import Branches
    from lpxsched.timetable.build import Build

HASHES = 2**31


class Wiring(NamedTuple):
    """How packets are made and find their way.

    Attributes
    ----------
    packet : int
        Vectors of a packet.
    header_bytes : int
    choices : int
        Ways among which each packet of a copy chooses.
    hashed : bool
        Whether each send and each sum takes one of several ways by a hash.
    seed : int
        Of the hashes.
    """

    packet: int
    header_bytes: int
    choices: int
    hashed: bool
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A segment that is being laid.

    Attributes
    ----------
    build : Build
    network : Network
    wiring : Wiring
    draft : Draft
    node_of, group_of : ndarray of int64, shape (operators,)
        Node and group of each row of ``operators.parquet`` that belongs to it, `NONE` of others.
    times : dict of int to int
        Tensors of which more may be copied than the graph says, and how many times that at most.
    random : numpy.random.Generator
        Of the hashes.
    """

    build: Build
    network: Network
    wiring: Wiring
    draft: Draft
    node_of: Integers
    group_of: Integers
    times: Mapping[int, int]
    random: np.random.Generator

    def calls(self, operators: Integers) -> Integers:
        """Add a call for each of some operators; return the call at each node, `NONE` at others."""
        callers = np.unique(operators)
        call_at = np.full(2 * self.network.width, NONE, dtype=np.int64)
        call_at[self.node_of[callers]] = self.draft.add("call", len(callers))
        self.draft.follow("group_calls", self.group_of[callers], call_at[self.node_of[callers]])
        return call_at

    def hops(
        self, branches: Branches, vectors: Integers, origin: dict[str, Integers], *, upward: bool = False
    ) -> Integers:
        """Add a hop for each branch, away from the root or toward it."""
        near, far = (branches.node, branches.toward) if upward else (branches.toward, branches.node)
        columns: dict[str, Integers | int] = {"call": NONE, "group": NONE, "own": NONE, "send": NONE, **origin}
        return self.draft.add(
            "hop",
            len(near),
            bundle=self.network.bundle_of[near, far],
            vectors=vectors,
            turnaround=self.network.turnaround_ps[far],
            hash=self.random.integers(HASHES, size=len(near)),
            **columns,
        )

    def ways(self, table: Integers, root: Integers, *, choices: int) -> list[Integers]:
        """Return by way the next chip from each chip toward each root, so many ways at most.

        Parameters
        ----------
        table : ndarray of int64, shape (ways, chips, chips)
        root : ndarray of int64, shape (trees,)
            A chip, or the host of one.
        choices : int
        """
        chips = root % self.network.width
        if self.wiring.hashed:
            return [table[self.random.integers(len(table), size=len(root)), chips]]
        return [table[way, chips] for way in range(min(choices, len(table)))]
