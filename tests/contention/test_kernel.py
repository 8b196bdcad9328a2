"""Tests of the event kernel against theory: one lane, random arrivals, packets of one vector."""

from __future__ import annotations

import numpy as np
import pytest

from lpxsched.contention.draft import Draft
from lpxsched.contention.kernel import run
from lpxsched.contention.state import ADAPTIVE, FIFO, HASH, MINIMAL, RANDOM, State, fresh_state
from lpxsched.contention.tables import Lanes, Step

SERVICE, LATENCY = 1000, 300


def one_link(arrivals: np.ndarray, *, lanes: int = 1, routing: int = MINIMAL, arbitration: int = FIFO) -> State:
    """Return what happens to packets that are offered to one link at some times, each by a call of its own."""
    number, draft = len(arrivals), Draft(1)
    source, sink = draft.add("group", 2, tasks=1, sums=0, turnaround=0, unit=-1, duration=0)
    calls = draft.add("call", number)
    sends = draft.add("send", number, tensor=0, vectors=1, reader=0)
    ways = draft.add("way", number)
    mixed = np.random.Generator(np.random.PCG64(1)).integers(0, 1 << 30, number)
    hops = draft.add(
        "hop", number, bundle=0, vectors=1, hash=mixed, turnaround=0, call=calls, group=-1, own=-1, send=sends
    )
    draft.follow("group_calls", np.full(number, source), calls)
    draft.follow("call_sends", calls, sends)
    draft.follow("send_ways", sends, ways)
    draft.follow("way_hops", ways, hops)
    draft.follow("hop_readers", hops, np.full(number, sink))
    draft.wait(np.array([sink]), number)
    each = np.ones(lanes, dtype=np.int64)
    wires = Lanes(np.array([0]), np.array([lanes]), SERVICE * each, 0 * each, LATENCY * each, 0 * each)
    program = draft.program(wires)
    ones = np.ones(number, dtype=np.int64)
    step = Step(np.zeros(2, dtype=np.int64), arrivals, ones, ones, draft.awaited(), routing, arbitration, 5)
    state = fresh_state(program)
    assert run(program, step, state) == 0
    return state


def random_arrivals(load: float, number: int, seed: int) -> np.ndarray:
    """Return times of a Poisson process that keeps a lane busy for a share of the time."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return np.rint(np.cumsum(generator.exponential(SERVICE / load, number))).astype(np.int64)


@pytest.mark.parametrize("load", [0.2, 0.5])
@pytest.mark.parametrize("arbitration", [FIFO, RANDOM])
def test_a_lane_is_a_queue_of_one_server(load: float, arbitration: int) -> None:
    """Tests the mean wait of M/D/1, load / (2 (1 - load)) services, within 1 %, whoever is served first."""
    state = one_link(random_arrivals(load, 400_000, 7), arbitration=arbitration)
    assert state.waited.mean() / SERVICE == pytest.approx(load / (2 * (1 - load)), rel=0.01)


def test_in_order_of_arrival_nobody_is_overtaken() -> None:
    """Tests the recursion of Lindley, wait by wait: w' = max(0, w + service - time to the next arrival)."""
    arrivals = random_arrivals(0.9, 2000, 3)
    waits = [0]
    for apart in np.diff(arrivals).tolist():
        waits.append(max(0, waits[-1] + SERVICE - apart))
    assert one_link(arrivals).waited.tolist() == waits


@pytest.mark.parametrize("routing", [MINIMAL, HASH, ADAPTIVE])
def test_every_vector_is_carried_once(routing: int) -> None:
    """Tests that lanes carry all that is offered, the last of it a latency after the last service began to end."""
    arrivals = random_arrivals(2.0, 5000, 11)
    state = one_link(arrivals, lanes=3, routing=routing, arbitration=RANDOM)
    assert state.carried.sum() == len(arrivals)
    assert state.ended[1] == state.free.max() + LATENCY
    assert (state.waited >= 0).all()


def test_what_is_free_soonest_waits_least() -> None:
    """Tests three lanes at a load of 2 of 3: where all services are alike turns are best, and a hash is worse."""
    arrivals = random_arrivals(2.0, 20_000, 11)
    adaptive, turns, hashed = (
        one_link(arrivals, lanes=3, routing=routing).waited.mean() for routing in (ADAPTIVE, MINIMAL, HASH)
    )
    assert adaptive == turns < hashed
