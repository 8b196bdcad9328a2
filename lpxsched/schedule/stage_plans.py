"""Plans of a layer made of the routes of its stages, each searched as the collective that it is; times jointly.

The schedule of a stage on its own becomes its part of the layer's plan: the same slots and sums, what makes and reads.
What enters from a host is sent on by its chip in the blocks in which the stage sends it; what leaves to a host does so
as soon as its chip has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.attempts import Others, searches_with_stronger
from lpxsched.schedule.parts import beside, of_pieces
from lpxsched.schedule.plan import Operands, Plan
from lpxsched.schedule.policy import MOST_DELIVERED, MOST_OF_STAGE
from lpxsched.schedule.problem.instance import Instance, ranks
from lpxsched.schedule.problem.ragged import first_with, matching
from lpxsched.schedule.problem.stages import Stage, merged, stages_of
from lpxsched.schedule.problem.wires import FAR, all_ways
from lpxsched.schedule.result import Found, LowerBound
from lpxsched.schedule.routes.list_plan import carried, known_by, needed
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.schedule.symmetry.padding import Padded, unpadded
from lpxsched.schedule.symmetry.quotient import Blocks
from lpxsched.schedule.times.placement import improved
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.ragged import Index
    from lpxsched.schedule.result import Schedule


def staged(hint: Found[Padded], bound: LowerBound, options: SolveOptions) -> list[Found[Padded]]:
    """Return the plans that were tried of a layer whose stages have routes of their own, best first.

    Stages are chosen one by one: each gets the routes with which the whole layer is shortest, those of others given.
    Those of the hint, under the identity alone, are one choice for each. Nothing is looked for below the bound.
    """
    instance = hint.problem.instance
    stages = [stage for stage in stages_of(instance) if _delivered(instance, stage) <= MOST_DELIVERED]
    layer = _Layer(unpadded(merged(instance, stages)), stages, *ranks(instance))
    parts = [[layer.given(hint, stage), *layer.found(stage, options)] for stage in stages]
    chosen = [of_stage[min(1, len(of_stage) - 1)] for of_stage in parts]
    rest = layer.rest(hint)
    plans: list[Found[Padded]] = []

    def tried(some: Sequence[_Part]) -> Found[Padded]:
        plans.append(layer.joined([*some, rest], bound))
        return plans[-1]

    best = tried(chosen) if stages else hint
    for number, of_stage in enumerate(parts):
        for part in [of_stage[0], *of_stage[2:]]:
            if best.placement.makespan_cycles <= bound.cycles:
                break
            others = [*chosen[:number], part, *chosen[number + 1 :]]
            found = tried(others)
            if found.quality < best.quality:
                best, chosen = found, others
    return sorted(plans, key=lambda found: found.quality)


def _delivered(layer: Instance, stage: Stage) -> int:
    chips = layer.network.width
    return int(stage.vectors.sum()) * (1 if stage.kind == "all-to-all" else chips)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A layer whose all-reduces are one demand each; the longest chains before its operators and demands."""

    problem: Padded
    stages: Sequence[Stage]
    operator_rank: Integers
    demand_rank: Integers

    def given(self, hint: Found[Padded], stage: Stage) -> _Part:
        """Return the part of a plan with the demands of a stage."""
        part = self._part(hint, stage.demands)
        if stage.kind != "all-reduce":
            return part
        blocks, before = part.plan.blocks, np.zeros(hint.problem.instance.demands, dtype=np.int64)
        lengths = hint.problem.instance.demand_vectors[stage.demands]
        before[stage.demands] = np.cumsum(lengths) - lengths
        first = blocks.first_vector + before[blocks.piece]
        moved = replace(blocks, piece=0 * blocks.piece + stage.demand[0], first_vector=first)
        return part._replace(plan=replace(part.plan, blocks=moved))

    def rest(self, hint: Found[Padded]) -> _Part:
        """Return the part of a plan with the demands of no stage."""
        every = np.arange(hint.problem.instance.demands)
        return self._part(hint, np.setdiff1d(every, np.concatenate([every[:0], *(s.demands for s in self.stages)])))

    def _part(self, hint: Found[Padded], demands: Integers) -> _Part:
        chosen = np.zeros(hint.problem.instance.demands, dtype=np.bool_)
        chosen[demands] = True
        plan, tasks = of_pieces(hint.plan, chosen)
        return _Part(plan, hint.placement.start[tasks])

    def found(self, stage: Stage, options: SolveOptions) -> list[_Part]:
        """Return what searches find for a stage on its own, best first; nothing where its chips need relays."""
        instance, bundles = stage.instance(self.problem.instance)
        if (all_ways(instance.network) == FAR).any():
            return []
        every = searches_with_stronger(instance.stage, Others(instance, options))
        found = sorted(every, key=lambda found: found.quality)
        layer = self.problem.instance
        return [_stage_part(layer, stage, bundles, lifted_collective(plan)) for plan in found[:MOST_OF_STAGE]]

    def joined(self, parts: Sequence[_Part], bound: LowerBound) -> Found[Padded]:
        """Return the plan of all parts with the times of all tasks placed together."""
        plan = beside([part.plan for part in parts])
        slots = np.concatenate([part.start[: part.plan.slots] for part in parts])
        sums = np.concatenate([part.start[part.plan.slots :] for part in parts])
        demand = plan.blocks.piece[np.append(plan.slot_block, plan.sum_block)]
        rank = np.append(self.demand_rank[demand], self.operator_rank)
        order = np.lexsort((np.concatenate([slots, sums, 0 * self.operator_rank]), rank))
        return Found(self.problem, plan, improved(plan_tasks(self.problem, plan), order, enough=bound.cycles))


class _Part(NamedTuple):
    """A plan of some demands, and about when its slots and then its sums begin in the time of the stage."""

    plan: Plan
    start: Integers


class _Rows(NamedTuple):
    """Values of the stage at nodes, block by block."""

    value: Integers
    block: Integers
    node: Integers


class _StageBlocks(NamedTuple):
    """Blocks of the layer, sorted; of each the run of the stage that it is, and the chip that holds it, if one does."""

    blocks: Blocks
    run: Integers
    shard: Integers

    def key(self, rows: _Rows, nodes: int) -> Integers:
        """Return a number for each row."""
        return (rows.value * len(self.run) + rows.block) * nodes + rows.node

    def find(self, run: Integers) -> Integers:
        """Return the block of each run, `NONE` where nothing is left of it."""
        return first_with(self.run, run)


def _stage_part(layer: Instance, stage: Stage, bundles: Integers, schedule: Schedule) -> _Part:
    """Return the part of a layer's plan that a stage's schedule is.

    Parameters
    ----------
    layer : Instance
        Where the shares of an all-reduce are one demand, see `stages.merged`.
    stage : Stage
    bundles : ndarray of int64
        The layer's number of each bundle of the schedule.
    schedule : Schedule
        Of the stage with all shares as long as the longest; what is longer than a share is cut off.
    """
    cut, of_slot, of_sum = _cut(layer, stage, schedule)
    slots, sums = np.flatnonzero(of_slot >= 0), np.flatnonzero(of_sum >= 0)
    entering, read = _entering(stage, cut), _read(stage, schedule, cut)
    leaves = np.flatnonzero(stage.leave[read.node] >= 0)
    sent = _Rows(schedule.slot_value[slots], of_slot[slots], bundles[schedule.slot_bundle[slots]])
    leaving = _Rows(read.value[leaves], read.block[leaves], stage.leave[read.node[leaves]])
    moved = _Rows(*(np.concatenate(columns) for columns in zip(entering, sent, leaving, strict=True)))
    added = _Rows(schedule.operators + sums, of_sum[sums], schedule.sums.node[sums])
    index, source = _index(layer, stage, cut, moved, added), layer.network.source[moved.node]
    loads = carried(index, cut.key(moved._replace(node=source), layer.network.nodes), source)

    def operands(reader: Integers, rows: _Rows) -> Operands:
        key = cut.key(rows, layer.network.nodes)
        return needed(index, key, reader=reader, node=rows.node, block=rows.block, slot_origin=loads[3])

    row, operand = matching(sums, schedule.sums.operand_sum)
    summands = _Rows(schedule.sums.operand_value[operand], added.block[row], added.node[row])
    of_slots, of_sums = (moved.block, moved.node, *loads), (added.block, added.node, schedule.sums.complete[sums])
    reads = operands(*_readers(layer, stage, cut, read))
    plan = Plan(cut.blocks, *of_slots, *of_sums, operands=operands(row, summands), reads=reads)
    early, late = cut.blocks.first_vector[entering.block] - schedule.makespan_cycles, schedule.makespan_cycles + leaves
    return _Part(plan, np.concatenate([early, schedule.slot_depart[slots], late, schedule.sums.start[sums]]))


def _runs(stage: Stage, schedule: Schedule, value: Integers, first: Integers) -> Integers:
    """Return a number for runs of values that tells the piece and where in it they begin."""
    first = first + np.append(schedule.sums.first, 0)[np.maximum(value - schedule.operators, NONE)]
    longest = int(stage.vectors.max())
    if stage.kind == "all-to-all":
        first = first + value * (schedule.operators // 2) * longest
    return first + value * longest if stage.kind == "all-gather" else first


def _cut(layer: Instance, stage: Stage, schedule: Schedule) -> tuple[_StageBlocks, Integers, Integers]:
    """Return the blocks of the layer, and of which of them each slot and each sum is, `NONE` where nothing is left."""
    total = np.arange(len(schedule.sums), dtype=np.int64)
    run_of_slot = _runs(stage, schedule, schedule.slot_value, schedule.slot_first)
    run_of_sum = _runs(stage, schedule, schedule.operators + total, 0 * total)
    run, index = np.unique(np.append(run_of_slot, run_of_sum), return_index=True)
    piece, first = np.divmod(run, int(stage.vectors.max()))
    vectors = np.append(schedule.slot_vectors, schedule.sums.vectors)[index]
    left = np.minimum(vectors, stage.vectors[piece] - first)
    kept = np.flatnonzero(left > 0)
    piece, nobody = piece[kept], np.full(len(kept), NONE, dtype=np.int64)
    demand = stage.demand[piece]
    blocks = Blocks(demand, first[kept], left[kept], layer.demand_root[demand], nobody)
    shard = piece // layer.network.width if stage.kind == "all-to-all" else piece
    cut = _StageBlocks(blocks, run[kept], nobody if stage.is_sum else shard)
    return cut, cut.find(run_of_slot), cut.find(run_of_sum)


def _entering(stage: Stage, cut: _StageBlocks) -> _Rows:
    """Return what enters, by bundle: copies at the chips that hold them, of sums every block of every summand."""
    if not stage.is_sum:
        block = np.flatnonzero(stage.enter[cut.shard] >= 0)
        return _Rows(cut.shard[block], block, stage.enter[cut.shard[block]])
    chips = np.flatnonzero(stage.enter >= 0)
    value, block = np.tile(chips, len(cut.run)), np.repeat(np.arange(len(cut.run), dtype=np.int64), len(chips))
    return _Rows(value, block, stage.enter[value])


def _read(stage: Stage, schedule: Schedule, cut: _StageBlocks) -> _Rows:
    """Return what each chip reads in the end, what it has held all along besides."""
    node = schedule.read_operator - schedule.operators // 2
    block = cut.find(_runs(stage, schedule, schedule.read_value, schedule.read_first))
    moved = np.flatnonzero((block >= 0) & (schedule.read_value != node))
    own = np.flatnonzero(cut.shard >= 0) if stage.kind == "all-gather" else moved[:0]
    value, at = np.append(schedule.read_value[moved], cut.shard[own]), np.append(node[moved], cut.shard[own])
    return _Rows(value, np.append(block[moved], own), at)


def _index(layer: Instance, stage: Stage, cut: _StageBlocks, moved: _Rows, added: _Rows) -> Index:
    """Return what brings blocks to nodes."""
    nodes, piece = layer.network.nodes, cut.blocks.piece
    entry, leaf = layer.demand_leaves.flat().entries(piece)
    # The summand of another chip is known by the chip that takes it.
    taken, known = np.flatnonzero(stage.enter >= 0), np.arange(nodes, dtype=np.int64)
    if stage.is_sum:
        known[layer.network.source[stage.enter[taken]]] = taken
    return known_by(
        arrived=cut.key(moved._replace(node=layer.network.destination[moved.node]), nodes),
        added=cut.key(added, nodes),
        made=cut.key(_Rows(known[leaf] if stage.is_sum else cut.shard[entry], entry, leaf), nodes),
        maker=layer.demand_leaf_operators.flat().entries(piece)[1],
    )


def _readers(layer: Instance, stage: Stage, cut: _StageBlocks, read: _Rows) -> tuple[Integers, _Rows]:
    """Return the operators of the layer that read what stays at chips or leaves to hosts, and what each reads."""
    end = np.where(stage.leave >= 0, layer.network.destination[stage.leave], np.arange(len(stage.leave)))
    read = read._replace(node=end[read.node])
    wanted = layer.operator_demands.flat()
    reader = wanted.row
    wanted_key = layer.operator_node[reader] * layer.demands + wanted.values
    row, other = matching(wanted_key, read.node * layer.demands + cut.blocks.piece[read.block])
    return reader[row], _Rows(*(column[other] for column in read))
