"""Where vectors get: the latest that came, a turnaround later, over wires that carry one vector at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.errors import InputError
from lpxsched.verify.replay.movement import movement
from lpxsched.verify.replay.wires import MOST_VECTORS
from tests.builds import two_chip_build
from tests.verify.changes import change, with_rows
from tests.verify.collectives import LAID, Laid, build_of, collective_build
from tests.verify.doubled import two_segment_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def got(build: Build) -> list[bool]:
    """Return whether each vector of each operand is there."""
    return movement(build).got.tolist()


def gathered(build: Build, operator: int) -> list[bool]:
    """Return the same for one operator."""
    moved = movement(build)
    return moved.got[build.operands.operator[moved.operand] == operator].tolist()


def test_a_relay_passes_on_what_it_has_read_and_turned_around() -> None:
    """Tests a relay that reads at 13, 15.5, 18 and may send from 16 on: a cycle earlier it has nothing to send."""
    build = collective_build("broadcast")
    assert all(got(build))
    moved = movement(change(build, "slots", 1, depart=15, read=29))
    # Vectors 1 and 2 would leave at 17.5 and 20, when those before them are turned around.
    assert moved.got.tolist() == [True] * 6 + [False] * 3
    assert moved.culprit[6:].tolist() == [1, 1, 1]


def test_noise_is_passed_on() -> None:
    """Tests that a relay which reads before anything can be there sends noise, and the first slot is told."""
    moved = movement(change(collective_build("broadcast"), "slots", 0, read=12))
    assert moved.got.tolist() == [True] * 3 + [False] * 6
    assert set(moved.culprit[3:].tolist()) == {0}
    assert moved.whole.tolist() == [False, True]


def test_the_latest_that_came_counts() -> None:
    """Tests noise that comes after the right vector: a slot from a chip that holds nothing overwrites it."""
    # Chip 2 (link 5 to chip 1) sends at 0 what it does not have; that is read after the right vectors, and before them.
    after = with_rows(collective_build("broadcast"), "slots", (0, 0, 3, 5, 0, 17))
    before = change(after, "slots", 2, depart=0, read=13)
    late = change(change(before, "slots", 0, read=14), "slots", 1, depart=17, read=30)
    # The operator starts at 18, when the noise of the first vector alone has come (17, 19.5, 22).
    assert gathered(after, 4) == [False, True, True]
    # Noise at 13, 15.5 and 18, the right vectors at 14, 16.5 and 19.
    assert gathered(change(late, "operators", 4, start=19), 4) == [True] * 3


def test_two_slots_on_a_link_are_both_lost() -> None:
    """Tests slots that hold [0, 3) and [2, 5) of a link, then [0, 3) and [3, 6)."""
    laid = LAID["gather"]
    slots = [*laid.slots, (0, 0, 1, 1, 2)]
    moved = movement(build_of(Laid(**{name: getattr(laid, name) for name in Laid.__slots__} | {"slots": slots})))
    assert moved.whole.tolist() == [False, False, True]
    apart = [*laid.slots, (0, 0, 1, 1, 3)]
    moved = movement(build_of(Laid(**{name: getattr(laid, name) for name in Laid.__slots__} | {"slots": apart})))
    assert moved.whole.tolist() == [True, True, True]
    # The second one is told as unused: at the start of the operator, 13, only the first is there.
    assert moved.unused.tolist() == [1]


def test_a_link_that_is_down_carries_nothing() -> None:
    """Tests the one link of a chip."""
    assert got(change(collective_build("gather"), "links", 1, down=True)) == [False, True, True]


@pytest.mark.parametrize(("period", "whole"), [(5, True), (4, False), (2, False)])
def test_iterations_share_links(period: int, whole: bool) -> None:
    """Tests slots of 5 cycles a link that come again after 5 cycles, or too early."""
    assert movement(build_of(LAID["all-gather"], period=period)).whole.tolist() == [whole] * 6


@pytest.mark.parametrize(("period", "whole"), [(50, [True, True]), (20, [False, False])])
def test_a_slot_meets_the_next_iteration(period: int, whole: bool) -> None:
    """Tests a slot at 22 after one at 0 that holds its link to 3: modulo 20 both begin within three cycles."""
    moved = movement(build_of(LAID["all-reduce"], period=period))
    assert moved.whole[:2].tolist() == whole


def test_busy_wires_are_held_until_a_vector_is_through() -> None:
    """Tests two vectors a slot on busy wires: the second leaves at 12.5, is there at 25, too late for a start at 16."""
    moved = movement(build_of(LAID["all-gather"], wire="busy"))
    own, first = [True, True], [True, False]
    assert moved.got.tolist() == own + first + first + first + own + first + first + first + own


def test_a_host_passes_nothing_on() -> None:
    """Tests a sum on the host, sent from there to chip 0 once it was turned around (0 cycles)."""
    # Link 4 leads from the host to chip 0, where operator 6 reads nothing of tensor 8; slot 2 brings it at 125.
    build = with_rows(two_chip_build(), "slots", (8, 0, 2, 4, 200, 218))
    assert movement(build).unused.tolist() == [len(build.slots) - 1]
    reads = with_rows(build, "operands", (9, 8, 0, 2, "copy"))
    later = change(reads, "operators", 9, start=300, chip=0)
    assert not gathered(change(later, "tensors", 8, chip=1), 9)[-1]


@pytest.mark.parametrize(("depart", "right"), [(110, True), (109, False)])
def test_a_sum_pays_like_a_relay(depart: int, right: bool) -> None:
    """Tests a sum whose last operand is read at 100.5: with 3 to turn round and 6 to add it leaves from 109.5 on."""
    build = change(two_chip_build(), "slots", 2, depart=depart)
    assert gathered(build, 10) == [right, True] if right else not gathered(build, 10)[0]


def test_another_segment_has_another_time() -> None:
    """Tests that an operator finds nothing of a segment other than its own."""
    build = two_segment_build()
    assert all(gathered(build, 2))
    assert not any(gathered(change(build, "operators", 2, segment=1), 2))


def test_when_something_comes_too_late_is_told() -> None:
    """Tests vectors that come at 13, 15.5 and 18 to an operator that starts at 15."""
    moved = movement(change(collective_build("broadcast"), "operators", 4, start=15))
    assert moved.comes[3:6].tolist() == [-1, 16, 18]


def test_too_much_is_refused() -> None:
    """Tests more vectors than are replayed, and times too fine to be counted."""
    tensors = change(collective_build("scatter"), "tensors", 0, vectors=MOST_VECTORS)
    with pytest.raises(InputError, match="more than 134217728 to replay"):
        movement(tensors)
    build = change(collective_build("all-gather"), "links", 0, vector_time_denominator=(1 << 31) - 1)
    late = change(change(build, "links", 1, vector_time_denominator=(1 << 31) - 3), "operators", 3, start=1 << 50)
    with pytest.raises(InputError, match="too large to replay"):
        movement(late)


def test_vectors_that_nobody_made_are_nowhere() -> None:
    """Tests that weights are in no slot: one that would bring them brings noise."""
    build = two_chip_build()
    moved = movement(change(build, "operands", 9, role="copy"))
    assert not moved.got[moved.operand == 9].any()
    assert np.count_nonzero(~moved.got) == 2
