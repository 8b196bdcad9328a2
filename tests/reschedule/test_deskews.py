"""Tests of whole models round what is down: deskews between visits come later with the rows around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.reschedule.deskews import Stalls, around_deskews
from lpxsched.reschedule.room import movable_deskews
from lpxsched.reschedule.tasks import moves_of, work_of
from lpxsched.reschedule.wires import wire_times_of
from lpxsched.schedule.times.placement import Precedences
from tests.reschedule.examples import HOP_CYCLES, collective, full_mesh
from tests.reschedule.test_segments import repaired
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

NOTHING = Precedences(*np.zeros((3, 0), dtype=np.int64))
SIZES = {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 32, "vocab_size": 512}


def whole_model(folder: Path) -> Build:
    """Return a whole model on clocks that drift so fast that it deskews between its visits."""
    return compiled(
        folder,
        batch=2,
        attention="lpu",
        context=64,
        partition="auto",
        clock="srns-300ppm",
        num_hidden_layers=3,
        **SIZES,
    )


def test_a_failed_link_of_a_whole_model_moves_no_row_before_it(tmp_path: Path) -> None:
    """Tests the last link to carry a row: what came before stays, rules and numbers hold."""
    build = whole_model(tmp_path)
    last = int(build.slots.depart.argmax())
    link = int(build.slots.link[last])
    first = int(build.slots.depart[build.slots.link == link].min())
    ends = [int(column[link]) for column in (build.links.src, build.links.dst, build.links.lane)]
    after, told = repaired(build, links=[ends])
    before = build.slots.depart < first
    stayed = set(zip(after.slots.tensor.tolist(), after.slots.link.tolist(), after.slots.depart.tolist(), strict=True))
    columns = (column[before].tolist() for column in (build.slots.tensor, build.slots.link, build.slots.depart))
    assert set(zip(*columns, strict=True)) <= stayed
    assert told["rows_kept"] >= before.sum()


def test_a_deskew_comes_later_with_what_is_before_it(tmp_path: Path) -> None:
    """Tests the first link of a whole model, from chip 0 to 1: visits take a hop longer, and deskews wait for them."""
    build = whole_model(tmp_path)
    after, _ = repaired(build, links=[[0, 1]])
    opens, later = after.deskews.cycle.tolist()
    assert (opens, later > build.deskews.cycle[1]) == (0, True)
    # Clocks drift apart for longer until then.
    assert after.deskews.stall[1] >= build.deskews.stall[1]


def test_deskews_wait_for_what_is_before_them_and_all_behind_waits_for_them(tmp_path: Path) -> None:
    """Tests an all-gather on three chips with deskews of 4 cycles, one before its rows and one after.

    Six rows leave at 0 and hold their links for 26 cycles; they are read at 31 and one cycle long. A deskew at 40 could
    begin 32 cycles after they leave; one at 0 would hold them back, as they left at 0, for no time.
    """
    build = collective(full_mesh(tmp_path, 3), "all-gather", 1)
    moves = moves_of(build, np.arange(len(build.chips)))
    wires = wire_times_of(build, np.zeros_like(build.links.link))
    stalls = Stalls(np.array([40]), np.array([4]), np.array([4]))
    waits = around_deskews(moves, work_of(build, 0), wires, moves.depart, stalls, NOTHING)
    of_slots = waits.before < 6
    assert waits.delay[of_slots].tolist() == [HOP_CYCLES + 1] * 6
    assert set(waits.after[of_slots].tolist()) == {6 + len(work_of(build, 0).start)}
    stalls = Stalls(np.array([0]), np.array([4]), np.array([4]))
    waits = around_deskews(moves, work_of(build, 0), wires, moves.depart, stalls, NOTHING)
    assert waits.delay[waits.after < 6].tolist() == [0] * 6


def test_who_waits_for_a_vector_behind_a_deskew_is_behind_it(tmp_path: Path) -> None:
    """Tests a deskew at 40 for 4 cycles over which row 0 flies, from 30 to 61, and who wants its vector earlier.

    Row 1 left at 35 and now waits for row 0, row 2 left at 36 and waits for row 1 as before: both follow the deskew. If
    row 0 may leave at 0 it can be read before the deskew, which waits for all of them then.
    """
    build = collective(full_mesh(tmp_path, 3), "all-gather", 1)
    moves, wires = moves_of(build, np.arange(len(build.chips))), wire_times_of(build, np.zeros_like(build.links.link))
    was, work, stalls = np.array([30, 35, 36, 0, 0, 0]), work_of(build, 0), Stalls(*np.array([[40], [4], [4]]))
    needs = Precedences(np.array([0, 1]), np.array([1, 2]), np.array([31, 1]))
    deskew = 6 + len(work.start)
    waits = around_deskews(moves._replace(depart=was), work, wires, was, stalls, needs)
    assert {row for row in waits.before[waits.after == deskew].tolist() if row < 6} == {0, 3, 4, 5}
    behind = waits.before == deskew
    slots = {
        row: delay
        for row, delay in zip(waits.after[behind].tolist(), waits.delay[behind].tolist(), strict=True)
        if row < 6
    }
    assert slots == {0: 4 - 31, 1: 4, 2: 4}
    waits = around_deskews(moves._replace(depart=0 * was), work, wires, was, stalls, needs)
    assert set(waits.before.tolist()) >= set(range(6))
    assert not (waits.after < 6).any()


def test_only_deskews_within_the_one_segment_on_demand_may_come_later(tmp_path: Path) -> None:
    """Tests layers, which open with their only deskew: it stays at cycle 0."""
    build = compiled(tmp_path, clock="xo-100ppm")
    assert not movable_deskews(build).any()
