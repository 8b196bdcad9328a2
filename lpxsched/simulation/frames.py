"""The discipline of frames by its events: windows that micro-batches own, ports and servers in fixed order.

A judge of the theorem and not its proof: it draws delays within their ranges, random or against it, serves windows as
the discipline says (the owner first, else whoever waits with the earliest reservation), Ethernet ports and GPUs in the
order of reservations, and counts who starts after his reservation and how long steps are. The same delays served in
order of arrival show that it can fail. Times are cycles of program time.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from lpxsched.simulation.ports import INTO, OUT_OF, serving
from lpxsched.simulation.turns import Server, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.simulation.discipline import Discipline
    from lpxsched.simulation.ports import Serving

Delays = Literal["most", "least", "random", "one slow", "turning slow", "one breaks"]
ALL_DELAYS: tuple[Delays, ...] = get_args(Delays)
# By how many periods the one that breaks its maximum does so, at most, and how often.
BREAKS, BREAK_SHARE = 6, 0.05
OUT, HELD, BACK = range(3)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed; of all but the one that breaks its maximum.

    Attributes
    ----------
    late : int
        Starts after their reservation.
    latest : int
        By how many cycles the latest of them.
    worst_step, mean_step : int, float
        In cycles, once steps have settled.
    excess : int
        By how much a step exceeds N P and the lead with which it began, at most; 0 where none does.
    """

    late: int
    latest: int
    worst_step: int
    mean_step: float
    excess: int


@dataclass(slots=True)
class _State:
    """A run under way."""

    plan: Discipline
    delays: Delays
    in_order: bool
    visits: int
    dice: random.Random
    servers: list[Server]
    ports: list[Serving]
    queues: list[dict[int, tuple[int, int]]]
    events: list[tuple[int, bool, int, Callable[[int], None]]] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    starts: list[list[int]] = field(default_factory=list)
    on_ports: dict[tuple[int, int], int] = field(default_factory=dict)
    count: int = 0

    def at(self, time: int, action: Callable[[int], None], *, opens: bool = False) -> None:
        """Note what happens at a time; of one time in the order of notes, a window that opens last."""
        self.count += 1
        heapq.heappush(self.events, (time, opens, self.count, action))


def run_frames(plan: Discipline, delays: Delays, *, steps: int, seed: int = 0, in_order: bool = True) -> Run:
    """Return what a run of some steps shows.

    Parameters
    ----------
    plan : Discipline
    delays : str
        All at their maxima; all at their minima; random; one slow and all others fast; all fast, and one of them slow
        from a third of the run on; or random with one that breaks its maxima.
    steps : int
        Steps of each micro-batch.
    seed : int
    in_order : bool
        Whether reservations count; else windows and servers take whoever came first.
    """
    count, layers = len(plan.residues), len(plan.start)
    state = _State(
        plan,
        delays,
        in_order,
        visits=steps * layers + 1,
        dice=random.Random(seed),
        servers=[_server(plan, server, steps, in_order) for server in range(int(plan.servers.max()) + 1)],
        ports=serving(plan.ports, plan.turn, micro_batches=count, visits=steps * layers + 1, in_order=in_order),
        queues=[{} for _ in range(layers)],
        used=[-1] * layers,
        asked=[-1] * layers,
        starts=[[] for _ in range(count)],
    )
    for one in range(count):
        state.at(plan.reserved(one, 0), lambda now, one=one: _arrive(state, now, one, 0))  # type: ignore[misc]
    while state.events:
        now, *_, action = heapq.heappop(state.events)
        action(now)
    return _judged(state, steps)


def _server(plan: Discipline, server: int, steps: int, in_order: bool) -> Server:
    layers = len(plan.start)
    after, most = plan.served.tolist(), plan.most[:, HELD].tolist()
    turns = [
        Turn(plan.reserved(one, visit) + after[visit % layers], one, visit, most[visit % layers])
        for one in np.flatnonzero(plan.servers == server).tolist()
        for visit in range(steps * layers)
    ]
    return Server(sorted(turns), in_order)


def _arrive(state: _State, now: int, one: int, visit: int) -> None:
    layer = visit % len(state.plan.start)
    state.queues[layer][one] = (visit, now)
    _ask(state, now, layer)


def _ask(state: _State, now: int, layer: int) -> None:
    """Look at the next window of a layer, once."""
    plan = state.plan
    phase = int(plan.start[layer])
    number = max(-((phase - now) // plan.period), state.used[layer] + 1)
    while not plan.opens(layer, number):
        number += 1
    if state.asked[layer] < number:
        state.asked[layer] = number
        state.at(phase + number * plan.period, lambda at: _window(state, at, layer, number), opens=True)


def _window(state: _State, now: int, layer: int, number: int) -> None:
    """Give a window to its owner, else to whoever waits with the earliest reservation."""
    plan, queue = state.plan, state.queues[layer]
    state.used[layer] = number
    if not queue:
        return
    one = _chosen(state, queue, layer, number)
    visit, _ = queue.pop(one)
    state.starts[one].append(now)
    if visit + 1 < state.visits:
        state.at(now + int(plan.segment[layer]), lambda at: _offer(state, at, one, visit, OUT_OF))
    if queue:
        _ask(state, now, layer)


def _chosen(state: _State, queue: dict[int, tuple[int, int]], layer: int, number: int) -> int:
    plan = state.plan
    if not state.in_order:
        return min(queue, key=lambda one: queue[one][1])
    owner = [one for one in queue if (number - plan.residues[one]) % plan.windows == 0]
    # An owner that has fallen behind takes his window too: it is his.
    if owner and plan.reserved(owner[0], queue[owner[0]][0]) <= plan.start[layer] + number * plan.period:
        return owner[0]
    return min(queue, key=lambda one: plan.reserved(one, queue[one][0]))


def _offer(state: _State, now: int, one: int, visit: int, side: int) -> None:
    """Let rows of a visit come to the ports of its hosts, which serve them one by one."""
    layer = visit % len(state.plan.start)
    asked = [port for port in state.ports if port.port.side == side and port.port.most[layer]]
    state.on_ports[one, side] = len(asked)
    if not asked:
        _through(state, now, one, visit, side)
    for port in asked:
        port.server.there[one] = visit
        _pass(state, now, port)


def _pass(state: _State, now: int, port: Serving) -> None:
    """Let a port serve whoever is next."""
    server, side = port.server, port.port.side
    taken = server.served(now)
    if taken:
        one, visit = taken
        layer = visit % len(state.plan.start)
        server.free = now + _drawn(state, now, one, int(port.port.least[layer]), int(port.port.most[layer]))
        state.at(server.free, lambda at: _served(state, at, one, visit, side))
        state.at(server.free, lambda at: _pass(state, at, port))
    else:
        _wake(state, now, server, lambda at: _pass(state, at, port))


def _served(state: _State, now: int, one: int, visit: int, side: int) -> None:
    state.on_ports[one, side] -= 1
    if not state.on_ports[one, side]:
        _through(state, now, one, visit, side)


def _through(state: _State, now: int, one: int, visit: int, side: int) -> None:
    """Go on after all ports: out of the hosts to the GPUs, or into them to a window."""
    if side == INTO:
        _arrive(state, now, one, visit)
    else:
        out = _delay(state, now, one, visit % len(state.plan.start), OUT)
        state.at(now + out, lambda at: _reach(state, at, one, visit))


def _wake(state: _State, now: int, server: Server, again: Callable[[int], None]) -> None:
    """Look at a free server again when its next turn is missed."""
    if server.there and now >= server.free:
        wakes = server.wakes(now)
        if wakes is not None:
            state.at(wakes, again)


def _reach(state: _State, now: int, one: int, visit: int) -> None:
    server = state.servers[int(state.plan.servers[one])]
    server.there[one] = visit
    _serve(state, now, server)


def _serve(state: _State, now: int, server: Server) -> None:
    taken = server.served(now)
    if taken:
        one, visit = taken
        layer = visit % len(state.plan.start)
        server.free = now + _delay(state, now, one, layer, HELD)
        back = server.free + _delay(state, now, one, layer, BACK)
        state.at(back, lambda at: _offer(state, at, one, visit + 1, INTO))
        state.at(server.free, lambda at: _serve(state, at, server))
    else:
        _wake(state, now, server, lambda at: _serve(state, at, server))


def _delay(state: _State, now: int, one: int, layer: int, part: int) -> int:
    """Return how long a part of the way takes; the one that breaks its maxima does so on a way alone."""
    plan = state.plan
    high = int(plan.most[layer, part])
    drawn = _drawn(state, now, one, int(plan.least[layer, part]), high)
    if state.delays == "one breaks" and one == 0 and part != HELD and state.dice.random() < BREAK_SHARE:
        return high + state.dice.randint(1, BREAKS * plan.period)
    return drawn


def _drawn(state: _State, now: int, one: int, low: int, high: int) -> int:
    plan = state.plan
    if state.delays == "most":
        return high
    if state.delays == "least":
        return low
    if state.delays == "one slow":
        return low if one else high
    if state.delays == "turning slow":
        return high if one == 0 and now > state.visits // len(plan.start) * plan.step // 3 else low
    return state.dice.randint(low, high)


def _judged(state: _State, steps: int) -> Run:
    plan, layers = state.plan, len(state.plan.start)
    late, latest, lengths, excess = 0, 0, [0], 0
    kept = range(1 if state.delays == "one breaks" else 0, len(plan.residues))
    for one in kept:
        behind = [start - plan.reserved(one, visit) for visit, start in enumerate(state.starts[one])]
        late += sum(cycles > 0 for cycles in behind)
        latest = max(latest, *behind)
        firsts = state.starts[one][::layers]
        steps_of_one = [after - before for before, after in pairwise(firsts)]
        lead = [-cycles for cycles in behind[::layers]]
        excess = max(
            [excess, *(step - plan.step - max(0, ahead) for step, ahead in zip(steps_of_one, lead, strict=False))]
        )
        lengths += steps_of_one[min(2, steps - 1) :]
    return Run(late, latest, max(lengths), sum(lengths) / max(1, len(lengths) - 1), excess)
