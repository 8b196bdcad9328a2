"""Trees of even load for timetables that repeat: CP-SAT chooses ways so that the busiest link carries least.

Iterations do not wait for each other, so the period of a plan is that of its busiest resource (`times.modulo`), and
times are left out of the model: there is one literal for each block and each bundle that it may cross. Every reader is
reached once, depths along a tree grow, and the largest load is made small. Sums are trees of the reversed problem; an
all-reduce packs the trees of its sums and of its copies together, since they share the links.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from ortools.sat.python import cp_model

from lpxsched.schedule.cpsat.runs import SOLVED, Effort, one_worker, solve_interruptibly
from lpxsched.schedule.policy import MORE_HOPS, MOST_LITERALS
from lpxsched.schedule.problem.wires import hops_to
from lpxsched.schedule.symmetry.quotient import Blocks, Quotient, Ways
from lpxsched.traffic.collectives import EVERY


@dataclass(slots=True)
class _Model:
    """Literals by direction, block and bundle, and what each resource, unit and port carries."""

    blocks: Blocks
    cp: cp_model.CpModel = field(default_factory=cp_model.CpModel)
    crossed: list[dict[tuple[int, int], cp_model.IntVar]] = field(default_factory=list)
    loads: dict[tuple[str, int], list[cp_model.LinearExprT]] = field(default_factory=dict)

    def add_load(self, kind: str, number: int, load: cp_model.LinearExprT) -> None:
        self.loads.setdefault((kind, number), []).append(load)


def packed_ways(
    directions: list[tuple[Quotient, bool]], blocks: Blocks, *, effort: Effort, below_cycles: int
) -> list[Ways] | None:
    """Return the ways of all blocks, direction by direction; None where no period below `below_cycles` is found.

    Directions are the problem, the problem with its bundles reversed, or both, over the same resources, each with
    whether its trees are sums backwards in time.
    """
    if len(directions) * len(blocks) * directions[0][0].instance.network.bundles > MOST_LITERALS:
        return None
    model = _Model(blocks)
    for problem, is_sum in directions:
        _add_trees(model, problem)
        _add_loads(model, problem, is_sum=is_sum)
    period = model.cp.new_int_var(effort.enough_cycles, below_cycles - 1, "period")
    _add_capacities(model, directions[0][0], period)
    model.cp.minimize(period)
    solver = one_worker(effort.seed, effort.seconds, is_hinted=False)
    if solve_interruptibly(solver, model.cp) not in SOLVED:
        return None
    return [
        _leading_somewhere(problem, blocks, sorted(key for key, literal in crossed.items() if solver.value(literal)))
        for (problem, _), crossed in zip(directions, model.crossed, strict=True)
    ]


def _add_trees(model: _Model, problem: Quotient) -> None:
    """R3: each reader is reached once, other nodes at most once, and only nodes that are reached send on."""
    network, blocks = problem.network, model.blocks
    start, end = network.source.tolist(), network.destination.tolist()
    crossed: dict[tuple[int, int], cp_model.IntVar] = {}
    deepest = int(hops_to(np.arange(network.nodes), network).max()) + MORE_HOPS
    for block, (source, target) in enumerate(zip(blocks.source.tolist(), blocks.target.tolist(), strict=True)):
        depth = [model.cp.new_int_var(0, deepest, "") for _ in range(network.nodes)]
        arriving: list[list[cp_model.IntVar]] = [[] for _ in range(network.nodes)]
        for bundle in range(network.bundles):
            if end[bundle] != source and start[bundle] != target:
                literal = crossed[block, bundle] = model.cp.new_bool_var("")
                arriving[end[bundle]].append(literal)
                model.cp.add(depth[end[bundle]] >= depth[start[bundle]] + 1).only_enforce_if(literal)
        for node, literals in enumerate(arriving):
            if node != source:
                reads = node == target or (target == EVERY and node < network.width)
                model.cp.add_exactly_one(literals) if reads else model.cp.add_at_most_one(literals)
        for bundle in range(network.bundles):
            if (block, bundle) in crossed and start[bundle] != source:
                model.cp.add_bool_or(arriving[start[bundle]]).only_enforce_if(crossed[block, bundle])
    model.crossed.append(crossed)


def _add_loads(model: _Model, problem: Quotient, *, is_sum: bool) -> None:
    """R1, R4, R7: what each literal loads a link, a vector unit and a port with."""
    network, wires, blocks = problem.network, problem.wires, model.blocks
    start, end, resource = network.source.tolist(), network.destination.tolist(), wires.resource.tolist()
    source, vectors, orbit = blocks.source.tolist(), blocks.vectors.tolist(), wires.node_orbit.tolist()
    holds = {length: network.hold_cycles(length).tolist() for length in set(vectors)}
    for (block, bundle), literal in model.crossed[-1].items():
        model.add_load("link", resource[bundle], holds[vectors[block]][bundle] * literal)
        begin, finish = (end[bundle], start[bundle]) if is_sum else (start[bundle], end[bundle])
        if is_sum or begin == source[block]:
            model.add_load("inject", orbit[begin], vectors[block] * literal)
        if finish < network.width:
            model.add_load("eject", orbit[finish], vectors[block] * literal)
    if is_sum:
        _add_sum_loads(model, problem)


def _add_sum_loads(model: _Model, problem: Quotient) -> None:
    """R4: a node that a tree leaves makes a sum of its own operand and one for each branch."""
    network, orbit = problem.network, problem.wires.node_orbit.tolist()
    branches: dict[tuple[int, int], list[cp_model.IntVar]] = {}
    for (block, bundle), literal in model.crossed[-1].items():
        branches.setdefault((block, int(network.source[bundle])), []).append(literal)
    for (block, node), literals in branches.items():
        vectors = int(model.blocks.vectors[block])
        two, three = (problem.instance.add_cost.cycles(operands, vectors) for operands in (2, 3))
        adds = model.cp.new_bool_var("")
        model.cp.add_max_equality(adds, literals)
        model.add_load("sums", orbit[node], (2 * two - three) * adds + (three - two) * sum(literals))


def _add_capacities(model: _Model, problem: Quotient, period: cp_model.IntVar) -> None:
    network, lanes = problem.network, problem.wires.lanes.tolist()
    of_nodes = {"sums": 1, "inject": network.inject_per_cycle, "eject": network.eject_per_cycle}
    for (kind, number), loads in sorted(model.loads.items(), key=lambda item: item[0]):
        capacity = lanes[number] if kind == "link" else of_nodes[kind]
        if capacity:
            model.cp.add(sum(loads) <= capacity * period)


def _leading_somewhere(problem: Quotient, blocks: Blocks, crossed: list[tuple[int, int]]) -> Ways:
    """Return the crossings that lead to a reader, in the order in which they can be made."""
    network = problem.network
    into = {(block, int(network.destination[bundle])): bundle for block, bundle in crossed}
    kept: dict[tuple[int, int], None] = {}
    for block, target in enumerate(blocks.target.tolist()):
        for reader in range(network.width) if target == EVERY else [target]:
            way, node = [], reader
            while (block, node) in into and (block, into[block, node]) not in kept:
                way.append(into[block, node])
                node = int(network.source[way[-1]])
            for bundle in reversed(way):
                kept[block, bundle] = None
    table = np.array(list(kept), dtype=np.int64).reshape(-1, 2)
    return Ways(blocks, table[:, 0], table[:, 1], np.zeros(len(table), dtype=np.int64), np.arange(len(table)))
