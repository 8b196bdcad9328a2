"""What stands in folders, and why one could not be written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import InputError
from lpxsched.timetable.writer import write_build
from tests.builds import signed, two_chip_build

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build


def other_build() -> Build:
    """Return a build that differs from the two-chip build in one number."""
    build = two_chip_build()
    return signed(replace(build, deskews=replace(build.deskews, stall=build.deskews.stall + 1)))


def names(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too, sorted."""
    return sorted(path.name for path in folder.iterdir())


def failed(target: Path) -> str:
    """Return why a target that was not refused could not be written."""
    with pytest.raises(InputError) as caught:
        write_build(target, other_build())
    assert caught.value.where == str(target)
    assert len(str(caught.value).splitlines()) == 1
    return caught.value.problem
