"""A scheduled collective as a segment: a ``source`` and a ``deliver`` on each chip that takes part, and its sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.assembly.segment import GraphOperators, PieceColumns, Segment, SegmentPart, TensorColumns, texts
from lpxsched.clocks.latency import hac_latency_cycles, start_cycles
from lpxsched.program.frames.frames import Frame
from lpxsched.schedule.problem.collective import SUM_DATATYPE
from lpxsched.traffic.collectives import source_values
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.collective import ScheduledCollective
    from lpxsched.schedule.problem.instance import Instance

SOURCE_KIND, DELIVER_KIND = "source", "deliver"
NO_UNIT = "none"


def collective_segment(
    fabric: Fabric, clock: ClockSpecification, scheduled: ScheduledCollective, *, deadline_cycles: int | None
) -> Segment:
    """Return a collective, the one segment of its program."""
    problem, tree = scheduled.problem, scheduled.tree
    nobody, text = np.zeros(0, dtype=np.int64), texts([])
    # No host says that anything is there to do: all chips, also those that could poll, are started by an event.
    waiting = start_cycles(clock, tree.height(int(problem.network.fabric_node[0])), hac_latency_cycles(fabric, tree))
    period = scheduled.result.schedule.period_cycles
    # Who comes just too late for a window waits for the next one.
    frame = Frame(period, windows=1, bound_cycles=scheduled.result.bound.cycles) if period else None
    part = SegmentPart(
        schedule=scheduled.result.schedule,
        node_layer=np.zeros(problem.network.nodes, dtype=np.int64),
        node_shard=np.arange(problem.network.nodes, dtype=np.int64),
        network=problem.network,
        operators=_operators(problem),
        is_told=np.ones(problem.operators, dtype=np.bool_),
        results=_results(problem),
        weights=TensorColumns(nobody, text, nobody, nobody, text, text, nobody),
        after_operator=nobody,
        after_result=nobody,
        pieces=_pieces(problem),
        add_cost=problem.add_cost,
    )
    return Segment(
        parts=(part,),
        layers=(0,),
        chips=problem.network.fabric_node[: problem.network.width],
        makespan_cycles=scheduled.result.makespan_cycles,
        bound_cycles=scheduled.result.bound.cycles,
        waiting_cycles=period or waiting,
        deadline_cycles=NONE if deadline_cycles is None else deadline_cycles,
        deskews=((0, problem.release_cycles),),
        frame=frame,
    )


def _operators(problem: Instance) -> GraphOperators:
    chips, zeros = np.arange(problem.network.width, dtype=np.int64), np.zeros(2 * problem.network.width, dtype=np.int64)
    return GraphOperators(
        node=np.concatenate([chips, chips]),
        unit=np.full(2 * problem.network.width, NO_UNIT),
        kind=np.repeat([SOURCE_KIND, DELIVER_KIND], problem.network.width),
        cycles=zeros,
        dtype=np.full(2 * problem.network.width, SUM_DATATYPE),
        sram_bytes=zeros,
        macs=zeros,
        fixed_cycles=zeros,
    )


def _results(problem: Instance) -> TensorColumns:
    told, held = problem.stage.tensors, source_values(problem.stage)
    return TensorColumns(
        operator=held.shard,
        name=texts([tensor.name for tensor in told])[held.tensor],
        offset=held.offset,
        vectors=held.vectors,
        dtype=np.full(len(held), SUM_DATATYPE),
        layout=texts([tensor.layout for tensor in told])[held.tensor],
        bytes=held.vectors * problem.add_cost.vector_bytes,
    )


def _pieces(problem: Instance) -> PieceColumns:
    """Return the tensors."""
    told = problem.stage.tensors
    first = np.zeros(len(told), dtype=np.int64)
    return PieceColumns(
        name=texts([tensor.name for tensor in told]),
        first=first,
        dtype=np.full(len(told), SUM_DATATYPE),
        row_bytes=first + problem.add_cost.vector_bytes,
        vectors_per_row=first + 1,
    )
