"""The list schedule, compiled: all work in a given order, each piece as early as links and units allow.

Sums come together along shortest ways; a block then moves from where it is to its readers along a tree of earliest
reads. ``tests/schedule/plain_greedy.py`` is the plain twin. Under a group of translations only representatives are
placed, and all lanes or units of an orbit share one calendar.
"""

from __future__ import annotations

from lpxsched.compiled.kernels import Integers, kernel
from lpxsched.schedule.problem.wires import Wires, hold_cycles, lane_count, lead_cycles
from lpxsched.schedule.routes.columns import Board, TreeScratch, earliest_lane, place_slot
from lpxsched.schedule.times.calendars import earliest_gap, reserve
from lpxsched.units import NEVER, NONE


@kernel
def place_sum(board: Board, block: int, node: int, operands: int, ready: int) -> int:
    """Place a sum on the vector unit of a node and return its end."""
    traffic, placed = board.traffic, board.placed
    length = traffic.sum_cycles[operands, traffic.block_vectors[block]]
    begin = ready
    if length > 0:
        begin = earliest_gap(board.calendars, traffic.adder[node], ready, length)
        reserve(board.calendars, traffic.adder[node], begin, length)
    row = placed.counts[1]
    placed.sums[row, 0], placed.sums[row, 1] = block, node
    placed.sums[row, 2], placed.sums[row, 3] = operands, begin
    placed.counts[1] = row + 1
    return int(begin + length)


@kernel
def send_towards_root(board: Board, block: int, node: int) -> None:
    """Send what a node has one hop nearer to the root, over the bundle on which it is read first."""
    wires, traffic, tree = board.wires, board.traffic, board.tree
    root, vectors = traffic.root[traffic.block_demand[block]], traffic.block_vectors[block]
    best, best_lane, best_depart, best_last = NONE, NONE, NEVER, NEVER
    for place in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
        bundle = wires.out[place]
        other = wires.destination[bundle]
        is_nearer = traffic.distance[root, other] == traffic.distance[root, node] - 1
        # The root of a sum is a chip, and hosts never relay.
        if not is_nearer or other >= wires.chips:
            continue
        lane, depart = earliest_lane(wires, board.calendars, bundle, tree.departs[node], vectors)
        last = depart + wires.hop[bundle] + hold_cycles(wires, bundle, vectors - 1)
        if last < best_last or (last == best_last and lane_count(wires, bundle) > lane_count(wires, best)):
            best, best_lane, best_depart, best_last = bundle, lane, depart, last
    place_slot(board, block, 0, best, best_lane, best_depart)
    parent = wires.destination[best]
    tree.ready[parent] = max(tree.ready[parent], best_last)
    tree.arrived[parent] = max(tree.arrived[parent], best_last)
    tree.operands[parent] += 1


@kernel
def begin_leaves(board: Board, demand: int) -> int:
    """Let each leaf of a demand have its summand when its operator ends; return how many there are."""
    traffic, tree = board.traffic, board.tree
    tree.ready[:], tree.arrived[:], tree.operands[:] = NONE, NONE, 0
    for index in range(traffic.leaf_offsets[demand], traffic.leaf_offsets[demand + 1]):
        operator, node = traffic.leaf_operator[index], traffic.leaf[index]
        tree.ready[node] = board.placed.operator_start[operator] + board.program.cycles[operator]
        tree.operands[node] = 1
    return int(traffic.leaf_offsets[demand + 1] - traffic.leaf_offsets[demand])


@kernel
def sum_block(board: Board, block: int) -> tuple[int, int]:
    """Bring a block's summands together along shortest ways to its root, summing where they meet.

    Return where the last have met, and when the sum may be sent on: what arrived pays a turnaround, summed or not. A
    stream that a node passes on alone is taken whole, which is always late enough.
    """
    wires, traffic, tree, delivered = board.wires, board.traffic, board.tree, board.placed.delivered
    demand, vectors = traffic.block_demand[block], traffic.block_vectors[block]
    left = begin_leaves(board, demand)
    node = root = traffic.root[demand]
    for rank in range(wires.nodes):
        node = traffic.farthest_first[root, rank]
        if tree.operands[node] == 0:
            continue
        if tree.operands[node] > 1:
            tree.ready[node] = place_sum(board, block, node, tree.operands[node], tree.ready[node])
            left -= tree.operands[node] - 1
        tree.departs[node] = tree.ready[node]
        if tree.arrived[node] >= 0:
            relayed = tree.arrived[node] + wires.turnaround + traffic.sum_cycles[tree.operands[node], vectors]
            tree.departs[node] = max(tree.departs[node], relayed)
        # All summands are in.
        if left == 1:
            break
        send_towards_root(board, block, node)
    delivered[demand, node] = max(delivered[demand, node], tree.ready[node])
    return int(node), int(tree.departs[node])


@kernel
def ready_at(board: Board, block: int, root: int, node: int, bundle: int) -> int:
    """Return when a node may send a block on over a bundle; what it relays may have come over a slower wire."""
    wires, tree = board.wires, board.tree
    if node == root:
        return int(tree.read[node])
    lead = lead_cycles(wires, tree.bundle[node], bundle, board.traffic.block_vectors[block])
    return int(tree.read[node] + wires.turnaround + lead)


@kernel
def is_shared(wires: Wires) -> bool:
    """Return whether bundles share calendars, those of one orbit."""
    return len(wires.lanes) < len(wires.source)


@kernel
def earlier(tree: TreeScratch, one: int, other: int) -> int:
    """Return which of two nodes gets a block first, settled ones last; of equals the one."""
    if tree.settled[other]:
        return one
    return other if tree.settled[one] or tree.read[other] < tree.read[one] else one


@kernel
def replay(tree: TreeScratch, node: int) -> None:
    """Find anew who wins among the nodes, since something about one has changed."""
    place = (len(tree.winner) // 2 + node) // 2
    while place > 0:
        tree.winner[place] = earlier(tree, tree.winner[2 * place], tree.winner[2 * place + 1])
        place //= 2


@kernel
def reach_from(board: Board, block: int, root: int, node: int) -> None:
    """Offer a block from one node to its neighbours; hosts pass nothing on but what they have made."""
    wires, tree = board.wires, board.tree
    if node >= wires.chips and node != root:
        return
    for place in range(wires.out_offsets[node], wires.out_offsets[node + 1]):
        bundle = wires.out[place]
        other = wires.destination[bundle]
        is_idle_host = other >= wires.chips and not tree.wanted[other]
        if tree.settled[other] or is_idle_host:
            continue
        ready = ready_at(board, block, root, node, bundle)
        if ready + wires.hop[bundle] > tree.read[other]:
            continue
        lane, depart = earliest_lane(wires, board.calendars, bundle, ready, board.traffic.block_vectors[block])
        read = depart + wires.hop[bundle]
        # Of equal reads the bundle with more lanes: narrow bundles are scarce.
        wider = lane_count(wires, bundle) > lane_count(wires, tree.bundle[other])
        if read < tree.read[other] or (read == tree.read[other] and wider):
            tree.read[other] = read
            replay(tree, other)
            tree.bundle[other], tree.lane[other], tree.depart[other] = bundle, lane, depart


@kernel
def earliest_into(board: Board, block: int, root: int, node: int) -> tuple[int, int]:
    """Return the lane that is free first of the bundle found for a node, and that cycle, by now."""
    wires, bundle = board.wires, board.tree.bundle[node]
    ready = ready_at(board, block, root, wires.source[bundle], bundle)
    return earliest_lane(wires, board.calendars, bundle, ready, board.traffic.block_vectors[block])


@kernel
def place_way(board: Board, block: int, root: int, node: int) -> None:
    """Place the slots that bring a block to a node, from the first node on that does not have it yet."""
    wires, tree, delivered = board.wires, board.tree, board.placed.delivered
    demand, vectors = board.traffic.block_demand[block], board.traffic.block_vectors[block]
    while not tree.placed[node]:
        top = node
        while not tree.placed[wires.source[tree.bundle[top]]]:
            top = wires.source[tree.bundle[top]]
        bundle, lane, depart = tree.bundle[top], tree.lane[top], tree.depart[top]
        if is_shared(wires):
            lane, depart = earliest_into(board, block, root, top)
            tree.read[top] = depart + wires.hop[bundle]
        place_slot(board, block, 1, bundle, lane, depart)
        tree.placed[top] = True
        last = tree.read[top] + hold_cycles(wires, bundle, vectors - 1)
        delivered[demand, top] = max(delivered[demand, top], last)


@kernel
def begin_tree(board: Board, block: int, root: int, base: int) -> int:
    """Let a block be at one node from a cycle on; return how many are to read it."""
    traffic, tree, demand = board.traffic, board.tree, board.traffic.block_demand[block]
    tree.settled[:], tree.placed[:], tree.wanted[:], tree.read[:] = False, False, False, NEVER
    for place in range(len(tree.winner) // 2 - 1, 0, -1):
        tree.winner[place] = tree.winner[2 * place]
    tree.read[root], tree.placed[root] = base, True
    replay(tree, root)
    for index in range(traffic.reader_offsets[demand], traffic.reader_offsets[demand + 1]):
        tree.wanted[traffic.reader[index]] = True
    return int(traffic.reader_offsets[demand + 1] - traffic.reader_offsets[demand])


@kernel
def spread_block(board: Board, block: int, root: int, base: int) -> None:
    """Bring a block from where it is to its readers along the tree of earliest reads (Dijkstra over calendars).

    Where bundles share calendars slots of one tree may be in each other's way, so a lane is looked at again before a
    node is settled, and where it has been taken the earliest read of the node is found anew.
    """
    wires, tree = board.wires, board.tree
    missing, settled = begin_tree(board, block, root, base), 0
    while missing > 0:
        node = tree.winner[1]
        if tree.settled[node] or tree.read[node] == NEVER:
            raise ValueError("no way leads to a reader of a demand")
        if is_shared(wires) and node != root and earliest_into(board, block, root, node)[1] > tree.depart[node]:
            tree.read[node] = NEVER
            replay(tree, node)
            for rank in range(settled):
                reach_from(board, block, root, tree.order[rank])
            continue
        tree.settled[node] = True
        replay(tree, node)
        tree.order[settled] = node
        settled += 1
        if tree.wanted[node]:
            missing -= 1
            place_way(board, block, root, node)
        reach_from(board, block, root, node)


@kernel
def place_operator(board: Board, operator: int) -> None:
    """Start an operator as soon as its operands are read and its unit is free."""
    program, calendars, placed = board.program, board.calendars, board.placed
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
def list_schedule(work: Integers, board: Board) -> None:
    """Place all work in its order: operators (item >= 0) and blocks (item = ~block)."""
    program, traffic, placed = board.program, board.traffic, board.placed
    for item in work:
        if item >= 0:
            place_operator(board, item)
            continue
        block = ~item
        demand = traffic.block_demand[block]
        first_leaf = traffic.leaf_offsets[demand]
        if traffic.leaf_offsets[demand + 1] - first_leaf == 1:
            operator, root = traffic.leaf_operator[first_leaf], traffic.root[demand]
            base = placed.operator_start[operator] + program.cycles[operator]
            placed.delivered[demand, root] = max(placed.delivered[demand, root], base)
        else:
            root, base = sum_block(board, block)
        spread_block(board, block, root, base)
