"""The proof before a timetable is told: lack of room is nothing found, any other broken rule a fault of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.cli.main import run
from lpxsched.cli.verification import holds
from lpxsched.errors import ExitCode, NothingFoundError
from lpxsched.timetable.writer import write_build
from tests.builds import two_chip_build
from tests.verify.changes import change, changed

if TYPE_CHECKING:
    from pathlib import Path


def test_a_sound_build_holds() -> None:
    """Tests the build of two chips as it is."""
    assert holds(two_chip_build(), remedy="try less")


def test_too_little_sram_is_nothing_found() -> None:
    """Tests a chip on which 5,120 bytes lie in cycle 55, with room for one byte less."""
    with pytest.raises(NothingFoundError, match=r"chip 0 holds 5120 bytes in cycle 55, its SRAM has 5119.*try less"):
        holds(changed("chips", 0, sram_bytes=5_119), remedy="try less")


def test_too_small_a_deskew_buffer_is_nothing_found() -> None:
    """Tests a chip that may let no vector wait between its arrival and its read."""
    with pytest.raises(NothingFoundError, match=r"its deskew buffer holds 0"):
        holds(changed("chips", 1, deskew_buffer_vectors=0), remedy="try less")


def test_what_breaks_another_rule_too_is_told_as_broken(capsys: pytest.CaptureFixture[str]) -> None:
    """Tests too little SRAM beside a makespan of 1: no remedy mends both."""
    assert not holds(change(changed("chips", 0, sram_bytes=5_119), "segments", 0, makespan_cycles=1), remedy="try less")
    assert "its SRAM has 5119" in capsys.readouterr().err


def test_a_fault_of_a_build_names_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests a manifest whose deskews are text, and frames of a build that runs on demand."""
    build = two_chip_build()
    results = build.manifest.results | {"deskews": "x"}
    write_build(tmp_path, replace(build, manifest=build.manifest.model_copy(update={"results": results})))
    for command, said in (
        (["report"], "results.deskews: must be a mapping of keys, got 'x'"),
        (["simulate", "--frames"], "in_flight: layers run on demand"),
    ):
        assert run([*command, str(tmp_path)]) == ExitCode.BAD_INPUT
        assert capsys.readouterr().err.startswith(f"{tmp_path / 'manifest.json'}: {said}")
