"""Which chips compute which layer with several micro-batches in flight: the mapping whose quick windows are the best.

Two are laid in flight with schedules of effort 1: the shortest for one micro-batch at a time, whose layers share chips
and are short, and `disjoint`, whose layers are long and run side by side. Of the one that is chosen these schedules are
among what is found in earnest, where they need not be found again (`QuickWindows`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lpxsched.errors import LpxschedError, micro_batches_fit
from lpxsched.program.frames.arranging import InFlight
from lpxsched.program.frames.in_flight import best_of
from lpxsched.program.mapping.choose import as_baseline

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.program.mapping.choose import Laid, Mapping
    from lpxsched.traffic.group import Group

APART = "disjoint"


def mapping_in_flight(mapping: Mapping, lay_quickly: Callable[[tuple[Group, ...]], Laid]) -> Mapping:
    """Return the mapping or `disjoint`, whichever has the best windows; where neither has enough, the most.

    Bounds and steps that a mapping tells are those of one micro-batch at a time, so they are left out.

    Parameters
    ----------
    mapping : Mapping
        The shortest for one micro-batch at a time.
    lay_quickly : callable
        Lays groups in flight at effort 1.
    """
    tried, apart = {mapping.chosen: mapping.groups}, (mapping.baselines or {}).get(APART)
    if apart and not apart.missing:
        tried.setdefault(APART, apart.groups)
    chosen = _best(tried, lay_quickly) if len(tried) > 1 else mapping.chosen
    told = mapping if chosen == mapping.chosen else as_baseline(mapping, chosen)
    return replace(told, baselines=None, bound_cycles=None, family="", packed_optimally=False)


def _best(tried: dict[str, tuple[Group, ...]], lay_quickly: Callable[[tuple[Group, ...]], Laid]) -> str:
    found, fit = dict[str, InFlight](), dict[str, int]()
    for name, groups in tried.items():
        try:
            solved = lay_quickly(groups).solved
        except LpxschedError as error:
            fit[name] = micro_batches_fit(error)
            continue
        assert isinstance(solved, InFlight)
        found[name] = solved
    if not found:
        return max(fit, key=fit.__getitem__)
    best = best_of(list(found.values()))
    return next(name for name, one in found.items() if one is best)
