"""Frames that repeat, as the tables tell them, and the gaps in which their chips deskew.

Near the bound of a period no cycle is free for all chips. So some windows are owned by nobody: the frame drains and
deskews there. Segment l of a frame begins at phi_l + i P and has ended r_l cycles later. Where g windows in a row are
left out in all its segments, with

    (g + 1) P >= max (phi_l + r_l) - min phi_l + 1 + s,

a deskew of s cycles fits before the first window after them. Windows number j .. j + g - 1 of layer l belong to the
residues from j - k_l on, where k_l is the number of the window that residue 0 owns. All frames place their gaps by the
same residues of their first layers, so that few residues are lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.program.frames.reserved_chain import Integers, ReservedChain


@dataclass(frozen=True, slots=True)
class Frame:
    """What repeats.

    Attributes
    ----------
    period_cycles : int
        P.
    windows : int
        N, after which gaps come again.
    gaps : tuple of int
        Numbers of the windows that are left out, in order.
    deskews : tuple of (int, int)
        Frame time and stall of each deskew.
    bound_cycles : int
        No period is shorter.
    every_periods : int
        Deskews come again after so many periods.
    """

    period_cycles: int
    windows: int
    gaps: tuple[int, ...] = ()
    deskews: tuple[tuple[int, int], ...] = ()
    bound_cycles: int = 1
    every_periods: int = 1


def drained(
    chain: ReservedChain, layers: Sequence[int], runs: Integers, *, stall_cycles: int, times: int, bound_cycles: int
) -> Frame:
    """Return the frame of some layers, which deskews some times in N P at distances as equal as can be.

    Parameters
    ----------
    chain : ReservedChain
    layers : sequence of int
        Those that share chips, the first one first.
    runs : ndarray of int64, shape (all layers,)
        From the time zero of an iteration until nothing of it goes on.
    stall_cycles : int
        Of each deskew.
    times : int
        Deskews in N P; 0 on clocks that need none.
    bound_cycles : int
    """
    period, windows, members = chain.period_cycles, chain.windows, np.array(layers)
    phases, first = chain.phase_cycles[members], int(chain.numbers[members[0]])
    left_out = gap_windows(chain, layers, runs, stall_cycles)
    gaps: set[int] = set()
    deskews = []
    for residue in spread(windows, times):
        begin = first + residue
        gaps |= {(begin + number) % windows for number in range(left_out)}
        ends = int(phases.min()) + (begin + left_out) * period
        deskews.append(((ends - stall_cycles) % chain.step_cycles, stall_cycles))
    return Frame(period, windows, tuple(sorted(gaps)), tuple(sorted(deskews)), bound_cycles, every_periods=windows)


def gap_windows(chain: ReservedChain, layers: Sequence[int], runs: Integers, stall_cycles: int) -> int:
    """Return how many windows in a row a frame leaves out for a deskew."""
    members = np.array(layers)
    phases = chain.phase_cycles[members]
    drains = int((phases + runs[members]).max() - phases.min()) + 1 + stall_cycles
    return max(0, ceil_div(drains, chain.period_cycles) - 1)


def lost_residues(chain: ReservedChain, frames: Sequence[tuple[Frame, Sequence[int]]]) -> list[int]:
    """Return residues of which some window is a gap, given frames with their layers."""
    lost: set[int] = set()
    for frame, layers in frames:
        for layer in layers:
            number = int(chain.numbers[layer])
            lost |= {(gap - number) % chain.windows for gap in frame.gaps}
    return sorted(lost)


def spread(windows: int, times: int) -> list[int]:
    """Return so many numbers of windows, spread evenly."""
    return [number * windows // times for number in range(times)]
