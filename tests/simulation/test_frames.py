"""Tests of the discipline of frames by its events: nobody is late, and in order of arrival somebody is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lpxsched.program.frames.reserved_chain import free_residues, server_conflicts
from lpxsched.simulation.discipline import Discipline
from lpxsched.simulation.frames import ALL_DELAYS, Delays, run_frames
from lpxsched.simulation.ports import INTO, OUT_OF, Port, binding_ports
from lpxsched.simulation.turns import Server, Turn
from tests.program.frames.examples import LAYERS, LEAST, MOST, SEGMENT, example_chain

STEP = 411_264


@cache
def example(micro_batches: int, servers: int) -> Discipline:
    """Return the worked example with some micro-batches on some servers."""
    chain = example_chain()
    begin, length = chain.start_cycles + SEGMENT + MOST, np.full(LAYERS, MOST)
    owned = free_residues(server_conflicts(begin, length, chain), [], micro_batches, servers)
    residues, of_server = (np.array(column, dtype=np.int64) for column in zip(*owned, strict=True))
    assert len(residues) == micro_batches
    return Discipline(
        chain.period_cycles,
        chain.windows,
        chain.start_cycles,
        np.full(LAYERS, SEGMENT),
        np.full((LAYERS, 3), LEAST),
        np.full((LAYERS, 3), MOST),
        residues,
        of_server,
    )


@pytest.mark.parametrize("delays", ALL_DELAYS)
@pytest.mark.parametrize(("micro_batches", "servers"), [(1, 1), (8, 8), (24, 8)])
def test_nobody_starts_after_his_reservation(micro_batches: int, servers: int, delays: Delays) -> None:
    """Tests random and adversarial delays, alone and three to a GPU: no step above N P, one that breaks harms none."""
    run = run_frames(example(micro_batches, servers), delays, steps=8, seed=3)
    assert (run.late, run.latest, run.excess) == (0, 0, 0)
    assert run.worst_step <= STEP


def test_the_longest_step_is_attained() -> None:
    """Tests all delays at their maxima: every step takes N P, 411.264 us."""
    run = run_frames(example(24, 8), "most", steps=6)
    assert (run.worst_step, run.mean_step) == (STEP, STEP)


@pytest.mark.parametrize("delays", ["random", "one slow"])
def test_three_hundred_on_a_hundred_servers(delays: Delays) -> None:
    """Tests the largest example."""
    run = run_frames(example(300, 100), delays, steps=5, seed=1)
    assert run.late == 0
    assert run.worst_step <= STEP


def test_in_order_of_arrival_somebody_is_late() -> None:
    """Tests that the judge can fail: one slow among fast ones starts late, and his steps exceed N P."""
    run = run_frames(example(24, 8), "one slow", steps=8, in_order=False)
    assert run.late > 0
    assert run.worst_step > STEP


def test_servers_in_order_of_arrival_break_it_too() -> None:
    """Tests that the fixed order is needed: a turn that is reserved too late for another one makes somebody late."""
    plan = example(24, 8)
    assert run_frames(replace(plan, servers=np.zeros_like(plan.servers)), "most", steps=5).late > 0


def test_who_breaks_his_maximum_harms_nobody_on_his_server() -> None:
    """Tests two hundred on a hundred servers, where micro-batch 0 comes late to a turn that shares one with 100."""
    assert run_frames(example(200, 100), "one breaks", steps=2).late == 0


def test_a_missed_turn_holds_nobody_up() -> None:
    """Tests turns of 0 at 10 and of 1 at 20: 0 does not come until 21 and is served after 1, before the turn at 60."""
    server = Server([Turn(10, 0, 0, 8), Turn(20, 1, 0, 8), Turn(60, 1, 1, 8)])
    server.there[1] = 0
    assert server.served(11) == (1, 0)
    server.free = 19
    server.there[0] = 0
    assert server.served(21) == (0, 0)


def test_a_turn_that_was_missed_is_missed_though_nobody_looked() -> None:
    """Tests 0, late for the turn at 10: at 13 he would keep the server beyond 20, at 12 he would not."""
    for comes, served in ((13, None), (12, (0, 0))):
        server = Server([Turn(10, 0, 0, 8), Turn(20, 1, 0, 8)])
        server.there[0] = 0
        assert server.served(comes) == served


def test_a_later_turn_of_his_own_must_be_long_enough() -> None:
    """Tests 0, late with a visit of 8 cycles: his turn of 5 at 30 would not hold it before 1 has his at 35."""
    for lasts, served in ((5, None), (8, (0, 0))):
        server = Server([Turn(10, 0, 0, 8), Turn(30, 0, 1, lasts), Turn(35, 1, 0, 8)])
        server.there[0] = 0
        assert server.served(28) == served


def test_an_early_one_is_served_where_there_is_room() -> None:
    """Tests 1, whose turn is at 90: until 52 he is through before the turn of 0 at 60, and has then had his own."""
    turns = [Turn(60, 0, 0, 8), Turn(90, 1, 1, 8), Turn(120, 0, 1, 8)]
    server = Server(turns, early=True)
    server.there[1] = 1
    assert server.served(53) is None
    assert Server(turns, there={1: 1}).served(52) is None
    assert server.served(52) == (1, 1)
    server.free = 60
    server.there[0] = 0
    assert server.served(60) == (0, 0)
    server.free, server.there[0] = 68, 1
    assert server.served(68) == (0, 1)


def test_a_missed_turn_waits_where_there_is_no_room() -> None:
    """Tests that 0, late at 55, does not begin before the turn at 60 that would have to wait for him."""
    server = Server([Turn(10, 0, 0, 8), Turn(60, 1, 1, 8), Turn(90, 1, 2, 8)])
    server.there[0] = 0
    assert server.served(55) is None
    server.there[1] = 1
    assert server.served(60) == (1, 1)
    assert server.served(68) == (0, 0)


def one_layer(gaps: frozenset[int] = frozenset()) -> Discipline:
    """Return a layer with four windows of 100, two of them owned, that takes 400 at most and 240 at least.

    Rows enter over one port for 40 cycles: those of micro-batch 0, slow, from 360 to 400, those of 1, fast, from 300.
    """
    port = Port(INTO, np.array([40]), np.array([40]))
    return Discipline(
        period=100,
        windows=4,
        start=np.array([0]),
        segment=np.array([100]),
        least=np.array([[40, 40, 20]]),
        most=np.array([[100, 100, 60]]),
        residues=np.array([0, 1]),
        servers=np.array([0, 1]),
        ports=(port,),
        gaps=(gaps,),
    )


def test_who_comes_in_the_cycle_of_his_window_has_it() -> None:
    """Tests that 1, who waits from 340 on for the window at 400, leaves it to 0, who owns it and comes then."""
    assert run_frames(one_layer(), "one slow", steps=8).late == 0


def test_nobody_runs_in_a_gap() -> None:
    """Tests two that are fast: steps of 240 take 300 cycles, and 400 where some would end in a gap."""
    runs = [run_frames(one_layer(gaps), "least", steps=24).mean_step for gaps in (frozenset[int](), frozenset({2}))]
    assert runs == [300, 400]


def two_on_a_port(start: int, ways: tuple[int, int], residues: tuple[int, ...] = (0, 1, 2, 4)) -> Discipline:
    """Return two layers of 100 cycles each whose rows enter over one port, 40 cycles each; a window every 100, N = 7.

    Ways out of a layer and in take `ways` in all at most, beside 120 on servers, and a third at least. So rows of layer
    1, whose window is at `start`, come to the port at 100 + 120 + the first of them at most, and those of layer 0, of
    the next window at 700, at `start` + 100 + 120 + the second.
    """
    port = Port(INTO, np.array([40, 40]), np.array([40, 40]))
    most = np.array([[way, 60, 60] for way in ways])
    return Discipline(
        period=100,
        windows=7,
        start=np.array([0, start]),
        segment=np.array([100, 100]),
        least=most // 3,
        most=most,
        residues=np.array(residues),
        servers=np.arange(len(residues)),
        ports=(port,),
    )


# Turns at 310 to 350 and at 660 to 700: 10 to 50 and 60 to 100 of every hundred.
APART = (350, (90, 90))
# Turns at 340 to 380 and at 660 to 700, so that 60 to 80 of every hundred is in both.
OVERLAPPING = (380, (120, 60))


@pytest.mark.parametrize("delays", ALL_DELAYS)
def test_a_port_serves_in_the_order_of_reservations(delays: Delays) -> None:
    """Tests turns that do not overlap: nobody is late."""
    run = run_frames(two_on_a_port(*APART, residues=tuple(range(7))), delays, steps=30, seed=5)
    assert (run.late, run.excess) == (0, 0)


def test_turns_that_overlap_on_a_port_make_somebody_late() -> None:
    """Tests that ports count: residue 4 at layer 0 and residue 0 at layer 1, both tight, cannot both be through."""
    plan = two_on_a_port(*OVERLAPPING)
    assert run_frames(plan, "most", steps=30).late > 0
    assert run_frames(two_on_a_port(*APART), "most", steps=30).late == 0


def test_a_port_in_order_of_arrival_makes_somebody_late() -> None:
    """Tests the turns that do not overlap, served as rows come: who came early holds up one that is slow."""
    plan = two_on_a_port(*APART, residues=tuple(range(7)))
    assert run_frames(plan, "one slow", steps=30, in_order=False).late > 0


def test_a_port_that_another_outlasts_is_left_out() -> None:
    """Tests three ports of one side with the same two layers, one with another layer, and one of the other side."""
    long, short, third = (Port(INTO, np.zeros(3, int), np.array(most)) for most in ([5, 6, 0], [5, 5, 0], [9, 0, 9]))
    out = Port(OUT_OF, np.zeros(3, int), np.array([1, 1, 0]))
    kept = binding_ports([short, long, third, out, Port(OUT_OF, np.zeros(3, int), np.zeros(3, int))])
    assert {id(port) for port in kept} == {id(long), id(third), id(out)}
