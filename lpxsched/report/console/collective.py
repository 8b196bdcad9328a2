"""What ``lpxsched collective`` tells a person when it is done."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lpxsched.report.formats import clocks_named
from lpxsched.report.text_table import named_rows
from lpxsched.units import counted, cycles_to_ns

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def collective_text(build: Build, measured: dict[str, Any]) -> str:
    """Return the summary of a collective's build as text.

    Parameters
    ----------
    build : Build
    measured : dict
        ``seconds``, ``solve_seconds``, ``verified``, and ``output``: the folder as the user named it, or None.
    """
    results, group = build.manifest.results, build.graph.groups[0]
    relays = f", {len(group.relays)} more may relay" if group.relays else ""
    title = (
        f"{results['kind']}, --vectors {build.manifest.options['vectors']}, on {counted(results['chips'], 'chip')} of "
        f"{results['topology']}{relays}; {measured['seconds']:.1f} s"
    )
    lines = [title, "", named_rows(_facts(build, measured), width=11)]
    if measured["output"]:
        lines += ["", f"written to {measured['output']}; next: lpxsched check {measured['output']}"]
    return "\n".join(lines)


def bandwidth(build: Build) -> tuple[str, Fraction, int]:
    """Return how fast a collective moves its tensor.

    Of an all-reduce the bus bandwidth 2 (P-1)/P S/T, else (P-1)/P S/T: P chips, S bytes of the whole tensor (of an
    all-to-all, of the tensor of one chip), T the makespan, or the period of a timetable that repeats.

    Returns
    -------
    formula : str
    bytes_per_ns : Fraction
        GB/s.
    tensor_bytes : int
        S.
    """
    results, tensor = build.manifest.results, build.graph.tensors[0]
    chips, tensor_bytes = results["chips"], tensor.vectors * tensor.row_bytes
    factor = 2 if results["kind"] == "all-reduce" else 1
    time_ns = cycles_to_ns(max(1, _length_cycles(results)), Fraction(build.manifest.clock_mhz))
    formula = f"{'2 ' if factor == 2 else ''}(P-1)/P S/T"
    return formula, factor * Fraction(chips - 1, chips) * tensor_bytes / time_ns, tensor_bytes


def _length_cycles(results: dict[str, Any]) -> int:
    """Return what was made short: the period of a timetable that repeats, else the makespan."""
    return int(results.get("period_cycles", results["makespan_cycles"]))


def _facts(build: Build, measured: dict[str, Any]) -> list[tuple[str, str]]:
    results = build.manifest.results
    formula, bytes_per_ns, tensor_bytes = bandwidth(build)
    return [
        *_lengths(build),
        ("solver", f"{results['solver']}, {measured['solve_seconds']:.1f} s"),
        (
            "traffic",
            f"{counted(results['vectors'], 'vector')}, {counted(results['vector_hops'], 'hop')} in "
            f"{counted(results['slots'], 'slot')} on {counted(results['links'], 'link')}",
        ),
        (
            "bandwidth",
            f"{float(bytes_per_ns):,.2f} GB/s = {formula}, S = {counted(tensor_bytes, 'byte')} of {_whole(results)}",
        ),
        ("rules", "all hold" if measured["verified"] else "not checked"),
    ]


def _lengths(build: Build) -> list[tuple[str, str]]:
    """Return makespan and worst case, of what repeats the period too, beside the bound of what was made short."""
    results = build.manifest.results
    of = " of the period" if "period_cycles" in results else ""
    bound = ("bound", f"{_bound(results, '')}{of}")
    gap = ("gap", f"{results['gap']:.4f}{of}; {results['status']}")
    makespan = _time(build, results["makespan_cycles"])
    if not of:
        return [("makespan", makespan), _worst(build), bound, gap]
    iteration = ("makespan", f"{makespan} of one iteration, for a bound of {_bound(results, 'makespan_')}")
    return [("period", _time(build, results["period_cycles"])), bound, gap, iteration, _worst(build)]


def _bound(results: dict[str, Any], of: str) -> str:
    return f"{counted(results[f'{of}lower_bound_cycles'], 'cycle')} ({results[f'{of}bound']})"


def _worst(build: Build) -> tuple[str, str]:
    """Return how long it takes at most, and how much of that may pass before it starts."""
    worst_ns, clock = build.manifest.results["proved_worst_ns"], build.manifest.clock["name"]
    waiting_ns = cycles_to_ns(int(build.segments.waiting_cycles.sum()), Fraction(build.manifest.clock_mhz))
    return "worst", f"{worst_ns:,.1f} ns on {clocks_named(clock)}, of it waiting {float(waiting_ns):,.1f} ns"


def _whole(results: dict[str, Any]) -> str:
    return "one chip's tensor" if results["kind"] == "all-to-all" else "the whole tensor"


def _time(build: Build, cycles: int) -> str:
    return f"{counted(cycles, 'cycle')} = {float(cycles_to_ns(cycles, Fraction(build.manifest.clock_mhz))):,.1f} ns"
