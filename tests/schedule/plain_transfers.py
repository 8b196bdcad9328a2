"""Plain twins of the compiled kernels: the same decisions in readable Python, without compiled code.

`plain_match` goes forward in time, cycle by cycle. In each cycle what happens is looked at latest entry first; then the
resources that were touched, in that order, serve who waits, most urgent first. `plain_place` puts tasks one after the
other into the first cycle in which a lane and all ports have room, the lowest such lane.
"""

from __future__ import annotations

from collections import defaultdict, deque
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lpxsched.schedule.problem.wires import Wires
    from lpxsched.schedule.routes.matching.tables import Job
    from lpxsched.schedule.times.placement import Tasks

Row = tuple[int, int, int, int]


class Waiting(NamedTuple):
    """A block that waits for a bundle."""

    block: int
    bundle: int


class Random:
    """The generator of Marsaglia (Xorshift RNGs, 2003) with shifts 13, 7, 17 on 64 bits."""

    def __init__(self, seed: int) -> None:
        self.word = (seed * 2654435761 + 88172645463325252) % 2**64

    def bit(self) -> bool:
        """Return the next random bit."""
        self.word ^= self.word << 13 & (2**64 - 1)
        self.word ^= self.word >> 7
        self.word ^= self.word << 17 & (2**64 - 1)
        return bool(self.word & 1)


def plain_match(wires: Wires, job: Job, noise: int, limit: int) -> tuple[list[Row], int]:
    """Return the slots that ``forward.match`` must return, and its makespan."""
    return _Match(wires, job, noise).run(limit)


class _Match:
    """Where blocks are, who waits for what, and what happens in the cycles to come."""

    def __init__(self, wires: Wires, job: Job, noise: int) -> None:
        self.wires, self.job = wires, job
        self.pitch = [Fraction(n, d) for n, d in zip(wires.numerator.tolist(), wires.denominator.tolist(), strict=True)]
        self.everyone = len(job.blocks.target) > 0 and int(job.blocks.target[0]) < 0
        self.slots: list[Row] = []
        self.makespan = 0
        # ("slot", number), ("lane", resource, lane) or ("look", resource), by cycle.
        self.events: dict[int, list[tuple[str | int, ...]]] = defaultdict(list)
        self.last_event = 0
        self.queues: dict[int, dict[int, deque[Waiting]]] = defaultdict(lambda: defaultdict(deque))
        self.free = {number: list(range(lanes))[::-1] for number, lanes in enumerate(wires.lanes.tolist())}
        self.random = Random(noise) if noise else None
        # Who has a block, or will have it: all nodes that were sent it; the one node where a block with one reader is.
        self.held = [{int(node)} for node in job.blocks.source]
        self.missing = [self._readers(block) - self.held[block] for block in range(len(job.blocks))]
        self.injected: dict[tuple[int, int], int] = defaultdict(int)
        self.ejected: dict[tuple[int, int], int] = defaultdict(int)

    def _readers(self, block: int) -> set[int]:
        return set(range(self.wires.width)) if self.everyone else {int(self.job.blocks.target[block])}

    def run(self, limit: int) -> tuple[list[Row], int]:
        """Go forward until nothing is missing; give up when nothing more happens or the limit is passed."""
        cycle = 0
        if not self.everyone:
            # A block with one reader moves even if it is where it is read.
            self.missing = [{int(node)} for node in self.job.blocks.target]
        while any(self.missing):
            self._serve(cycle, dict.fromkeys(self._touched(cycle)))
            if self.makespan > limit or (any(self.missing) and cycle > self.last_event):
                return [], NEVER
            cycle += 1
        return self.slots, self.makespan

    def _happens(self, cycle: int, event: tuple[str | int, ...]) -> None:
        self.events[cycle].append(event)
        self.last_event = max(self.last_event, cycle)

    def _touched(self, cycle: int) -> Iterator[int]:
        """Yield the resources that have a free lane more, or somebody more who waits."""
        for what, *numbers in reversed(self.events.pop(cycle, [])):
            if what == "slot":
                block, bundle, _, _ = self.slots[int(numbers[0])]
                yield from self._queue(block, int(self.wires.destination[bundle]), bundle)
                continue
            if what == "lane":
                self.free[int(numbers[0])].append(int(numbers[1]))
            yield int(numbers[0])
        if cycle == 0:
            for block, node in enumerate(self.job.blocks.source.tolist()):
                yield from self._queue(block, node, None)

    def _queue(self, block: int, node: int, arrived: int | None) -> Iterator[int]:
        """Let a block wait for all bundles out of a node over which it may go on."""
        if not self.everyone:
            self.held[block] = {node}
        for bundle in _out(self.wires, node):
            if not (self._may_spread if self.everyone else self._may_go)(block, node, bundle, arrived):
                continue
            front = self.random is not None and self.random.bit()
            resource = int(self.wires.resource[bundle])
            queue = self.queues[resource][self._urgency(block, bundle)]
            (queue.appendleft if front else queue.append)(Waiting(block, bundle))
            yield resource

    def _urgency(self, block: int, bundle: int) -> int:
        other = int(self.wires.destination[bundle])
        blocks = self.job.blocks
        ends = (int(blocks.source[block]), other) if self.everyone else (other, int(blocks.target[block]))
        return int(self.job.urgency[ends])

    def _may_spread(self, block: int, node: int, bundle: int, arrived: int | None) -> bool:
        """Return whether a block that everyone reads may take a bundle."""
        job, wires, other = self.job, self.wires, int(self.wires.destination[bundle])
        root, order = int(job.blocks.source[block]), int(job.block_order[block])
        if other in self.held[block] or other >= wires.width:
            return False
        if len(job.parents) and int(job.parents[block, other]) != bundle:
            return False
        if order >= 0 and arrived is not None and job.rank[order, bundle] < job.rank[order, arrived]:
            return False
        between = wires.turnaround if node != root else 0
        return not job.minimal or bool(job.way[root, node] + between + wires.hop[bundle] == job.way[root, other])

    def _may_go(self, block: int, node: int, bundle: int, _: int | None) -> bool:
        """Return whether a bundle leads along a shortest way to the one reader of a block."""
        way, other, end = self.job.way, int(self.wires.destination[bundle]), int(self.job.blocks.target[block])
        between = self.wires.turnaround if other != end else 0
        return bool(way[other, end] + between + self.wires.hop[bundle] == way[node, end])

    def _serve(self, cycle: int, resources: Iterable[int]) -> None:
        """Send what waits for resources as long as they have free lanes; who finds a port full keeps its place."""
        for resource in resources:
            aside: list[tuple[int, Waiting]] = []
            while self.free[resource] and (urgency := self._first_urgency(resource)) is not None:
                waiting = self.queues[resource][urgency].popleft()
                if self._is_stale(waiting):
                    continue
                if self._ports_full(cycle, waiting):
                    aside.append((urgency, waiting))
                    continue
                self._send(cycle, waiting)
            for urgency, waiting in reversed(aside):
                self.queues[resource][urgency].appendleft(waiting)
            if aside and self.free[resource]:
                self._happens(cycle + 1, ("look", resource))

    def _first_urgency(self, resource: int) -> int | None:
        return min((urgency for urgency, queue in self.queues[resource].items() if queue), default=None)

    def _is_stale(self, waiting: Waiting) -> bool:
        """Return whether a block went another way while it waited."""
        ends = int(self.wires.source[waiting.bundle]), int(self.wires.destination[waiting.bundle])
        held = self.held[waiting.block]
        return ends[1] in held if self.everyone else ends[0] not in held

    def _begins(self, cycle: int, waiting: Waiting) -> tuple[int, int] | None:
        """Return the port and cycle at which a block begins, None if it does not."""
        node = int(self.wires.source[waiting.bundle])
        begins = self.wires.inject and node == self.job.blocks.source[waiting.block]
        return (int(self.wires.node_orbit[node]), cycle) if begins else None

    def _ends(self, cycle: int, waiting: Waiting) -> tuple[int, int] | None:
        """Return the port and cycle at which a block ends, None if it does not."""
        other = int(self.wires.destination[waiting.bundle])
        ends = self.wires.eject and other in self._readers(waiting.block)
        return (int(self.wires.node_orbit[other]), cycle + int(self.wires.hop[waiting.bundle])) if ends else None

    def _ports_full(self, cycle: int, waiting: Waiting) -> bool:
        begins, ends = self._begins(cycle, waiting), self._ends(cycle, waiting)
        full = begins is not None and self.injected[begins] >= self.wires.inject
        return full or (ends is not None and self.ejected[ends] >= self.wires.eject)

    def _send(self, cycle: int, waiting: Waiting) -> None:
        block, bundle = waiting
        wires, vectors = self.wires, int(self.job.blocks.vectors[block])
        resource, other = int(wires.resource[bundle]), int(wires.destination[bundle])
        for port, counts in ((self._begins(cycle, waiting), self.injected), (self._ends(cycle, waiting), self.ejected)):
            if port is not None:
                counts[port] += 1
        lane = self.free[resource].pop()
        self.slots.append((block, bundle, lane, cycle))
        read = cycle + int(wires.hop[bundle])
        self.makespan = max(self.makespan, read + ceil((vectors - 1) * self.pitch[bundle]))
        self._happens(cycle + ceil(vectors * self.pitch[bundle]), ("lane", resource, lane))
        is_last = not self.everyone and other == self.job.blocks.target[block]
        self.held[block] = self.held[block] | {other} if self.everyone else set()
        self.missing[block] = self.missing[block] - {other}
        if not is_last:
            self._happens(
                read + int(wires.turnaround) + self._slowest_lead(bundle, vectors), ("slot", len(self.slots) - 1)
            )

    def _slowest_lead(self, arrived: int, vectors: int) -> int:
        """Return how long a stream waits at a relay so that it can go on over any bundle without a gap."""
        faster = (
            self.pitch[arrived] - self.pitch[out] for out in _out(self.wires, int(self.wires.destination[arrived]))
        )
        return max((ceil((vectors - 1) * difference) for difference in faster if difference > 0), default=0)


def _out(wires: Wires, node: int) -> list[int]:
    """Return the bundles out of a node."""
    return list(wires.out[wires.out_offsets[node] : wires.out_offsets[node + 1]].tolist())


def plain_ways(wires: Wires, between: int) -> dict[tuple[int, int], int]:
    """Return the shortest way between any two nodes that have one, by relaxing all bundles until nothing changes."""
    ways = {(node, node): 0 for node in range(wires.nodes)}
    changed = True
    while changed:
        changed = False
        for bundle, (source, other) in enumerate(zip(wires.source.tolist(), wires.destination.tolist(), strict=True)):
            for root in range(wires.nodes):
                if (root, source) not in ways:
                    continue
                reach = ways[root, source] + (between if source != root else 0) + int(wires.hop[bundle])
                if reach < ways.get((root, other), reach + 1):
                    ways[root, other] = reach
                    changed = True
    return ways


def plain_place(tasks: Tasks, order: Iterable[int]) -> tuple[dict[int, int], dict[int, int]]:
    """Return start and lane that ``placing.place`` must give each task."""
    start: dict[int, int] = {}
    lane_of: dict[int, int] = {}
    held: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    ports: dict[tuple[int, int], int] = defaultdict(int)
    before = defaultdict(list)
    for earlier, later, delay in zip(tasks.before.tolist(), tasks.after.tolist(), tasks.delay.tolist(), strict=True):
        before[later].append((earlier, delay))
    for task in order:
        resource, length = int(tasks.resource[task]), int(tasks.length[task])
        sides = [
            (p, o) for p, o in zip(tasks.port[task].tolist(), tasks.port_offset[task].tolist(), strict=True) if p >= 0
        ]
        cycle = max([int(tasks.release[task]), *(start[earlier] + delay for earlier, delay in before[task])])
        while True:
            free = [
                lane
                for lane in range(int(tasks.lanes[resource]))
                if all(end <= cycle or cycle + length <= begin for begin, end in held[resource, lane])
            ]
            if free and all(ports[port, cycle + offset] < tasks.port_lanes[port] for port, offset in sides):
                break
            cycle += 1
        start[task], lane_of[task] = cycle, free[0]
        if length:
            held[resource, free[0]].append((cycle, cycle + length))
        for port, offset in sides:
            ports[port, cycle + offset] += 1
    return start, lane_of
