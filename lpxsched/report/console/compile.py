"""What ``lpxsched compile`` tells a person when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpxsched.report.formats import as_us, links_of, percent
from lpxsched.report.frames import only_period, windows_of
from lpxsched.report.headline import headline_lines
from lpxsched.report.layers import head_of, layers_named, segment_name
from lpxsched.report.reach import reach_lines
from lpxsched.report.text_table import named_rows, table
from lpxsched.report.utilisation import utilisation
from lpxsched.units import counted

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def compile_text(build: Build, measured: dict[str, Any]) -> str:
    """Return the summary of a build as text.

    Parameters
    ----------
    build : Build
    measured : dict
        ``seconds``, ``verified``, and ``output``: the folder as the user named it.
    """
    options, results, folder = build.manifest.options, build.manifest.results, measured["output"]
    lines = [
        f"{options['model']} on {options['topology']}, batch {options['batch']}, {measured['seconds']:.1f} s",
        "",
        _facts(build, measured),
        "",
        _problems(results["problems"], head_of(results)),
        "",
        f"written to {folder}; next: lpxsched check {folder}, simulate, report",
    ]
    return "\n".join(lines)


def _facts(build: Build, measured: dict[str, Any]) -> str:
    results, (busiest, share) = build.manifest.results, _busiest_class(build)
    bound, of = results["lower_bound_cycles"], ""
    # That of all frames is the sum of theirs.
    if results["period_cycles"]:
        bound, of = results["period_lower_bound_cycles"], " a period"
    rows = [
        ("layout", _layout(results)),
        (
            "traffic",
            f"{counted(results['vectors'], 'vector')}, {counted(results['vector_hops'], 'hop')} in "
            f"{counted(results['slots'], 'slot')} on {counted(results['links'], 'link')}",
        ),
        ("makespan", f"{results['makespan_cycles']:,} cycles = {as_us(results['makespan_ns'])} along one token"),
        *_frame(build),
        (
            "bound",
            f"{bound:,} cycles{of} ({results['bound']}) for these groups; {results['status']}",
        ),
        ("gap", _gap(results)),
        *_deskews(results),
        *_mapping(results),
        ("busiest", f"{links_of(busiest)}, {percent(share, 1)} busy while their layer runs"),
        ("rules", "all hold" if measured["verified"] else "not checked"),
        *headline_lines(build),
        *reach_lines(build),
        *_fp8(results),
    ]
    return named_rows(rows, width=14)


def _mapping(results: dict[str, Any]) -> list[tuple[str, str]]:
    """Return which mapping was chosen; of one micro-batch at a time, how near the best, and a step of each baseline."""
    if results.get("mapping_gap") is None:
        return [("mapping", results["mapping"]["chosen"])] if "mapping" in results else []
    steps = ", ".join(
        f"{name} {'does not fit' if step is None else as_us(step)}" for name, step in results["baselines"].items()
    )
    told = f"{results['mapping_gap']:.4f} over the best of {results['mapping']['family'].partition(':')[0]} at most"
    return [("mapping", f"{results['mapping']['chosen']}; {told}"), ("baselines", f"{steps} a step")]


def _layout(results: dict[str, Any]) -> str:
    """Return what lies on how many chips; visits of drafts are those behind the head."""
    drafts = results["visits"] - results["layers"] - 2 if "visits" in results else 0
    after = f" and {counted(drafts, 'MTP visit')}" if drafts else ""
    return f"{counted(results['layers'], 'layer')}{after} on {counted(results['chips'], 'chip')}"


def _frame(build: Build) -> list[tuple[str, str]]:
    """Return how micro-batches in flight share a layer: its period, its windows, and those left out for deskews."""
    windows, period, deskews = windows_of(build), only_period(build), build.deskews
    if windows is None:
        return []
    gaps = windows.every - windows.free
    of_frame = int((deskews.frame == 0).sum())
    them = "a deskew" if of_frame == 1 else counted(of_frame, "deskew")
    every = f", {gaps} left out for {them} every {counted(int(deskews.every_periods[0]), 'window')}" if of_frame else ""
    first, times = segment_name(build, build.graph.segments[0].layers), build.segments.makespan_cycles[0] / period
    return [
        ("period", f"{period:,} cycles; {first} takes {times:.1f} of them"),
        ("in flight", f"{windows.owned} of {windows.free}: {counted(windows.every, 'window')} a step{every}"),
    ]


def _gap(results: dict[str, Any]) -> str:
    """Return the gap, and that of makespans where operators take no time, which nothing in flight shortens."""
    gap, wires = f"{results['gap']:.4f}", f"{results['wire_gap']:.4f}"
    if results["period_cycles"]:
        return f"{gap} of the period for these groups; {wires} of makespans with operators taking no time"
    return f"{gap} for these groups; with operators taking no time {wires}"


def _deskews(results: dict[str, Any]) -> list[tuple[str, str]]:
    """Return how deskews lie, and what worst cases others would give."""
    told = results.get("deskews")
    if not told or not told["count"]:
        return []
    inside = f", {told['inside_layers']} of them inside layers" if told.get("inside_layers") else ""
    apart = f"{told['interval_cycles']:,} cycles apart at most, a stall of {counted(told['stall_cycles'], 'cycle')}"
    rows = [("deskews", f"{counted(told['count'], 'deskew')}{inside}; {apart}")]
    tried = [one for one in told["tried"] if one["worst_case_ns"] is not None]
    if len(tried) > 1:
        low, high = (choose(one["worst_case_ns"] for one in tried) for choose in (min, max))
        numbers = [one["deskews"] for one in tried]
        quick = " with quick schedules" if "decided_by" in told else ""
        others = f"of {min(numbers)} to {counted(max(numbers), 'deskew')} tried{quick}"
        rows.append(("", f"{others}, worst cases were {as_us(low)} to {as_us(high)}"))
        if told.get("decided_by") == "nominal step":
            rows.append(("", "the shortest nominal step decided, of worst cases within 2% of the least"))
    return rows


def _fp8(results: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what fp8 weights would give where those of the build are assumed to be expanded on read."""
    if "fp8" not in results:
        return []
    fp8 = results["fp8"]
    if isinstance(fp8, str):
        return [("with fp8", fp8)]
    cycles = f"{fp8['makespan_cycles']:,} cycles of these groups, found greedily"
    return [
        (
            "with fp8",
            f"{as_us(fp8['step_ns'])} a step, {cycles}; the build's weights are expanded on read (assumed)",
        )
    ]


def _busiest_class(build: Build) -> tuple[str, float]:
    busy = utilisation(build, bins=1)
    group = max(range(len(busy.groups)), key=busy.running_share)
    return busy.groups[group].name, busy.running_share(group)


def _problems(problems: list[dict[str, Any]], head: int) -> str:
    repeats = any("period_cycles" in problem for problem in problems)
    header = [
        "distinct problem",
        "chips",
        "period" if repeats else "makespan",
        "bound",
        "gap",
        "wires",
        "bound",
        "gap",
        "status",
    ]
    rows = [
        [
            layers_named(problem["layers"], head),
            str(problem["chips"]),
            *_figures(problem),
            *_figures(problem["wires"]),
            f"{problem['status']} ({problem['solver']})",
        ]
        for problem in problems
    ]
    return table(header, rows, phrases=[0])


def _figures(result: dict[str, Any]) -> list[str]:
    short = result.get("period_cycles", result["makespan_cycles"])
    return [f"{short:,}", f"{result['lower_bound_cycles']:,}", f"{result['gap']:.4f}"]
