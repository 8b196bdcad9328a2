"""R7 ports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.verify import ports
from lpxsched.verify.ports import port_violations
from lpxsched.verify.violation import Row
from tests.builds import two_chip_build
from tests.verify.changes import breaks, changed, messages, reports, rules
from tests.verify.collectives import LAID, build_of, collective_build, limited

if TYPE_CHECKING:
    from tests.verify.collectives import Laid

# Each chip sends its two vectors in cycles 0 and 2 on one link and in 1 and 3 on the other, each chip reads in cycles
# 13 and 15 from one link and in 14 and 16 (at 16.5) from the other.
DEPARTS = (0, 1, 1, 0, 0, 1)
STAGGERED = replace(
    LAID["all-gather"], slots=[(link // 2, 0, 2, link, DEPARTS[link]) for link in range(6)], starts=[17, 17, 17]
)
# Vector 2 of chip 0 takes the way over chip 1: it is read there in cycle 13, as is a vector that ends there (link 5),
# and leaves in cycle 16, as does a vector that begins there (link 2).
PASSING = replace(
    LAID["all-to-all"],
    slots=[
        (0, 2, 1, 0, 0),
        (0, 1, 1, 0, 3),
        (1, 0, 1, 2, 16),
        (1, 2, 1, 3, 0),
        (0, 2, 1, 3, 16),
        (2, 0, 1, 4, 1),
        (2, 1, 1, 5, 0),
    ],
    starts=[29, 16, 29],
)


def test_chips_without_limits_send_and_read_any_number() -> None:
    """Tests that -1 is no limit."""
    assert not rules(collective_build("all-gather"))


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("laid", [STAGGERED, PASSING])
def test_limits_that_are_met_are_kept(laid: Laid, limit: int) -> None:
    """Tests builds in which one vector begins and one ends at a chip in a cycle; those that pass do not count."""
    assert not rules(limited(build_of(laid), inject_per_cycle=limit, eject_per_cycle=limit))


def test_vectors_that_begin_in_one_cycle_are_counted_over_all_links() -> None:
    """Tests that each chip begins two vectors in cycle 0 and two in cycle 2 (at 2.5)."""
    assert not rules(limited(collective_build("all-gather"), inject_per_cycle=2))
    build = limited(collective_build("all-gather"), inject_per_cycle=1)
    assert messages(build, "R7") == [
        f"2 vectors begin at chip {chip} in cycle {cycle}, at most 1 may" for chip in range(3) for cycle in (0, 2)
    ]
    assert port_violations(build)[0].rows == (Row("timetable.parquet", 0), Row("timetable.parquet", 1))


def test_vectors_that_end_in_one_cycle_are_counted_over_all_links() -> None:
    """Tests that each chip reads two vectors in cycle 13 and two in cycle 15 (at 15.5)."""
    assert not rules(limited(collective_build("all-gather"), eject_per_cycle=2))
    build = limited(collective_build("all-gather"), eject_per_cycle=1)
    assert messages(build, "R7") == [
        f"2 vectors end at chip {chip} in cycle {cycle}, at most 1 may" for chip in range(3) for cycle in (13, 15)
    ]


def test_operands_of_a_sum_end_and_its_result_begins() -> None:
    """Tests that sums count as ends and as beginnings: all-reduce does both twice as often as all-gather."""
    cycles = [(0, "begin"), (22, "begin"), (13, "end"), (35, "end")]
    build = limited(collective_build("all-reduce"), inject_per_cycle=1, eject_per_cycle=1)
    assert sorted(messages(build, "R7")) == sorted(
        f"2 vectors {what} at chip {chip} in cycle {cycle}, at most 1 may"
        for chip in range(3)
        for cycle, what in cycles
    )


def test_a_vector_that_passes_neither_ends_nor_begins() -> None:
    """Tests that chip 1 reads three vectors, two of which end, and sends three, two of which begin."""
    build = limited(build_of(PASSING), inject_per_cycle=0, eject_per_cycle=0)
    at_chip_1 = [message for message in messages(build, "R7") if "chip 1" in message]
    assert at_chip_1 == [
        "1 vector begins at chip 1 in cycle 0, at most 0 may",
        "1 vector begins at chip 1 in cycle 16, at most 0 may",
        "1 vector ends at chip 1 in cycle 13, at most 0 may",
        "1 vector ends at chip 1 in cycle 16, at most 0 may",
    ]


def test_limits_hold_over_all_iterations() -> None:
    """Tests that with a period of 5 the slots of cycles 0 and 5 begin their vectors together."""
    kept = limited(build_of(STAGGERED, period=5), inject_per_cycle=1, eject_per_cycle=1)
    assert not rules(kept)
    late = replace(STAGGERED, slots=[*STAGGERED.slots[:1], (0, 0, 2, 1, 5), *STAGGERED.slots[2:]], starts=[17, 17, 21])
    assert not rules(limited(build_of(late), inject_per_cycle=1))
    text = "2 vectors begin at chip 0 in cycle 0, at most 1 may, modulo the period 5"
    assert breaks(limited(build_of(late, period=5), inject_per_cycle=1), "R7", text)


def test_a_model_keeps_its_limits_too() -> None:
    """Tests that rows are judged alike: chip 0 reads two vectors of the host and of chip 1 in its own cycles."""
    # Slot 6 brings vectors at 20 and 22, slot 3 at 41 and 43, slot 4 at 98 and 100: one a cycle.
    assert not rules(changed("chips", 0, inject_per_cycle=1, eject_per_cycle=1))
    # The host sends vectors on links 4 and 5 at 2 and 4.
    assert breaks(changed("chips", 2, inject_per_cycle=1), "R7", "2 vectors begin at host 0 in cycle 2, at most 1 may")


def test_vectors_are_counted_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that cutting the vectors into blocks of whole nodes changes nothing."""
    build = limited(collective_build("all-reduce"), inject_per_cycle=1, eject_per_cycle=1)
    whole = messages(build, "R7")
    assert len(whole) == 12
    monkeypatch.setattr(ports, "PAIRS", 2)
    assert messages(build, "R7") == whole


def test_more_vectors_than_can_be_counted_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that a limit that could not be judged does not pass."""
    monkeypatch.setattr(ports, "MOST_VECTORS", 3)
    build = limited(collective_build("all-gather"), inject_per_cycle=9)
    assert breaks(build, "R7", "4 vectors begin at chip 0 or pass it, more than 3 are not counted")


@pytest.mark.parametrize("limit", [-2, 1 << 62])
def test_limits_out_of_bounds_are_found(limit: int) -> None:
    """Tests that no limit is negative, but for none, or too large to reckon with."""
    assert breaks(changed("chips", 0, eject_per_cycle=limit), "R7", f"row 0: eject_per_cycle is {limit}")


def test_the_rule_itself_finds_nothing_in_a_valid_build() -> None:
    """Tests that the function of the rule can be called alone."""
    assert port_violations(two_chip_build()) == []
    assert not reports(two_chip_build(), "R7", "")
