"""All-gather of chunks on busy links, beside TACOS v1.3.0; families, the same links as a CSV, and chips renumbered."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.collectives.published import published
from benchmarks.collectives.solving import collective_problem, greedy_cycles, solved
from benchmarks.collectives.table import Table, met, number
from benchmarks.collectives.topologies import HOMOGENEOUS, family, quarter_chunks, write_family, write_links

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.options import SolveOptions

CHUNKS = (1, 4)
SEEDS = (1, 2, 3)
# Steps to be proven shortest; the others must not exceed TACOS's.
PROVEN_STEPS = {
    ("torus2d_8x8", 1): 16,
    ("torus2d_8x8", 4): 63,
    ("hyperx_8x8", 1): 5,
    ("hyperx_8x8", 4): 18,
    ("hcube_64", 1): 11,
    ("hcube_64", 4): 42,
    ("circ96_256", 1): 3,
    ("fc_64", 1): 1,
    ("fc_64", 4): 4,
    ("ring_64", 1): 32,
    ("ring_64", 4): 126,
    ("dfly_a4h1g5_20", 1): 5,
    ("dfly_a8h1g8_64", 1): 9,
}


BESIDE_TACOS = ("instance", "chunks", "steps", "bound", "TACOS", "status", "gap", "s", "solver", "TACOS s", "met")
FORMS = ("instance", "chunks", "family", "CSV", "renumbered", "greedy", "met")


def tables(options: SolveOptions) -> Iterator[Table]:
    """Yield the comparison with TACOS, and that of one fabric in its several forms."""
    yield Table("All-gather on busy links, steps of one chunk", BESIDE_TACOS, _beside_tacos(options))
    yield Table("The same links as a family, as a CSV, with chips renumbered; cycles", FORMS, _forms(options))


def _cases() -> Iterator[tuple[str, int, dict[str, object]]]:
    for name in HOMOGENEOUS:
        for chunks in CHUNKS:
            yield name, chunks, family(name) if chunks == 1 else quarter_chunks(name)


def _beside_tacos(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    peers = {(row["instance"], int(row["chunks_per_chip"])): row for row in published("tacos_allgather")}
    for name, chunks, keys in _cases():
        with tempfile.TemporaryDirectory() as folder:
            problem = collective_problem(write_family(Path(folder), keys), "all-gather", chunks)
        ours, peer = solved(problem, options), peers[name, chunks]
        tacos_steps, tacos_seconds = float(peer["tacos_best_steps"]), float(peer["tacos_seconds_per_run"])
        proven = PROVEN_STEPS.get((name, chunks))
        good = met(
            ours.cycles <= (proven or tacos_steps) * ours.hop_cycles,
            proven is None or ours.result.status == "optimal",
            tacos_seconds <= 1 or ours.seconds < tacos_seconds,
        )
        steps, bound = ours.cycles / ours.hop_cycles, ours.result.bound.cycles / ours.hop_cycles
        lengths = (number(steps), number(bound), number(tacos_steps))
        yield name, str(chunks), *lengths, *ours.cells, f"{tacos_seconds:.3f}", good


def _forms(options: SolveOptions) -> Iterator[tuple[str, ...]]:
    for name, chunks, keys in _cases():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            as_family = collective_problem(write_family(folder, keys), "all-gather", chunks)
            as_links = collective_problem(write_links(folder, keys), "all-gather", chunks)
            renumbered = [collective_problem(write_links(folder, keys, seed), "all-gather", chunks) for seed in SEEDS]
        ours, same = (solved(problem, options, warm=False).cycles for problem in (as_family, as_links))
        others = [solved(problem, options, warm=False).cycles for problem in renumbered]
        greedy = greedy_cycles(as_family, options)
        good = met(ours == same, max(others) <= greedy)
        yield name, str(chunks), f"{ours:,}", f"{same:,}", " ".join(f"{n:,}" for n in others), f"{greedy:,}", good
