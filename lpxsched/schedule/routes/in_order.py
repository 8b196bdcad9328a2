"""The list schedule, compiled: all work in a given order, each piece as early as links and units allow.

``tests/schedule/plain_greedy.py`` is the plain twin. Under a group of translations only representatives are placed, and
all lanes or units of an orbit share one calendar.
"""

from __future__ import annotations

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.problem.wires import Wires, hold_cycles, lane_count
from lpxsched.schedule.routes.columns import OperatorColumns, Placed, Slot, Traffic, Tree, earliest_lane, place_slot
from lpxsched.schedule.routes.spreading import Spread, spread_block
from lpxsched.schedule.times.calendars import Calendars, earliest_gap, reserve
from lpxsched.units import NEVER, NONE


@kernel
def place_sum(
    traffic: Traffic, calendars: Calendars, placed: Placed, block: int, node: int, operands: int, ready: int
) -> int:
    """Place a sum on the vector unit of a node and return its end."""
    length = traffic.sum_cycles[operands, traffic.block_vectors[block]]
    begin = ready
    if length > 0:
        begin = earliest_gap(calendars, traffic.adder[node], ready, length)
        reserve(calendars, traffic.adder[node], begin, length)
    row = placed.counts[1]
    placed.sums[row, 0], placed.sums[row, 1] = block, node
    placed.sums[row, 2], placed.sums[row, 3] = operands, begin
    placed.counts[1] = row + 1
    return int(begin + length)


@kernel
def send_towards_root(
    wires: Wires,
    traffic: Traffic,
    calendars: Calendars,
    placed: Placed,
    tree: Tree,
    block: int,
    node: int,
) -> None:
    """Send what a node has one hop nearer to the root, over the bundle on which it is read first."""
    root = traffic.root[traffic.block_demand[block]]
    vectors = traffic.block_vectors[block]
    best, best_lane, best_depart, best_last = NONE, NONE, NEVER, NEVER
    for place in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
        bundle = wires.out[place]
        other = wires.destination[bundle]
        is_nearer = traffic.distance[root, other] == traffic.distance[root, node] - 1
        # The root of a sum is a chip, and hosts never relay.
        if not is_nearer or other >= wires.chips:
            continue
        lane, depart = earliest_lane(wires, calendars, bundle, tree.departs[node], vectors)
        last = depart + wires.hop[bundle] + hold_cycles(wires, bundle, vectors - 1)
        if last < best_last or (last == best_last and lane_count(wires, bundle) > lane_count(wires, best)):
            best, best_lane, best_depart, best_last = bundle, lane, depart, last
    place_slot(wires, calendars, placed, Slot(block, 0, best, best_lane, best_depart), vectors)
    parent = wires.destination[best]
    tree.ready[parent] = max(tree.ready[parent], best_last)
    tree.arrived[parent] = max(tree.arrived[parent], best_last)
    tree.operands[parent] += 1


@kernel
def sum_block(
    wires: Wires,
    program: OperatorColumns,
    traffic: Traffic,
    calendars: Calendars,
    placed: Placed,
    tree: Tree,
    block: int,
) -> tuple[int, int]:
    """Bring a block's summands together along shortest ways to its root, summing where they meet.

    Return where the last have met, and when the sum may be sent on: what arrived pays a turnaround, summed or not. A
    stream that a node passes on alone is taken whole, which is always late enough.
    """
    demand, vectors = traffic.block_demand[block], traffic.block_vectors[block]
    root = traffic.root[demand]
    tree.ready[:] = NONE
    tree.arrived[:] = NONE
    tree.operands[:] = 0
    for index in range(traffic.leaf_offsets[demand], traffic.leaf_offsets[demand + 1]):
        operator, node = traffic.leaf_operator[index], traffic.leaf[index]
        tree.ready[node] = placed.operator_start[operator] + program.cycles[operator]
        tree.operands[node] = 1
    left = traffic.leaf_offsets[demand + 1] - traffic.leaf_offsets[demand]
    node = root
    for rank in range(wires.nodes):
        node = traffic.farthest_first[root, rank]
        if tree.operands[node] == 0:
            continue
        if tree.operands[node] > 1:
            end = place_sum(traffic, calendars, placed, block, node, tree.operands[node], tree.ready[node])
            tree.ready[node] = end
            left -= tree.operands[node] - 1
        tree.departs[node] = tree.ready[node]
        if tree.arrived[node] >= 0:
            relayed = tree.arrived[node] + wires.turnaround + traffic.sum_cycles[tree.operands[node], vectors]
            tree.departs[node] = max(tree.departs[node], relayed)
        # All summands are in.
        if left == 1:
            break
        send_towards_root(wires, traffic, calendars, placed, tree, block, node)
    placed.delivered[demand, node] = max(placed.delivered[demand, node], tree.ready[node])
    return int(node), int(tree.departs[node])


@kernel
def place_operator(program: OperatorColumns, calendars: Calendars, placed: Placed, operator: int) -> None:
    """Start an operator as soon as its operands are read and its unit is free."""
    begin = program.release
    for index in range(program.after_offsets[operator], program.after_offsets[operator + 1]):
        other = program.after[index]
        begin = max(begin, placed.operator_start[other] + program.cycles[other])
    for index in range(program.needs_offsets[operator], program.needs_offsets[operator + 1]):
        begin = max(begin, placed.delivered[program.needs[index], program.needs_node[index]])
    calendar = program.calendar[operator]
    if calendar >= 0 and program.cycles[operator] > 0:
        begin = earliest_gap(calendars, calendar, begin, program.cycles[operator])
        reserve(calendars, calendar, begin, program.cycles[operator])
    placed.operator_start[operator] = begin


@kernel
def list_schedule(
    work: Integers,
    wires: Wires,
    program: OperatorColumns,
    traffic: Traffic,
    calendars: Calendars,
    placed: Placed,
    tree: Tree,
) -> None:
    """Place all work in its order: operators (item >= 0) and blocks (item = ~block)."""
    for item in work:
        if item >= 0:
            place_operator(program, calendars, placed, item)
            continue
        block = ~item
        demand = traffic.block_demand[block]
        first_leaf = traffic.leaf_offsets[demand]
        if traffic.leaf_offsets[demand + 1] - first_leaf == 1:
            operator, root = traffic.leaf_operator[first_leaf], traffic.root[demand]
            base = placed.operator_start[operator] + program.cycles[operator]
            placed.delivered[demand, root] = max(placed.delivered[demand, root], base)
        else:
            root, base = sum_block(wires, program, traffic, calendars, placed, tree, block)
        stream = Spread(block, demand, root, base, traffic.block_vectors[block])
        spread_block(wires, traffic, calendars, placed, tree, stream)
