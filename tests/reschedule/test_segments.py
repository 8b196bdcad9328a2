"""Tests of timetables round what is down: what stays, what moves, and that every rule holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lpxsched.errors import InfeasibleError, NothingFoundError
from lpxsched.reschedule_pipeline import rescheduled
from lpxsched.verify.check import check
from lpxsched.verify.replay.replay import replay
from tests.fabric.examples import write_family, write_topology
from tests.reschedule.examples import HOP_CYCLES, collective, fabric_without, full_mesh
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def repaired(build: Build, **down: Any) -> tuple[Build, dict[str, Any]]:
    """Return a build round what is down, proved and replayed, and what changed."""
    after, told = rescheduled(build, fabric_without(build, **down))
    assert check(after).violations == ()
    assert replay(after).ok
    assert told["rows_moved"] + told["rows_dropped"] >= told["rows_lower_bound"]
    assert told["rows_kept"] + told["rows_moved"] + told["rows_dropped"] == len(build.slots)
    return after, told


def ends_of(build: Build, rows: np.ndarray) -> list[tuple[int, int]]:
    """Return the ends of the links of some slots."""
    links = build.slots.link[rows]
    return list(zip(build.links.src[links].tolist(), build.links.dst[links].tolist(), strict=True))


def test_a_row_on_a_failed_link_goes_round_and_all_others_stay(tmp_path: Path) -> None:
    """Tests an all-gather of one vector each on three chips without the link 0 -> 1.

    Each of six links carries one vector at cycle 0. Chip 2 has the vector of chip 0 after one hop, and its link to
    chip 1 is free again then: the row of 0 -> 1 becomes one of 2 -> 1, read after two hops. Nothing else moves, so no
    fewer rows can.
    """
    build = collective(full_mesh(tmp_path, 3), "all-gather", 1)
    after, told = repaired(build, links=[[0, 1]])
    assert (told["rows_kept"], told["rows_moved"], told["rows_added"], told["rows_dropped"]) == (5, 1, 0, 0)
    assert (told["rows_lower_bound"], told["rows_status"]) == (1, "optimal")
    assert (told["makespan_before_cycles"], int(after.segments.makespan_cycles[0])) == (HOP_CYCLES, 2 * HOP_CYCLES)
    moved = np.flatnonzero(after.slots.depart > 0)
    assert (ends_of(after, moved), after.slots.depart[moved].tolist()) == ([(2, 1)], [HOP_CYCLES])


def test_what_nobody_uses_may_fail(tmp_path: Path) -> None:
    """Tests that a build keeps every row, and its makespan, when chips fail that it does not use."""
    build = collective(full_mesh(tmp_path, 4), "all-gather", 1, chips=(0, 1))
    after, told = repaired(build, chips=[3], links=[[2, 0]])
    assert (told["rows_kept"], told["rows_lower_bound"], told["segments_touched"]) == (2, 0, 0)
    assert after.links.down.sum() == 1
    assert after.chips.down.tolist() == [False, False, False, True]


def test_rows_that_came_on_are_reached_the_other_way_round_a_ring(tmp_path: Path) -> None:
    """Tests a broadcast from chip 0 round a ring of four without 0 -> 1.

    It took two rows from 0, to chips 1 and 3, and one on to chip 2. Without 0 -> 1 there is one way, 0 -> 3 -> 2 -> 1:
    three hops.
    """
    build = collective(write_family(tmp_path, "ring", chips=4), "broadcast", 1)
    after, _ = repaired(build, links=[[0, 1]])
    assert sorted(ends_of(after, np.arange(3))) == [(0, 3), (2, 1), (3, 2)]
    assert int(after.segments.makespan_cycles[0]) == 3 * HOP_CYCLES


def test_sums_that_come_late_move_no_more_rows_than_must(tmp_path: Path) -> None:
    """Tests an all-reduce of four vectors on four chips without the link 0 -> 1.

    Chip 1 gets the summand of chip 0 for its vector, and chip 0's sum: both rows are lost. The summand takes two hops
    in the place of one, so the sum leaves chip 1 later whatever is done: its three rows move as well.
    """
    build = collective(full_mesh(tmp_path, 4), "all-reduce", 4)
    _, told = repaired(build, links=[[0, 1]])
    assert (told["rows_moved"] + told["rows_dropped"], told["rows_lower_bound"]) == (5, 5)


def test_other_chips_pass_on_where_a_group_is_cut(tmp_path: Path) -> None:
    """Tests that a broadcast from chip 0 to chip 1 alone goes over a third chip, which becomes a relay."""
    build = collective(full_mesh(tmp_path, 3), "broadcast", 1, chips=(0, 1))
    after, told = repaired(build, links=[[0, 1]])
    assert after.graph.groups[0].relays == [2]
    assert (told["rows_moved"], told["rows_added"]) == (1, 1)
    # The bound of before, one hop, does not hold with relays; that on what is left is two serialisations and latencies.
    assert after.segments.lower_bound_cycles.tolist() == [2 * HOP_CYCLES]


def test_a_cut_fabric_is_infeasible_with_its_cause(tmp_path: Path) -> None:
    """Tests that chips between which no way is left are named."""
    build = collective(full_mesh(tmp_path, 3), "all-gather", 1)
    with pytest.raises(InfeasibleError, match=r"no way that is up leads from chip 0 .* to chip 1"):
        rescheduled(build, fabric_without(build, links=[[0, 1], [2, 1]]))


@pytest.mark.parametrize("clock", ["none", "xo-100ppm"])
def test_a_spare_takes_over_from_a_chip_of_a_model(tmp_path: Path, clock: str) -> None:
    """Tests that a chip of a layer which is down is replaced, with its weights, and other layers keep every row."""
    build = compiled(tmp_path, clock=clock)
    after, told = repaired(build, chips=[1])
    spare = told["spares"]["1"]
    assert after.graph.groups[0].chips == [0, spare, 2, 3]
    assert after.chips.weight_bytes[1] == 0
    assert after.chips.weight_bytes[spare] >= build.chips.weight_bytes[1]
    assert told["segments_touched"] == 1


def test_a_spare_needs_room_for_the_weights(tmp_path: Path) -> None:
    """Tests that nothing is found where each chip of a node computes, and that this is told."""
    build = collective(full_mesh(tmp_path, 3), "all-gather", 1)
    with pytest.raises(InfeasibleError, match="chip 2 is down, and all chips that are up compute in its group"):
        rescheduled(build, fabric_without(build, chips=[2]))


def test_the_tree_of_counters_is_led_round_a_failed_link(tmp_path: Path) -> None:
    """Tests that a layer whose chips align along 0 -> 1 keeps its deskews and guards true without that link."""
    build = compiled(tmp_path, clock="xo-100ppm")
    assert build.chips.hac_parent[1] == 0
    after, _ = repaired(build, links=[[0, 1]])
    assert after.chips.hac_parent[1] != 0


def test_a_timetable_that_repeats_keeps_its_period_or_is_not_found(tmp_path: Path) -> None:
    """Tests a cyclic all-gather on three chips with twice the lanes that it needs.

    Two lanes join each two chips, one vector goes on one of them a period: without that lane the other takes it.
    """
    topology = write_topology(tmp_path, "src,dst,lanes\n0,1,2\n1,0,2\n1,2,2\n2,1,2\n0,2,2\n2,0,2\n", chips=3)
    build = collective(topology, "all-gather", 1, cyclic=True)
    used = [
        (a, b, int(build.links.lane[link]))
        for (a, b), link in zip(ends_of(build, np.arange(6)), build.slots.link, strict=True)
    ]
    after, told = repaired(build, links=[list(used[0])])
    assert (told["rows_kept"], told["rows_moved"]) == (5, 1)
    assert after.frames.period_cycles.tolist() == build.frames.period_cycles.tolist()


def test_what_is_left_of_a_cut_row_meets_no_other(tmp_path: Path) -> None:
    """Tests an all-to-all on a torus on whose links a vector takes 23.6 cycles, without its first link.

    Of a row of three vectors, 71 cycles, that need bring only the last one any more, that one departs 48 cycles later,
    rounded up, and holds the link for 24: a cycle longer than the row did.
    """
    build = collective("torus-4x4", "all-to-all", 16, solver="greedy", effort=1)
    repaired(build, links=[[0, 1]])


def test_limited_ports_are_kept(tmp_path: Path) -> None:
    """Tests an all-gather of chips that may begin one vector, and end one, a cycle: none meets another at a port."""
    topology = write_family(tmp_path, "full-mesh", chips=4, inject_per_cycle=1, eject_per_cycle=1)
    build = collective(topology, "all-gather", 4, solver="greedy", effort=1)
    for destination in (1, 2, 3):
        repaired(build, links=[[0, destination]])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["all-gather", "all-reduce", "all-to-all", "broadcast", "reduce"]),
    family=st.sampled_from([("ring", {"chips": 5}), ("full-mesh", {"chips": 4}), ("mesh", {"shape": [2, 3]})]),
    data=st.data(),
)
def test_any_failed_links_leave_a_sound_timetable_or_none(
    tmp_path: Path, kind: str, family: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    """Tests that rules and numbers hold whatever links fail, and that infeasible is said only of what is cut."""
    build = collective(
        write_family(tmp_path, family[0], **family[1]), kind, data.draw(st.integers(1, 3)), solver="greedy", effort=1
    )
    ends = sorted(zip(build.links.src.tolist(), build.links.dst.tolist(), strict=True))
    down = data.draw(st.lists(st.sampled_from(ends), min_size=1, max_size=4, unique=True))
    left: nx.DiGraph[int] = nx.DiGraph(sorted(set(ends) - set(down)))
    left.add_nodes_from(range(len(build.chips)))
    try:
        repaired(build, links=[list(pair) for pair in down])
    except InfeasibleError:
        assert not nx.is_strongly_connected(left)
    except NothingFoundError:
        # Only where another chip would have to make the sums.
        assert kind in ("all-reduce", "reduce")
