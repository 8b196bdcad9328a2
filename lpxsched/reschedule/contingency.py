"""Every single failed link of a class: what the timetable round it takes, and which cannot be made.

A link that carries no row, and along which no chip has to take its counter, needs no other timetable. Of links that a
symmetry carries into each other, and from which no counter hangs alone, one stands for all (`alike`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lpxsched.clocks.tree import needs_alignment
from lpxsched.errors import InfeasibleError, InputError, NothingFoundError
from lpxsched.files.near import did_you_mean
from lpxsched.reschedule.alike import alike_links
from lpxsched.simulation.manifest import read_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build

    Repair = Callable[[Build, Fabric], tuple[Build, dict[str, Any]]]


def links_of_class(fabric: Fabric, name: str) -> Integers:
    """Return the links of a class that are up.

    Raises
    ------
    InputError
        When there are none.
    """
    numbers = [number for number, one in enumerate(fabric.link_classes) if one.name == name]
    links = np.flatnonzero(fabric.link_up & np.isin(fabric.link_class, numbers))
    if not len(links):
        known = {fabric.link_classes[number].name for number in np.unique(fabric.link_class[fabric.link_up])}
        remedy = did_you_mean(name, sorted(known), "classes of links that are")
        raise InputError("--contingency", f"there is no link of class {name} that is up; {remedy}")
    return links


def contingency(
    build: Build, fabric: Fabric, name: str, repair: Repair, told: Callable[[str, int, int], None]
) -> dict[str, Any]:
    """Return what the failures of single links of a class come to.

    Parameters
    ----------
    build : Build
    fabric : Fabric
        What is left of its fabric before such a failure.
    name : str
        The class.
    repair : callable
        Makes a timetable on a fabric.
    told : callable
        Told how many links are done.

    Raises
    ------
    InputError
        When there are no such links.
    """
    links = links_of_class(fabric, name)
    standing = _standing(build, fabric, repair)
    idle = np.zeros(fabric.links, dtype=np.bool_) if standing is None else idle_links(standing[0], fabric)
    # What stands alone has a number of its own.
    alike = np.where(_alone(build, fabric), -1 - np.arange(fabric.links), alike_links(build, fabric))
    known: dict[int, _Repaired] = {}
    found: list[tuple[int, _Repaired]] = []
    for place, link in enumerate(links.tolist()):
        if standing is not None and idle[link]:
            found.append((link, _Repaired(link, *_changed(*standing))))
        else:
            first = int(alike[link])
            if first not in known:
                known[first] = _without(build, fabric, link, repair)
            found.append((link, known[first]))
        told("links", place + 1, len(links))
    counts = {"failures": len(links), "idle": int(idle[links].sum()), "solved": len(known)}
    return _told(name, fabric, found) | counts


class _Repaired(NamedTuple):
    """What came of a failure: makespan, rows moved or dropped and whether they are the fewest, or why nothing did.

    `link` is the one that was tried.
    """

    link: int
    makespan_cycles: int = 0
    rows: int = 0
    fewest: bool = False
    error: InfeasibleError | NothingFoundError | None = None


def _without(build: Build, fabric: Fabric, link: int, repair: Repair) -> _Repaired:
    """Return what comes of the failure of a link."""
    down = fabric.link_down.copy()
    down[link] = True
    try:
        return _Repaired(link, *_changed(*repair(build, replace(fabric, link_down=down))))
    except (InfeasibleError, NothingFoundError) as error:
        return _Repaired(link, error=error)


def _told(name: str, fabric: Fabric, found: list[tuple[int, _Repaired]]) -> dict[str, Any]:
    made = [(link, one) for link, one in found if one.error is None]
    causes = [_cause(fabric, link, one) for link, one in found if one.error is not None]
    # The first of equal ones.
    worst = max(made, key=lambda one: one[1].makespan_cycles) if made else None
    return {
        "link_class": name,
        "made": len(made),
        "worst_makespan_cycles": worst and worst[1].makespan_cycles,
        "worst_link": worst and _ends(fabric, worst[0]),
        "most_rows_changed": max((one.rows for _, one in made), default=None),
        "rows_optimal": sum(one.fewest for _, one in made),
        "not_made": len(causes),
        "infeasible": sum(one["infeasible"] for one in causes),
        "causes": causes,
    }


def _cause(fabric: Fabric, link: int, one: _Repaired) -> dict[str, Any]:
    """Return why nothing came of a failure, of a link like another with the name of that."""
    source, destination, lane = _ends(fabric, one.link)
    like = f"as without {source} -> {destination}, lane {lane}: " if one.link != link else ""
    infeasible = isinstance(one.error, InfeasibleError)
    return {"link": _ends(fabric, link), "infeasible": infeasible, "cause": f"{like}{one.error}"}


def idle_links(build: Build, fabric: Fabric) -> Flags:
    """Return the links that a build can lose and stay as it is: no row is on them, no counter hangs from them alone.

    Parameters
    ----------
    build : Build
    fabric : Fabric
        What is up.
    """
    return np.isin(np.arange(fabric.links), build.slots.link, invert=True) & ~_alone(build, fabric)


def _alone(build: Build, fabric: Fabric) -> Flags:
    """Return the links from which alone a counter hangs: another failure never comes to the same."""
    if not needs_alignment(read_clock(build)):
        return np.zeros(fabric.links, dtype=np.bool_)
    pair = fabric.source * fabric.nodes + fabric.destination
    lanes = np.bincount(pair[fabric.link_up], minlength=fabric.nodes**2)[pair]
    return np.asarray((build.chips.hac_parent[fabric.destination] == fabric.source) & (lanes <= 1))


def _standing(build: Build, fabric: Fabric, repair: Repair) -> tuple[Build, dict[str, Any]] | None:
    """Return the timetable that stands when no link of the class fails, and what changed for it; None without one."""
    if np.array_equal(fabric.link_down, build.links.down) and np.array_equal(fabric.node_down, build.chips.down):
        return build, {"rows_moved": 0, "rows_dropped": 0, "rows_status": "optimal"}
    try:
        return repair(build, fabric)
    except (InfeasibleError, NothingFoundError):
        return None


def _changed(after: Build, changed: dict[str, Any]) -> tuple[int, int, bool]:
    """Return the makespan, how many rows were moved or dropped, and whether these are proved the fewest."""
    rows = int(changed["rows_moved"] + changed["rows_dropped"])
    return int(after.segments.makespan_cycles.sum()), rows, changed["rows_status"] == "optimal"


def _ends(fabric: Fabric, link: int) -> list[int]:
    return [int(column[link]) for column in (fabric.source, fabric.destination, fabric.lane)]
