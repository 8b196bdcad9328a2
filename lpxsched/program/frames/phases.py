"""A phase for each layer where taking the earliest one layer after the other leaves none to some of them.

Layers are placed by the fewest phases that are left to them, ties by the most layers that they may meet (the order of
Brelaz, Communications of the ACM 22, 1979), each next to the chain of its neighbours that have a phase. Then single
layers are moved while that makes the chain shorter: a move saves a whole period or nothing, since all waits together
are what the delays leave of whole periods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lpxsched.program.frames.reserved_chain import Integers

    # At which offsets the second layer may begin after the first; None where they share nothing.
    Between = Callable[[int, int], NDArray[np.bool_] | None]

# Sweeps over all layers at most.
SWEEPS = 8


def scarce_phases(delays: Integers, period: int, between: Between) -> Integers | None:
    """Return a phase for each layer, those with the fewest left placed first; None where one has none.

    Parameters
    ----------
    delays : ndarray of int64, shape (layers,)
        D_l.
    period : int
        P.
    between : callable
    """
    layers = len(delays)
    free = np.ones((layers, period), dtype=np.bool_)
    degree = [sum(between(one, other) is not None for other in range(layers) if other != one) for one in range(layers)]
    phases = np.full(layers, -1, dtype=np.int64)
    while (phases < 0).any():
        open_layers = np.flatnonzero(phases < 0).tolist()
        layer = min(open_layers, key=lambda one: (int(free[one].sum()), -degree[one], one))
        if not free[layer].any():
            return None
        phases[layer] = _near(free[layer], phases, delays, layer, period)
        for other in open_layers:
            fits = between(layer, other) if other != layer else None
            if fits is not None:
                free[other] &= np.roll(fits, phases[layer])
    return phases


def swept(phases: Integers, delays: Integers, period: int, between: Between) -> Integers:
    """Return phases with single layers moved as long as that saves a period."""
    phases, layers = phases.copy(), len(phases)
    for _ in range(SWEEPS):
        moved = False
        for layer in range(layers):
            free = np.ones(period, dtype=np.bool_)
            for other in range(layers):
                fits = between(other, layer) if other != layer else None
                if fits is not None:
                    free &= np.roll(fits, phases[other])
            places = np.flatnonzero(free)
            costs = _waits(places, phases, delays, layer, period)
            best = int(costs.argmin())
            if costs[best] < _waits(phases[layer : layer + 1], phases, delays, layer, period)[0]:
                phases[layer], moved = places[best], True
        if not moved:
            break
    return phases


def _waits(places: Integers, phases: Integers, delays: Integers, layer: int, period: int) -> Integers:
    """Return what is waited before and after a layer at each of some places; several in a row may count alike."""
    before, after = layer - 1, (layer + 1) % len(phases)
    if len(phases) == 1:
        return np.zeros_like(places)
    into = (places - phases[before] - delays[before]) % period
    return np.asarray(into + (phases[after] - places - delays[layer]) % period)


def _near(free: NDArray[np.bool_], phases: Integers, delays: Integers, layer: int, period: int) -> int:
    """Return the free phase next after the layer before, or else next before the layer after, else the first."""
    places = np.flatnonzero(free)
    before, after = layer - 1, (layer + 1) % len(phases)
    if phases[before] >= 0:
        return int(places[((places - phases[before] - delays[before]) % period).argmin()])
    if phases[after] >= 0:
        return int(places[((phases[after] - places - delays[layer]) % period).argmin()])
    return int(places[0])
