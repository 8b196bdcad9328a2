"""R9 deskew, fourth part: chips that poll branch in one cycle on all flags, and know when a pass is over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.verify.polling import pass_ends, polling_violations
from tests.builds import signed, two_chip_build
from tests.polled import BRANCHES, FLAG, FLAGS, SLOTS, keeping, polled_build
from tests.verify.changes import breaks, change, repeating, rules, without

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def test_a_pass_is_over_when_all_that_was_sent_is_read() -> None:
    """Tests the slots that chips send at 23, before they branch at 25: their second vectors are read at 43.5.

    At 23 they would not be sent any more: then the flag is the last that is read, at 25.
    """
    assert not rules(polled_build())
    assert pass_ends(polled_build()).tolist() == [44]
    sooner = polled_build()
    for row in BRANCHES:
        sooner = change(sooner, "operators", row, start=23)
    assert pass_ends(sooner).tolist() == [26]


def test_what_hosts_send_counts_whenever_it_leaves() -> None:
    """Tests rows that leave the host at 102, long after chips branched: read at 120, and at 122.5."""
    assert pass_ends(change(polled_build(), "slots", 6, depart=102, read=120)).tolist() == [123]


def test_vectors_to_a_host_have_left_when_a_pass_is_over() -> None:
    """Tests results that leave at 110, before chips that branch at 120: they hold their lanes until 115."""
    late = polled_build()
    for row in BRANCHES:
        late = change(late, "operators", row, start=120)
    # Partial sums left at 80, and their second vectors are read at 100.5.
    assert pass_ends(late).tolist() == [121]
    assert pass_ends(change(late, "slots", 2, depart=119)).tolist() == [124]


@pytest.mark.parametrize("row", SLOTS)
def test_no_chip_may_lack_the_flag(row: int) -> None:
    """Tests slots of flags that are left out, late, early, or on the lane of the other chip."""
    assert "R3" in rules(without(polled_build(), "slots", row))
    # Read at 25, and at 26 the chip has branched.
    assert "R3" in rules(change(polled_build(), "slots", row, depart=8, read=26))
    # Rows hold the lane until 7.
    assert "R1" in rules(change(polled_build(), "slots", row, depart=6, read=24))
    assert rules(change(polled_build(), "slots", row, link=9 - int(polled_build().slots.link[row])))


@pytest.mark.parametrize("row", BRANCHES)
def test_every_chip_branches_with_the_others(row: int) -> None:
    """Tests chips that do not branch, or a cycle later than the other one."""
    assert "R3" in rules(without(polled_build(), "operators", row))
    text = f"operator {27 - row} (branch) branches at cycle 25, others at 26: chips must decide in one cycle"
    assert breaks(change(polled_build(), "operators", row, start=26), "R9", text)


def test_chips_branch_on_flags_alone() -> None:
    """Tests a chip that reads no flag, and a flag that is no flag."""
    build = polled_build()
    reads = np.flatnonzero(build.operands.tensor == FLAG).tolist()
    assert len(reads) == 2
    text = f"operator {BRANCHES[0]} (branch) reads no flag of host 0"
    for broken in (without(build, "operands", reads[0]), change(build, "operators", FLAGS, kind="ingress")):
        assert text in [one.message for one in polling_violations(broken)]


def test_all_that_act_branch() -> None:
    """Tests a chip that computes and is sent to, whose operator does something else than branch."""
    build = change(polled_build(), "operators", BRANCHES[1], kind="label")
    violations = [one.message for one in polling_violations(build)]
    assert violations == ["segment 0: chip 1 acts in it and never branches on the flags of hosts"]


def test_nothing_polls_where_chips_cannot_branch_or_begin_anew_every_period() -> None:
    """Tests flags of chips that are started, and in a frame that repeats."""
    build = polled_build()
    started = signed(replace(build, chips=two_chip_build().chips))
    assert breaks(started, "R9", "operator 12 (flags) is of segment 0, where nothing polls")
    assert breaks(repeating(build, 200), "R9", "operator 13 (branch) is of segment 0, where nothing polls")


def test_who_branches_can_branch() -> None:
    """Tests two chips that poll, of which one cannot branch."""
    text = "operator 14 (branch) runs on chip 1, which cannot branch"
    assert breaks(change(polled_build(), "chips", 1, resident=False), "R9", text)


@pytest.mark.parametrize("name", ["state", "convolution", "tokens"])
def test_what_is_written_in_place_is_written_after_the_branch(name: str) -> None:
    """Tests a router that reads and writes a state and starts at 44, where chips branch at 45."""
    kept = keeping(polled_build(), name)
    assert not breaks(kept, "R9", "writes in its place")
    text = "operator 2 (router) writes in its place what it reads of users and starts at cycle 44, chips branch at 45"
    assert breaks(_branching_at_45(kept), "R9", text)


@pytest.mark.parametrize("name", ["keys", "values", "latents"])
def test_rows_of_a_cache_are_written_before_the_branch_too(name: str) -> None:
    """Tests the same router with a cache, whose rows the next pass writes again before it reads any."""
    messages = [one.message for one in polling_violations(_branching_at_45(keeping(polled_build(), name)))]
    assert messages == []


def _branching_at_45(build: Build) -> Build:
    for row in BRANCHES:
        build = change(build, "operators", row, start=45)
    return build
