"""Tests of what a page holds, without a browser: data against the timetable, text, size, bytes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.report.page.comparison import comparison_page
from lpxsched.report.page.data import page_data
from lpxsched.report.page.html import build_page
from lpxsched.report.page.series import series
from lpxsched.report.page.traffic import slot_blobs
from lpxsched.report.token_time import token_time
from lpxsched.report.utilisation import multicast_slots
from tests.builds import ints, two_chip_build
from tests.report.builds import repeated_build, whole_model
from tests.report.page.test_blobs import unpacked

if TYPE_CHECKING:
    import pytest

    from lpxsched.timetable.build import Build


def test_slots_lie_in_the_page_as_in_the_timetable() -> None:
    """Tests every column of every slot, on the timeline of the token: layer 1 begins at 128."""
    build = repeated_build(2)
    spans, (blob,) = slot_blobs(build, token_time(build))
    links, count, numerator, denominator, begins, free, vectors, wait, tensor, ahead = unpacked(blob)
    # From host to the first chip at 2, and to the host again at 110 of the second layer, until 115.
    assert spans == [[2, 128 + 115]]
    assert links == list(range(12))
    assert count == [2, 1, 2, 1, 1, 1] * 2
    layer = np.repeat([0, 128], 8)
    assert (set(numerator), set(denominator)) == ({5}, {2})
    # The first and third link of each layer have a second slot, 52 cycles after 28, where the first one ends.
    departs = (build.slots.depart + layer).tolist()
    second = [row for row in range(16) if row % 8 in (1, 4)]
    assert free == [52 if row in second else departs[row] - 2 for row in range(16)]
    assert vectors == build.slots.vectors.tolist()
    assert wait == (build.slots.read - build.slots.depart).tolist()
    assert tensor == build.slots.tensor.tolist()
    firsts = build.slots.first_vector.tolist()
    assert begins == [firsts[row] for row in range(16) if row not in second]
    assert ahead == [firsts[row] - 2 if row in second else 0 for row in range(16)]


def test_blocks_are_stretches_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests blocks of 3 slots, departures 2, 2, 23 | 23, 80, 80 | 110, 110: equal ones lie in one block."""
    monkeypatch.setattr("lpxsched.report.page.traffic.BLOCK_SLOTS", 3)
    build = two_chip_build()
    assert sorted(build.slots.depart.tolist()) == [2, 2, 23, 23, 80, 80, 110, 110]
    spans, blobs = slot_blobs(build, token_time(build))
    assert spans == [[2, 7], [23, 85], [110, 115]]
    assert [sum(unpacked(blob)[1]) for blob in blobs] == [2, 4, 2]
    # The second slot of a link in a block follows the first, which ends at 28; what begins a block counts from there.
    assert unpacked(blobs[1])[5] == [0, 52, 0, 52]
    assert unpacked(blobs[2])[5] == [0, 0]


def test_series_sum_to_the_busy_time_of_the_timetable() -> None:
    """Tests 8 vectors of 5/2 cycles on tray links and 8 on host links, of each layer."""
    described, blobs = series(repeated_build(2), 256)
    assert described["class"]["ticks"] == 1
    assert described["class"]["names"] == ["tray", "host"]
    busy, multicast, running = unpacked(next(blob for blob in blobs if blob.name == "class.0"))
    assert [sum(busy[:256]), sum(busy[256:])] == [2 * 20, 2 * 20]
    assert sum(multicast) == 0
    # 2 tray and 4 host links a layer run for 128 cycles.
    assert [sum(running[:256]), sum(running[256:])] == [2 * 2 * 128, 2 * 4 * 128]


def test_bins_are_whole_cycles_and_no_more_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests 256 cycles in at most 100 bins: 3 cycles each, 86 of them."""
    monkeypatch.setattr("lpxsched.report.page.series.MOST_BINS", 100)
    described, _ = series(repeated_build(2), 256)
    assert (described["class"]["bins"], described["class"]["last"]) == (86, 258)


def test_multicast_is_what_leaves_a_node_twice() -> None:
    """Tests two slots of one tensor from one node: with a common vector, side by side, and from another node."""
    build = two_chip_build()

    def shared(tensor: list[int], first: list[int], link: list[int]) -> list[bool]:
        zeros = np.zeros(len(tensor), dtype=np.int64)
        table = type(build.slots)(ints(*tensor), ints(*first), zeros + 2, ints(*link), zeros, zeros)
        return multicast_slots(replace(build, slots=table)).tolist()

    # Links 0 and 1 leave chip 0, link 2 leaves chip 1; each slot has two vectors.
    assert shared([0, 0, 0], [0, 1, 5], [0, 1, 0]) == [True, True, False]
    assert shared([0, 0], [0, 2], [0, 1]) == [False, False]
    assert shared([0, 0], [0, 0], [0, 2]) == [False, False]
    assert shared([0, 1], [0, 0], [0, 1]) == [False, False]
    assert shared([], [], []) == []


def test_the_critical_path_is_marked() -> None:
    """Tests the path of the worked example: from ingress over two hops to the operators and back."""
    described, _ = page_data(two_chip_build())
    path, kinds = described["path"], two_chip_build().operators.kind
    operators = [str(kinds[thing]) for thing, depart, _ in path if depart < 0]
    assert operators == ["ingress", "router", "experts", "combine", "add", "egress"]
    assert [(depart, read) for _, depart, read in path if depart >= 0] == [(2, 20), (23, 41), (80, 98), (110, 125)]


def test_operators_of_a_whole_model_name_their_visit() -> None:
    """Tests the first two of four visits: an embedding, and layer 0 of the model."""
    described, _ = page_data(whole_model(repeated_build(2), visits=4))
    assert described["layers"] == {0: "embedding", 1: "layer 0"}


def test_equal_builds_give_equal_bytes() -> None:
    """Tests that a page made twice is the same."""
    assert build_page(two_chip_build()) == build_page(two_chip_build())


def test_a_page_holds_nothing_from_elsewhere(small_build: Build) -> None:
    """Tests that no address is fetched, and that a small model's page is small."""
    page = build_page(small_build).decode()
    assert not re.search(r"(src|href)=\"(?!data:|#)|@import|url\(http|import ", page)
    assert len(page) < 500_000


def test_names_cannot_break_out_of_the_page() -> None:
    """Tests a topology whose name is a script."""
    build = two_chip_build()
    options = {"topology": "</script><script>alert(1)</script>", "kind": "<b>"}
    page = build_page(replace(build, manifest=build.manifest.model_copy(update={"options": options}))).decode()
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_a_page_without_script_says_so() -> None:
    """Tests that what needs JavaScript is told before the first picture."""
    page = build_page(repeated_build(1)).decode()
    assert 0 < page.index("<noscript>") < page.index("<canvas")


def test_the_parts_stand_on_the_page(small_build: Build) -> None:
    """Tests the sentence, the three parts, the assumptions with ranges."""
    page = build_page(small_build).decode()
    assumed = f"{small_build.manifest.results['assumed_ns'] / 1000:,.3f} us of "
    assert f'class="limit">What is assumed limits the step, hand-over and GPU: {assumed}' in page
    assert "not modelled" in page
    for name in small_build.manifest.assumptions:
        assert f'<td class="name" data-header="value">{name}</td>' in page


def test_two_builds_are_told_side_by_side() -> None:
    """Tests figures, difference and ratio of two and three layers, and that a layer is missing in one."""
    page = comparison_page(repeated_build(2), repeated_build(3), ("two", "three")).decode()
    assert '<td class="text">makespan, cycles</td><td>256</td><td>384</td><td>+128</td><td>1.5000</td>' in page
    assert '<td class="name">2</td><td class="name">-</td><td class="name">1.0-1</td>' in page
    assert "2 layers on the same; 1 layer only in B." in page


def test_frames_are_told() -> None:
    """Tests that a build on demand tells its frame, and one that repeats its period and phases."""
    on_demand = two_chip_build()
    frames = replace(on_demand.frames, period_cycles=ints(256))
    cells = "<td>{}</td><td>0</td><td>1</td><td>{}</td></tr>"
    for build, period, phases in ((on_demand, "on demand", "-"), (replace(on_demand, frames=frames), "256", "0 .. 0")):
        windows = int(build.frames.windows[0])
        assert f"<td>{period}</td>" + cells.format(windows, phases) in build_page(build).decode()
