"""Tests of what chips hold at the start of a collective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpxsched.traffic.collectives import KINDS, Collective, source_offsets, source_values

if TYPE_CHECKING:
    from lpxsched.traffic.collectives import Kind

# Of three chips and two vectors, root 1: rows of tensor, shard, offset, vectors.
SHARES = [(0, 0, 0, 2), (0, 1, 2, 2), (0, 2, 4, 2)]
EXPECTED = {
    "all-gather": SHARES,
    "gather": SHARES,
    "scatter": [(0, 1, 0, 6)],
    "broadcast": [(0, 1, 0, 2)],
    "all-to-all": [(shard, shard, 0, 6) for shard in range(3)],
    "reduce-scatter": [(0, shard, 0, 6) for shard in range(3)],
    "reduce": [(0, shard, 0, 2) for shard in range(3)],
    "all-reduce": [(0, shard, 0, 2) for shard in range(3)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_told_by_tensor_and_shard(kind: Kind) -> None:
    """Tests all kinds: shares where the tensor is sharded, the whole at the root, a whole summand on each chip."""
    values = source_values(Collective(kind, 3, 2, 1))
    columns = (values.tensor, values.shard, values.offset, values.vectors)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == EXPECTED[kind]
    assert len(values) == len(EXPECTED[kind])


def test_what_a_chip_holds_begins_at_its_offset() -> None:
    """Tests shares of two vectors on three chips, beside a node that holds nothing; a root holds all from 0 on."""
    assert source_offsets(Collective("all-gather", 3, 2), 4).tolist() == [0, 2, 4, 0]
    assert source_offsets(Collective("scatter", 3, 2, 1), 4).tolist() == [0, 0, 0, 0]
