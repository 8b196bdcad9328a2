"""Tests that whatever is compiled is proved by the checker and comes back from disk, over the options of a compile."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.timetable.reader import read_build
from lpxsched.timetable.writer import write_build
from lpxsched.verify.check import check
from tests.timetable.small import compiled
from tests.timetable.tables import same_build

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def assert_proved(folder: Path, build: Build) -> None:
    """Assert that the checker finds nothing in what is read back from disk."""
    write_build(folder / "out", build)
    read = read_build(folder / "out")
    assert same_build(read, build)
    report = check(read)
    assert report.violations == ()
    assert report.ok


def test_layers_that_share_chips_are_one_frame_and_proved(tmp_path: Path) -> None:
    """Tests two layers with two chips in common, in one frame with one deskew; a third has its own."""
    build = compiled(tmp_path, num_hidden_layers=3, chips=[[0, 1, 2, 3], [3, 2, 4], [5, 6, 7]])
    assert build.segments.frame.tolist() == [0, 0, 1]
    assert build.deskews.frame.tolist() == build.frames.frame.tolist() == [0, 1]
    assert_proved(tmp_path, build)


def test_the_small_build_is_proved(tmp_path: Path, small_build: Build) -> None:
    """Tests two layers of four chips."""
    assert_proved(tmp_path, small_build)


@pytest.mark.parametrize(
    "choices",
    [
        {"batch": 1},
        {"batch": 3},
        {"num_hidden_layers": 1, "chips": [[3]]},
        {"num_hidden_layers": 1, "chips": [[0]], "batch": 1, "hidden_size": 500},
        {"num_hidden_layers": 1, "chips": [[7, 0, 5, 2, 1, 6, 3, 4]], "batch": 5},
        {"num_hidden_layers": 3, "chips": [[0], [7, 1], [2, 3, 4, 5, 6]]},
        {"weights": "fp8"},
        {"weights": "bf16"},
        {"weights": "int8"},
        {"weights": "mxfp4"},
        {"weights": "nvfp4"},
        {"partials": "fp32"},
        {"activations": "bf16"},
        {"hidden_size": 500},
        {"hidden_size": 1, "intermediate_size": 1, "batch": 1},
        {"clock": "none"},
        {"clock": "common"},
        {"clock": "xo-100ppm"},
        {"solver": "cpsat"},
    ],
    ids=str,
)
def test_each_choice_is_proved(tmp_path: Path, choices: dict[str, Any]) -> None:
    """Tests each option by itself: one chip, chips in any order, groups of unequal width, types, padding, clocks."""
    assert_proved(tmp_path, compiled(tmp_path, **choices))


@st.composite
def partitions(draw: st.DrawFn) -> list[list[int]]:
    """Draw one or two groups of chips of a TSP node, in any order."""
    chips = draw(st.permutations(range(8)))
    width, second = draw(st.integers(1, 5)), draw(st.integers(0, 3))
    return [group for group in (chips[:width], chips[width : width + second]) if group]


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(
    partitions(),
    st.fixed_dictionaries(
        {
            "batch": st.integers(1, 9),
            "hidden_size": st.integers(1, 1000),
            "intermediate_size": st.integers(1, 400),
            "num_local_experts": st.integers(2, 5),
            "num_experts_per_tok": st.integers(1, 2),
            "weights": st.sampled_from(["fp8", "bf16", "int8", "mxfp4", "nvfp4"]),
            "activations": st.sampled_from(["fp8", "bf16"]),
            "partials": st.sampled_from(["bf16", "fp32"]),
            "clock": st.sampled_from(["none", "common", "xo-100ppm"]),
            "seed": st.integers(0, 3),
        }
    ),
)
def test_any_compile_is_proved(chips: list[list[int]], choices: dict[str, Any]) -> None:
    """Tests all options together, on random groups of chips."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        assert_proved(folder, compiled(folder, num_hidden_layers=len(chips), chips=chips, **choices))
