"""Tests of addresses: nothing that lies at a chip at once shares a byte."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.errors import NothingFoundError
from lpxsched.instructions.allocation import allocate
from lpxsched.instructions.blocks import Blocks, blocks_of
from tests.builds import ints, two_chip_build
from tests.timetable.small import compiled
from tests.verify.collectives import KINDS, LAID, build_of

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 90), st.integers(1, 5)), min_size=1, max_size=12)


def spanned(spans: list[tuple[int, int, int]]) -> Blocks:
    """Return blocks at node 0 that begin, last and hold vectors as told."""
    begin, lasting, vectors = (ints(*column) for column in zip(*spans, strict=True))
    nothing = np.zeros_like(begin)
    return Blocks(nothing, np.arange(len(begin)), nothing, vectors, nothing, begin, begin + lasting)


def repeating(build: Build, period: int) -> Build:
    """Return a build whose frames repeat."""
    return replace(build, frames=replace(build.frames, period_cycles=np.full(len(build.frames), period)))


def held(build: Build, blocks: Blocks, period: int, cycles: int) -> list[set[tuple[int, int]]]:
    """Return the cycle and byte that each block holds, all iterations of it that begin before some cycle."""
    addresses, size = allocate(build, blocks), build.manifest.vector_bytes
    found = []
    for row, (begin, end) in enumerate(zip(blocks.begin.tolist(), blocks.end.tolist(), strict=True)):
        long, mine = int(blocks.vectors[row]) * size, set()
        for iteration in range(-cycles // period, cycles // period + 1) if period else [0]:
            first = int(addresses.block[row]) + iteration % int(addresses.copies[row]) * long
            for cycle in range(begin + iteration * period, end + iteration * period):
                if 0 <= cycle < cycles:
                    assert (cycle, first) not in mine, "two iterations hold one place"
                    mine |= {(cycle, byte) for byte in range(first, first + long, size)}
        found.append(mine)
    return found


@given(SPANS, st.sampled_from((0, 7, 30, 200)))
def test_what_lies_somewhere_at_once_lies_apart(spans: list[tuple[int, int, int]], period: int) -> None:
    """Tests random blocks, cycle by cycle and vector by vector, run once or every few cycles."""
    build = repeating(two_chip_build(), period)
    for one, other in combinations(held(build, spanned(spans), period, 260), 2):
        assert not one & other


def test_room_is_used_anew() -> None:
    """Tests that the last of five blocks takes the smaller of two gaps: 320 bytes at 960, not 640 bytes at 0."""
    blocks = spanned([(0, 10, 2), (0, 30, 1), (0, 10, 1), (0, 30, 1), (10, 10, 1)])
    addresses = allocate(two_chip_build(), blocks)
    base = int(addresses.block.min())
    assert (addresses.block - base).tolist() == [0, 640, 960, 1280, 960]


def test_a_block_that_outlives_its_period_rotates() -> None:
    """Tests a life of 25 cycles in a period of 10: three places, the fourth iteration in the first again."""
    addresses = allocate(repeating(two_chip_build(), 10), spanned([(3, 25, 1)]))
    assert addresses.copies.tolist() == [3]


def test_residents_lie_below_everything_that_moves() -> None:
    """Tests the weights of two chips: from 0 on, and no block below their end."""
    build = two_chip_build()
    blocks = blocks_of(build)
    addresses, resident = allocate(build, blocks), np.flatnonzero(build.tensors.producer < 0)
    assert len(resident)
    for chip in (0, 1):
        ends = [
            addresses.resident[row] + build.tensors.bytes[row] for row in resident if build.tensors.chip[row] == chip
        ]
        assert addresses.block[blocks.node == chip].min() == max(ends)


@pytest.mark.parametrize("kind", KINDS)
def test_every_use_has_its_block(kind: str) -> None:
    """Tests that all that slots take and bring lies in a block that is there then."""
    build = build_of(LAID[kind])
    blocks, slots, links = blocks_of(build), build.slots, build.links
    for node, cycle in ((links.src[slots.link], slots.depart), (links.dst[slots.link], slots.read)):
        row = blocks.find(node, slots.tensor, slots.first_vector)
        assert (row >= 0).all()
        assert ((blocks.begin[row] <= cycle) & (cycle < blocks.end[row])).all()
        assert (blocks.first[row] + blocks.vectors[row] >= slots.first_vector + slots.vectors).all()


def test_an_sram_too_small_is_told_with_chip_and_bytes(tmp_path: Path) -> None:
    """Tests a toy model whose chips hold just less than their addresses reach."""
    build = compiled(tmp_path)
    blocks = blocks_of(build)
    top = allocate(build, blocks).top
    fits = replace(build, chips=replace(build.chips, sram_bytes=top))
    assert allocate(fits, blocks).top.tolist() == top.tolist()
    chip = int(np.flatnonzero(~build.chips.host)[0])
    less = top.copy()
    less[chip] -= 1
    with pytest.raises(
        NothingFoundError, match=rf"chip {chip} needs addresses up to {top[chip]} .* {less[chip]} bytes"
    ):
        allocate(replace(build, chips=replace(build.chips, sram_bytes=less)), blocks)
