"""Tests of the reserved chain against numbers worked out by hand, and of its residues by brute force."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.program.frames.reserved_chain import ReservedChain, chain_of, early_chain, free_residues, server_conflicts
from tests.program.frames.examples import DELAY, LAYERS, PERIOD, example_chain


def test_the_example_of_three_layers_a_tray() -> None:
    """Tests 36 layers of gpt-oss-120b on 16 trays, windows every 1,008 cycles, 336 of them a layer: N P = 411,264.

    36 x 11,387 = 409,932 cycles are no wait, and 408 x 1,008 = 411,264 is the least multiple that has room for the two
    turns of a tray: layer 16 comes 16 x 11,387 = 752 cycles after a window of layer 0 and may begin at 336 or 672.
    """
    chain = example_chain()
    assert (chain.windows, chain.step_cycles) == (408, 411_264)
    assert chain.step_cycles - chain.waits_cycles.sum() == LAYERS * DELAY == 409_932
    for layer in range(16, LAYERS):
        assert (chain.phase_cycles[layer] - chain.phase_cycles[layer - 16]) % PERIOD in (336, 672)


def test_windows_are_the_least_at_or_after_an_arrival() -> None:
    """Tests phases 3, 1, 8 of a period of 10: 3, then 3 + 4 = 7 -> 11, then 11 + 7 = 18 at once, 18 + 6 = 24 -> 33."""
    chain = chain_of(np.array([3, 1, 8]), np.array([4, 7, 6]), 10)
    assert chain.start_cycles.tolist() == [3, 11, 18]
    assert (chain.windows, chain.waits_cycles.tolist()) == (3, [9, 4, 0])
    assert chain.numbers.tolist() == [0, 1, 1]


def test_a_layer_without_a_phase_has_no_chain() -> None:
    """Tests a second layer that fits nowhere beside the first."""
    nowhere = lambda layer, _: np.full(5, layer == 0)  # noqa: E731
    assert early_chain(np.array([2, 2]), 5, nowhere) is None


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=1, max_size=4),
    st.integers(1, 12),
    st.integers(1, 8),
)
def test_residues_conflict_where_turns_overlap(turns: list[tuple[int, int]], period: int, windows: int) -> None:
    """Tests every difference of residues, cycle by cycle on the circle of N P."""
    chain = ReservedChain(period, windows, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))
    begin, length = (np.array(column, dtype=np.int64) for column in zip(*turns, strict=True))
    found, step = server_conflicts(begin, length, chain), period * windows
    held = [{(at + k) % step for k in range(min(lasts, step))} for at, lasts in turns]
    for apart in range(windows):
        moved = [{(cycle + apart * period) % step for cycle in cells} for cells in held]
        assert found[apart] == any(one & other for one in held for other in moved)


def test_servers_take_turns_and_their_residues_never_meet() -> None:
    """Tests five micro-batches on two servers where neighbours meet and residue 0 is nobody's: 1, 2, 3, 4, 5."""
    conflicts = np.array([True, True, False, False, False, False, False, True])
    found = free_residues(conflicts, [0], 5, 2)
    assert found == [(1, 0), (2, 1), (3, 0), (4, 1), (5, 0)]
    # One server holds every other residue: 1, 3, 5, and 7 is next to none of them.
    assert [residue for residue, _ in free_residues(conflicts, [0], 9, 1)] == [1, 3, 5, 7]
