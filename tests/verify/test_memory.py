"""R6 memory, against the same question asked vector by vector and cycle by cycle."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import floor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.verify import memory
from lpxsched.verify.memory import memory_violations
from tests.builds import two_chip_build
from tests.verify.changes import breaks, change, changed, messages, rules
from tests.verify.collectives import KINDS, LAID, build_of, collective_build, limited

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def most_bytes(build: Build, chip: int) -> int:
    """Return the most bytes that lie on a chip at once: every vector is followed by itself."""
    operators, tensors, slots, operands = build.operators, build.tensors, build.slots, build.operands
    begin: dict[tuple[int, int], int] = {}
    end: Counter[tuple[int, int]] = Counter()

    def lasts(operator: int) -> int:
        return int(operators.start[operator] + max(operators.cycles[operator], 1))

    for tensor, maker in enumerate(tensors.producer.tolist()):
        for vector in range(tensors.vectors[tensor]) if maker >= 0 and tensors.chip[tensor] == chip else ():
            begin[tensor, vector], end[tensor, vector] = int(operators.start[maker]), lasts(maker)
    for row in range(len(slots)):
        for k in range(slots.vectors[row]):
            vector = int(slots.tensor[row]), int(slots.first_vector[row]) + k
            if build.links.dst[slots.link[row]] == chip:
                begin[vector] = floor(slots.read[row] + k * 2.5)
            if build.links.src[slots.link[row]] == chip:
                end[vector] = max(end[vector], floor(slots.depart[row] + k * 2.5) + 1)
    for row in range(len(operands)):
        operator = int(operands.operator[row])
        if operators.chip[operator] == chip and operands.role[row] != "weight":
            for k in range(operands.vectors[row]):
                vector = int(operands.tensor[row]), int(operands.first_vector[row]) + k
                end[vector] = max(end[vector], lasts(operator))
    period = int(build.frames.period_cycles[0])
    held: Counter[int] = Counter()
    for vector, first in begin.items():
        for cycle in range(first, max(end[vector], first + 1)):
            held[cycle % period if period else cycle] += 320
    weights = sum(
        size
        for size, where, maker in zip(tensors.bytes, tensors.chip, tensors.producer, strict=True)
        if (where, maker) == (chip, -1)
    )
    return int(weights) + max(held.values(), default=0)


@pytest.mark.parametrize("kind", ["model", *KINDS])
@pytest.mark.parametrize("period", [0, 7, 10, 64])
def test_the_most_that_lies_on_a_chip_is_what_is_counted(kind: str, period: int) -> None:
    """Tests that each chip may have as many bytes as are counted, and not one less."""
    if kind == "model" and period:
        return
    build = two_chip_build() if kind == "model" else build_of(LAID[kind], period=period)
    for chip in (0, 1):
        counted = most_bytes(build, chip)
        assert not memory_violations(change(build, "chips", chip, sram_bytes=counted))
        (found,) = memory_violations(change(build, "chips", chip, sram_bytes=counted - 1))
        assert found.message.startswith(f"chip {chip} holds {counted} bytes in cycle ")


@given(st.integers(0, 40), st.integers(0, 40))
def test_later_operators_hold_what_they_read_for_longer(first: int, second: int) -> None:
    """Tests other lives than those of tight builds."""
    starts = [35 + first, 35, 35 + second]
    build = build_of(replace(LAID["all-reduce"], starts=starts), period=16)
    counted = most_bytes(build, 0)
    assert not memory_violations(change(build, "chips", 0, sram_bytes=counted))
    assert len(memory_violations(change(build, "chips", 0, sram_bytes=counted - 1))) == 1


def test_the_message_says_what_lies_there() -> None:
    """Tests the cycle in which most lies there, and the largest tensors.

    While the experts run, in [55, 75): 4 vectors of input, 1 of routing, 8 of output, and the weights.
    """
    text = (
        "chip 0 holds 5120 bytes in cycle 55, its SRAM has 5119; most of it layer.0.expert_output 2560, "
        "layer.0.input 1280, layer.0.experts.weights 640"
    )
    assert breaks(changed("chips", 0, sram_bytes=5119), "R6", text)
    assert not rules(changed("chips", 0, sram_bytes=5120))


def test_weights_alone_may_be_too_large() -> None:
    """Tests a chip that holds nothing else."""
    assert messages(limited(collective_build("broadcast"), sram_bytes=0), "R6")[0].startswith("chip 0 holds 960 bytes")
    assert breaks(changed("chips", 0, sram_bytes=959), "R6", "chip 0 holds 5120 bytes in cycle 55, its SRAM has 959")


def test_hosts_have_no_limit() -> None:
    """Tests that rows may lie at a host, which has no SRAM."""
    assert two_chip_build().chips.sram_bytes[2] == 0
    assert not rules(two_chip_build())


def test_vectors_that_cannot_be_followed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that a chip which could not be judged does not pass."""
    monkeypatch.setattr(memory, "MOST_VECTORS", 3)
    assert breaks(changed("chips", 0, sram_bytes=960), "R6", "vectors come and go, more than 3 are not followed")
