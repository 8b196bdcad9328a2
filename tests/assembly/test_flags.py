"""Flags as rows, tensors and operators behind all others."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from lpxsched.assembly.flags import with_flag_rows, without_flag_rows
from lpxsched.assembly.segment import Sent
from lpxsched.timetable.columns import Operators
from lpxsched.timetable.documents import GraphGroup
from tests.builds import ints, two_chip_build
from tests.polled import BRANCHES, FLAG, FLAGS, SENT, polled_build, tables


def test_a_host_leaves_one_vector_that_every_chip_reads() -> None:
    """Tests one host of two chips: one flag, of the shard of its first chip, which leaves at 7, and two branches."""
    build = polled_build()
    operators, tensors = build.operators, build.tensors
    assert operators.kind[FLAGS:].tolist() == ["flags", "branch", "branch"]
    assert operators.chip[FLAGS:].tolist() == [2, 0, 1]
    assert operators.shard[FLAGS:].tolist() == [0, 0, 1]
    assert operators.start[FLAGS:].tolist() == [7, 25, 25]
    assert (tensors.name[FLAG], tensors.vectors[FLAG], tensors.chip[FLAG]) == ("layer.0.flags", 1, 2)
    reads = build.operands.tensor == FLAG
    assert build.operands.operator[reads].tolist() == list(BRANCHES)
    (tensor,) = [one for one in build.graph.tensors if one.name == "layer.0.flags"]
    assert tensor.runs == [[0, 1], [0, 0]]
    assert not any(one.ends for one in build.graph.operators[-2:])


def test_relays_branch_behind_the_chips_of_their_group() -> None:
    """Tests chip 1 as a relay of chip 0: its shard comes after that of the one chip."""
    bare = two_chip_build()
    group = GraphGroup(group=0, chips=[0], hosts=[2], relays=[1])
    sent = Sent(
        host=ints(2, 2),
        link=ints(4, 0),
        depart=ints(2, 23),
        read=ints(20, 41),
        guard_cycles=ints(5, 5),
        branch_cycles=41,
    )
    graph = bare.graph.model_copy(update={"groups": [group]})
    program, _ = with_flag_rows(tables(bare), graph, [sent], vector_bytes=320)
    assert program.operators.kind[FLAGS:].tolist() == ["flags", "branch", "branch"]
    assert program.operators.chip[FLAGS:].tolist() == [2, 0, 1]
    assert program.operators.shard[FLAGS:].tolist() == [0, 0, 1]
    assert program.operators.start[FLAGS:].tolist() == [2, 41, 41]


def test_groups_of_a_segment_share_their_flags() -> None:
    """Tests a second group on the same chips, without hosts of its own: nothing more; on another chip: a branch there.

    The branch on the chip of the second group reads the flag of the host of the first.
    """
    bare = two_chip_build()
    groups = [GraphGroup(group=0, chips=[0], hosts=[2]), GraphGroup(group=1, chips=[1], hosts=[])]
    layers = [
        one.model_copy(update={"layer": number, "group": number}) for number, one in enumerate(bare.graph.layers * 2)
    ]
    segments = [bare.graph.segments[0].model_copy(update={"layers": [0, 1]})]
    for chips, branches in (([1], [(0, 0), (1, 1)]), ([0], [(0, 0)])):
        second = groups[1].model_copy(update={"chips": chips})
        update = {"groups": [groups[0], second], "layers": layers, "segments": segments}
        program, graph = with_flag_rows(tables(bare), bare.graph.model_copy(update=update), [SENT], vector_bytes=320)
        more = program.operators.kind == "branch"
        found = zip(program.operators.layer[more].tolist(), program.operators.chip[more].tolist(), strict=True)
        assert list(found) == branches
        assert [one.name for one in graph.tensors if one.name.endswith("flags")] == ["layer.0.flags"]


def test_without_flags_a_build_is_what_it_was() -> None:
    """Tests that leaving flags out gives back the tables and the graph of the build that has none."""
    bare, again = two_chip_build(), without_flag_rows(polled_build())
    for name in ("slots", "operators", "operands", "tensors"):
        one, other = getattr(bare, name), getattr(again, name)
        for field in fields(one):
            assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), (name, field.name)
    assert again.graph == bare.graph
    assert without_flag_rows(bare) is bare


def test_without_flags_rows_behind_them_are_numbered_anew() -> None:
    """Tests flags that come before other rows in the tables, as another program might write them."""
    build = polled_build()
    order = ints(FLAGS, *range(FLAGS), *BRANCHES)
    place = np.argsort(order)
    operators = Operators(*(getattr(build.operators, one.name)[order] for one in fields(Operators)))
    producer = np.where(build.tensors.producer < 0, -1, place[build.tensors.producer])
    moved = replace(
        build,
        operators=replace(operators, operator=np.arange(len(order))),
        tensors=replace(build.tensors, producer=producer),
        operands=replace(build.operands, operator=place[build.operands.operator]),
    )
    again, bare = without_flag_rows(moved), two_chip_build()
    assert np.array_equal(again.operators.kind, bare.operators.kind)
    assert np.array_equal(again.tensors.producer, bare.tensors.producer)
    assert np.array_equal(again.operands.operator, bare.operands.operator)
