"""Collectives of copies, cut down to one block of each orbit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.symmetry.groups import symmetries, trivial
from lpxsched.schedule.symmetry.quotient import HALVES, flow_of, gathered_flow, piece_map, quotient
from lpxsched.traffic.collectives import EVERY, SUMMED, Collective, Pieces
from tests.schedule.bounds.problems import path, problem_of, ring
from tests.schedule.fabrics import problems, regular_fabrics

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.quotient import Quotient
    from lpxsched.traffic.collectives import Kind

Piece = tuple[int, int, int, int, int]


def pieces_of(flow: Pieces) -> list[Piece]:
    """Return tensor, first vector, vectors, source and target of each piece."""
    columns = flow.tensor, flow.first_vector, flow.vectors, flow.source, flow.target
    return list(zip(*(column.tolist() for column in columns), strict=True))


def whole(problem: Instance) -> Quotient:
    """Return a problem without symmetry."""
    return quotient(problem, flow_of(problem.stage, padded=False), trivial(problem.network))


def largest(problem: Instance) -> Quotient:
    """Return a problem under its largest group."""
    return quotient(problem, flow_of(problem.stage, padded=True), next(symmetries(problem)))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("broadcast", [(0, 0, 5, 1, EVERY)]),
        ("all-gather", [(0, 0, 5, 0, EVERY), (0, 5, 5, 1, EVERY), (0, 10, 5, 2, EVERY)]),
        ("gather", [(0, 0, 5, 0, 1), (0, 5, 5, 1, 1), (0, 10, 5, 2, 1)]),
        ("scatter", [(0, 0, 5, 1, 0), (0, 5, 5, 1, 1), (0, 10, 5, 1, 2)]),
        # Sums are copied backwards in time, from where the total is to all who hold a summand.
        ("reduce", [(0, 0, 5, 1, EVERY)]),
        ("reduce-scatter", [(0, 0, 5, 0, EVERY), (0, 5, 5, 1, EVERY), (0, 10, 5, 2, EVERY)]),
        # Five vectors in three shares of two; the last reaches beyond the end.
        ("all-reduce", [(0, 0, 2, 0, EVERY), (0, 2, 2, 1, EVERY), (0, 4, 2, 2, EVERY)]),
    ],
)
def test_the_flow_of_each_kind(kind: Kind, expected: list[Piece]) -> None:
    """Tests collectives of five vectors over three chips, root 1."""
    assert pieces_of(flow_of(Collective(kind, 3, 5, 1), padded=False)) == expected


def test_all_to_all_flows_from_each_to_each() -> None:
    """Tests that tensors are those of their sources, and pieces lie in them by target."""
    flow = flow_of(Collective("all-to-all", 2, 3), padded=False)
    assert pieces_of(flow) == [(0, 0, 3, 0, 0), (0, 3, 3, 0, 1), (1, 0, 3, 1, 0), (1, 3, 3, 1, 1)]


def test_shares_of_an_all_reduce_are_padded_for_symmetry_alone() -> None:
    """Tests five vectors over four chips: shares of two, of which the fourth is empty."""
    collective = Collective("all-reduce", 4, 5)
    assert len(flow_of(collective, padded=False).source) == 3
    assert pieces_of(flow_of(collective, padded=True))[-1] == (0, 6, 2, 3, EVERY)


def test_every_summand_is_gathered_everywhere() -> None:
    """Tests that each chip's whole summand is a piece that everyone reads."""
    assert pieces_of(gathered_flow(Collective("all-reduce", 2, 3))) == [(0, 0, 3, 0, EVERY), (0, 0, 3, 1, EVERY)]


def test_pieces_are_cut_into_blocks() -> None:
    """Tests seven vectors in blocks of at most three; what stays where it is has no blocks."""
    blocks = whole(problem_of(Collective("gather", 2, 7), path(2))).blocks(3)
    columns = blocks.piece, blocks.first_vector, blocks.vectors, blocks.source, blocks.target
    assert [column.tolist() for column in columns] == [[1, 1, 1], [0, 3, 6], [3, 3, 1], [1, 1, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("vectors", "expected"), [(1, [1]), (2, [1, 1]), (7, [4, 2, 1]), (8, [4, 2, 1, 1]), (20, [10, 5, 3, 1, 1])]
)
def test_what_is_left_is_cut_in_two(vectors: int, expected: list[int]) -> None:
    """Tests blocks of half of what is left, rounded up, until nothing is."""
    blocks = whole(problem_of(Collective("gather", 3, vectors), path(3))).blocks(HALVES)
    starts = [sum(expected[:place]) for place in range(len(expected))]
    assert blocks.vectors.tolist() == expected * 2
    assert blocks.first_vector.tolist() == starts * 2
    assert blocks.piece.tolist() == [1] * len(expected) + [2] * len(expected)


def test_one_piece_of_each_orbit_represents_it() -> None:
    """Tests all-to-all on a ring of four: 12 pieces move, in three orbits of four; bundles are in two orbits."""
    problem = problem_of(Collective("all-to-all", 4, 1), ring(4, lanes=2))
    small = largest(problem)
    assert len(small.representatives) == 3
    assert small.flow.source[small.representatives].tolist() == [0, 0, 0]
    assert small.wires.lanes.tolist() == [2, 2]
    assert len(whole(problem).representatives) == 12
    assert whole(problem).wires.lanes.tolist() == [2] * 8


def test_a_group_that_moves_the_root_is_refused() -> None:
    """Tests that rotations of a ring do not leave a broadcast as it is."""
    problem = problem_of(Collective("all-gather", 4, 1), ring(4))
    symmetry = next(symmetries(problem))
    with pytest.raises(ValueError, match="the group moves a piece to where none is"):
        piece_map(flow_of(Collective("broadcast", 4, 1), padded=False), symmetry)
    uneven = replace(flow_of(problem.stage, padded=False), vectors=np.array([1, 1, 2, 1]))
    with pytest.raises(ValueError, match="the group moves a piece"):
        piece_map(uneven, symmetry)


@settings(max_examples=60)
@given(problems(kinds=("all-gather", "all-to-all", "reduce-scatter", "all-reduce"), fabrics=regular_fabrics()))
def test_representatives_and_their_images_are_all_pieces_that_move(problem: Instance) -> None:
    """Tests that each moving piece is the image of one representative under one element."""
    flow = flow_of(problem.stage, padded=True)
    moving = [number for number, piece in enumerate(pieces_of(flow)) if piece[3] != piece[4]]
    for symmetry in (*symmetries(problem), trivial(problem.network)):
        small = quotient(problem, flow, symmetry)
        images = piece_map(flow, symmetry)[:, small.representatives]
        assert Counter(images.ravel().tolist()) == Counter(moving)
        ends = {EVERY: EVERY}
        for element, moved in zip(symmetry.node_map.tolist(), images.tolist(), strict=True):
            ends |= dict(enumerate(element))
            for piece, image in zip(small.representatives.tolist(), moved, strict=True):
                assert int(flow.source[image]) == ends[int(flow.source[piece])]
                assert int(flow.target[image]) == ends[int(flow.target[piece])]


@settings(max_examples=60)
@given(problems(most_vectors=20), st.sampled_from((1, 2, 3, 8, HALVES)))
def test_blocks_cover_each_moving_vector_once(problem: Instance, length: int) -> None:
    """Tests blocks of any length, and that nothing but an all-reduce's last share goes beyond the tensor."""
    small = whole(problem)
    blocks = small.blocks(length)
    runs = zip(blocks.piece.tolist(), blocks.first_vector.tolist(), blocks.vectors.tolist(), strict=True)
    found = Counter((piece, vector) for piece, first, vectors in runs for vector in range(first, first + vectors))
    flow = small.flow
    expected = Counter(
        (piece, vector)
        for piece in range(len(flow.source))
        if flow.source[piece] != flow.target[piece] and problem.network.width > 0
        for vector in range(int(flow.vectors[piece]))
    )
    assert found == expected
    assert length == HALVES or int(blocks.vectors.max(initial=1)) <= length
    lengths = np.array([tensor.vectors for tensor in problem.stage.tensors])
    beyond = flow.first_vector + flow.vectors > lengths[flow.tensor]
    assert not beyond.any() or problem.stage.kind in SUMMED
