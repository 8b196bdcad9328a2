"""Tests of what lies on each chip, on the two-chip build and on collectives laid by hand.

On chip 0 of the two-chip build lie, besides 960 bytes of weights (intervals of cycles, vectors):

    input        [20, 75) 2 from the host, [41, 75) 2 of chip 1; the experts end at 75
    routing      [44, 80) 1
    experts      [55, 80) 8
    combine      [75, 107) 4, of which 2 leave at 80 and 2 are summed
    summand      [98, 107) 2 of chip 1
    sum          [101, 113) 2, the second departs at 110 + 2.5
"""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.assembly.memory import refuse_overfull
from lpxsched.errors import NothingFoundError
from lpxsched.timetable.columns import Operands, Operators, Slots, Tensors
from lpxsched.verify.memory import memory_violations
from tests.builds import ints, two_chip_build
from tests.report.builds import repeated_build
from tests.verify.collectives import KINDS, LAID, build_of

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

REMEDY = "try something else"


def with_sram(build: Build, sram_bytes: int) -> Build:
    """Return a build on chips of another SRAM."""
    chips = replace(build.chips, sram_bytes=np.where(build.chips.host, 0, sram_bytes))
    return replace(build, chips=chips)


def told(build: Build, sram_bytes: int) -> str:
    """Return the message that a build is refused with."""
    with pytest.raises(NothingFoundError) as error:
        refuse_overfull(with_sram(build, sram_bytes), remedy=REMEDY)
    return str(error.value)


def test_the_fullest_cycle_decides() -> None:
    """Tests 4 + 1 + 8 vectors in [55, 75) and 1 + 8 + 4 in [75, 80): 13 x 320 bytes beside the weights."""
    build = two_chip_build()
    refuse_overfull(with_sram(build, 960 + 13 * 320), remedy=REMEDY)
    assert told(build, 960 + 13 * 320 - 1) == (
        "unknown: nothing found (chip 0 would hold 5,120 bytes in cycle 55, its SRAM holds 5,119; most of it "
        "layer.0.expert_output 2,560, layer.0.input 1,280, weights 960); try something else"
    )


def test_weights_alone_can_be_too_much() -> None:
    """Tests a chip of one byte."""
    assert "chip 0 would hold 5,120 bytes in cycle 55, its SRAM holds 1;" in told(two_chip_build(), 1)


def test_the_departure_counts_too() -> None:
    """Tests inputs that are passed on only at 74, and so still lie there in 75, when combine has begun."""
    build = two_chip_build()
    late = replace(build, slots=replace(build.slots, depart=np.where(build.slots.tensor == 0, 74, build.slots.depart)))
    # They leave at 74 and 76.5 and lie until 77: cycle 75 has the 13 vectors above, 2 of input and 3 x 320 of weights.
    assert "would hold 5,760 bytes in cycle 75," in told(late, 5_759)
    refuse_overfull(with_sram(late, 5_760), remedy=REMEDY)


def test_segments_on_other_chips_do_not_add_up() -> None:
    """Tests three layers, each on two chips of its own."""
    build = repeated_build(3)
    refuse_overfull(with_sram(build, 960 + 13 * 320), remedy=REMEDY)
    assert "chip 0 would hold 5,120 bytes" in told(build, 5_119)


def test_hosts_have_no_limit() -> None:
    """Tests that four vectors of input on a host without SRAM are no fault."""
    build = two_chip_build()
    assert build.chips.sram_bytes[2] == 0
    refuse_overfull(build, remedy=REMEDY)


def test_iterations_of_a_period_lie_there_together() -> None:
    """Tests an all-gather in which 2 own vectors lie in [0, 17) and 4 of others in [13, 17): those of 3 iterations.

    Every 6 cycles the own vectors are there two to three times, 17 = 2 x 6 + 5, those of others at most once, during
    13 mod 6 = 1 to 5. So in cycle 1: 3 x 2 + 4 vectors.
    """
    build = build_of(LAID["all-gather"], period=6)
    refuse_overfull(with_sram(build, 10 * 320), remedy=REMEDY)
    assert "would hold 3,200 bytes in cycle 1 of every 6, its SRAM holds 3,199;" in told(build, 3_199)
    once = build_of(LAID["all-gather"])
    refuse_overfull(with_sram(once, 6 * 320), remedy=REMEDY)
    assert "would hold 1,920 bytes in cycle 13, its SRAM holds 1,919;" in told(once, 1_919)


def test_a_relay_holds_what_it_passes_on() -> None:
    """Tests a broadcast in which chip 1 holds 3 vectors from 13 until its delivery at 18 and its last departure."""
    build = build_of(LAID["broadcast"])
    refuse_overfull(with_sram(build, 3 * 320), remedy=REMEDY)
    assert "chip 0 would hold 960 bytes in cycle 0, its SRAM holds 959; most of it data 960)" in told(build, 959)


def accepts(build: Build, sram_bytes: int) -> bool:
    """Return whether a build is not refused on chips of some SRAM."""
    try:
        refuse_overfull(with_sram(build, sram_bytes), remedy=REMEDY)
    except NothingFoundError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("period", [0, 6])
def test_the_checker_never_asks_for_more(kind: str, period: int) -> None:
    """Tests that the least SRAM which is not refused here keeps R6, whose rows it follows vector by vector."""
    build = build_of(LAID[kind], period=period)
    least = bisect_left(range(100_000), True, key=lambda sram_bytes: accepts(build, sram_bytes))
    assert memory_violations(with_sram(build, least)) == []
    assert memory_violations(with_sram(build, 1))


@pytest.mark.slow
def test_a_million_slots_take_about_a_second() -> None:
    """Tests 10^6 slots to chips of which every one has to be followed."""
    build, slots, rng = two_chip_build(), 1_000_000, np.random.default_rng(0)
    of_tensor, depart = np.arange(slots) % 2, np.sort(rng.integers(0, 10**7, slots))
    big = replace(
        build,
        slots=Slots(of_tensor, np.arange(slots) // 2, np.ones(slots, np.int64), 2 * of_tensor, depart, depart + 18),
        tensors=Tensors(
            *(getattr(build.tensors, name)[:2] for name in ("tensor", "name", "offset")),
            vectors=ints(slots, slots),
            dtype=build.tensors.dtype[:2],
            layout=build.tensors.layout[:2],
            chip=ints(0, 1),
            producer=ints(0, 1),
            bytes=ints(slots, slots),
        ),
        operators=Operators(*(getattr(build.operators, name)[:2] for name in Operators.__slots__)),
        operands=Operands(*(getattr(build.operands, name)[:0] for name in Operands.__slots__)),
    )
    started = time.process_time()
    assert "chip 0 would hold" in told(big, 1_000)
    assert time.process_time() - started < 4
