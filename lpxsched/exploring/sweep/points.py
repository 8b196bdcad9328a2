"""The points of a sweep: every combination of the elements of its lists."""

from __future__ import annotations

from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpxsched.errors import InputError
from lpxsched.files.shipped import PATTERNS, find_file
from lpxsched.options import PARTITIONS, flag_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Lists = dict[str, tuple[Any, ...]]
Choices = dict[str, Any]

# A thousand compiles of a second take a quarter of an hour; ten times as many are still a night's work.
MOST_POINTS = 10_000
ARGUMENTS = ("model", "topology")


def points_of(lists: Mapping[str, Sequence[Any]]) -> list[Choices]:
    """Return the options of every point, the last list varying fastest.

    Parameters
    ----------
    lists : dict
        Elements by field of `CompileOptions`.

    Raises
    ------
    InputError
        When there are too many points, or an element names a file that is not there.
    """
    number = prod(len(elements) for elements in lists.values())
    if number > MOST_POINTS:
        longest = max(lists, key=lambda name: len(lists[name]))
        problem = (
            f"has {len(lists[longest]):,} elements, and all lists together make {number:,} points; at most "
            f"{MOST_POINTS:,} run at once: shorten it, or sweep in parts"
        )
        raise InputError("lpxsched sweep", problem, key=_named(longest))
    for name, elements in lists.items():
        _refuse_missing(name, elements)
    return [dict(zip(lists, point, strict=True)) for point in product(*lists.values())]


def swept(lists: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return the fields that differ between points."""
    return [name for name, elements in lists.items() if len(elements) > 1]


def _refuse_missing(name: str, elements: Sequence[Any]) -> None:
    for number, element in enumerate(elements, start=1):
        try:
            if name in PATTERNS:
                find_file(name, element)
            elif name == "partition" and element not in PARTITIONS and not Path(element).is_file():
                raise InputError(element, f"is neither a file nor one of {', '.join(PARTITIONS)}")
        except InputError as error:
            problem = f"element {number}, {element}: {error.problem}"
            raise InputError("lpxsched sweep", problem, key=_named(name)) from None


def _named(name: str) -> str:
    return name.upper() if name in ARGUMENTS else flag_of(name)
