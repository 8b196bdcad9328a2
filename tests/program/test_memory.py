"""Tests of the bytes that a chip must hold at least."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lpxsched.program.memory import least_bytes, live_bytes, weight_bytes
from tests.fabric.examples import hosted_grid
from tests.program.loads import load_on
from tests.workload.examples import TOY, toy

GRID = hosted_grid(1, 2)


def test_weights_are_those_of_router_and_experts() -> None:
    """Tests two chips: a router of 30 bytes on each, 168 and 144 bytes of experts (see the costs of the toy model)."""
    assert weight_bytes(load_on(GRID, TOY), 0, 2).tolist() == [198, 174]


def test_the_largest_operator_comes_on_top_of_the_weights() -> None:
    """Tests two chips and one row, in whole vectors of four bytes.

    router   input 4 + routing 8 = 12
    experts  input 4 + routing 8 + two rows of summands 2 x 8 = 28
    combine  summands 16 + routing 8 + output 8 = 32, the largest
    """
    assert least_bytes(load_on(GRID, TOY), 0, 2) == 198 + 32


@given(st.integers(1, 100), st.integers(1, 40), st.integers(1, 16), st.integers(1, 8), st.booleans())
def test_more_chips_never_hold_more_each(columns: int, width: int, multiple: int, batch: int, biases: bool) -> None:
    """Tests that the bound never grows with the width, but for biases that lie on one chip, and by no more than they.

    The toy has 3 experts, whose biases of down are 4 numbers of 2 bytes.
    """
    load = load_on(GRID, toy(expert_columns=columns, expert_biases=biases), batch=batch)
    coarse = replace(load, chip=replace(load.chip, shard_columns=multiple))
    assert least_bytes(coarse, 0, width + 1) <= least_bytes(coarse, 0, width) + biases * 3 * 4 * 2
    assert (width + 1) * least_bytes(coarse, 0, width + 1) >= least_bytes(coarse, 0, 1)


def test_what_may_lie_there_is_every_tensor_and_what_moves_twice() -> None:
    """Tests one row of the toy: logits 8 and routing 8 once, input 4, summands 16 and their sum 8 twice."""
    assert live_bytes(load_on(GRID, TOY), 0) == 8 + 8 + 2 * (4 + 16 + 8)
