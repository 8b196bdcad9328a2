"""The base period of layers in flight, and a phase for each of them.

Every layer keeps one timetable; iterations of it, and layers that share a link, a unit or a port with it, are shifts of
that. No period is shorter than the load of a resource. From there on the first is taken at which no timetable meets
itself and the chain finds a phase for each layer beside those before it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.program.frames.offsets import folded, offsets
from lpxsched.program.frames.phases import scarce_phases, swept
from lpxsched.program.frames.reserved_chain import chain_of, early_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from numpy.typing import NDArray

    from lpxsched.program.frames.offsets import Held
    from lpxsched.program.frames.phases import Between
    from lpxsched.program.frames.reserved_chain import ReservedChain
    from lpxsched.program.frames.stages import Stages

# Periods that are tried one by one before steps grow, and by which part they then grow.
FINE_PERIODS, COARSE = 128, 64


def shortest_chain(
    held_at: Callable[[int], Sequence[Held]], keys: Sequence[Hashable], stages: Stages, *, least: int, longest: int
) -> ReservedChain | None:
    """Return the chain with the shortest period found; None where no period up to the longest will do.

    Parameters
    ----------
    held_at : callable
        Given a period, what an iteration of each layer holds.
    keys : sequence of hashable
        Equal for layers that hold the same.
    stages : Stages
    least, longest : int
        Periods before and beyond are not tried.
    """
    for period in _periods(least, longest):
        distinct = dict(zip(keys, held_at(period), strict=True))
        between = between_layers(distinct, keys, period)
        if between is None:
            continue
        delays = stages.delays(period)
        early = early_chain(delays, period, allowed_beside(between, period))
        phases = early.phase_cycles if early else scarce_phases(delays, period, between)
        if phases is not None:
            return chain_of(swept(phases, delays, period, between), delays, period)
    return None


def least_period(held: Sequence[Held], resources: int) -> int:
    """Return the largest load of a resource: no period is shorter."""
    return max(1, int(np.sum([one.loads(resources) for one in held], axis=0).max()))


def _periods(least: int, longest: int) -> Iterator[int]:
    period = least
    while period < longest:
        yield period
        period += 1 if period < least + FINE_PERIODS else max(1, period // COARSE)
    yield longest


def between_layers(distinct: dict[Hashable, Held], keys: Sequence[Hashable], period: int) -> Between | None:
    """Return at which offsets two layers fit beside each other; each pair of keys is correlated once.

    None where iterations of a layer overlap.
    """
    folds = folded(distinct.values(), period)
    if folds is None:
        return None
    numbers = {key: number for number, key in enumerate(distinct)}
    of_layer = [numbers[key] for key in keys]

    @cache
    def fits(one: int) -> list[NDArray[np.bool_] | None]:
        return offsets(folds, one, period)

    def between(one: int, other: int) -> NDArray[np.bool_] | None:
        return fits(of_layer[one])[of_layer[other]]

    return between


def allowed_beside(between: Between, period: int) -> Callable[[int, dict[int, int]], NDArray[np.bool_]]:
    """Return which phases those before a layer leave to it."""

    def allowed(layer: int, phases: dict[int, int]) -> NDArray[np.bool_]:
        free = np.ones(period, dtype=np.bool_)
        for before, phase in phases.items():
            fits = between(before, layer)
            if fits is not None:
                free &= np.roll(fits, phase)
        return free

    return allowed
