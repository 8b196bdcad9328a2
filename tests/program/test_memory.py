"""Tests of the bytes that a chip must hold at least."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from lpxsched.program.memory import least_chip_bytes, shard_weight_bytes
from lpxsched.workload.graph import LayerGraph, ffn_graph
from tests.fabric.examples import CHIP
from tests.workload.examples import FP8, TOY, toy

if TYPE_CHECKING:
    from lpxsched.workload.ffns import FfnModel


def layer(model: FfnModel, batch: int = 1) -> LayerGraph:
    """Return one layer with vectors of four bytes."""
    return ffn_graph(model, batch=batch, precision=FP8, vector_bytes=4).layer(0)


def test_weights_are_those_of_router_and_experts() -> None:
    """Tests two chips: a router of 30 bytes on each, 168 and 144 bytes of experts (see the costs of the toy model)."""
    assert shard_weight_bytes(TOY.layers[0], CHIP, batch=1, precision=FP8, width=2) == [198, 174]


def test_the_largest_operator_comes_on_top_of_the_weights() -> None:
    """Tests two chips and one row, in whole vectors of four bytes.

    router   input 4 + routing 8 = 12
    experts  input 4 + routing 8 + two rows of summands 2 x 8 = 28
    combine  summands 16 + routing 8 + output 8 = 32, the largest
    """
    assert least_chip_bytes(TOY.layers[0], CHIP, layer(TOY), batch=1, precision=FP8, width=2) == 198 + 32


@given(st.integers(1, 100), st.integers(1, 40), st.integers(1, 16), st.integers(1, 8))
def test_more_chips_never_hold_more_each(columns: int, width: int, multiple: int, batch: int) -> None:
    """Tests that the bound never grows with the width, on which the search for the least width rests."""
    model, chip = toy(expert_columns=columns), replace(CHIP, shard_columns=multiple)
    narrow, wide = (
        least_chip_bytes(model.layers[0], chip, layer(model, batch), batch=batch, precision=FP8, width=chips)
        for chips in (width, width + 1)
    )
    assert wide <= narrow
