"""Which experts the rows of a step meet.

Each of B rows meets k different ones of E experts. With *popularities* p_e, each at most 1 and k in all, expert e meets
a row with probability p_e exactly: of each row the experts are put in random order, and those are taken in whose
stretches of the sum of the popularities the points u, u + 1, .. u + k - 1 lie, u uniform in [0, 1) (systematic
sampling; Madow, Annals of Mathematical Statistics 20, 1949).

*uniform*: all are alike. *skewed*: the popularities fall as a power of the rank, so that the hottest is `SKEW` times
the mean (or 1, where that is less); which expert has which rank is drawn for each layer and step. *adversarial*: as
many rows as can meet the experts of the first chip that holds some, at first each expert one, then one after the other
as many as it may.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.replay.routings import MOST_RUNS, chosen_experts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers
    from lpxsched.verify.replay.routings import Routed

# The hottest expert against the mean, as measured in a window of a served model (AFORE, October 2026).
SKEW = 5.2
HALVINGS = 200


def drawn_experts(routed: Routed, tokens: str, generator: np.random.Generator) -> Integers:
    """Return the experts of each row, all different; shape (rows, k).

    Parameters
    ----------
    routed : Routed
    tokens : str
        ``uniform``, ``skewed`` or ``adversarial``.
    generator : numpy.random.Generator
    """
    if tokens == "adversarial":
        return np.asarray(chosen_experts(routed, MOST_RUNS, np.zeros((0, 0), dtype=np.int64)))
    popular = popularities(routed.choices, routed.experts_per_row, SKEW if tokens == "skewed" else 1.0)
    popular = popular[generator.permutation(routed.choices)]
    order = np.argsort(generator.random((routed.rows, routed.choices)), axis=1)
    points = generator.random((routed.rows, 1)) + np.arange(routed.experts_per_row)
    ends = np.cumsum(popular[order], axis=1)
    place = (ends[:, None, :] <= points[:, :, None]).sum(axis=2)
    return np.take_along_axis(order, np.minimum(place, routed.choices - 1), axis=1)


@lru_cache(maxsize=64)
def popularities(experts: int, per_row: int, skew: float) -> NDArray[np.float64]:
    """Return how often each expert meets a row, the hottest first; they sum to `per_row`, and none exceeds 1.

    Parameters
    ----------
    experts, per_row : int
        E and k.
    skew : float
        The hottest over the mean, before it is cut off at 1.
    """
    ranks = np.arange(1, experts + 1, dtype=np.float64)
    low, high = 0.0, 64.0
    for _ in range(HALVINGS):
        power = (low + high) / 2
        hottest = experts / (ranks**-power).sum()
        low, high = (power, high) if hottest < skew else (low, power)
    falling = ranks**-low
    low, high = 0.0, per_row / falling[-1]
    for _ in range(HALVINGS):
        scale = (low + high) / 2
        low, high = (scale, high) if np.minimum(scale * falling, 1).sum() < per_row else (low, scale)
    popular = np.asarray(np.minimum(high * falling, 1))
    popular.flags.writeable = False
    return popular
