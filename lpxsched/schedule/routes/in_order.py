"""The list schedule, compiled: all work in a given order, each piece as early as links and units allow.

``tests/schedule/plain_greedy.py`` is the plain twin. Under a group of translations only representatives are placed, and
all lanes or units of an orbit share one calendar.
"""

from __future__ import annotations

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.problem.wires import Wires
from lpxsched.schedule.routes.columns import Placed, Program, Traffic, Tree
from lpxsched.schedule.routes.spreading import Spread, spread_block
from lpxsched.schedule.routes.summing import sum_block
from lpxsched.schedule.times.calendars import Calendars, earliest_gap, reserve


@kernel
def place_operator(program: Program, calendars: Calendars, placed: Placed, operator: int) -> None:
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
    program: Program,
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
