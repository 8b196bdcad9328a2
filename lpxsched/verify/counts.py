"""R3 delivery, sixth part: what a manifest counts is in the tables and the graph, and what it assumes in its range.

What the manifest does not count is no fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.verify.reservations import in_flight
from lpxsched.verify.violation import MANIFEST_FILE, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lpxsched.timetable.build import Build

RULE = "R3"
# Files of which a manifest holds all values, not only those that are assumed.
HELD = ("clock", "gpus", "handover")


def count_violations(build: Build) -> Iterator[Violation]:
    """Yield counts that do not follow from tables and graph, and assumptions beside their range or what was read."""
    results, graph = build.manifest.results, build.graph
    # Drafts and the head are visits of a whole model; its layers are fewer.
    visits = "visits" if "visits" in results else "layers"
    problems = _problems(build)
    counted = {
        visits: len(graph.layers),
        "slots": len(build.slots),
        "vectors": _distinct_vectors(build),
        "vector_hops": int(build.slots.vectors.sum()),
        "links": len(np.unique(build.slots.link)),
        "chips": len({chip for group in _groups(build) for chip in group}),
    }
    for key, count in counted.items():
        if key in results and results[key] != count:
            yield _wrong(f"results {key} is {results[key]!r}, tables and graph have {count}")
    if results.get("distinct_problems", len(problems)) != len(problems):
        yield _wrong(f"results distinct_problems is {results['distinct_problems']!r}, problems lists {len(problems)}")
    asked = build.manifest.options.get("in_flight", in_flight(build))
    if results.get("in_flight", asked) != asked:
        yield _wrong(f"results in_flight is {results['in_flight']!r}, options have {asked!r}")
    yield from _chips_of_problems(build, problems)
    for key, told in build.manifest.assumptions.items():
        yield from _assumed(build, key, told)


def _groups(build: Build) -> list[list[int]]:
    """Return the chips of the group of each layer."""
    return [build.graph.groups[row.group].chips for row in build.graph.layers]


def _distinct_vectors(build: Build) -> int:
    """Return how many vectors some slot carries: of those that begin earlier on, the farthest end is known."""
    slots, size = build.slots, build.tensors.vectors
    # Tensors end to end, so that no slot reaches into the next one.
    first = slots.first_vector + (np.cumsum(size) - size)[slots.tensor]
    order = np.argsort(first)
    first, end = first[order], first[order] + slots.vectors[order]
    reached = np.maximum.accumulate(end)
    return int((reached - np.maximum(first, np.append(0, reached)[:-1])).clip(0).sum())


def _problems(build: Build) -> list[Mapping[str, Any]]:
    """Return what is told of the distinct problems, one after the other."""
    told = build.manifest.results.get("problems", [])
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _chips_of_problems(build: Build, problems: list[Mapping[str, Any]]) -> Iterator[Violation]:
    """Yield problems of other chips than the groups of their layers have, and layers that are not of one problem."""
    groups, seen = _groups(build), list[object]()
    for number, problem in enumerate(problems):
        layers = problem["layers"] if isinstance(problem.get("layers"), list) else []
        seen += layers
        widths = sorted({len(groups[one]) for one in layers if isinstance(one, int) and 0 <= one < len(groups)})
        if "chips" in problem and widths != [problem["chips"]]:
            told = f"its layers have {', '.join(map(str, widths))}" if widths else "it names no layer of the graph"
            yield _wrong(f"results problems.{number}.chips is {problem['chips']!r}, {told}")
    if problems and sorted(map(str, seen)) != sorted(map(str, range(len(groups)))):
        yield _wrong(f"results problems name layers {seen}, must name each of {len(groups)} layers once")


def _assumed(build: Build, key: str, told: object) -> Iterator[Violation]:
    """Yield an assumed value beside its range, or another than the manifest holds at its place."""
    if not isinstance(told, dict) or "value" not in told:
        return
    value, limits = told["value"], told.get("range")
    limits = limits if isinstance(limits, list) else []
    if _are_numbers([value, *limits]):
        if limits and not min(limits) <= value <= max(limits):
            yield _wrong(f"assumptions {key} is {value}, its range is {min(limits)} to {max(limits)}")
    elif limits and value not in limits:
        yield _wrong(f"assumptions {key} is {value!r}, its range is {limits}")
    kind, *path = key.split(".")
    held: Any = build.manifest.clock if kind == "clock" else build.manifest.outside.get(kind)
    for name in path if kind in HELD else ():
        held = held.get(name) if isinstance(held, dict) else None
    if kind in HELD and isinstance(held, dict) and held.get("value", value) != value:
        yield _wrong(f"assumptions {key} is {value!r}, the manifest holds {held['value']!r}")


def _are_numbers(values: Sequence[object]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _wrong(message: str) -> Violation:
    return Violation(RULE, f"{MANIFEST_FILE}: {message}")
