"""How much later than the clocks demand each vector is read: slack of slots, by the class of their link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.bound.slack import slacks_cycles
from lpxsched.simulation.limits import Limits
from lpxsched.simulation.manifest import read_clock, read_clock_mhz
from lpxsched.simulation.timeline import read_timeline, slots_to_chips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.timetable.build import Build


@dataclass(frozen=True, slots=True, eq=False)
class Slack:
    """Slack of the slots on links of one class, while clocks are as bad as their specification allows.

    Attributes
    ----------
    link_class : str
    cycles : ndarray of float64, shape (slots,)
        In order, the least first.
    tightest_link : int
        Link of the slot with the least.
    """

    link_class: str
    cycles: NDArray[np.float64]
    tightest_link: int


def slack_by_class(build: Build) -> tuple[Slack, ...] | str:
    """Return the slack by class, or why there is none to tell."""
    try:
        clock = read_clock(build)
        limits = Limits.of(clock, read_clock_mhz(build), in_hop=build.manifest.guard_in_hop)
        alignment = read_alignment(build, clock.shared_by.value)
        timeline = read_timeline(build, alignment, limits, slots_to_chips(build))
    except InputError as error:
        return error.problem
    slack = slacks_cycles(timeline, limits).min(axis=0)
    classes = build.links.link_class[timeline.link]
    found = []
    for name in dict.fromkeys(build.links.link_class.tolist()):
        rows = np.flatnonzero(classes == name)
        if len(rows):
            order = rows[np.argsort(slack[rows], kind="stable")]
            found.append(Slack(name, slack[order], int(timeline.link[order[0]])))
    return tuple(found)
