"""Stages of a layer: demands that together are one collective of all its chips, between one producer and its readers.

A stage may begin at the hosts of the chips, each of which sends to its chip what that then gathers, and may end at
them. An all-reduce may begin on as many chips of the layer before: each sends its summand to a chip of its own. Shares
may be a vector shorter than others, or empty.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from lpxsched.schedule.problem.collective import stage_instance
from lpxsched.schedule.problem.instance import Instance, ranks
from lpxsched.traffic.collectives import SUMMED, Collective, Kind
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.compiled.kernels import Integers

# An all-reduce that begins on other chips.
ACROSS = "across"


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A collective within a layer, behind a chain of `rank` operators and demands at most.

    Attributes
    ----------
    demand, vectors : shape (pieces,)
        Of each piece of the collective, `NONE` and 0 where a share is empty. The shares of an all-reduce are one piece,
        in which the first demand begins; `demands` has those of all shares.
    enter, leave : shape (chips,)
        The bundle from each chip's host, and to it, `NONE` where nothing comes from there or goes there. Of an
        all-reduce that begins on other chips `enter` is the bundle from the one whose summand a chip takes.
    """

    kind: Kind
    rank: int
    demand: Integers
    vectors: Integers
    demands: Integers
    enter: Integers
    leave: Integers

    @property
    def is_sum(self) -> bool:
        """Whether chips hold summands."""
        return self.kind in SUMMED

    def instance(self, layer: Instance, *, least: bool = False) -> tuple[Instance, Integers]:
        """Return the stage on its own with all shares as long as the longest, or as the least; and its bundles."""
        network, vectors = layer.network, self.vectors.min() if least else self.vectors.max()
        width = network.width
        bundles = np.flatnonzero((network.source < width) & (network.destination < width))
        chips = replace(network.with_bundles(bundles), chips=width, fabric_node=network.fabric_node[:width])
        return stage_instance(chips, Collective(self.kind, width, int(vectors)), layer.add_cost), bundles


def merged(layer: Instance, stages: Sequence[Stage]) -> Instance:
    """Return a layer in which the first share of each all-reduce is all of it: where it is summed is free.

    Runs within the first share reach beyond it, so that a schedule of one is a schedule of the other.
    """
    vectors = layer.demand_vectors.copy()
    for stage in stages:
        vectors[stage.demands] = 0
        vectors[stage.demand[stage.demand >= 0]] = stage.vectors[stage.demand >= 0]
    return replace(layer, demand_vectors=vectors)


def stages_of(layer: Instance) -> tuple[Stage, ...]:
    """Return the stages of a layer in the order of their ranks; demands that are of none are left out."""
    if layer.network.width < 2:
        return ()
    demand_rank = ranks(layer)[1]
    groups: dict[tuple[int, int, str, int], dict[int, int]] = {}
    seen: defaultdict[tuple[int, int, str, int], int] = defaultdict(int)
    for demand, kind, makers, piece in _pieces(layer):
        key = int(demand_rank[demand]), makers, kind
        number = seen[(*key, piece)]
        seen[(*key, piece)] += 1
        groups.setdefault((*key, number), {})[piece] = demand
    stages = [_stage(layer, rank, kind, pieces) for (rank, _, kind, _), pieces in groups.items()]
    return tuple(sorted((stage for stage in stages if stage), key=lambda stage: stage.rank))


def _pieces(layer: Instance) -> Iterator[tuple[int, str, int, int]]:
    """Yield demands with what they may be a piece of: kind, number of the set of summands (0 of copies), piece."""
    chips, read = layer.network.width, layer.operator_demands.flat()
    everyone = set(range(chips))
    readers: list[set[int]] = [set() for _ in range(layer.demands)]
    for demand, node in zip(read.values.tolist(), layer.operator_node[read.row].tolist(), strict=True):
        readers[demand].add(node)
    chip_of = _chip_of_host(layer)
    for demand, root in enumerate(layer.demand_root.tolist()):
        nodes, leaves = readers[demand], layer.demand_leaves[demand]
        if len(leaves) > 1:
            makers = 1 + int(layer.demand_leaf_operators.index[demand])
            if set(leaves.tolist()) != everyone:
                if nodes == everyone:
                    yield demand, ACROSS, makers, root
            elif nodes == everyone:
                yield demand, "all-reduce", makers, root
            elif nodes == {root}:
                yield demand, "reduce-scatter", makers, root
            elif len(nodes) == 1 and chip_of.get(min(nodes)) == root:
                yield demand, "to hosts", makers, root
        elif nodes | {root} == everyone or (root >= chips and nodes == everyone and root in chip_of):
            yield demand, "all-gather" if root < chips else "from hosts", 0, chip_of.get(root, root)
        elif len(nodes) == 1 and max(root, *nodes) < chips and nodes != {root}:
            yield demand, "all-to-all", 0, root * chips + min(nodes)


def _chip_of_host(layer: Instance) -> dict[int, int]:
    """Return the chip of each host that has one alone."""
    chip, host = layer.network.host_pairs
    alone = np.bincount(host, minlength=1)[host] == 1
    return dict(zip(host[alone].tolist(), chip[alone].tolist(), strict=True))


def _entries(layer: Instance, demand: int) -> Integers | None:
    """Return the bundle over which each chip takes a summand of another chip, `NONE` for its own.

    None where not each of them can have one.
    """
    network, leaves = layer.network, layer.demand_leaves[demand]
    enter = np.full(network.width, NONE, dtype=np.int64)
    own = leaves[leaves < network.width]
    free = np.ones(network.width, dtype=np.bool_)
    free[own] = False
    for leaf in np.setdiff1d(leaves, own).tolist():
        ways = np.flatnonzero((network.source == leaf) & (network.destination < network.width))
        ways = ways[free[network.destination[ways]]]
        if not len(ways):
            return None
        bundle = int(ways[network.hop_cycles[ways].argmin()])
        enter[network.destination[bundle]] = bundle
        free[network.destination[bundle]] = False
    return None if free.any() else enter


def _stage(layer: Instance, rank: int, kind: str, pieces: dict[int, int]) -> Stage | None:
    chips = layer.network.width
    demands = np.array([pieces[piece] for piece in sorted(pieces)], dtype=np.int64)
    vectors = layer.demand_vectors[demands]
    enter, leave = np.full((2, chips), NONE, dtype=np.int64)
    if kind in ("all-reduce", ACROSS):
        entries = _entries(layer, int(demands[0])) if kind == ACROSS else enter
        # One after the other in the tensor, wherever their roots are.
        demands = np.sort(demands)
        one = demands[:1], vectors.sum(keepdims=True), demands
        return None if entries is None else Stage("all-reduce", rank, *one, entries, leave)
    count = chips * chips if kind == "all-to-all" else chips
    demand, length = np.full(count, NONE, dtype=np.int64), np.zeros(count, dtype=np.int64)
    demand[sorted(pieces)], length[sorted(pieces)] = demands, vectors
    if kind == "all-to-all":
        if len(pieces) < chips * (chips - 1):
            return None
        length[:: chips + 1] = length.max()
    network, host = layer.network, np.flatnonzero(~layer.network.between_chips)
    if kind == "from hosts":
        into = host[network.destination[host] < chips]
        enter[network.destination[into]] = into
    if kind == "to hosts":
        out = host[network.source[host] < chips]
        leave[network.source[out]] = out
    collective = {"from hosts": "all-gather", "to hosts": "reduce-scatter"}.get(kind, kind)
    return Stage(cast("Kind", collective), rank, demand, length, demands, enter, leave)
