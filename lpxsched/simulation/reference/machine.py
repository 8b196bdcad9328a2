"""The machine: processes of nodes and counters, links and FIFOs, and a queue of events in true time."""

from __future__ import annotations

import heapq
from functools import partial
from typing import TYPE_CHECKING

from lpxsched.simulation.reference.actions import BRANCH, DEPART, DESKEW, END, FINISH, READ, START
from lpxsched.simulation.reference.oscillator import PARTS
from lpxsched.simulation.reference.outcome import Failure, Fifo, Outcome
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from lpxsched.simulation.reference.actions import Action
    from lpxsched.simulation.reference.counters import Counters
    from lpxsched.simulation.reference.faults import Fault
    from lpxsched.simulation.reference.oscillator import Oscillator
    from lpxsched.simulation.reference.outcome import Event, Start, Wire
    from lpxsched.simulation.reference.passes import Passes
    from lpxsched.simulation.reference.program import SessionActions

# Events at one instant: messages and vectors come before nodes look.
ARRIVES, WAKES = 0, 1
# Millionths of a cycle before a counter has a value.
LOOKS_AGAIN = 6 * PARTS


class Machine:
    """One session on given clocks; where `seen` is a list, what happens goes there in the order of true time."""

    def __init__(
        self,
        program: SessionActions,
        passes: Passes,
        oscillators: Mapping[int, Oscillator],
        counters: Counters,
        depth: Mapping[int, int],
        seen: list[Event] | None = None,
    ) -> None:
        self.program, self.oscillators = program, oscillators
        self.counters, self.depth, self.passes, self.seen = counters, depth, passes, seen
        self.since: dict[int, tuple[int, int]] = {}
        self.queue: list[tuple[int, int, int, Callable[[], None]]] = []
        self.number, self.now_fs, self.running = 0, 0, 0
        self.outcome, self.tokens, self.fifos = Outcome(), set[int](), dict[int, Fifo]()

    def at(self, time_fs: int, order: int, do: Callable[[], None]) -> None:
        """Let something happen."""
        self.number += 1
        heapq.heappush(self.queue, (time_fs, order, self.number, do))

    def run(
        self,
        start: Start,
        wires: Mapping[int, Wire],
        jitter_fs: Callable[[int, int], int],
        fault: Fault | None = None,
    ) -> Outcome:
        """Run the session from its start to its last action.

        Parameters
        ----------
        start : Start
        wires : mapping of int to Wire
            Link of each row of the timetable.
        jitter_fs : callable
            How much longer than its latency a link takes, for a row and a vector.
        fault : Fault or None
        """
        for parent in self.counters.children:
            self._resume(self._exchange(parent))
        for node in self.program.actions:
            self.running += 1
            self._resume(self._node(node, start, wires, jitter_fs, fault))
        self.outcome.event_fs = start.event_fs
        while self.queue and self.running:
            self.now_fs, _, _, do = heapq.heappop(self.queue)
            do()
        while self.queue:
            # What is still under way when the last node has done its part: arrivals at hosts.
            self.now_fs, order, _, do = heapq.heappop(self.queue)
            if order == ARRIVES:
                do()
        self.outcome.finished_fs = max(self.now_fs, self.outcome.ended_fs)
        self.outcome.counters = {node: self.counters.correction[node] for node in sorted(self.counters.locked)}
        return self.outcome

    def _resume(self, process: Generator[int, None, None]) -> None:
        """Let a process go on until it waits for a time, or ends."""
        wakes = next(process, None)
        if wakes is not None:
            self.at(max(wakes, self.now_fs), WAKES, partial(self._resume, process))

    def _exchange(self, parent: int) -> Generator[int, None, None]:
        counters = self.counters
        number = counters.exchanges_by(parent, self.now_fs)
        while True:
            number += 1
            yield counters.next_exchange_fs(parent, number)
            if not self.running:
                return
            if parent not in counters.locked:
                continue
            told = counters.value_at(parent, self.now_fs)
            for child in counters.children[parent]:
                arrives = counters.arrival_fs(child, number, self.now_fs)
                self.at(arrives, ARRIVES, partial(counters.hear, child, told, arrives))

    def _until(self, node: int, counter: int) -> Generator[int, None, int]:
        """Wait until a node's counter has a value, which moves meanwhile; return the node's tick."""
        while True:
            tick = counter - self.counters.correction.get(node, 0)
            wakes = self.oscillators[node].time_fs(tick)
            if wakes <= self.now_fs:
                return self.oscillators[node].ticks_at(self.now_fs) if wakes < self.now_fs else tick
            # A correction may still bring the value forward: look again shortly before.
            before = self.oscillators[node].time_fs(tick - LOOKS_AGAIN)
            yield before if before > self.now_fs else wakes

    def _node(
        self,
        node: int,
        start: Start,
        wires: Mapping[int, Wire],
        jitter_fs: Callable[[int, int], int],
        fault: Fault | None,
    ) -> Generator[int, None, None]:
        tick = yield from self._started(node, start)
        self._begin(node, tick, not self.passes.void, done=tick)
        origin, reached, base = tick, 0, self.counters.correction.get(node, 0)
        passes, actions, reading, void = self.passes, self.program.actions[node], NONE, False
        decides = any(action.kind == BRANCH for action in actions)
        # Hosts go on whatever they said: nobody tells them.
        for number, action in passes.unrolled(actions):
            if number != reading:
                reading, void = number, not decides and not passes.complete(number)
                self._begin(node, origin + passes.begins(number) - reached, number == passes.void, done=tick)
            if fault is not None and fault.stops(node, action.when - passes.begins(number)):
                break
            if void and not passes.goes_on(number, action):
                continue
            late = fault.late(node) if fault is not None and action.kind == DEPART else 0
            tick = origin + action.when - reached + late
            yield self.oscillators[node].time_fs(tick)
            if action.kind == DESKEW:
                origin, reached, base = self._deskew(node, action, tick, base)
            elif action.kind == BRANCH:
                void = not passes.decide(node, number)
                self.outcome.decided[number, node] = not void
            elif action.kind == DEPART:
                is_host = node not in self.depth
                passes.send(node, number, action.number, action.vector, is_host=is_host)
                self._depart(node, action, tick, wires[action.number], jitter_fs, fault)
            elif action.kind == READ:
                if self._read(node, action, tick, wires[action.number]):
                    passes.hear(node, number, action.number, action.vector)
            elif action.kind in (START, FINISH):
                self._see(action.kind, node, action.number, action.vector)
            elif action.kind == END:
                self.outcome.ended_fs = max(self.outcome.ended_fs, self.now_fs)
        self.running -= 1

    def _started(self, node: int, start: Start) -> Generator[int, None, int]:
        """Start with all others: each level has its token in time, and passes it on at its own next overflow."""
        yield start.ready_fs
        mine = self.depth.get(node, 0)
        if start.epochs and node in self.depth:
            passes = start.first + mine * start.epochs * self.counters.exchange.period
            yield from self._until(node, passes * PARTS)
            if mine and node not in self.tokens:
                self.outcome.failures.append(Failure("start", node, 0.0, -1, -1))
            for child in self.counters.children.get(node, ()):
                self.at(self.counters.arrival_fs(child, 0, self.now_fs), ARRIVES, partial(self.tokens.add, child))
        return (yield from self._until(node, start.boundary * PARTS))

    def _see(self, kind: int, node: int, number: int, vector: int) -> None:
        if self.seen is not None:
            self.seen.append((kind, node, number, vector))

    def _begin(self, node: int, tick: int, goes_through: bool, *, done: int) -> None:
        """Begin a pass, or what does not poll; the pass before must be over."""
        if done > tick:
            cycle, since = self.since[node]
            self.outcome.failures.append(Failure("pass", node, cycle + (done - since) / PARTS, -1, -1))
        self.since[node] = 0, tick
        if goes_through:
            self._note(-1, node, tick)
            time_fs, first = self.oscillators[node].time_fs(tick), self.outcome.started_fs
            self.outcome.started_fs = min(first, time_fs) if first else time_fs

    def _note(self, deskew: int, node: int, tick: int) -> None:
        self.outcome.resumed[deskew, node] = (self.oscillators[node].time_fs(tick), tick)

    def _deskew(self, node: int, action: Action, tick: int, base: int) -> tuple[int, int, int]:
        """Stall for the stall and SAC - HAC, which is known modulo the period only; return where it goes on."""
        cycle, stall = self.passes.deskews[action.number % len(self.passes.deskews)]
        correction, period = self.counters.correction.get(node, 0), self.counters.exchange.period * PARTS
        apart = base - correction
        known = (apart + period // 2) % period - period // 2
        waits = stall * PARTS + known
        if known != apart:
            self.outcome.failures.append(Failure("wrap", node, float(cycle), -1, action.number))
        if waits < 0:
            self.outcome.failures.append(Failure("stall", node, float(cycle), -1, action.number))
            waits = 0
        self._note(action.number, node, tick + waits)
        self.since[node] = cycle + stall, tick + waits
        return tick + waits, action.when + stall * PARTS, correction

    def _depart(
        self,
        node: int,
        action: Action,
        tick: int,
        wire: Wire,
        jitter_fs: Callable[[int, int], int],
        fault: Fault | None,
    ) -> None:
        fifo = self.fifos.setdefault(wire.link, Fifo())
        through = self.oscillators[node].time_fs(tick + wire.vector_time)
        arrival = through + wire.latency_fs + jitter_fs(action.number, action.vector)
        # A link delivers in order.
        fifo.last_fs = max(arrival, fifo.last_fs)
        key = (action.number, action.vector)
        self._see(DEPART, node, *key)
        if fault is not None and fault.loses(*key):
            self.at(fifo.last_fs, ARRIVES, partial(self._lost, wire, *key))
            return
        self.at(fifo.last_fs, ARRIVES, partial(self._arrive, wire, fifo, *key))

    def _lost(self, wire: Wire, slot: int, vector: int) -> None:
        """Correction gives up: the receiver's end of the link tells at once, and nobody has the vector."""
        self.outcome.failures.append(Failure("link", wire.to, self._cycle(wire.to), slot, vector))

    def _arrive(self, wire: Wire, fifo: Fifo, slot: int, vector: int) -> None:
        if wire.depth < 0:
            self._see(READ, wire.to, slot, vector)
            self.outcome.ended_fs = max(self.outcome.ended_fs, self.now_fs)
            return
        due = fifo.missed.pop((slot, vector), None)
        if due is not None:
            self.outcome.slack_fs[slot, vector] = due - self.now_fs
            return
        if len(fifo.waiting) >= wire.depth:
            self.outcome.failures.append(Failure("overflow", wire.to, self._cycle(wire.to), slot, vector))
        fifo.waiting.append((slot, vector, self.now_fs))
        self.outcome.fullest = max(self.outcome.fullest, len(fifo.waiting))

    def _read(self, node: int, action: Action, tick: int, wire: Wire) -> bool:
        """Take a vector from its FIFO; return whether it was there."""
        fifo, due = self.fifos.setdefault(wire.link, Fifo()), self.oscillators[node].time_fs(tick - wire.crossing)
        slot, vector = action.number, action.vector
        self._see(READ, node, slot, vector)
        if fifo.waiting and fifo.waiting[0][:2] == (slot, vector):
            arrived = fifo.waiting.popleft()[2]
            self.outcome.slack_fs[slot, vector] = due - arrived
            if arrived <= due:
                return True
        else:
            fifo.missed[slot, vector] = due
        self.outcome.failures.append(Failure("underflow", node, action.when / PARTS, slot, vector))
        return False

    def _cycle(self, node: int) -> float:
        """Return about which cycle of its program a node has reached."""
        cycle, tick = self.since[node]
        return cycle + (self.oscillators[node].ticks_at(self.now_fs) - tick) / PARTS
