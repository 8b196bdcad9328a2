"""What a step of a model takes, in three parts: proved, assumed, and what no part contains.

*Proved* is the timetable, its clocks and the waiting for it. *Assumed* is the time outside of the fabric, each number
with the range in which it may lie. A step is all layers once, one token a user without drafts. Nothing that contains
an assumed number is a bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lpxsched.units import ceil_cycles, exact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

# In the order in which they are told; `results` of a manifest holds all or none of them.
HEADLINE = (
    "proved_ns",
    "proved_worst_ns",
    "assumed_ns",
    "assumed_low_ns",
    "assumed_high_ns",
    "not_modelled",
    "step_ns",
    "step_high_ns",
    "tokens_per_s_per_user",
    "tokens_per_s_per_user_low",
    "tokens_per_s",
)
ATTENTION = "attention on the GPU"
NEVER_MODELLED = ("embedding", "LM head", "sampling", "queueing before the machine", "drafter (speculation)")
FLAGS = "flag vectors of polling in the timetable (their load is in the waiting)"


class Ranged(NamedTuple):
    """A number with the least and the largest that it may be in truth."""

    value: Fraction
    low: Fraction
    high: Fraction


def ranged(tagged: Mapping[str, Any]) -> Ranged:
    """Return a number of a file's data with its range; without one it is taken to be what it is."""
    value = exact(tagged["value"])
    low, high = tagged.get("range") or (tagged["value"], tagged["value"])
    return Ranged(value, exact(low), exact(high))


def headline_results(
    *,
    proved_ns: Fraction,
    proved_worst_ns: Fraction,
    layers: int,
    batch: int,
    gpu_ns: float,
    hand_over_ns: Ranged,
    polled: bool,
) -> dict[str, Any]:
    """Return the keys of `HEADLINE`; times in ns, rounded up to a picosecond.

    Parameters
    ----------
    proved_ns, proved_worst_ns : Fraction
        Of one step on perfect clocks without waiting, and of the longest within the specification.
    layers, batch : int
    gpu_ns : float
        Time of one layer's attention, in ns; as it is, without a range.
    hand_over_ns : Ranged
        One way between GPU and host, in ns.
    polled : bool
        Whether chips poll for rows.
    """
    proved, worst = picoseconds_up(proved_ns), picoseconds_up(proved_worst_ns)
    assumed, low, high = (picoseconds_up(layers * (exact(gpu_ns) + 2 * way)) for way in hand_over_ns)
    step, step_high = exact(proved) + exact(assumed), exact(worst) + exact(high)
    told = (proved, worst, assumed, low, high, not_modelled(gpu_ns, polled=polled), float(step), float(step_high))
    rates = (_thousandths_down(10**9 / step), _thousandths_down(10**9 / step_high))
    return dict(zip(HEADLINE, (*told, *rates, _thousandths_down(batch * 10**9 / step)), strict=True))


def not_modelled(gpu_ns: float, *, polled: bool) -> list[str]:
    """Return what neither part of a step contains."""
    attention = () if gpu_ns else (f"{ATTENTION} (--gpu-ns is 0)",)
    return [*attention, *NEVER_MODELLED, *((FLAGS,) if polled else ())]


def picoseconds_up(time_ns: Fraction) -> float:
    """Return a time rounded up to a picosecond: a bound must not lose anything to rounding."""
    return ceil_cycles(time_ns * 1000) / 1000


def _thousandths_down(rate: Fraction) -> float:
    return int(rate * 1000) / 1000
