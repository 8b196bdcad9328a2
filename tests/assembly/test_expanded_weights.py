"""Tests of what is told of weights that a chip cannot multiply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpxsched.files.shipped import shipped_files
from lpxsched.report.console.compile import compile_text
from lpxsched.workload.datatypes import is_expanded
from tests.timetable.small import compiled

if TYPE_CHECKING:
    from pathlib import Path

MEASURED = {"seconds": 1.0, "verified": True, "output": "out"}


@pytest.mark.parametrize(
    ("weights", "types", "expanded"),
    [
        ("mxfp4", ("fp8", "bf16"), True),
        ("nvfp4", ("fp8", "bf16"), True),
        ("nvfp4", ("fp8", "nvfp4"), False),
        ("bf16", ("fp8",), False),
    ],
)
def test_weights_in_blocks_are_expanded_where_no_unit_multiplies_them(
    weights: str, types: tuple[str, ...], expanded: bool
) -> None:
    """Tests four-bit types on chips with and without arithmetic for them, and a type without blocks."""
    assert is_expanded(weights, types) == expanded


def test_the_figure_with_fp8_stands_beside(tmp_path: Path) -> None:
    """Tests that it is what a greedy compile with fp8 weights on these groups takes, and that the source is told."""
    build = compiled(tmp_path, weights="mxfp4")
    other = compiled(tmp_path, weights="fp8", effort=1)
    fp8 = build.manifest.results["fp8"]
    assert {key: other.manifest.results[key] for key in fp8} == fp8
    assert fp8["makespan_cycles"] > build.manifest.results["makespan_cycles"]
    told = build.manifest.assumptions["weights.mxfp4"]
    assert (told["value"], told["range"]) == ("expanded on read", ["expanded on read", "stored as fp8"])
    assert "TOPS of INT8" in told["source"]
    assert "fp8" not in other.manifest.results
    assert not any(key.startswith("weights.") for key in other.manifest.assumptions)


def test_fp8_weights_that_do_not_fit_say_so(tmp_path: Path) -> None:
    """Tests chips of 500 kB: 4 experts of 3 x 640 x 320 bytes on 4 chips at 8 bits, about half of that at 4."""
    chip = shipped_files("chip")["tsp"].read_text().replace("value: 230686720", "value: 500000")
    (tmp_path / "small.yaml").write_text(chip)
    node = shipped_files("topology")["tsp-node"].read_text().replace("chip: tsp", f"chip: {tmp_path}/small.yaml")
    (tmp_path / "node.yaml").write_text(node)
    build = compiled(tmp_path, weights="mxfp4", topology=str(tmp_path / "node.yaml"))
    # 4 experts of 3 matrices, a router of 2 bytes, and 104 vectors while combine runs.
    weights = 4 * 3 * 640 * 320 // 4 + 2 * 640 * 4
    needed = weights + 104 * 320
    assert build.manifest.results["fp8"] == (
        f"chip 0 needs {needed:,} bytes at least for layer 0, {weights:,} of them weights of layer 0, and holds 500,000"
    )
    assert f"with fp8      chip 0 needs {needed:,} bytes" in compile_text(build, MEASURED)
