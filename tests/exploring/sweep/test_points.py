"""Tests of the points of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import InputError
from lpxsched.exploring.sweep.points import MOST_POINTS, points_of, swept

if TYPE_CHECKING:
    from pathlib import Path


def test_every_combination_is_a_point_the_last_list_fastest() -> None:
    """Tests 2 x 1 x 2 points."""
    lists = {"batch": (1, 8), "kv": ("fp8",), "clock": ("none", "common")}
    points = points_of(lists)
    assert [(point["batch"], point["clock"]) for point in points] == [
        (1, "none"),
        (1, "common"),
        (8, "none"),
        (8, "common"),
    ]
    assert all(point["kv"] == "fp8" for point in points)
    assert swept(lists) == ["batch", "clock"]


def test_too_many_points_are_refused_with_their_number() -> None:
    """Tests one point more than may run: 10,000 seeds are in order, 10,001 are not."""
    assert len(points_of({"seed": tuple(range(MOST_POINTS))})) == MOST_POINTS
    with pytest.raises(InputError, match=r"--seed: has 10,001 elements, .* make 10,001 points; at most 10,000 run"):
        points_of({"seed": tuple(range(MOST_POINTS + 1)), "batch": (1,)})


@pytest.mark.parametrize(
    ("name", "elements", "told"),
    [
        ("clock", ("none", "nix"), r"--clock: element 2, nix: no clock of this name"),
        ("topology", ("nix", "tsp-node"), r"TOPOLOGY: element 1, nix: no topology"),
        ("partition", ("auto", "nix"), r"--partition: element 2, nix: is neither a file nor one of auto"),
    ],
)
def test_an_element_that_names_no_file_is_told_with_its_number(name: str, elements: tuple[str, ...], told: str) -> None:
    """Tests names and files."""
    with pytest.raises(InputError, match=told):
        points_of({name: elements})


def test_files_may_stand_in_a_list(tmp_path: Path) -> None:
    """Tests a partition by its file."""
    file = tmp_path / "cut.yaml"
    file.write_text("layers: []\n")
    assert len(points_of({"partition": ("whole", str(file))})) == 2
