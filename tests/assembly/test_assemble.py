"""Tests of the tables of a compile: layers one after the other, and every row where its numbers say."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def test_operators_run_where_their_shard_says(small_build: Build) -> None:
    """Tests that shard i is chip i of the group, or the host of chip i."""
    table, groups = small_build.operators, small_build.graph.groups
    for segment, chip, shard, unit in zip(table.segment, table.chip, table.shard, table.unit, strict=True):
        nodes = groups[segment].hosts if unit == "host" else groups[segment].chips
        assert nodes[shard] == chip


def test_each_operator_runs_once_on_each_shard(small_build: Build) -> None:
    """Tests that 6 operators of 2 layers run on 4 shards each; the rest are sums."""
    table = small_build.operators
    made = table.kind != "add"
    runs = list(zip(table.layer[made], table.kind[made], table.shard[made], strict=True))
    assert len(set(runs)) == len(runs) == 2 * 6 * 4


def test_results_lie_where_they_were_made(small_build: Build) -> None:
    """Tests that a tensor's node is that of its producer."""
    tensors = small_build.tensors
    made = tensors.producer >= 0
    assert (tensors.chip[made] == small_build.operators.chip[tensors.producer[made]]).all()


def test_layer_i_is_segment_i(small_build: Build) -> None:
    """Tests that operators of layer i are in segment i, and that no link is used by both."""
    table, slots = small_build.operators, small_build.slots
    assert (table.layer == table.segment).all()
    layer = table.layer[small_build.tensors.producer[slots.tensor]]
    assert not set(slots.link[layer == 0]) & set(slots.link[layer == 1])


def test_equal_layers_have_equal_times(small_build: Build) -> None:
    """Tests that the second layer, solved with the first, repeats it in every column but the numbers of things."""
    for table in (small_build.operators, small_build.tensors, small_build.operands):
        half = len(table) // 2
        for field in fields(table):
            one, other = getattr(table, field.name)[:half], getattr(table, field.name)[half:]
            if field.name == "name":
                assert [name.replace("layer.0", "layer.1") for name in one.tolist()] == other.tolist()
            elif field.name in ("operator", "tensor", "segment", "layer"):
                assert len(set((other - one).tolist())) == 1
            elif field.name == "producer":
                assert (np.where(one < 0, -1, one + len(small_build.operators) // 2) == other).all()
            elif field.name != "chip":
                assert (one == other).all()


def test_a_slot_is_read_as_early_as_its_wire_allows(small_build: Build) -> None:
    """Tests read = ceil(depart + v + latency + guard) in whole numbers."""
    slots, links = small_build.slots, small_build.links
    numerator, denominator = links.vector_time_numerator[slots.link], links.vector_time_denominator[slots.link]
    wire = links.latency_cycles[slots.link] + links.guard_cycles[slots.link]
    assert (slots.read == slots.depart + wire - (-numerator // denominator)).all()


def test_a_slot_leaves_from_where_its_tensor_is(small_build: Build) -> None:
    """Tests that the source of a link made the tensor, or received these vectors of it before."""
    slots, links = small_build.slots, small_build.links
    arrivals = {
        (tensor, vector, int(links.dst[link]))
        for tensor, first, vectors, link in zip(
            slots.tensor.tolist(), slots.first_vector.tolist(), slots.vectors.tolist(), slots.link.tolist(), strict=True
        )
        for vector in range(first, first + vectors)
    }
    for row in range(len(slots)):
        tensor, source = int(slots.tensor[row]), int(links.src[slots.link[row]])
        vectors = range(int(slots.first_vector[row]), int(slots.first_vector[row] + slots.vectors[row]))
        made_here = small_build.tensors.chip[tensor] == source
        assert made_here or all((tensor, vector, source) in arrivals for vector in vectors)


def test_slots_on_a_link_do_not_overlap(small_build: Build) -> None:
    """Tests that lanes were dealt: on one link a slot ends before the next begins."""
    slots, links = small_build.slots, small_build.links
    held = -(-slots.vectors * links.vector_time_numerator[slots.link] // links.vector_time_denominator[slots.link])
    again = slots.link[1:] == slots.link[:-1]
    assert (slots.depart[1:] >= (slots.depart + held)[:-1])[again].all()


def test_sums_cost_what_the_documentation_says(small_build: Build) -> None:
    """Tests m operands of n vectors: (m - 1) n 160 additions of BF16 numbers, (m + 1) n 320 bytes."""
    table, operands = small_build.operators, small_build.operands
    for row in np.flatnonzero(table.kind == "add"):
        mine = operands.operator == row
        summands, vectors = int(mine.sum()), int(operands.vectors[mine][0])
        assert table.macs[row] == (summands - 1) * vectors * 160
        assert table.sram_bytes[row] == (summands + 1) * vectors * 320
        assert (table.unit[row], table.dtype[row]) == ("vector", "bf16")
