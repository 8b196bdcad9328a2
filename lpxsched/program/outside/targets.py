"""How slow the way to the GPUs, and how long a context, may be for a number of tokens a second, and published formulas.

A step is linear in the one-way time, which every visit pays twice, and beyond the longest window in the context. The
formulas (NVIDIA aiconfigurator, 2026, and its four lanes of Hot Chips 2026) take one pool of chips for all layers and
no wait for any window: m micro-batches of L layers take

    t_a + t_a2f + t_f + t_f2a + cycle (m L - 1),

with t_a on GPUs, t_f on the chips and two hand-overs a layer, and a cycle by how many of them overlap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from fractions import Fraction

    from lpxsched.program.outside.micro_batch import Outside

TARGETS = (400, 1000, 3500)
# Of the published formulas, the one without any overlap first.
FORMULAS = ("serial", "K = 2", "K = 3", "K = 4")


def largest_one_way_ns(outside: Outside, step_ns: Fraction, allowed_ns: Fraction) -> Fraction | None:
    """Return the largest one-way time with which a step takes no longer than is allowed; None where none does."""
    one_way = outside.handover.one_way_ns.value + (allowed_ns - step_ns) / (2 * len(outside.visits))
    return one_way if one_way >= 0 else None


def largest_context(outside: Outside, step_ns: Fraction, allowed_ns: Fraction) -> int | None:
    """Return the largest context with which a step takes no longer than is allowed.

    None where no context does, where none is too long, and where it would be shorter than the longest window.
    """
    if not outside.row_ns:
        return None
    context = outside.context + int((allowed_ns - step_ns) // outside.row_ns)
    return context if context >= max(1, outside.longest_window) else None


def published_steps_ns(outside: Outside, proved_ns: Fraction, micro_batches: int) -> dict[str, Fraction | None]:
    """Return what the published formulas make of a step of all micro-batches; None where they need more of them.

    Parameters
    ----------
    outside : Outside
    proved_ns : Fraction
        Of all layers on the chips.
    micro_batches : int
    """
    layers = len(outside.visits)
    on_gpus, on_chips = outside.attention_ns.value / layers, proved_ns / layers
    into, out = (sum(getattr(visit, side).value for visit in outside.visits) / layers for side in ("into", "out"))
    once, both = on_gpus + on_chips + into + out, into + out
    three = max(on_gpus, on_chips, both)
    cycles = (
        (once, 1),
        (max(on_gpus + into, on_chips + out), 2),
        (three, 2 + ceil_div(both.numerator * three.denominator, both.denominator * three.numerator)),
        (max(on_gpus, on_chips, into, out), 4),
    )
    return {
        name: once + cycle * (micro_batches * layers - 1) if micro_batches >= needed else None
        for name, (cycle, needed) in zip(FORMULAS, cycles, strict=True)
    }
