"""Plans of a layer made of the routes of its stages, each searched as the collective that it is; times jointly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.parts import beside, of_pieces
from lpxsched.schedule.policy import MOST_DELIVERED, MOST_OF_STAGE
from lpxsched.schedule.problem.instance import Instance, ranks
from lpxsched.schedule.problem.stages import Stage, merged, stages_of
from lpxsched.schedule.problem.wires import FAR, all_ways
from lpxsched.schedule.result import Found, LowerBound
from lpxsched.schedule.routes.stage_plan import Part, stage_part
from lpxsched.schedule.stronger.others import Others, searches_with_stronger
from lpxsched.schedule.symmetry.lift import lifted_collective
from lpxsched.schedule.symmetry.padding import Padded, unpadded
from lpxsched.schedule.times.placement import improved
from lpxsched.schedule.times.plan_tasks import plan_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.options import SolveOptions


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

    def tried(some: Sequence[Part]) -> Found[Padded]:
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

    def given(self, hint: Found[Padded], stage: Stage) -> Part:
        """Return the part of a plan with the demands of a stage."""
        part = self._part(hint, stage.demands)
        if stage.kind != "all-reduce":
            return part
        blocks, before = part.plan.blocks, np.zeros(hint.problem.instance.demands, dtype=np.int64)
        lengths = hint.problem.instance.demand_vectors[stage.demands]
        before[stage.demands] = np.cumsum(lengths) - lengths
        moved = replace(
            blocks, piece=0 * blocks.piece + stage.demand[0], first_vector=blocks.first_vector + before[blocks.piece]
        )
        return part._replace(plan=replace(part.plan, blocks=moved))

    def rest(self, hint: Found[Padded]) -> Part:
        """Return the part of a plan with the demands of no stage."""
        every = np.arange(hint.problem.instance.demands)
        return self._part(hint, np.setdiff1d(every, np.concatenate([every[:0], *(s.demands for s in self.stages)])))

    def _part(self, hint: Found[Padded], demands: Integers) -> Part:
        chosen = np.zeros(hint.problem.instance.demands, dtype=np.bool_)
        chosen[demands] = True
        plan, tasks = of_pieces(hint.plan, chosen)
        return Part(plan, hint.placement.start[tasks])

    def found(self, stage: Stage, options: SolveOptions) -> list[Part]:
        """Return what searches find for a stage on its own, best first; nothing where its chips need relays."""
        instance, bundles = stage.instance(self.problem.instance)
        if (all_ways(instance.network) == FAR).any():
            return []
        every = searches_with_stronger(instance.stage, Others(instance, options))
        found = sorted(every, key=lambda found: found.quality)
        layer = self.problem.instance
        return [stage_part(layer, stage, bundles, lifted_collective(plan)) for plan in found[:MOST_OF_STAGE]]

    def joined(self, parts: Sequence[Part], bound: LowerBound) -> Found[Padded]:
        """Return the plan of all parts with the times of all tasks placed together."""
        plan = beside([part.plan for part in parts])
        slots = np.concatenate([part.start[: part.plan.slots] for part in parts])
        sums = np.concatenate([part.start[part.plan.slots :] for part in parts])
        demand = plan.blocks.piece[np.append(plan.slot_block, plan.sum_block)]
        rank = np.append(self.demand_rank[demand], self.operator_rank)
        order = np.lexsort((np.concatenate([slots, sums, 0 * self.operator_rank]), rank))
        return Found(self.problem, plan, improved(plan_tasks(self.problem, plan), order, enough=bound.cycles))
