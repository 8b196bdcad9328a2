"""What is assumed in a build, as people read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


@dataclass(frozen=True, slots=True)
class Assumption:
    """One assumed value.

    Attributes
    ----------
    name : str
    taken, ends, why : str
        Its value, its range (a dash where there is none), and its source.
    """

    name: str
    taken: str
    ends: str
    why: str


def assumptions(build: Build) -> list[Assumption]:
    """Return every assumed value that entered a build."""
    return [
        Assumption(name, _plain(told.get("value")), _range(told.get("range")), str(told.get("source", "")))
        for name, told in build.manifest.assumptions.items()
        if isinstance(told, dict)
    ]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _range(ends: Any) -> str:
    return " .. ".join(_plain(end) for end in ends) if isinstance(ends, list) else "-"
