"""Sums that are made beside their reader: it sends its own summand, and is sent the sum.

Where all of a block comes to its reader over one neighbour that adds already, that neighbour may as well add the
reader's summand too. The way back is idle, and the reader is spared a sum: its time at the end, and its vector unit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.plan import Plan, copy_plan, joined, sum_plan
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.symmetry.quotient import Quotient, Ways


def beside_plan(problem: Quotient, ways: Ways) -> Plan:
    """Return the plan of sums along trees of the reversed problem, made beside the reader wherever that can be.

    Parameters
    ----------
    problem : Quotient
        The problem with its own bundles, not the reversed ones.
    ways : Ways
        Trees, every bundle used against its direction.
    """
    network, blocks, bundle = problem.instance.network, ways.blocks, ways.bundle.copy()
    moved = _moved(problem, ways)
    last = bundle[moved]
    bundle[moved] = _back(problem)[last]
    place = blocks.source.copy()
    place[ways.block[moved]] = network.source[last]
    made = replace(blocks, source=place, target=blocks.source)
    sums = sum_plan(problem, made, ways.block, bundle)
    # What comes last when time runs backwards is sent first.
    return joined(sums, copy_plan(problem, made, ways.block[moved][::-1], last[::-1]))


def _moved(problem: Quotient, ways: Ways) -> Integers:
    """Return the slots that alone bring a block to its reader, and might bring its sum instead."""
    network = problem.instance.network
    into = np.flatnonzero(network.destination[ways.bundle] == ways.blocks.source[ways.block])
    arriving = np.bincount(ways.block[into], minlength=len(ways.blocks))
    before = ways.block[into] * network.nodes + network.source[ways.bundle[into]]
    adds = np.isin(before, ways.block * network.nodes + network.destination[ways.bundle])
    moves = (arriving[ways.block[into]] == 1) & adds & (_back(problem)[ways.bundle[into]] >= 0)
    return np.asarray(into[moves], dtype=np.int64)


def _back(problem: Quotient) -> Integers:
    """Return a bundle the other way round for each bundle, `NONE` where there is none."""
    network = problem.instance.network
    ends = network.source * network.nodes + network.destination
    wanted = network.destination * network.nodes + network.source
    found = np.minimum(np.searchsorted(ends, wanted), len(ends) - 1)
    return np.where(ends[found] == wanted, found, NONE).astype(np.int64)
