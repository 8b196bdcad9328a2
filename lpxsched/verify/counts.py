"""R3 delivery, sixth part: what a manifest counts is in the tables and the graph, and what it tells twice is the same.

What the manifest does not count is no fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.verify.violation import told_wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpxsched.timetable.build import Build
    from lpxsched.verify.violation import Violation

RULE = "R3"
# Results that options tell too.
TWICE = ("in_flight", "kind", "topology")


def count_violations(build: Build) -> Iterator[Violation]:
    """Yield counts that do not follow from tables and graph, and figures that do not follow from each other."""
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
        # What is equal in Python may be of another type: 2.0, or true for 1.
        if key in results and (type(results[key]) is not int or results[key] != count):
            yield told_wrong(RULE, f"results {key} is {results[key]!r}, tables and graph have {count}")
    yield from _told_twice(build)
    told = results.get("distinct_problems", len(problems))
    if told != len(problems):
        yield told_wrong(RULE, f"results distinct_problems is {told!r}, problems lists {len(problems)}")
    yield from _chips_of_problems(build, problems)
    yield from _figures_of_problems(build, problems)


def _told_twice(build: Build) -> Iterator[Violation]:
    """Yield what two places of the manifest tell otherwise, where both tell it."""
    manifest, options = build.manifest, build.manifest.options
    pairs: list[tuple[str, object, str, object]] = [
        ("seed", manifest.seed, "options seed", options.get("seed", manifest.seed)),
        ("outside users", manifest.outside.get("users"), "options batch", options.get("batch")),
        ("options clock", options.get("clock"), "clock name", manifest.clock.get("name")),
        *((f"results {key}", manifest.results.get(key), f"options {key}", options.get(key)) for key in TWICE),
    ]
    for one, said, other, right in pairs:
        if said is not None and right is not None and said != right:
            yield told_wrong(RULE, f"{one} is {said!r}, {other} is {right!r}")


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
            yield told_wrong(RULE, f"results problems.{number}.chips is {problem['chips']!r}, {told}")
    if problems and sorted(map(str, seen)) != sorted(map(str, range(len(groups)))):
        yield told_wrong(RULE, f"results problems name layers {seen}, must name each of {len(groups)} layers once")


def _figures_of_problems(build: Build, problems: list[Mapping[str, Any]]) -> Iterator[Violation]:
    """Yield gaps that are no quotients of what is told beside them, and proofs that prove less."""
    results, wires = build.manifest.results, [problem.get("wires") for problem in problems]
    named = [(f"problems.{number}", problem) for number, problem in enumerate(problems)]
    named += [(f"problems.{number}.wires", told) for number, told in enumerate(wires) if isinstance(told, dict)]
    for name, told in named:
        long, bound = (_whole(told, key) for key in ("makespan_cycles", "lower_bound_cycles"))
        short = _whole(told, "period_cycles") if "period_cycles" in told else long
        if short is None or bound is None:
            continue
        gap = round(max(1, short) / max(1, bound), 6)
        for key in ("gap", "period_gap"):
            if key in told and told[key] != gap:
                yield told_wrong(
                    RULE, f"results {name}.{key} is {told[key]!r}, of {short} cycles over {bound} it is {gap}"
                )
        if bound > short or (told.get("status") == "optimal" and bound < short):
            yield told_wrong(RULE, f"results {name} is {told.get('status')} with {short} cycles and a bound of {bound}")
    least, makespan = (_whole(results, key) for key in ("makespan_lower_bound_cycles", "makespan_cycles"))
    if least is not None and makespan is not None and least > makespan:
        yield told_wrong(RULE, f"results makespan_lower_bound_cycles is {least}, above makespan_cycles {makespan}")


def _whole(told: Mapping[str, Any], key: str) -> int | None:
    """Return a number of cycles; None for what is none."""
    value = told.get(key)
    return value if type(value) is int and value >= 0 else None
