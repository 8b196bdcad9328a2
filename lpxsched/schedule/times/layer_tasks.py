"""A layer's schedule as tasks: its slots, its sums and its operators, and what must be over before each starts.

Ways, blocks and the places of sums stay as they are; only times are left open. A node has a block because an operator
made it there, because a sum made it, because one summand arrived that it passes on, or because the result arrived. What
leaves waits for that, and where vectors arrived for a turnaround; what a sum made pays like a relay for each that
arrived. What is read at a node waits for the last vector.

Under a group of translations that leaves a schedule as it is, all images of a task are one task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.schedule.problem.instance import HOST, UNITS_PER_CHIP, VECTOR, sum_cycles
from lpxsched.schedule.problem.joins import counted, matching
from lpxsched.schedule.result import SPREADING, SUMMING, Schedule
from lpxsched.schedule.symmetry.orbits import Orbits
from lpxsched.schedule.times.placement import Precedences, Tasks
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.ragged import Ragged
    from lpxsched.schedule.symmetry.groups import Symmetry


@dataclass(frozen=True, slots=True, eq=False)
class LayerTasks:
    """The tasks of a schedule.

    Attributes
    ----------
    schedule : Schedule
    tasks : Tasks
    task : ndarray of int64, shape (slots + sums + operators,)
        The task of each slot, then of each sum, then of each operator.
    start : ndarray of int64, shape (tasks,)
        When each starts in the schedule.
    """

    schedule: Schedule
    tasks: Tasks
    task: NDArray[np.int64]
    start: NDArray[np.int64]

    def at(self, start: NDArray[np.int64]) -> Schedule:
        """Return the schedule with other starts of its tasks."""
        slots, sums = len(self.schedule.slot_block), len(self.schedule.sum_block)
        depart, add, begin = np.split(start[self.task], [slots, slots + sums])
        return replace(self.schedule, slot_depart=depart, sum_start=add, operator_start=begin)


class _Values(NamedTuple):
    """Which task brings a block to a node: slots that arrive, sums made there, and operators that make it, by key."""

    arrived: NDArray[np.int64]
    added: NDArray[np.int64]
    made: NDArray[np.int64]
    maker: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A schedule seen from the representatives: their slots, then their sums, then their operators, are the tasks.

    `pitch`, `hop` and `duration` are columns of bundles, of bundles and of tasks.
    """

    instance: Instance
    orbits: Orbits
    vectors: NDArray[np.int64]
    demand: NDArray[np.int64]
    slot_block: NDArray[np.int64]
    slot_phase: NDArray[np.int64]
    slot_bundle: NDArray[np.int64]
    sum_block: NDArray[np.int64]
    sum_node: NDArray[np.int64]
    operator: NDArray[np.int64]
    hop: NDArray[np.int64]
    duration: NDArray[np.int64]

    @property
    def first_operator(self) -> int:
        """Number of slots and sums."""
        return len(self.slot_block) + len(self.sum_block)

    def key(
        self, block: NDArray[np.int64], phase: NDArray[np.int64] | int, node: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return a number for a block at a node, as a summand or sum, or as the result that arrives."""
        return (2 * block + phase) * self.instance.network.nodes + node

    def operator_task(self, operator: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the tasks of operators."""
        return self.first_operator + np.searchsorted(self.operator, self.orbits.operator[operator])


def layer_tasks(instance: Instance, schedule: Schedule, symmetry: Symmetry | None = None) -> LayerTasks:
    """Return the tasks of a schedule.

    Parameters
    ----------
    instance : Instance
    schedule : Schedule
    symmetry : Symmetry, optional
        A group that leaves instance and schedule as they are.
    """
    network, orbits = instance.network, Orbits.of(instance, schedule.blocks, symmetry)
    key, is_own = _keys(instance, schedule, orbits)
    own = np.flatnonzero(is_own)
    order = np.argsort(key[own])
    task = order[np.searchsorted(key[own], key, sorter=order)]
    view = _view(instance, schedule, orbits, own)
    before, after, delay = _precedences(view)
    start = np.concatenate([schedule.slot_depart, schedule.sum_start, schedule.operator_start])[own]
    # The makespan is the start of the last operator, which nothing waits for.
    is_last = np.arange(len(own)) >= view.first_operator
    is_last[before] = False
    resource, length = _held(view)
    nowhere = np.full((len(own), 2), NONE, dtype=np.int64)
    tasks = Tasks(
        resource=resource,
        length=length,
        duration=np.where(is_last, 0, view.duration),
        release=np.full(len(own), instance.release_cycles, dtype=np.int64),
        before=before,
        after=after,
        delay=delay,
        port=nowhere,
        port_offset=np.zeros_like(nowhere),
        lanes=np.concatenate([network.lanes, np.ones(UNITS_PER_CHIP * network.chips + 1, dtype=np.int64)]),
        port_lanes=np.zeros(0, dtype=np.int64),
    )
    return LayerTasks(schedule, tasks, task, start)


def _keys(instance: Instance, schedule: Schedule, orbits: Orbits) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return a number for each slot, sum and operator that its images share, and whether it is a representative."""
    symmetry, home = orbits.symmetry, orbits.block_home
    slot_bundle = symmetry.bundle_map[home[schedule.slot_block], schedule.slot_bundle]
    sum_node = symmetry.node_map[home[schedule.sum_block], schedule.sum_node]
    slot_block, sum_block = orbits.block[schedule.slot_block], orbits.block[schedule.sum_block]
    first_sum = 2 * len(schedule.blocks) * instance.network.bundles
    first_operator = first_sum + len(schedule.blocks) * instance.network.nodes
    keys = [
        (2 * slot_block + schedule.slot_phase) * instance.network.bundles + slot_bundle,
        first_sum + sum_block * instance.network.nodes + sum_node,
        first_operator + orbits.operator,
    ]
    is_own = [
        slot_block == schedule.slot_block,
        sum_block == schedule.sum_block,
        orbits.operator == np.arange(instance.operators),
    ]
    return np.concatenate(keys), np.concatenate(is_own)


def _view(instance: Instance, schedule: Schedule, orbits: Orbits, own: NDArray[np.int64]) -> _View:
    slots, sums = len(schedule.slot_block), len(schedule.sum_block)
    slot, total, operator = np.split(own, np.searchsorted(own, [slots, slots + sums]))
    total, operator = total - slots, operator - slots - sums
    bundle, vectors = schedule.slot_bundle[slot], schedule.blocks.vectors
    stream = instance.network.hold_cycles(vectors[schedule.slot_block[slot]] - 1, bundle)
    added = sum_cycles(instance.add_cost, schedule.sum_operands[total], vectors[schedule.sum_block[total]])
    hop = instance.network.hop_cycles
    return _View(
        instance,
        orbits,
        vectors=vectors,
        demand=schedule.blocks.demand,
        slot_block=schedule.slot_block[slot],
        slot_phase=schedule.slot_phase[slot],
        slot_bundle=bundle,
        sum_block=schedule.sum_block[total],
        sum_node=schedule.sum_node[total],
        operator=operator,
        hop=hop,
        duration=np.concatenate([hop[bundle] + stream, added, instance.operator_cycles[operator]]),
    )


def _held(view: _View) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """R1, R4: return what each task holds, a lane of its bundle or its unit, and for how long; hosts have no units."""
    instance, network, node = view.instance, view.instance.network, view.orbits.node
    units, is_on_host = UNITS_PER_CHIP * network.chips, instance.operator_unit[view.operator] == HOST
    operator_unit = instance.operator_unit[view.operator] * network.chips + node[instance.operator_node[view.operator]]
    unit = [VECTOR * network.chips + node[view.sum_node], np.where(is_on_host, units, operator_unit)]
    length = view.duration.copy()
    length[: len(view.slot_block)] = network.hold_cycles(view.vectors[view.slot_block], view.slot_bundle)
    length[view.first_operator :][is_on_host] = 0
    return np.concatenate([view.orbits.bundle[view.slot_bundle], network.bundles + np.concatenate(unit)]), length


def _precedences(view: _View) -> Precedences:
    """R2, R3, R5: what each task waits for."""
    values = _values(view)
    sums = np.arange(len(view.slot_block), view.first_operator, dtype=np.int64)
    row, other = _entries(view.instance.operator_after, view.operator)
    other = view.operator_task(other)
    rows = [
        *_leaving(view, values),
        *_operands(view, values, values.added, sums),
        *_reads(view, values),
        Precedences(other, view.first_operator + row, view.duration[other]),
    ]
    return Precedences(*(np.concatenate(columns) for columns in zip(*rows, strict=True)))


def _values(view: _View) -> _Values:
    instance = view.instance
    block = np.array(view.orbits.blocks, dtype=np.int64)
    row, leaf = _entries(instance.demand_leaves.flat(), view.demand[block])
    _, maker = _entries(instance.demand_leaf_operators.flat(), view.demand[block])
    return _Values(
        arrived=view.key(view.slot_block, view.slot_phase, instance.network.destination[view.slot_bundle]),
        added=view.key(view.sum_block, SUMMING, view.sum_node),
        made=view.key(block[row], SUMMING, leaf),
        maker=view.operator_task(maker),
    )


def _leaving(view: _View, values: _Values) -> Iterator[Precedences]:
    """R2: what leaves was made at the node, or added there, or read there a turnaround before."""
    instance = view.instance
    source = instance.network.source[view.slot_bundle]
    phase = np.where(source == instance.demand_root[view.demand[view.slot_block]], SUMMING, view.slot_phase)
    key = view.key(view.slot_block, phase, source)
    slots = np.flatnonzero(~np.isin(key, values.added))
    yield from _made(view, values, key[slots], slots)
    row, before = matching(key[slots], values.arrived)
    slot = slots[row]
    came, goes = view.slot_bundle[before], view.slot_bundle[slot]
    lead = instance.network.lead_cycles(came, goes, view.vectors[view.slot_block[slot]])
    yield Precedences(before, slot, view.hop[came] + instance.network.turnaround_cycles + lead)
    slot, number = matching(key, values.added)
    total = len(view.slot_block) + number
    yield Precedences(total, slot, view.duration[total])
    # A sum pays like a relay for each operand that arrived.
    brought, before = matching(values.added[number], values.arrived)
    relayed = view.duration[before] + instance.network.turnaround_cycles + view.duration[total[brought]]
    yield Precedences(before, slot[brought], relayed)


def _reads(view: _View, values: _Values) -> Iterator[Precedences]:
    """R3: what an operator reads was added at its node, or came there or was made there as it is."""
    instance, orbits = view.instance, view.orbits
    row, demand = _entries(instance.operator_demands.flat(), view.operator)
    read, block = matching(demand, view.demand)
    node = instance.operator_node[view.operator[row[read]]]
    phase = np.where(node == instance.demand_root[demand[read]], SUMMING, SPREADING)
    key = view.key(orbits.block[block], phase, orbits.symmetry.node_map[orbits.block_home[block], node])
    reader, is_added = view.first_operator + row[read], np.isin(key, values.added)
    total_row, number = matching(key, values.added)
    total = len(view.slot_block) + number
    yield Precedences(total, reader[total_row], view.duration[total])
    yield from _operands(view, values, key[~is_added], reader[~is_added])


def _operands(view: _View, values: _Values, key: NDArray[np.int64], after: NDArray[np.int64]) -> Iterator[Precedences]:
    """R3, R5: after the reads of all that arrives, and the end of what makes it there."""
    row, before = matching(key, values.arrived)
    yield Precedences(before, after[row], view.duration[before])
    yield from _made(view, values, key, after)


def _made(view: _View, values: _Values, key: NDArray[np.int64], after: NDArray[np.int64]) -> Iterator[Precedences]:
    row, number = matching(key, values.made)
    maker = values.maker[number]
    yield Precedences(maker, after[row], view.duration[maker])


def _entries(lists: Ragged, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for each entry of some lists, its place among these and its value."""
    row, place = counted(np.diff(lists.offsets)[rows])
    return row, lists.values[lists.offsets[rows[row]] + place]
