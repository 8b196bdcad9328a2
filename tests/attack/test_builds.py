"""Build folders that somebody changed, read by every command that reads one."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest

from lpxsched.timetable.writer import write_build
from tests.attack.commands import calls
from tests.attack.hostile_builds import spoil_build
from tests.attack.limits import attacked
from tests.attack.test_documents import TRACE
from tests.builds import two_chip_build

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build

# Drawing takes a third of a second.
SELDOM = 0.05


def attack_builds(folder: Path, build: Build, seeds: range) -> None:
    """Spoil a build once a seed, and run one command on it."""
    output = folder / "output"
    output.mkdir()
    (output / "down.yaml").write_text("links: [[0, 1]]\n")
    (output / "trace.csv").write_text(TRACE)
    write_build(folder / "sound", build)
    for seed in seeds:
        dice, hostile = random.Random(seed), folder / "build"
        shutil.copytree(folder / "sound", hostile)
        spoil_build(dice, hostile)
        call = dice.choice(calls(hostile, output))
        if "--svg" not in call or dice.random() < SELDOM:
            attacked(call, outside=folder, output=output)
        shutil.rmtree(hostile)


def test_no_hostile_build_breaks_a_command(tmp_path: Path) -> None:
    """Tests 25 changes of a build of two chips."""
    attack_builds(tmp_path, two_chip_build(), range(25))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_no_hostile_build_of_many_breaks_a_command(tmp_path: Path, small_build: Build, part: int) -> None:
    """Tests 600 changes of a build of two chips, and of one of four."""
    attack_builds(tmp_path, (two_chip_build(), small_build)[part], range(1000, 1600))
