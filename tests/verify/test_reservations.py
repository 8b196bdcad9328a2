"""R9 deskew, fourth part: micro-batches in flight own windows, and nobody comes late for his own."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.verify.check import check
from lpxsched.verify.reservations import chain_of
from tests.builds import signed, two_chip_build
from tests.timetable.small import compiled
from tests.verify.changes import breaks, change, reports

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

MICRO_BATCHES = 12


@pytest.fixture(scope="module")
def flying(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return two layers on eight chips each of which they share, twelve micro-batches in flight."""
    folder = tmp_path_factory.mktemp("flying")
    return compiled(folder, chips=[[0, 1, 2, 3], [2, 3, 4, 5]], in_flight=MICRO_BATCHES, batch=4)


def told(build: Build, **results: Any) -> Build:
    """Return a build that tells other results."""
    manifest = build.manifest
    return replace(build, manifest=manifest.model_copy(update={"results": manifest.results | results}))


def outside(build: Build, part: str, key: str, **values: Any) -> Build:
    """Return a build with another number in a description that it holds by value."""
    described = deepcopy(build.manifest.outside)
    described[part][key] |= values
    return replace(build, manifest=build.manifest.model_copy(update={"outside": described}))


def test_a_compiled_build_keeps_its_reservations(flying: Build) -> None:
    """Tests that nothing is found, and that two layers on shared chips are of one frame at two phases."""
    assert check(flying).violations == ()
    assert flying.segments.frame.tolist() == [0, 0]
    assert len(set(flying.segments.phase_cycles.tolist())) == 2
    assert len(flying.deskews) > 0


def test_the_chain_adds_up(flying: Build) -> None:
    """Tests N P against the sum of all makespans, stalls, what is assumed and waits, a few roundings beside."""
    chain = chain_of(flying)
    stall, results = int(flying.deskews.stall.max()), flying.manifest.results
    least = int(flying.segments.makespan_cycles.sum()) + 2 * stall + results["assumed_high_ns"] * 0.9
    step = chain.windows * chain.period - int(chain.waits.sum())
    # Clocks of 100 ppm, jitter and crossing; hand-overs in that count as the longest.
    assert least < step < least * 1.01
    assert results["step_high_ns"] >= chain.windows * chain.period / 0.9


@pytest.mark.parametrize(
    ("results", "text"),
    [
        ({"in_flight": 0}, "in_flight is 0, must be a number from 1 on"),
        ({"in_flight": True}, "in_flight is True, must be a number from 1 on"),
        ({"residues": [0]}, "results residues must be a list of 12 whole numbers"),
        ({"residues": [7] * MICRO_BATCHES}, "two micro-batches own one residue"),
        ({"servers": [99] * MICRO_BATCHES}, "GPUs serve 18 micro-batches at once"),
        ({"servers": [0] * MICRO_BATCHES}, "keep server 0 of the GPUs at once"),
        ({"rest_cycles": "none"}, "results rest_cycles must be a list of 2 whole numbers"),
        ({"rest_cycles": [0, 10_000_000]}, "the chain of a micro-batch closes after"),
        ({"step_ns": 1000.0}, "results step_ns is 1000.0"),
        ({"step_high_ns": 1000.0}, "results step_high_ns is 1000.0"),
        ({"longest_step_ns": 1000.0}, "results longest_step_ns is 1000.0, the frames have"),
        ({"windows": 1}, "results windows is 1, the frames have"),
        ({"assumed_ns": 1.0}, "results assumed_ns is 1.0, GPUs and hand-over make"),
        ({"assumed_high_ns": None, "assumed_low_ns": "0"}, "results assumed_low_ns is '0'"),
    ],
)
def test_what_is_promised_too_much_is_found(flying: Build, results: dict[str, Any], text: str) -> None:
    """Tests residues and servers that are taken twice, and times that do not follow."""
    assert reports(told(flying, **results), "R9", text)


@pytest.mark.parametrize(
    ("part", "key", "values", "text"),
    [
        ("handover", "one_way_ns", {"range": [500.0, 90_000.0]}, "the chain of a micro-batch closes after"),
        ("gpus", "fixed_ns", {"range": [500.0, 90_000.0]}, "the chain of a micro-batch closes after"),
        ("handover", "host_gbps", {"range": [0.5, 800.0]}, "hold the Ethernet port of host"),
        ("gpus", "memory_bytes_per_ns", {"value": "fast"}, "can be reckoned with: a value is no such number"),
        ("gpus", "gpus_per_micro_batch", {"value": 0}, "outside holds no GPUs, hand-over and work"),
    ],
)
def test_what_lies_outside_is_reckoned_again(
    flying: Build, part: str, key: str, values: dict[str, Any], text: str
) -> None:
    """Tests that slower GPUs, ways and ports than those that were reserved are found."""
    assert reports(outside(flying, part, key, **values), "R9", text)


@pytest.mark.parametrize("users", [4.0, True, None, "many"])
def test_users_and_their_work_are_whole_numbers(flying: Build, users: object) -> None:
    """Tests users of other types, also where they equal the four that there are, and bytes of another type."""
    described = flying.manifest.outside | {"users": users}
    build = replace(flying, manifest=flying.manifest.model_copy(update={"outside": described}))
    assert reports(build, "R9", f"outside users is {users!r}, must be a whole number")
    work = [{**flying.manifest.outside["work"][0], "user_bytes": 1.0}, *flying.manifest.outside["work"][1:]]
    build = replace(
        build, manifest=flying.manifest.model_copy(update={"outside": described | {"users": 4, "work": work}})
    )
    assert reports(build, "R9", "outside work.0.user_bytes is 1.0, must be a whole number")


def test_an_owned_window_is_no_gap(flying: Build) -> None:
    """Tests a frame that leaves out the window of the first micro-batch at the first segment."""
    windows = flying.frames.windows[0]
    number = (chain_of(flying).start[0] // chain_of(flying).period + flying.manifest.results["residues"][0]) % windows
    gaps = np.unique(np.append(flying.frames.gaps[0], number))
    assert breaks(change(flying, "frames", 0, gaps=gaps.tolist()), "R9", "which is a gap of frame 0")


def test_waiting_is_no_less_than_for_the_own_window(flying: Build) -> None:
    """Tests the wait of the chain, and one cycle less."""
    row = int(chain_of(flying).waits.argmax())
    wait = int(chain_of(flying).waits[row])
    assert breaks(change(flying, "segments", row, waiting_cycles=wait - 1), "R9", "but its own window takes")


def test_only_frames_that_repeat_hold_several() -> None:
    """Tests three micro-batches over a segment on demand, without and with descriptions."""
    build = told(two_chip_build(), in_flight=3)
    text = "outside holds no GPUs, hand-over and work that can be reckoned with: gpus is missing"
    assert breaks(signed(build), "R9", text)
