"""What ``lpxsched compile`` tells a person when it is done."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.report.text import layer_ranges, table
from lpxsched.report.utilisation import utilisation

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def compile_summary(build: Build, folder: str, seconds: float) -> str:
    """Return the summary of a build as text.

    Parameters
    ----------
    build : Build
    folder : str
        Where it was written, as the user named it.
    seconds : float
        How long it took.
    """
    options, results = build.manifest.options, build.manifest.results
    lines = [
        f"{options['model']} on {options['topology']}, batch {options['batch']}, {seconds:.1f} s",
        "",
        *_facts(build, results),
        "",
        _problems(results["problems"]),
        "",
        f"written to {folder}; next: lpxsched check {folder}, simulate, report",
    ]
    return "\n".join(lines)


def _facts(build: Build, results: dict[str, Any]) -> list[str]:
    busiest, share = _busiest_class(build)
    gpu_ns = results["worst_case_ns"] - results["worst_case_without_gpu_ns"]
    start_ns = float(sum(build.segments.waiting_cycles.tolist()) * 1000 / Fraction(build.manifest.clock_mhz))
    rows = [
        ("layout", f"{results['layers']} layers on {results['chips']} chips"),
        (
            "traffic",
            f"{results['vectors']:,} vectors, {results['vector_hops']:,} hops in {results['slots']:,} slots "
            f"on {results['links']:,} links",
        ),
        ("makespan", f"{results['makespan_cycles']:,} cycles = {_us(results['makespan_ns'])} along one token"),
        (
            "bound",
            f"{results['lower_bound_cycles']:,} cycles ({results['bound']}) for these groups; {results['status']}",
        ),
        ("gap", f"{results['gap']:.4f}; with operators taking no time {results['wire_gap']:.4f}"),
        (
            "worst case",
            f"{_us(results['worst_case_ns'])} a token, of which waiting and start-up {_us(start_ns)}, "
            f"GPU and GPU-LPU latency (assumed) {_us(gpu_ns)}",
        ),
        ("busiest", f"{busiest} links, {share:.1%} busy while their layer runs"),
    ]
    return [f"{name:<11}{text}" for name, text in rows]


def _busiest_class(build: Build) -> tuple[str, float]:
    busy = utilisation(build, bins=1)
    group = max(range(len(busy.groups)), key=busy.running_share)
    return busy.groups[group].name, busy.running_share(group)


def _problems(problems: list[dict[str, Any]]) -> str:
    header = ["distinct problem", "chips", "makespan", "bound", "gap", "wires only", "bound", "gap", "status"]
    rows = [
        [
            f"{'layer' if len(problem['layers']) == 1 else 'layers'} {layer_ranges(problem['layers'])}",
            str(problem["chips"]),
            *_figures(problem),
            *_figures(problem["wires"]),
            f"{problem['status']} ({problem['solver']})",
        ]
        for problem in problems
    ]
    return table(header, rows)


def _figures(result: dict[str, Any]) -> list[str]:
    return [f"{result['makespan_cycles']:,}", f"{result['lower_bound_cycles']:,}", f"{result['gap']:.4f}"]


def _us(time_ns: float) -> str:
    return f"{time_ns / 1000:.3f} us"
