"""The worked example of reserved windows: 36 layers on 16 trays, up to 300 micro-batches on 100 GPUs.

    uv run python -m benchmarks.reserved_windows

A layer takes 2,387 cycles and holds its tray for 336 of them; hand-over out, attention and hand-over in take 1 to 3 us
each, at 1 GHz. Prints N, N P, and for each kind of delays the longest and the mean step of 8 steps, as reserved and in
order of arrival.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.program.frames.offsets import Held, folded, offsets
from lpxsched.program.frames.reserved_chain import early_chain, free_residues, server_conflicts
from lpxsched.simulation.discipline import Discipline
from lpxsched.simulation.frames import ALL_DELAYS, run_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

LAYERS, TRAYS, PERIOD, LOAD, SEGMENT, LEAST, MOST = 36, 16, 1008, 336, 2387, 1000, 3000
STEPS = 8


def example(micro_batches: int, servers: int) -> Discipline:
    """Return the example with some micro-batches on some GPUs.

    Raises
    ------
    ValueError
        When they do not fit.
    """
    none, held = np.zeros(1, dtype=np.int64), np.full(1, LOAD, dtype=np.int64)
    folds = folded([Held(none, none, held)], PERIOD)
    (fits,) = (None,) if folds is None else offsets(folds, 0, PERIOD)
    if fits is None:
        raise ValueError("a layer holds nothing")

    def allowed(layer: int, phases: dict[int, int]) -> NDArray[np.bool_]:
        free = np.ones(PERIOD, dtype=np.bool_)
        for before in range(layer % TRAYS, layer, TRAYS):
            free &= np.roll(fits, phases[before])
        return free

    chain = early_chain(np.full(LAYERS, SEGMENT + 3 * MOST, dtype=np.int64), PERIOD, allowed)
    if chain is None:
        raise ValueError("layers do not lie beside each other")
    begin = chain.start_cycles + SEGMENT + MOST
    conflicts = server_conflicts(begin, np.full(LAYERS, MOST), chain)
    owned = free_residues(conflicts, [], micro_batches, servers)
    if len(owned) < micro_batches:
        raise ValueError(f"{len(owned)} micro-batches fit, not {micro_batches}")
    residues, of_server = (np.array(column, dtype=np.int64) for column in zip(*owned, strict=True))
    least, most = (np.full((LAYERS, 3), cycles) for cycles in (LEAST, MOST))
    segment = np.full(LAYERS, SEGMENT)
    return Discipline(PERIOD, chain.windows, chain.start_cycles, segment, least, most, residues, of_server)


def main() -> None:
    """Print the table."""
    print("| micro-batches | GPUs | N | N P us | delays | order | late starts | longest step us | mean step us |")
    print("|---:|---:|---:|---:|---|---|---:|---:|---:|")
    for micro_batches, servers in ((8, 8), (32, 16), (300, 100)):
        plan = example(micro_batches, servers)
        for delays in ALL_DELAYS:
            for in_order, order in ((True, "reserved"), (False, "arrival")):
                run = run_frames(plan, delays, steps=STEPS, seed=1, in_order=in_order)
                cells = (micro_batches, servers, plan.windows, f"{plan.step / 1000:.3f}", delays, order, run.late)
                steps = f"{run.worst_step / 1000:.1f} | {run.mean_step / 1000:.1f}"
                print(f"| {' | '.join(map(str, cells))} | {steps} |", flush=True)


if __name__ == "__main__":
    main()
